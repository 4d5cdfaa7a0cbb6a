"""All checks of a built package: made in order, each result kept, so that a run that was killed goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from debgen.building.checked import Checked, Verdict, as_data
from debgen.building.result import ExerciseReport, Outcome, TestOutcome
from debgen.checks import area, autopkgtest, blhc, contents, debdiff, install, lintian, reproducible, watch
from debgen.checks.keeping import inputs_of, keep, kept_result
from debgen.checks.subject import Subject
from debgen.errors import DebgenError, MissingToolError, UsageError, WorkspaceError
from debgen.workspace import disk_errors

_CHECKS: Mapping[str, Callable[[Subject], Checked]] = {
    "lintian": lintian.check,
    "contents": contents.check,
    "install": install.check,
    "autopkgtest": autopkgtest.check,
    "blhc": blhc.check,
    "reproducible": reproducible.check,
    "debdiff": debdiff.check,
    "area": area.check,
    "watch": watch.check,
}
#: The names of the checks, in the order in which they are made.
CHECKS = tuple(_CHECKS)


def check_all(
    subject: Subject, wanted: Collection[str], *, kept: Path, say: Callable[[str], None]
) -> tuple[Checked, ...]:
    """Make the ``wanted`` checks and return their results in the order of CHECKS.

    What the folder ``kept`` has of the same inputs is not made again. A check that fails, or can't be made at all,
    keeps no other from being made. Raises UsageError for a name that no check has; MissingToolError, WorkspaceError
    (a full disk) and KeyboardInterrupt pass through.
    """
    unknown = sorted(set(wanted) - set(CHECKS))
    if unknown:
        raise UsageError(f"there is no check {', '.join(unknown)}", hint=f"The checks are {', '.join(CHECKS)}.")
    inputs = inputs_of(subject)
    results = []
    for name in CHECKS:
        if name not in wanted:
            continue
        file = kept / f"{name}.json"
        result = kept_result(file, inputs)
        if result is None:
            with disk_errors(file):
                file.unlink(missing_ok=True)  # its log is about to be written anew
            say(f"{subject.stem}: {name}")
            result, lasting = _made(name, subject)
            if lasting:
                keep(file, inputs, result)
            say(f"{subject.stem}: {name}: {result.verdict.value} in {result.seconds:.0f} s: {result.summary}")
        results.append(result)
    return tuple(results)


def _made(name: str, subject: Subject) -> tuple[Checked, bool]:
    """The result of one check, and whether it will be the same tomorrow."""
    began = time.monotonic()
    lasting = True
    try:
        result = _CHECKS[name](subject)
        lasting = not result.details.get("unreachable", False)
    except (MissingToolError, WorkspaceError):
        raise
    except DebgenError as error:
        first, _, rest = str(error).partition("\n")
        log = subject.log(name)
        findings = tuple(line for line in (*rest.splitlines(), error.hint) if line.strip())
        result = Checked(name, Verdict.FAIL, f"can't be made: {first}", findings, log if log.is_file() else None)
        lasting = False
    return replace(result, seconds=round(time.monotonic() - began, 1)), lasting


def tests_of(checks: Iterable[Checked]) -> ExerciseReport:
    """What became of the package when it was installed and its tests were run, with the log to read first.

    A check of these two that could not be made counts as a failed test of its name.
    """
    outcomes: list[TestOutcome] = []
    log = Path()
    for check in checks:
        if check.name not in ("install", "autopkgtest"):
            continue
        tests = [
            TestOutcome(str(t["name"]), Outcome(t["outcome"]), str(t["detail"])) for t in check.details.get("tests", ())
        ]
        failed = any(test.outcome is Outcome.FAIL for test in tests)
        if check.verdict is Verdict.FAIL and not failed:
            tests.append(TestOutcome(check.name, Outcome.FAIL, "\n".join((check.summary, *check.findings))))
        broken_before = any(test.outcome is Outcome.FAIL for test in outcomes)
        log = check.log if check.log and not broken_before else log
        outcomes += tests
    return ExerciseReport(tuple(outcomes), log)


def as_json(checks: Iterable[Checked]) -> list[dict[str, Any]]:
    """The results as plain data."""
    return [as_data(check) for check in checks]
