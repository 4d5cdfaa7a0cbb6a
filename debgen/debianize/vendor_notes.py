"""What a source package with vendored crates says of them, in README.source, debian/watch and to the human."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from debgen.upstream.vendored import FOLDER, VendoredCrate

_WIDTH = 76


def readme_text(crates: Sequence[VendoredCrate]) -> str:
    """The part of README.source (policy 4.14) on them; empty where there are none."""
    if not crates:
        return ""
    paragraphs = [
        f"This package is not meant for the Debian archive as it is: {_names(crates)} {_is(crates)} part of this "
        "source, where the archive has every crate in a package of its own, made by the Rust team. Before an upload, "
        f"{_packages(crates)} {_is(crates)} to be packaged, and built with instead.",
        f"What is vendored lies in {FOLDER}/, and is a tarball of its own, SOURCE_VERSION.orig-{FOLDER}.tar.*, that "
        "has the files that Cargo would publish. debian/rules adds it to the registry that Cargo builds from, and "
        "debian/copyright has its licences.",
    ]
    for crate in crates:
        where = f"the folder {crate.path} of " if crate.path not in ("", ".") else ""
        text = (
            f"{crate.folder}: the crate {crate.crate} {crate.version}, from {where}{crate.sdist}, the source "
            f"of {crate.source} on PyPI."
        )
        if crate.changed:
            text += " What its Cargo.toml had from elsewhere in that source is written out."
        text += f" {_sentence(crate.reason)}"
        paragraphs += [text, f"SHA-256 of that file:\n{crate.sha256}"]
    return "\n\n".join(map(_filled, paragraphs)) + "\n"


def watch_comment(crates: Sequence[VendoredCrate]) -> str:
    """A comment for debian/watch, which can't tell what belongs to the component; empty where there are none."""
    if not crates:
        return ""
    sources = sorted({f"{crate.crate} from {crate.source}" for crate in crates})
    text = f"The component {FOLDER} ({', '.join(sources)}) is not watched: see README.source."
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, _WIDTH))


def notes_on(crates: Sequence[VendoredCrate]) -> tuple[str, ...]:
    """A line on each for the human."""
    return tuple(
        f"not for the archive: the crate {crate.crate} {crate.version} of {crate.source} is vendored, as no package "
        f"has it; librust-{_debian(crate.crate)}-dev is to be packaged first"
        for crate in crates
    )


def _names(crates: Sequence[VendoredCrate]) -> str:
    names = [crate.crate for crate in crates]
    return f"the crate {names[0]}" if len(names) == 1 else f"the crates {', '.join(names[:-1])} and {names[-1]}"


def _packages(crates: Sequence[VendoredCrate]) -> str:
    return ", ".join(f"librust-{_debian(crate.crate)}-dev" for crate in crates)


def _is(crates: Sequence[VendoredCrate]) -> str:
    return "is" if len(crates) == 1 else "are"


def _debian(crate: str) -> str:
    return crate.replace("_", "-").lower()


def _sentence(reason: str) -> str:
    text = " ".join(reason.split())
    return text if re.search(r"[.!?]$", text) else f"{text}."


def _filled(paragraph: str) -> str:
    lines = paragraph.split("\n")
    return "\n".join(textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False) for line in lines)
