"""What the stages of a build hand on: plain facts, made once, changed never."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class BuildResult:
    """What sbuild made. ``changes`` lists the source package and the binaries; all files stand beside it."""

    changes: Path
    dsc: Path
    debs: tuple[Path, ...]
    buildinfo: Path
    log: Path
    seconds: float


class Severity(Enum):
    """lintian's own, by the letter it prints; an overridden tag is one that the package explains."""

    ERROR = "E"
    WARNING = "W"
    INFO = "I"
    PEDANTIC = "P"
    EXPERIMENTAL = "X"
    CLASSIFICATION = "C"
    OVERRIDDEN = "O"
    MASKED = "M"


@dataclass(frozen=True)
class Tag:
    """One finding of lintian."""

    severity: Severity
    package: str
    tag: str
    detail: str

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.package}: {self.tag} {self.detail}".rstrip()


@dataclass(frozen=True)
class LintianReport:
    """Every finding, and the release of lintian that made them; the same as text is in ``log``.

    ``gate`` are the findings with the tags that lead to an automatic reject, overridden ones among them.
    """

    tags: tuple[Tag, ...]
    version: str
    log: Path
    gate: tuple[Tag, ...] = ()

    def of(self, *severities: Severity) -> tuple[Tag, ...]:
        """The findings of these severities."""
        return tuple(tag for tag in self.tags if tag.severity in severities)

    @property
    def rejects(self) -> tuple[Tag, ...]:
        """The findings for which the archive refuses an upload."""
        return tuple(tag for tag in self.gate if tag.severity not in (Severity.OVERRIDDEN, Severity.MASKED))

    @property
    def counts(self) -> str:
        """How many there are, for a summary."""
        named = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "hint"))
        counts = [(len(self.of(severity)), word) for severity, word in named]
        told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts]
        return ", ".join((*told, f"{len(self.of(Severity.PEDANTIC))} pedantic"))


class Outcome(Enum):
    """What became of one test."""

    PASS = "PASS"  # noqa: S105 - no password
    SUPERFICIAL = "PASS (superficial)"
    """Passed, but by its own word shows little: no reason to call a package tested."""
    FLAKY = "FLAKY"
    """Failed, and is known to do so at times."""
    SKIP = "SKIP"
    FAIL = "FAIL"


@dataclass(frozen=True)
class TestOutcome:
    """One test by name; ``detail`` says why it failed or was skipped."""

    __test__ = False  # for pytest: the name begins with Test, the class isn't one

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class ExerciseReport:
    """What became of the result in a clean chroot: installation first, then the package's own tests."""

    tests: tuple[TestOutcome, ...]
    log: Path

    @property
    def passed(self) -> bool:
        """Whether nothing failed. A package without a test that shows something passes, and is not tested."""
        return not any(test.outcome is Outcome.FAIL for test in self.tests)

    @property
    def tested(self) -> bool:
        """Whether at least one test of the package's own passed that is not superficial."""
        return any(
            test.outcome is Outcome.PASS and not test.name.startswith((INSTALLATION, UPGRADE)) for test in self.tests
        )

    @property
    def verdict(self) -> str:
        """One line for a summary."""
        counts = [(o, sum(test.outcome is o for test in self.tests)) for o in Outcome]
        told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts if count)
        if not self.passed:
            return f"failed ({told})"
        return f"passed ({told})" if self.tested else f"installs, but no test shows that it works ({told})"


INSTALLATION = "install, remove and purge with apt"
UPGRADE = "upgrade with apt from"
"""Names of the tests that debgen adds to the package's own; a version follows the second."""
