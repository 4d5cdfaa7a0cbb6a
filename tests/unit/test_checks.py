"""The checks after a build: how they are made and kept, and how each comes to its verdict."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from debgen.archive.model import Binary
from debgen.building.checked import Checked, Verdict, from_data
from debgen.building.debfiles import Deb
from debgen.building.result import BuildResult, LintianReport, Outcome, Severity, Tag, TestOutcome
from debgen.building.source import ExtraSource
from debgen.checks import all as checks
from debgen.checks import area, autopkgtest, blhc, debdiff, install, lintian, reproducible, watch
from debgen.checks.area import Candidate, Related
from debgen.checks.subject import Subject
from debgen.errors import BuildError, DebgenError, MissingToolError, UsageError, WorkspaceError

# -- how they are made and kept


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """A package of which nothing but the files' names and bytes is true."""
    changes = tmp_path / "x_1-1_amd64.changes"
    deb = tmp_path / "python3-x_1-1_all.deb"
    dsc = tmp_path / "x_1-1.dsc"
    for path in (deb, dsc):
        path.write_bytes(b"bytes")
    changes.write_text(
        "Source: x\nFiles:\n a 1 python optional x_1-1.dsc\n a 1 python optional python3-x_1-1_all.deb\n"
    )
    index = SimpleNamespace(codename="sid", architecture="amd64", date=datetime(2026, 1, 1, tzinfo=UTC))
    store = SimpleNamespace(mirror=SimpleNamespace(uri="http://mirror.example/debian"))
    built = BuildResult(changes, dsc, (deb,), tmp_path / "x.buildinfo", tmp_path / "x.log", 1.0)
    return Subject(built, tmp_path, cast(Any, store), cast(Any, index), inputs="1")


