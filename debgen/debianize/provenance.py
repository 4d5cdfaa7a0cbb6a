"""Why each line of debian/ is there: what caused it, and whether a rule, a fact or a human decided.

The functions that decide say it; :mod:`debgen.debianize.reasons` finds the lines. A reviewer reads it beside the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

SCHEMA = 1


class Origin(Enum):
    """Who or what decided."""

    FACT = "fact"
    """A fact of the sdist or of the archive, by which the generator chose."""
    RULE = "rule"
    """Policy, or what the suite's tools ask of every package."""
    RECIPE = "recipe"
    """A human, in a recipe, with a reason."""


@dataclass(frozen=True)
class Cause:
    """What caused a line: one sentence, with the file and line of the sdist where a fact stands there."""

    text: str
    origin: Origin = Origin.FACT


@dataclass(frozen=True)
class Why:
    """The reason for the lines ``first`` to ``last`` (from 1) of ``file`` below debian/, as it was generated."""

    file: str
    first: int
    last: int
    cause: str
    origin: Origin


@dataclass(frozen=True)
class Skipped:
    """A test, a test file or a kind of tests that is left out: what the runner is told, why, and who decided."""

    select: str
    reason: str
    origin: Origin


@dataclass(frozen=True)
class Provenance:
    """Everything about a generated debian/ that its files don't say.

    ``tests`` says how upstream's tests run and where that is known from. ``notes`` are the generator's remarks,
    ``disagreements`` what the scans of licences don't agree on, ``sdist`` the file name of upstream's archive.
    ``human`` has what is left for one to do: texts that are machine-made, and the like.
    """

    reasons: tuple[Why, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    tests: str = ""
    notes: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()
    human: tuple[str, ...] = ()
    sdist: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "schema": SCHEMA,
            "sdist": self.sdist,
            "tests": self.tests,
            "notes": list(self.notes),
            "disagreements": list(self.disagreements),
            "human": list(self.human),
            "skipped": [{"select": s.select, "reason": s.reason, "origin": s.origin.value} for s in self.skipped],
            "reasons": [
                {"file": w.file, "first": w.first, "last": w.last, "cause": w.cause, "origin": w.origin.value}
                for w in self.reasons
            ],
        }


def from_json(data: Mapping[str, Any]) -> Provenance:
    """The inverse of :meth:`Provenance.as_json`; ValueError, KeyError or TypeError for anything else."""
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r} instead of {SCHEMA}")
    return Provenance(
        reasons=tuple(
            Why(str(w["file"]), int(w["first"]), int(w["last"]), str(w["cause"]), Origin(w["origin"]))
            for w in data["reasons"]
        ),
        skipped=tuple(Skipped(str(s["select"]), str(s["reason"]), Origin(s["origin"])) for s in data["skipped"]),
        tests=str(data["tests"]),
        notes=tuple(map(str, data["notes"])),
        disagreements=tuple(map(str, data["disagreements"])),
        human=tuple(map(str, data["human"])),
        sdist=str(data["sdist"]),
    )


def one_line(text: str) -> str:
    """A reason of a recipe as one sentence without its full stop."""
    return " ".join(text.split()).removesuffix(".")


@dataclass
class Lines:
    """Collects the reasons for the lines of one generated file."""

    file: str
    text: str
    found: list[Why] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.text.split("\n")[: -1 if self.text.endswith("\n") else None]

    def whole(self, cause: Cause) -> None:
        """The reason for all lines together."""
        self._add(1, len(self.lines), cause)

    def line(self, wanted: str, *causes: Cause) -> None:
        """Reasons for each line that is ``wanted`` but for blanks around it."""
        for number, line in enumerate(self.lines, 1):
            if line.strip() == wanted:
                for cause in causes:
                    self._add(number, number, cause)

    def block(self, pattern: str, cause: Cause, until: str = "") -> None:
        """The reason for each line that matches ``pattern`` at its beginning, to before the next matching ``until``.

        Without ``until``, it is the one line; where no such line comes, it is all that is left.
        """
        for number, line in enumerate(self.lines, 1):
            if re.match(pattern, line):
                after = (n for n in range(number, len(self.lines)) if re.match(until, self.lines[n]))
                self._add(number, next(after, len(self.lines)) if until else number, cause)

    def span(self, first: int, last: int, cause: Cause) -> None:
        """The reason for the lines ``first`` to ``last``, counted from 1."""
        self._add(first, last, cause)

    def relation(self, field_name: str, relation: str, causes: Iterable[Cause]) -> None:
        """Reasons for the line of one relation in a field of debian/control that has one on each line."""
        inside = False
        for number, line in enumerate(self.lines, 1):
            if not line.startswith(" "):
                inside = line.startswith(f"{field_name}:")
            elif inside and line.strip().removesuffix(",") == relation:
                for cause in causes:
                    self._add(number, number, cause)

    def _add(self, first: int, last: int, cause: Cause) -> None:
        why = Why(self.file, first, last, " ".join(cause.text.split()), cause.origin)
        if last >= first and why not in self.found:
            self.found.append(why)
