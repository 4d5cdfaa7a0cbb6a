"""Reading what lintian and autopkgtest say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debgen.building import autopkgtest, lintian
from debgen.building.chroots import Chroot, Flavour
from debgen.building.result import (
    INSTALLATION,
    ExerciseReport,
    LintianReport,
    Outcome,
    Severity,
    Tag,
    TestOutcome,
)
from debgen.errors import CheckError
from debgen.run import Completed

LINTIAN = """\
N: Using profile debian/main.
N: Starting on group hello-tiny/1.0-1
E: hello-tiny changes: bad-distribution-in-changes-file sid
W: python3-hello-tiny: initial-upload-closes-no-bugs [usr/share/doc/python3-hello-tiny/changelog.Debian.gz:1]
I: hello-tiny source: out-of-date-standards-version 4.7.2 (released 2025-02-27) (current is 4.7.4)
P: hello-tiny source: upstream-metadata-file-is-missing
N: A comment on an override
O: python3-hello-tiny: no-manual-page [usr/bin/hello-tiny]
N: masked by screen python/egg/metadata
M: python3-hello-tiny: package-contains-documentation-outside-usr-share-doc [x]
X: libstdc++6: some-tag a: b: c
Some message on stderr: of no interest
"""


MARK = "debgen: what follows are the tags that the archive rejects"
GATE = """\
E: hello-tiny changes: bad-distribution-in-changes-file sid
O: hello-tiny source: debian-rules-missing
"""


def test_every_finding_is_read_and_nothing_else() -> None:
    tags = lintian.parse(LINTIAN)
    assert [t.severity.value for t in tags] == list("EWIPOMX")
    assert tags[0] == Tag(Severity.ERROR, "hello-tiny changes", "bad-distribution-in-changes-file", "sid")
    assert tags[1].package == "python3-hello-tiny"
    assert tags[2].detail == "4.7.2 (released 2025-02-27) (current is 4.7.4)"
    assert tags[3] == Tag(Severity.PEDANTIC, "hello-tiny source", "upstream-metadata-file-is-missing", "")
    assert tags[-1] == Tag(Severity.EXPERIMENTAL, "libstdc++6", "some-tag", "a: b: c")


def test_tags_print_as_lintian_prints_them() -> None:
    assert [str(tag) for tag in lintian.parse(LINTIAN)] == [
        line for line in LINTIAN.splitlines() if line[1:3] == ": " and line[0] != "N"
    ]


def test_findings_by_severity() -> None:
    report = LintianReport(lintian.parse(LINTIAN), "2.143.0", Path("log"))
    assert [t.tag for t in report.of(Severity.ERROR, Severity.WARNING)] == [
        "bad-distribution-in-changes-file",
        "initial-upload-closes-no-bugs",
    ]


CHANGES = """\
Format: 1.8
Source: x
Architecture: source all
Files:
 d41d8cd98f00b204e9800998ecf8427e 0 python optional x_1.dsc
 d41d8cd98f00b204e9800998ecf8427e 0 python optional python3-x_1_all.deb
