"""The outcome of comparing a built package with upstream's wheel: plain data, and how it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SCHEMA = 1
_SHOWN = 20


class Kind(StrEnum):
    """What is lacking, or should not be there."""

    MODULE = "module"
    EXTENSION = "extension module"
    DATA = "data file"
    SCRIPT = "script"
    ENTRY_POINT = "entry point"
    METADATA = "metadata"
    REQUIREMENT = "requirement"
    NAME = "top-level name"
    PLACE = "place"
    RECIPE = "recipe"


@dataclass(frozen=True)
class Lack:
    """One finding: ``path`` is the wheel's, or the package's for what should not be there; ``why`` a sentence."""

    kind: Kind
    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path}: {self.why}"


@dataclass(frozen=True)
class ContentsReport:
    """The outcome. ``against`` is the file that was compared with, ``compared`` how much of each kind was looked for.

    ``excused`` has each path that is left out with its reason, ``extra`` the package's modules and data files that
    the wheel doesn't have.
    """

    against: str
    compared: Mapping[str, int]
    lacks: tuple[Lack, ...]
    excused: tuple[tuple[str, str], ...]
    extra: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is lacking."""
        return not self.lacks

    @property
    def verdict(self) -> str:
        """One line for a summary."""
        told = ", ".join(f"{count} {kind}s" if count != 1 else f"1 {kind}" for kind, count in self.compared.items())
        told = told.replace("metadatas", "metadata")
        if self.good:
            return f"complete: {told} of {self.against}"
        return f"INCOMPLETE: {len(self.lacks)} findings; compared {told} of {self.against}"

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "good": self.good,
            "against": self.against,
            "compared": dict(self.compared),
            "lacks": [{"kind": lack.kind.value, "path": lack.path, "why": lack.why} for lack in self.lacks],
            "excused": [{"path": path, "reason": reason} for path, reason in self.excused],
            "extra": list(self.extra),
        }

    def as_text(self) -> str:
        """The report for people."""
        lines = [self.verdict, *(f"  {lack}" for lack in self.lacks)]
        reasons = Counter(reason for _, reason in self.excused)
        lines += [f"  left out: {count} × {reason}" for reason, count in reasons.most_common()]
        if self.extra:
            more = f" and {len(self.extra) - _SHOWN} more" if len(self.extra) > _SHOWN else ""
            lines.append(f"  beyond that: {', '.join(self.extra[:_SHOWN])}{more}")
        return "\n".join(lines)
