"""The crates that were compiled into the modules, with their licences, as cargo said it in the build's log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from debgen.review.document import Block, Mark, Para, Section, Table, counted

#: Logs of many crates are large; what cargo runs is said all over them.
_MOST_BYTES = 256 << 20
_RUN = re.compile(r"^ *Running `(?:env )?CARGO=", re.MULTILINE)
_QUOTED = r"(?:'(?:[^']|'\\'')*'|[^\s']\S*)"
_FACTS = re.compile(
    rf" CARGO_PKG_LICENSE=({_QUOTED})?(?: CARGO_PKG_LICENSE_FILE=({_QUOTED})?)? CARGO_PKG_NAME=(\S+) "
    r"(?:.*? )?CARGO_PKG_VERSION=(\S+) ",
    re.DOTALL,
)
_COPYLEFT = re.compile(r"\b(?:A?GPL|LGPL|EUPL|CDDL|SSPL|CC-BY-(?:NC|ND))")
_NO_MODULE = ("build_script_build", "build_script_main")


@dataclass(frozen=True, order=True)
class Compiled:
    """A crate that was compiled: ``licence`` is what its Cargo.toml says, an SPDX expression or a file's name."""

    licence: str
    name: str
    version: str


def compiled(log: Path) -> tuple[Compiled, ...]:
    """The crates of a build's log, sorted by licence; none where nothing was compiled by cargo, or no log is there.

    Those that only build scripts and macros take are among them: the log doesn't tell them apart.
    """
    try:
        with log.open("rb") as stream:
            text = stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(sorted(set(_read(text))))


def _read(text: str) -> Iterator[Compiled]:
    starts = [found.start() for found in _RUN.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        command = text[start : min(end, start + 20_000)]
        crate = re.search(r" CARGO_CRATE_NAME=(\S+)", command)
        facts = _FACTS.search(command)
        if crate and facts and crate[1] not in _NO_MODULE:
            licence = _plain(facts[1]) or (f"see {_plain(facts[2])}" if _plain(facts[2]) else "")
            yield Compiled(licence, _plain(facts[3]), _plain(facts[4]))


def _plain(quoted: str | None) -> str:
    return (quoted or "").removeprefix("'").removesuffix("'").replace(r"'\''", "'")


def wants_a_look(licence: str) -> bool:
    """Whether a human should look at what a crate's licence asks of the whole: none is named, or only copyleft ones."""
    if not licence or licence.startswith("see "):
        return True
    ways = re.split(r" OR |/", licence)
    return all(_COPYLEFT.search(way) for way in ways)


def crates(log: Path | None) -> tuple[Section, ...]:
    """The section on crates; nothing for a package without any."""
    found = compiled(log) if log else ()
    if not found:
        return ()
    licences = dict.fromkeys(crate.licence for crate in found)
    rows = tuple(
        (licence or "none named", str(len(of)), ", ".join(f"{crate.name} {crate.version}" for crate in of))
        for licence in licences
        if (of := [crate for crate in found if crate.licence == licence])
    )
    odd = [licence for licence in licences if wants_a_look(licence)]
    blocks: list[Block] = [
        Para(
            "Rust modules hold the crates that they are made of. Static-Built-Using names their source packages, and "
            "Built-Using those whose licence wants the source kept. Crates of macros and build scripts are here too."
        ),
        Table("Licences of the crates, as their own Cargo.toml says", ("Licence", "how many", "crates"), rows),
    ]
    words = f"{counted(len(found), 'crate')} under {counted(len(rows), 'licence')}"
    if odd:
        words += f"; to look at: {', '.join(licence or 'none named' for licence in odd)}"
    return (Section("crates", "Crates", Mark.LOOK if odd else Mark.GOOD, words, tuple(blocks)),)
