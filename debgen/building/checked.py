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