class Makers:
    """Stands in for the checks themselves: counts how often each is made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        self.raises: dict[str, BaseException] = {}
        self.results: dict[str, Checked] = {}
        monkeypatch.setattr(checks, "_CHECKS", {name: self._maker(name) for name in checks.CHECKS})

    def _maker(self, name: str) -> Any:
        def made(subject: Subject) -> Checked:
            self.made.append(name)
            if name in self.raises:
                raise self.raises[name]
            return self.results.get(name) or Checked(name, Verdict.PASS, "fine", log=self._log(subject, name))

        return made

    def _log(self, subject: Subject, name: str) -> Path:
        subject.log(name).write_text("log")
        return subject.log(name)


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> Makers:
    return Makers(monkeypatch)


def made(subject: Subject, tmp_path: Path, *wanted: str) -> tuple[Checked, ...]:
    return checks.check_all(subject, wanted or checks.CHECKS, kept=tmp_path / "kept", say=lambda text: None)


def test_the_checks_have_their_order_whatever_is_asked_for_first(
    subject: Subject, makers: Makers, tmp_path: Path
) -> None:
    assert [c.name for c in made(subject, tmp_path, "area", "lintian")] == ["lintian", "area"]
    assert makers.made == ["lintian", "area"]


def test_an_unknown_check_is_refused_before_any_is_made(subject: Subject, makers: Makers, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lint") as caught:
        made(subject, tmp_path, "lint", "area")
    assert "lintian" in caught.value.hint
    assert makers.made == []


def test_what_was_made_is_not_made_again(subject: Subject, makers: Makers, tmp_path: Path) -> None:
    first = made(subject, tmp_path)
    assert makers.made == list(checks.CHECKS)
    assert made(subject, tmp_path) == first
    assert makers.made == list(checks.CHECKS)


def test_a_run_that_was_killed_goes_on_with_the_next_check(subject: Subject, makers: Makers, tmp_path: Path) -> None:
    makers.raises["install"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        made(subject, tmp_path)
    makers.raises.clear()
    makers.made.clear()
    made(subject, tmp_path)
    assert makers.made == [name for name in checks.CHECKS if name not in ("lintian", "contents")]


def test_a_result_whose_log_is_gone_or_that_is_half_written_does_not_count(
    subject: Subject, makers: Makers, tmp_path: Path
) -> None:
    made(subject, tmp_path)
    makers.made.clear()
    subject.log("blhc").unlink()
    (tmp_path / "kept/watch.json").write_text('{"schema": 1, "inp')
    made(subject, tmp_path)
    assert makers.made == ["blhc", "watch"]


def test_results_that_were_copied_name_the_logs_beside_them(subject: Subject, makers: Makers, tmp_path: Path) -> None:
    made(subject, tmp_path, "lintian")
    copy = shutil.copytree(tmp_path, tmp_path.with_name("copy"))
    (found,) = checks.check_all(
        changed(subject, built=replace(subject.built, changes=copy / subject.changes.name)),
        ["lintian"], kept=copy / "kept", say=lambda text: None,
    )  # fmt: skip
    assert makers.made == ["lintian"]
    assert found.log == copy / subject.log("lintian").name


def changed(subject: Subject, **fields: Any) -> Subject:
    return Subject(**{**{name: getattr(subject, name) for name in subject.__dataclass_fields__}, **fields})


def beside(tmp_path: Path, *, port: int = 1, state: str = "0001") -> ExtraSource:
    return ExtraSource(f"http://127.0.0.1:{port}/", "sid", tmp_path / "key", state)


def test_whatever_decides_a_verdict_makes_the_checks_anew(subject: Subject, makers: Makers, tmp_path: Path) -> None:
    later = SimpleNamespace(**{**vars(subject.index), "date": datetime(2026, 1, 2, tzinfo=UTC)})
    others: list[dict[str, Any]] = [
        {"itp": True},
        {"inputs": "2"},
        {"source": beside(tmp_path)},
        {"index": later},
        {"local": (Path("python3-y_1_all.deb"),)},
    ]
    for fields in others:
        for candidate in (subject, changed(subject, **fields)):
            makers.made.clear()
            made(candidate, tmp_path, "lintian")
            assert makers.made == ["lintian"], fields
    first, second = changed(subject, source=beside(tmp_path)), changed(subject, source=beside(tmp_path, state="0002"))
    made(first, tmp_path, "lintian")
    makers.made.clear()
    made(second, tmp_path, "lintian")
    assert makers.made == ["lintian"]
    # The port at which the local repository is served is another one each time.
    made(changed(subject, source=beside(tmp_path, port=2, state="0002")), tmp_path, "lintian")
    assert makers.made == ["lintian"]
    subject.debs[0].write_bytes(b"others")
    made(second, tmp_path, "lintian")
    assert makers.made == ["lintian", "lintian"]


def test_a_check_that_cannot_be_made_fails_keeps_nothing_and_stops_nothing(
    subject: Subject, makers: Makers, tmp_path: Path
) -> None:
    makers.raises["lintian"] = DebgenError("lintian is ill\nvery ill", hint="Give it tea")
    results = made(subject, tmp_path)
    assert (results[0].verdict, results[0].summary) == (Verdict.FAIL, "can't be made: lintian is ill")
    assert results[0].findings == ("very ill", "Give it tea")
    assert [c.verdict for c in results[1:]] == [Verdict.PASS] * (len(checks.CHECKS) - 1)
    makers.raises.clear()
    assert made(subject, tmp_path)[0].verdict is Verdict.PASS


@pytest.mark.parametrize("error", [MissingToolError("no sbuild"), WorkspaceError("full")])
def test_what_no_other_check_would_survive_passes_through(
    subject: Subject, makers: Makers, tmp_path: Path, error: DebgenError
) -> None:
    makers.raises["contents"] = error
    with pytest.raises(type(error)):
        made(subject, tmp_path)


def test_a_site_that_could_not_be_reached_is_asked_again(subject: Subject, makers: Makers, tmp_path: Path) -> None:
    makers.results["watch"] = watch.judged(UNREACHABLE, "", "1")
    for _ in range(2):
        (result,) = made(subject, tmp_path, "watch")
        assert result.verdict is Verdict.SKIP
    assert makers.made == ["watch", "watch"]


def test_results_are_plain_data_and_come_back_from_it() -> None:
    check = Checked("area", Verdict.WARN, "s", ("f",), Path("/l"), 1.5, {"a": [1]})
    (data,) = checks.as_json([check])
    assert data["verdict"] == "warn"
    assert from_data(data) == check


def test_tests_are_read_from_the_results() -> None:
    installed = Checked("install", Verdict.PASS, "", log=Path("i"), details={"tests": data(("in", Outcome.PASS))})
    passed = Checked("autopkgtest", Verdict.PASS, "", log=Path("a"), details={"tests": data(("t", Outcome.PASS))})
    failed = Checked("autopkgtest", Verdict.FAIL, "", log=Path("a"), details={"tests": data(("t", Outcome.FAIL))})
    report = checks.tests_of([installed, passed])
    assert (report.passed, report.log) == (True, Path("a"))
    report = checks.tests_of([installed, failed])
    assert (report.passed, report.log) == (False, Path("a"))
    not_made = Checked("install", Verdict.FAIL, "can't be made: why", log=Path("i"))
    report = checks.tests_of([not_made, passed])
    assert (report.passed, report.log) == (False, Path("i"))
    assert "why" in report.tests[0].detail


def data(*tests: tuple[str, Outcome]) -> list[dict[str, Any]]:
    return autopkgtest.as_data([TestOutcome(name, outcome) for name, outcome in tests])


# -- lintian


def tag(letter: str, name: str) -> Tag:
    return Tag(Severity(letter), "python3-x", name, "")


@pytest.mark.parametrize(
    ("tags", "gate", "itp", "verdict"),
    [
        ([tag("I", "hint")], [], False, Verdict.PASS),
        ([tag("W", "initial-upload-closes-no-bugs")], [], False, Verdict.PASS),
        ([tag("W", "initial-upload-closes-no-bugs")], [], True, Verdict.FAIL),
        ([tag("W", "other")], [], False, Verdict.FAIL),
        ([tag("I", "hint")], [tag("I", "reject")], False, Verdict.FAIL),
        ([tag("O", "overridden")], [tag("O", "overridden")], False, Verdict.PASS),
    ],
)
def test_lintian_fails_for_what_counts(tags: list[Tag], gate: list[Tag], itp: bool, verdict: Verdict) -> None:
    result = lintian.judged(LintianReport(tuple(tags), "2", Path("l"), tuple(gate)), itp)
    assert result.verdict is verdict
    assert result.details["wants_itp"] == (not itp and tags[0].tag == lintian.NEEDS_ITP)


# -- autopkgtest, blhc


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([Outcome.PASS, Outcome.SKIP], Verdict.PASS),
        ([Outcome.PASS, Outcome.FAIL], Verdict.FAIL),
        ([Outcome.SUPERFICIAL], Verdict.WARN),
        ([Outcome.SKIP, Outcome.FLAKY], Verdict.WARN),
        ([], Verdict.WARN),
    ],
)
def test_only_a_test_that_shows_something_passes(outcomes: list[Outcome], verdict: Verdict) -> None:
    assert autopkgtest.judged([TestOutcome(str(n), o) for n, o in enumerate(outcomes)])[0] is verdict


def test_each_line_that_a_failed_test_printed_is_a_finding(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = (TestOutcome("a", Outcome.PASS), TestOutcome("b", Outcome.FAIL, "exit 1\nboom\nbang"))
    monkeypatch.setattr(Subject, "chroot", lambda self, flavour: None)
    monkeypatch.setattr("debgen.building.autopkgtest.run_tests", lambda *args, **kwargs: tests)
    result = autopkgtest.check(subject)
    assert result.findings == ("b: FAIL exit 1", "boom", "bang")
    assert not checks.tests_of([result]).passed
    assert checks.tests_of([result]).log == subject.log("autopkgtest")


@pytest.mark.parametrize(
    ("code", "verdict", "told"),
    [
        (0, Verdict.PASS, "every"),
        (1, Verdict.SKIP, "no commands"),
        (8, Verdict.WARN, "flags are missing"),
        (12, Verdict.WARN, "hides commands of the compiler; flags are missing"),
        (9, Verdict.WARN, "flags are missing"),
    ],
)
def test_blhcs_exit_codes_add_up(code: int, verdict: Verdict, told: str) -> None:
    found, summary = blhc.judged(code)
    assert found is verdict
    assert told in summary


# -- install

PIUPARTS = """\
0m0.0s INFO: piuparts version 1.6.0 starting up.
0m9.4s INFO: PASS: Installation and purging test.
0m16.9s INFO: PASS: Installation, upgrade and purging tests.
"""
LEFT = """\
0m9.0s ERROR: FAIL: Package purging left files on system:
  /var/lib/x/\t owned by: python3-x
  /var/lib/x/cache\t not owned
