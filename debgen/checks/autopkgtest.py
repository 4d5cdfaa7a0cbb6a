"""The package's own tests, against the packages that were built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from debgen.building import autopkgtest
from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.building.result import Outcome, TestOutcome
from debgen.checks.subject import Subject


def check(subject: Subject) -> Checked:
    """Run the declared tests in a clean chroot; FAIL where one fails, WARN where none shows that the package works.

    Raises CheckError where autopkgtest comes to no result, and as :meth:`Subject.chroot`.
    """
    chroot = subject.chroot(Flavour.CLEAN)
    tests = autopkgtest.run_tests(subject.changes, chroot, subject.run, source=subject.source)
    verdict, summary = judged(tests)
    telling = (Outcome.FAIL, Outcome.FLAKY) if verdict is not Verdict.WARN else tuple(Outcome)
    findings = tuple(
        line
        for test in tests
        if test.outcome in telling
        for line in f"{test.name}: {test.outcome.value} {test.detail}".rstrip().splitlines()
    )
    return Checked(
        "autopkgtest", verdict, summary, findings, subject.log("autopkgtest"), details={"tests": as_data(tests)}
    )


def judged(tests: Sequence[TestOutcome]) -> tuple[Verdict, str]:
    """The verdict, and one line for people."""
    counts = [(outcome, sum(test.outcome is outcome for test in tests)) for outcome in Outcome]
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts if count) or "there are no tests"
    if any(test.outcome is Outcome.FAIL for test in tests):
        return Verdict.FAIL, told
    if any(test.outcome is Outcome.PASS for test in tests):
        return Verdict.PASS, told
    return Verdict.WARN, f"no test shows that it works ({told})"


def as_data(tests: Sequence[TestOutcome]) -> list[dict[str, Any]]:
    """The tests as plain data, which :func:`debgen.checks.all.tests_of` reads."""
    return [{"name": test.name, "outcome": test.outcome.value, "detail": test.detail} for test in tests]
