"""What apt says where packages can't be installed, read from its output in English.

Two forms are known: apt's old list of unmet dependencies, and the two conflicting decisions (later: assignments)
of the solver that apt has from version 3 on. Both may be in one output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REQUEST = "satisfy:command-line"
"""The package that apt makes up for what ``apt-get satisfy`` is asked for."""

_LIST = "The following packages have unmet dependencies:"
_SOLVER = re.compile(r"Unable to satisfy dependencies\. Reached two conflicting \w+:")
_FIELDS = {"PreDepends": "Pre-Depends"}
_FIRST = re.compile(r" (\S+) : (\w+): (.+)")
_NEXT = re.compile(r" {3,}([A-Z]\w+): (.+)")
_OTHER = re.compile(r" {3,}(\S.*)")
_NOTE = re.compile(r" but (?:it|.+) is .+?(?= or$|$)")
_STEP = re.compile(r"\s*(?:\d+\.|-) (\S+?)(?::[a-z0-9-]+)?(?:=\S+)? (PreDepends|Depends|Conflicts|Breaks) (.+)")
_STRICT = re.compile(r"\(([<>]) ")


@dataclass(frozen=True)
class Unmet:
    """A clause of ``package`` that apt can't satisfy, in control files' notation.

    ``said`` is apt's remark on it, the clause included.
    """

    package: str
    field: str
    clause: str
    said: str


@dataclass(frozen=True)
class AptSays:
    """apt's unmet dependencies, and the account that its newer solver gives (its lines, without indentation).

    ``steps`` are the relations of that account, in its order: what brings a package in, and what forbids it.
    """

    unmet: tuple[Unmet, ...]
    account: tuple[str, ...]
    steps: tuple[Unmet, ...]


def read_output(output: str) -> AptSays | None:
    """What a failed run of apt-get says of dependencies; None where it failed for another reason."""
    unmet: list[Unmet] = []
    account: list[str] = []
    section = ""
    for line in output.splitlines():
        if line.startswith(_LIST):
            section = "list"
        elif _SOLVER.search(line):
            section = "solver"
            account.append(_SOLVER.search(line)[0])  # type: ignore[index]
        elif line.startswith(("E:", "W:", "N:")):
            section = ""
        elif section == "list":
            _read_line(line, unmet)
        elif section == "solver" and line.strip():
            account.append(line.strip())
    if not unmet and not account:
        return None
    return AptSays(tuple(unmet), tuple(account), tuple(step for line in account if (step := _step(line))))


def _read_line(line: str, unmet: list[Unmet]) -> None:
    """Add a line of the list: a package's first clause, its next one, or one more alternative of the last."""
    if found := _FIRST.fullmatch(line):
        unmet.append(_unmet(found[1], found[2], found[3]))
    elif unmet and (found := _NEXT.fullmatch(line)):
        unmet.append(_unmet(unmet[-1].package, found[1], found[2]))
    elif unmet and (found := _OTHER.fullmatch(line)):
        last = unmet[-1]
        more = _unmet(last.package, last.field, found[1])
        unmet[-1] = Unmet(last.package, last.field, f"{last.clause} | {more.clause}", f"{last.said} {more.said}")


def _unmet(package: str, field: str, said: str) -> Unmet:
    clause = _NOTE.sub("", said).removesuffix(" or")
    return Unmet(_bare(package), _FIELDS.get(field, field), _control(clause), said)


def _step(line: str) -> Unmet | None:
    found = _STEP.fullmatch(line)
    if not found:
        return None
    clause = _control(found[3])
    return Unmet(_bare(found[1]), _FIELDS.get(found[2], found[2]), clause, clause)


def _bare(package: str) -> str:
    """The name without its architecture."""
    return package if package == REQUEST else package.partition(":")[0]


def _control(clause: str) -> str:
    """Apt writes ``<`` where control files have ``<<``."""
    return _STRICT.sub(r"(\1\1 ", clause).strip()
