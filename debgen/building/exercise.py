"""Install a built package with apt in a clean chroot of the suite, and run its own tests there."""

from __future__ import annotations

import re
from pathlib import Path

from debgen.building.changes import listed_files
from debgen.building.chroots import Chroot, ChrootStore
from debgen.building.result import INSTALLATION, ExerciseReport, Outcome, TestOutcome
from debgen.building.scratch import GIB, NOT_FOUND, ends_with_us, scratch
from debgen.building.source import KEY_INSIDE, ExtraSource
from debgen.errors import CheckError
from debgen.narrate import say
from debgen.run import Runner, missing_tool, run
from debgen.workspace import disk_errors

# Everything that apt, dpkg and the maintainer scripts do to a package, in the order of its life.
_LIFE = """
set -eu
apt-get update
apt-get install --yes --no-install-recommends "$@"
dpkg --audit
test -z "$(dpkg --audit)"
names=$(for deb in "$@"; do dpkg-deb --field "$deb" Package; done)
apt-get remove --yes $names
dpkg --purge $names
test -z "$(dpkg --audit)"
"""
_SUMMARY = re.compile(r"(?P<name>\S+)\s+(?P<outcome>PASS \(superficial\)|PASS|FLAKY|SKIP|FAIL)(?:\s+(?P<detail>.*))?")
_RESULTS = frozenset({0, 2, 4, 6, 8})
"""autopkgtest's exit codes that mean that it came to a result (autopkgtest(1), "EXIT STATUS")."""


def exercise(
    changes: Path,
    store: ChrootStore,
    chroot: Chroot,
    run: Runner = run,
    *,
    space: int = 6 * GIB,
    source: ExtraSource | None = None,
) -> ExerciseReport:
    """Install, remove and purge what ``changes`` lists, then run its autopkgtest, each in a clean ``chroot``.

    ``changes`` lists source and binaries; ``chroot`` is of flavour CLEAN, ``source`` a repository besides the mirror.
    Both have the network, for apt. The
    logs stand beside the .changes as ``<name>.install.log`` and ``<name>.autopkgtest.log``. Raises CheckError
    where autopkgtest can't come to a result at all; a failed test is a result.
    """
    names = listed_files(changes)
    debs = [changes.parent / name for name in names if name.endswith(".deb")]
    tests = [_install(changes, debs, store, chroot, source)]
    log = changes.with_suffix(".autopkgtest.log")
    if tests[0].outcome is not Outcome.PASS:
        return ExerciseReport(tuple(tests), changes.with_suffix(".install.log"))
    say(f"{changes.stem}: running its tests in a clean {chroot.suite}")
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
    told = log.read_text(encoding="utf-8", errors="replace")
    return ExerciseReport((*tests, *parse(text, told)), log)


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


def _install(
    changes: Path, debs: list[Path], store: ChrootStore, chroot: Chroot, source: ExtraSource | None
) -> TestOutcome:
    say(f"{changes.stem}: installing it in a clean {chroot.suite}")
    log = changes.with_suffix(".install.log")
    result = store.run_in(
        chroot, ["sh", "-c", _LIFE, "sh", *(f"/in/{deb.name}" for deb in debs)], inputs=debs, network=True, log=log,
        source=source,
    )  # fmt: skip
    if result.returncode == 0:
        return TestOutcome(INSTALLATION, Outcome.PASS)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in lines if line.strip() and not line.startswith(("Get:", "(Reading"))]
    return TestOutcome(INSTALLATION, Outcome.FAIL, "\n".join(told[-12:]))
