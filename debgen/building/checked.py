"""What every check after a build hands on: one verdict, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Verdict(Enum):
    """What a check came to."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    """Nothing that keeps the package from an upload, but a human should look."""
    FAIL = "fail"
    SKIP = "skip"
    """It doesn't apply, or can't be made here; the summary says why."""


@dataclass(frozen=True)
class Checked:
    """The result of one check.

    ``summary`` is one line for people, ``findings`` are lines that each say one thing that is wrong or to be looked
    at, ``log`` is the whole story, ``details`` plain data (for JSON) that only this check has.
    """

    name: str
    verdict: Verdict
    summary: str
    findings: tuple[str, ...] = ()
    log: Path | None = None
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


def as_data(check: Checked) -> dict[str, Any]:
    """A result as plain data."""
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "summary": check.summary,
        "findings": list(check.findings),
        "log": str(check.log) if check.log else None,
        "seconds": check.seconds,
        "details": dict(check.details),
    }


def from_data(data: dict[str, Any]) -> Checked:
    """What :func:`as_data` was made from; KeyError, ValueError or TypeError for anything else."""
    return Checked(
        name=str(data["name"]),
        verdict=Verdict(data["verdict"]),
        summary=str(data["summary"]),
        findings=tuple(map(str, data["findings"])),
        log=Path(data["log"]) if data["log"] else None,
        seconds=float(data["seconds"]),
        details=dict(data["details"]),
    )