0m9.1s ERROR: FAIL: Installation and purging test.
"""
BROKEN = """\
0m4.1s ERROR: Command failed (status=100): ['chroot', '/tmp/t', 'apt-get', '-y', 'install', './tmp/x.deb']
  Reading package lists...
  The following packages have unmet dependencies:
   python3-x : Depends: python3-no-such-thing (>= 3) but it is not installable
  E: Unable to correct problems, you have held broken packages.
0m4.1s ERROR: Test aborted.
"""


def test_piuparts_passes_with_and_without_an_upgrade() -> None:
    result = install.judged(PIUPARTS, "0.9-1", Path("l"))
    assert (result.verdict, [t["outcome"] for t in result.details["tests"]]) == (Verdict.PASS, ["PASS", "PASS"])
    assert "upgrade with apt from 0.9-1" in result.summary
    assert not checks.tests_of([result]).tested
    assert len(install.judged(PIUPARTS, "", Path("l")).details["tests"]) == 1


def test_what_is_left_behind_and_what_cannot_be_installed_fails_with_the_telling_lines() -> None:
    left = install.judged(LEFT, "", Path("l"))
    assert left.verdict is Verdict.FAIL
    assert any("/var/lib/x/cache" in finding for finding in left.findings)
    broken = install.judged(BROKEN, "0.9-1", Path("l"))
    assert broken.verdict is Verdict.FAIL
    assert [t["outcome"] for t in broken.details["tests"]] == ["FAIL"]
    assert "python3-x : Depends: python3-no-such-thing (>= 3) but it is not installable" in broken.findings
    assert not any("Reading" in finding for finding in broken.findings)


def test_an_upgrade_that_was_to_be_made_and_was_not_is_no_pass() -> None:
    text = PIUPARTS.replace(PIUPARTS.splitlines()[-1] + "\n", "0m9s INFO: Can't test upgrade\n")
    assert install.judged(text, "0.9-1", Path("l")).verdict is Verdict.FAIL


def test_a_log_that_ends_in_the_middle_is_no_pass() -> None:
    assert install.judged("0m0.0s INFO: starting up.\nKilled\n", "", Path("l")).verdict is Verdict.FAIL


def test_warnings_are_told() -> None:
    text = "0m8s WARN: Broken symlinks:\n  /usr/lib/x -> y (python3-x)\n" + PIUPARTS
    result = install.judged(text, "", Path("l"))
    assert (result.verdict, result.findings) == (
        Verdict.WARN,
        ("Broken symlinks:", "/usr/lib/x -> y (python3-x)"),
    )


def deb(name: str, version: str = "2-1", **control: str) -> Deb:
    return Deb(name, version, "all", {"Package": name, "Version": version, **control}, {})


@pytest.mark.parametrize(
    ("archive", "source", "expected"),
    [
        ({}, False, ""),
        ({"python3-x": "1-1"}, False, "1-1"),
        ({"python3-x": "2-1"}, False, ""),
        ({"python3-x": "1:0-1"}, False, ""),
        ({"python3-x": "1-1"}, True, ""),
        ({"python3-x": "1-1", "x": "1-1"}, True, "1-1"),
    ],
)
def test_only_what_is_older_is_upgraded(archive: Mapping[str, str], source: bool, expected: str) -> None:
    made_of = SimpleNamespace(
        packages=(deb("python3-x"), deb("x")),
        index=SimpleNamespace(version_of=archive.get),
        source=object() if source else None,
    )
    assert install.upgraded_from(cast(Any, made_of)) == expected


# -- debdiff

MOVED = """\
[The following lists of changes regard files as different if they have
different names, permissions or owners.]