"""


class Store:
    """Stands in for the chroot store: says what a command in a chroot would."""

    def __init__(self, answer: Completed) -> None:
        self.answer = answer
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def run_in(self, chroot: Chroot, argv: list[str], **kwargs: Any) -> Completed:
        self.calls.append((argv, kwargs))
        if kwargs.get("log"):
            kwargs["log"].write_text(self.answer.stdout)
        return self.answer


def chroot(flavour: Flavour) -> Chroot:
    return Chroot("sid", flavour, "amd64", Path("/c.tar"), 0.0, "", (), 1, "", "")


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    path = tmp_path / "x_1_amd64.changes"
    path.write_text(CHANGES)
    (tmp_path / "x_1.dsc").touch()
    (tmp_path / "python3-x_1_all.deb").touch()
    return path


def test_lintian_gets_every_file_and_no_network(changes: Path) -> None:
    store = Store(Completed((), 0, f"2.143.0\n{LINTIAN}{MARK}\n{GATE}", ""))
    report = lintian.check(changes, store, chroot(Flavour.CHECKS))  # type: ignore[arg-type]
    ((argv, kwargs),) = store.calls
    assert {path.name for path in kwargs["inputs"]} == {changes.name, "x_1.dsc", "python3-x_1_all.deb"}
    assert kwargs["network"] is False
    assert f"/in/{changes.name}" in argv
    assert report.version == "2.143.0"
    assert len(report.tags) == 7
    assert report.log == changes.with_name("x_1_amd64.lintian.log")
    assert "bad-distribution" in report.log.read_text()
    assert [tag.tag for tag in report.gate] == ["bad-distribution-in-changes-file", "debian-rules-missing"]
    assert [tag.tag for tag in report.rejects] == ["bad-distribution-in-changes-file"]


def test_a_gate_that_did_not_come_to_its_end_is_no_clean_bill(changes: Path) -> None:
    store = Store(Completed((), 0, f"2.143.0\n{LINTIAN}", ""))
    with pytest.raises(CheckError, match="can't check"):
        lintian.check(changes, store, chroot(Flavour.CHECKS))  # type: ignore[arg-type]


def test_a_lintian_that_breaks_is_no_clean_bill(changes: Path) -> None:
    store = Store(Completed((), 2, "2.143.0\n", "Can't locate Foo.pm\n"))
    with pytest.raises(CheckError, match=r"Can't locate Foo\.pm") as caught:
        lintian.check(changes, store, chroot(Flavour.CHECKS))  # type: ignore[arg-type]
    assert "lintian.log" in caught.value.hint


SUMMARY = """\
pybuild-autopkgtest  PASS
import               PASS (superficial)
machine              SKIP Test restriction "isolation-machine" requires testbed capability "isolation-machine"
machine              SKIP Test restriction "isolation-machine" requires testbed capability "isolation-machine"
sometimes            FLAKY non-zero exit status 1
hub                  FAIL stderr: boom
"""
LOG = """\
autopkgtest [02:57:48]: test hub: [-----------------------
downloading
boom
autopkgtest [02:57:48]: test hub: -----------------------]
autopkgtest [02:57:48]: test hub:  - - - - - - - - - - results - - - - - - - - - -
hub                  FAIL stderr: boom
"""


def test_the_summary_is_read_and_failures_get_their_output() -> None:
    tests = autopkgtest.parse(SUMMARY, LOG)
    assert [(t.name, t.outcome) for t in tests] == [
        ("pybuild-autopkgtest", Outcome.PASS),
        ("import", Outcome.SUPERFICIAL),
        ("machine", Outcome.SKIP),
        ("sometimes", Outcome.FLAKY),
        ("hub", Outcome.FAIL),
    ]
    assert tests[4].detail == "stderr: boom\ndownloading\nboom"
    assert "isolation-machine" in tests[2].detail


def test_no_tests_is_not_a_test() -> None:
    assert autopkgtest.parse("*                    SKIP no tests in this package\n") == ()
    assert autopkgtest.parse("") == ()


INSTALLS = TestOutcome(INSTALLATION, Outcome.PASS)


@pytest.mark.parametrize(
    ("outcomes", "passed", "tested", "told"),
    [
        ([Outcome.PASS], True, True, "passed"),
        ([Outcome.PASS, Outcome.SKIP], True, True, "passed"),
        ([Outcome.PASS, Outcome.FAIL], False, True, "failed"),
        ([Outcome.SUPERFICIAL], True, False, "no test shows that it works"),
        ([Outcome.SKIP, Outcome.FLAKY], True, False, "no test shows that it works"),
        ([], True, False, "no test shows that it works"),
    ],
)
def test_superficial_and_skipped_tests_prove_nothing(
    outcomes: list[Outcome], passed: bool, tested: bool, told: str
) -> None:
    report = ExerciseReport((INSTALLS, *(TestOutcome(str(n), o) for n, o in enumerate(outcomes))), Path("log"))
    assert (report.passed, report.tested) == (passed, tested)
    assert told in report.verdict


def autopkgtest_says(code: int, summary: str) -> Any:
    def run(argv: Any, *, log: Path, env: dict[str, str], **kwargs: Any) -> Completed:
        words = [str(a) for a in argv]
        log.write_text(LOG)
        if summary:
            name = next(w for w in words if w.startswith("--summary-file=")).split("=", 1)[1]
            Path(name).write_text(summary)
        return Completed(tuple(words), code, "", "")

    return run


@pytest.fixture
def scratch_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("debgen.building.scratch.scratch_base", lambda space: tmp_path / "scratch")


@pytest.mark.usefixtures("scratch_here")
def test_autopkgtests_result_is_read(changes: Path) -> None:
    tests = autopkgtest.run_tests(changes, chroot(Flavour.CLEAN), autopkgtest_says(4, SUMMARY))
    assert [t.name for t in tests][:2] == ["pybuild-autopkgtest", "import"]
    assert tests[-1].outcome is Outcome.FAIL
    assert "boom" in tests[-1].detail


@pytest.mark.usefixtures("scratch_here")
@pytest.mark.parametrize("code", [12, 16, 20])
def test_an_autopkgtest_that_breaks_is_no_clean_bill(changes: Path, code: int) -> None:
    with pytest.raises(CheckError, match=rf"exit code {code}"):
        autopkgtest.run_tests(changes, chroot(Flavour.CLEAN), autopkgtest_says(code, ""))
