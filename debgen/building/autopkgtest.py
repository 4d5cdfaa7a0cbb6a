"""Run the tests that a source package declares against its built packages, with autopkgtest."""

from __future__ import annotations

import re
from pathlib import Path

from debgen.building.changes import listed_files
from debgen.building.chroots import Chroot
from debgen.building.result import Outcome, TestOutcome
from debgen.building.scratch import GIB, NOT_FOUND, ends_with_us, scratch
from debgen.building.source import KEY_INSIDE, ExtraSource
from debgen.errors import CheckError
from debgen.run import Runner, missing_tool, run
from debgen.workspace import disk_errors

_SUMMARY = re.compile(r"(?P<name>\S+)\s+(?P<outcome>PASS \(superficial\)|PASS|FLAKY|SKIP|FAIL)(?:\s+(?P<detail>.*))?")
_RESULTS = frozenset({0, 2, 4, 6, 8})
"""autopkgtest's exit codes that mean that it came to a result (autopkgtest(1), "EXIT STATUS")."""


def run_tests(
    changes: Path,
    chroot: Chroot,
    run: Runner = run,
    *,
    space: int = 6 * GIB,
    source: ExtraSource | None = None,
) -> tuple[TestOutcome, ...]:
    """Run the tests of the source package that ``changes`` lists, with the binaries that it lists, in ``chroot``.

    ``chroot`` is of flavour CLEAN, ``source`` a repository besides the mirror; the tests have the network, for apt.
    The log stands beside the .changes as ``<name>.autopkgtest.log``. Raises CheckError where autopkgtest can't come
    to a result at all; a failed test is a result.
    """
    names = listed_files(changes)
    debs = [changes.parent / name for name in names if name.endswith(".deb")]
    log = changes.with_suffix(".autopkgtest.log")
    dsc = next(changes.parent / name for name in names if name.endswith(".dsc"))
    with scratch(space, run=run) as work:
        output = work / "output"
        result = run(
            ends_with_us(
                work,
                *("autopkgtest", f"--output-dir={output}", f"--summary-file={work / 'summary'}"),
                *("--no-built-binaries", "--apt-upgrade"),
                # The chroot may have been made on another network.
                *("--copy=/etc/resolv.conf:/etc/resolv.conf", "--copy=/etc/hosts:/etc/hosts"),
                *([f"--copy={source.key}:{KEY_INSIDE}", f"--add-apt-source={source.line}"] if source else []),
                *(dsc, *debs),
                *("--", "unshare", f"--release={chroot.suite}", f"--tarball={chroot.path}"),
            ),
            env={"TMPDIR": str(work)},
            log=log,
            check=False,
        )
        with disk_errors(log):
            summary = work / "summary"
            text = summary.read_text(encoding="utf-8", errors="replace") if summary.is_file() else ""
    if result.returncode == NOT_FOUND:
        raise missing_tool("autopkgtest")
    if result.returncode not in _RESULTS:
        told = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise CheckError(
            f"autopkgtest can't test {changes.stem} (exit code {result.returncode}):\n{told}",
            hint=f"The whole log is {log}",
        )
    return parse(text, log.read_text(encoding="utf-8", errors="replace"))


def parse(summary: str, log: str = "") -> tuple[TestOutcome, ...]:
    """The tests in autopkgtest's summary file; none for its line saying that there are none.

    What failed gets the end of its output from the log.
    """
    tests: dict[str, TestOutcome] = {}
    for line in summary.splitlines():
        found = _SUMMARY.fullmatch(line.strip())
        if found and found["name"] != "*":
            name, outcome, detail = found["name"], Outcome(found["outcome"]), found["detail"] or ""
            if outcome in (Outcome.FAIL, Outcome.FLAKY):
                detail = "\n".join((detail, *output_of(name, log)))
            tests[name] = TestOutcome(name, outcome, detail)  # autopkgtest repeats those that it skips
    return tuple(tests.values())


def output_of(name: str, log: str, count: int = 12) -> tuple[str, ...]:
    """The last lines that the test ``name`` printed, from between the marks that autopkgtest puts around them."""
    mark = re.escape(f"test {name}: ")
    found = re.search(
        rf"^autopkgtest \[[\d:]+\]: {mark}\[-+\n(.*?)^autopkgtest \[[\d:]+\]: {mark}-+\]$", log, re.M | re.S
    )
    return tuple(found[1].splitlines()[-count:]) if found else ()