Files only in first set of .debs, found in package python3-x
------------------------------------------------------------
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x-1.egg-info/PKG-INFO
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x-1.egg-info/not-zip-safe
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x/_c.cpython-313-x86_64-linux-gnu.so
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x/gone.py
-rw-r--r--  root/root   /usr/share/doc/python3-x/changelog.Debian.amd64.gz

New files in second set of .debs, found in package python3-x
------------------------------------------------------------
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x-2.dist-info/METADATA
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x/_c.cpython-314-x86_64-linux-gnu.so
-rw-r--r--  root/root   /usr/lib/python3/dist-packages/x/new.py
lrwxrwxrwx  root/root   /usr/lib/python3/dist-packages/x/link.py -> new.py


Control files: lines which differ (wdiff format)
------------------------------------------------
[-Multi-Arch: same-]
Installed-Size: [-78-] {+74+}
"""


def test_debdiff_is_read_without_what_only_has_another_name() -> None:
    found = debdiff.parse(MOVED)
    folder = "/usr/lib/python3/dist-packages"
    assert found.lost == (f"{folder}/x/gone.py",)
    assert found.gained == (f"{folder}/x-2.dist-info/METADATA", f"{folder}/x/new.py", f"{folder}/x/link.py")
    assert found.fields == ("Multi-Arch",)


def test_the_other_headings_of_debdiff_are_read() -> None:
    text = (
        "Files in second .deb but not in first\n---\n-rw-r--r-- root/root /a\n\n"
        "Files in first set of .debs but not in second\n---\n-rw-r--r-- root/root /b\n"
    )
    assert debdiff.parse(text) == debdiff.Difference(("/a",), ("/b",))


def binary(name: str, version: str, depends: str = "", **fields: str) -> Binary:
    return Binary(name, version, "all", "x", version, "main", "python", "", depends, fields.get("recommends", ""))


def test_lost_files_and_dependencies_are_a_warning() -> None:
    nothing = debdiff.Difference(("/a",), ())
    ours = deb("python3-x", Depends="python3:any, python3-a (>= 2)", Recommends="python3-c")
    same = debdiff.judged(nothing, [binary("python3-x", "1-1", "python3-a, python3-c")], [ours])
    assert (same.verdict, same.findings) == (Verdict.PASS, ())
    assert same.summary.startswith("1 files more, 0 fewer")
    fewer = debdiff.judged(nothing, [binary("python3-x", "1-1", "python3-b | b")], [ours])
    assert fewer.verdict is Verdict.WARN
    assert fewer.findings == ("python3-x: Depends: b is gone", "python3-x: Depends: python3-b is gone")
    lost = debdiff.judged(debdiff.Difference((), ("/b",)), [binary("python3-x", "1-1")], [ours], ["x-doc"])
    assert lost.findings == ("the package x-doc is gone", "lost: /b")


@pytest.mark.parametrize(("theirs", "told"), [("2-1", "this very version"), ("2-2", "NEWER")])
def test_ours_that_is_not_newer_is_told(theirs: str, told: str) -> None:
    result = debdiff.judged(debdiff.Difference((), ()), [binary("python3-x", theirs)], [deb("python3-x")])
    assert result.verdict is Verdict.WARN
    assert told in result.summary


# -- area

NAMES = {
    "python3-a": (Candidate("2.0", "main"),),
    "python3-cuda": (Candidate("1", "contrib"),),
    "virtual": (Candidate("", "main"),),
    "both": (Candidate("1", "contrib"), Candidate("1", "main")),
}


@pytest.mark.parametrize(
    ("field", "clause", "verdict", "told"),
    [
        ("Depends", "python3-a (>= 2)", Verdict.PASS, ""),
        ("Depends", "python3-a:any", Verdict.PASS, ""),
        ("Depends", "python3-a (>= 3)", Verdict.FAIL, "the suite has 2.0"),
        ("Recommends", "python3-none", Verdict.WARN, "no such package"),
        ("Build-Depends", "python3-none", Verdict.FAIL, "no such package"),
        ("Depends", "python3-cuda", Verdict.FAIL, "Policy 2.2.1"),
        ("Recommends", "python3-cuda", Verdict.FAIL, "Policy 2.2.1"),
        ("Depends", "python3-a | python3-cuda", Verdict.PASS, ""),
        ("Depends", "python3-cuda | python3-a", Verdict.FAIL, "Policy 2.2.1"),
        ("Depends", "python3-none | python3-a", Verdict.PASS, ""),
        ("Depends", "python3-none | python3-cuda", Verdict.FAIL, "only contrib has it"),
        ("Depends", "virtual", Verdict.PASS, ""),
        ("Depends", "virtual (>= 1)", Verdict.FAIL, "unversioned Provides"),
        ("Depends", "both", Verdict.PASS, ""),
        ("Depends", "a b c", Verdict.FAIL, "can't be read"),
    ],
)
def test_relations_are_there_and_in_their_area(field: str, clause: str, verdict: Verdict, told: str) -> None:
    result = area.judged([Related("x", field, clause, "main")], lambda name: NAMES.get(name, ()))
    assert result.verdict is verdict
    assert told in "".join(result.findings)


def test_outside_of_main_more_is_allowed() -> None:
    result = area.judged([Related("x", "Depends", "python3-cuda", "contrib")], lambda name: NAMES.get(name, ()))
    assert result.verdict is Verdict.PASS


def test_build_dependencies_without_profiles_on_one_machine() -> None:
    field = (
        "a, b [arm64],\n c [!arm64] <!nocheck>, d <cross>, e [linux-any] <!nocheck> <!nodoc>, "
        "f [arm64] | g (>= 1) [amd64]"
    )
    assert list(area.active(field, "amd64")) == ["a", "c", "e", "g (>= 1)"]


def test_local_packages_count_with_what_they_provide() -> None:
    found = area.by_name([{"Package": "p", "Version": "1", "Section": "contrib/python", "Provides": "q (= 2), r"}])
    assert found == {
        "p": [Candidate("1", "contrib")],
        "q": [Candidate("2", "contrib")],
        "r": [Candidate("", "contrib")],
    }


# -- watch


def dehs(**fields: str) -> str:
    inner = "".join(f"<{name.replace('_', '-')}>{text}</{name.replace('_', '-')}>\n" for name, text in fields.items())
    return f"uscan: something\n<dehs>\n{inner}</dehs>\n"


UNREACHABLE = dehs(
    package="x",
    warnings="In watchfile debian/watch, reading webpage\n  https://s.example/ failed: "
    "500 Can't connect to s.example:443 (Name or service not known)",
)
NEWER = dehs(status="newer package available", upstream_version="2", upstream_url="http://s.example/x-2.tar.gz")
FOUND = dehs(status="up to date", upstream_version="1", upstream_url="http://s.example/x-1.tar.gz")


@pytest.mark.parametrize(
    ("newest", "ours", "verdict", "told"),
    [
        (FOUND, FOUND, Verdict.PASS, "finds 1"),
        (NEWER, FOUND, Verdict.WARN, "newer 2"),
        (NEWER, dehs(warnings="no matching hrefs for version 1"), Verdict.FAIL, "but not 1"),
        (
            dehs(status="only older package available", upstream_version="0", upstream_url="u"),
            "",
            Verdict.FAIL,
            "not 1",
        ),
        (dehs(warnings="reading webpage failed: 404 Not Found"), "", Verdict.FAIL, "no release"),
        (UNREACHABLE, "", Verdict.SKIP, "can't be reached"),
        ("", "", Verdict.FAIL, "no release"),
        ("<dehs><broken</dehs>", "", Verdict.FAIL, "no release"),
    ],
)
def test_uscans_own_report_decides(newest: str, ours: str, verdict: Verdict, told: str) -> None:
    result = watch.judged(newest, ours, "1")
    assert result.verdict is verdict
    assert told in result.summary


# -- reproducible

DIFFOSCOPE = """\
python3-x_1_all.deb: different
--- /in/first-python3-x_1_all.deb
+++ /in/python3-x_1_all.deb
├── data.tar.xz
│ ├── data.tar
│ │ ├── ./usr/lib/python3/dist-packages/x/made.py
│ │ │ @@ -1 +1 @@
│ │ │ -WHEN = 1
│ │ │ +WHEN = 2
"""


def test_the_first_lines_that_differ_are_told_with_their_file() -> None:
    assert reproducible.telling(DIFFOSCOPE) == (
        "./usr/lib/python3/dist-packages/x/made.py",
        "  -WHEN = 1",
        "  +WHEN = 2",
    )
    long = DIFFOSCOPE + "│ │ │ +more\n" * 50
    assert len(reproducible.telling(long)) == 12


@pytest.fixture
def second_build(subject: Subject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What the second build does: the bytes that it gives, or what it raises."""
    state: dict[str, Any] = {"bytes": b"bytes"}

    def build(dsc: Path, chroot: Any, out: Path, *args: Any, **kwargs: Any) -> BuildResult:
        if "raises" in state:
            raise state["raises"]
        state["kwargs"] = kwargs
        path = out / subject.debs[0].name
        path.write_bytes(state["bytes"])
        return BuildResult(subject.changes, dsc, (path,), path, path, 1.0)

    monkeypatch.setattr(reproducible, "build", build)
    monkeypatch.setattr(reproducible, "_compared", lambda *args: DIFFOSCOPE)
    monkeypatch.setattr(Subject, "chroot", lambda self, flavour: None)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("debgen.building.scratch.scratch_base", lambda space: tmp_path / "scratch")
    return state


def test_the_same_bytes_pass(subject: Subject, second_build: dict[str, Any]) -> None:
    result = reproducible.check(subject)
    assert result.verdict is Verdict.PASS
    assert result.details["same"] == ["python3-x_1-1_all.deb"]
    assert "TZ" in second_build["kwargs"]["variation"]


def test_other_bytes_are_a_warning_with_the_difference(subject: Subject, second_build: dict[str, Any]) -> None:
    second_build["bytes"] = b"others"
    result = reproducible.check(subject)
    assert result.verdict is Verdict.WARN
    assert "  +WHEN = 2" in result.findings
    assert result.log is not None
    assert "WHEN" in result.log.read_text()


def test_a_second_build_that_fails_is_a_failure(subject: Subject, second_build: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "second.log").write_text("the log of the second")
    second_build["raises"] = BuildError("x does not build:\n  error: why", log=tmp_path / "second.log")
    result = reproducible.check(subject)
    assert result.verdict is Verdict.FAIL
    assert any("why" in finding for finding in result.findings)
    assert result.log is not None
    assert result.log.read_text() == "the log of the second"


def test_what_a_build_sees_of_other_suites_satisfies_builds_alone() -> None:
    lent = {"librust-x-dev": (Candidate("2", "main"),)}
    relations = [Related("the source", field, "librust-x-dev (>= 2)", "main") for field in ("Build-Depends", "Depends")]
    result = area.judged(relations, lambda name: (), lambda name: lent.get(name, ()))
    assert result.findings == ("the source: Depends: librust-x-dev (>= 2): the suite has no such package",)
    assert area.judged(relations[:1], lambda name: (), lambda name: lent.get(name, ())).verdict is Verdict.PASS
