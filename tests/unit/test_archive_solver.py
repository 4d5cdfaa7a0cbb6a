"""The solver with an apt that answers from a table, in apt's own words of several versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.archive.aptroot import AptRoot
from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.mirror import MirrorSettings
from debgen.archive.model import ListFile, ListKind, RelationField, Release
from debgen.archive.solver import Problem, Solver
from debgen.archive.unmet import REQUEST, read_output
from debgen.archive.ways import Ways
from debgen.errors import CommandError, UsageError
from debgen.run import Completed

PACKAGES = """\
Package: python3
Version: 3.14.8-1

Package: libc6
Version: 2.43-2

Package: good
Version: 1
Depends: python3:any, virtual, loop-a

Package: loop-a
Version: 1
Depends: loop-b

Package: loop-b
Version: 1
Depends: loop-a

Package: provider
Version: 5
Provides: virtual, versioned (= 5)

Package: torch-cuda
Version: 2.6
Depends: libc6 (>= 2.38), python3 (<< 3.14)

Package: deep
Version: 1
Pre-Depends: deeper
Depends: python3

Package: deeper
Version: 1
Depends: lost-loop, torch-cuda | gone

Package: lost-loop
Version: 1
Depends: deeper

Package: rescued
Version: 1
Depends: torch-cuda | deep | good

Package: wants-version
Version: 1
Depends: versioned (>= 6)

Package: wants-bare
Version: 1
Depends: virtual (>= 1)

Package: foreign
Version: 1
Depends: libc6:i386

Package: exim
Version: 1
Depends: exim-config
Conflicts: mail-agent
Provides: mail-agent

Package: exim-config
Version: 1
Breaks: postfix (<< 9)

Package: postfix
Version: 3
Provides: mail-agent

Package: needs-postfix
Version: 1
Depends: postfix

Package: needs-exim
Version: 1
Depends: exim

Package: both
Version: 1
Depends: needs-exim, needs-postfix

Package: either
Version: 1
Depends: exim | postfix
"""

LIST = """\
Reading package lists...
Building dependency tree...
Some packages could not be installed. This may mean that you have
requested an impossible situation or if you are using the unstable
distribution that some required packages have not yet been created
or been moved out of Incoming.
The following information may help to resolve the situation:

The following packages have unmet dependencies:
"""
OLD_ERROR = "E: Unable to correct problems, you have held broken packages.\n"

APT_2_6 = f"""{LIST}\
 python3-torch-cuda : Depends: libtorch-cuda-2.6 (= 2.6.0+dfsg-7+b1) but it is not going to be installed
                      Depends: python3 (< 3.14) but 3.14.8-1 is to be installed
                      PreDepends: libtorch-cuda-test (= 2.6.0+dfsg-7+b1) but it is not going to be installed
 librust-zip-dev : Depends: librust-typed-path-0.12+default-dev but it is not installable
 postfix : Depends: systemd but it is not going to be installed or
                    systemd-standalone-sysusers but it is not going to be installed or
                    systemd-sysusers
           Conflicts: mail-transport-agent
"""
APT_3_0 = """\
 satisfy:command-line : Depends: librust-pyo3-dev but it is not going to be installed
E: Unable to satisfy dependencies. Reached two conflicting decisions:
   1. librust-zip-dev:amd64=9.0.5+ds-1 is selected for install because:
       1. satisfy:command-line:amd64=1 is selected for install
       2. satisfy:command-line:amd64 Depends librust-pyo3-dev
       3. librust-pyo3-dev:amd64 Depends librust-chrono-tz-0.10-dev
       4. librust-chrono-tz-build-dev:amd64 Depends librust-phf-codegen-dev (< 0.13)
   2. librust-zip-dev:amd64 Depends librust-typed-path-0.12+default-dev
      but none of the choices are installable:
      [no choices]
"""
APT_3_3 = """\
 satisfy:command-line : Depends: either but it is not going to be installed
                        Depends: postfix but it is not going to be installed
E: Unable to satisfy dependencies. Reached two conflicting assignments:
   1. postfix:amd64 is selected for install because:
      1. satisfy:command-line:amd64=1 is selected for install
      2. satisfy:command-line:amd64 Depends postfix
   2. postfix:amd64 is available in version 3.11.7-1
      but none of the choices are installable:
      - postfix:amd64=3.11.7-1 is not selected for install because:
        1. satisfy:command-line:amd64=1 is selected for install as above
        2. satisfy:command-line:amd64=1 Depends either
        3. exim:amd64=1 Conflicts mail-agent
           [selected exim:amd64]
"""


class Apt:
    """Fails for a set that has all of one of ``bad``'s sets in it, with that one's output; counts its calls."""

    def __init__(self, bad: Mapping[tuple[str, ...], str]) -> None:
        self.bad = bad
        self.asked: list[tuple[str, ...]] = []

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        words = tuple(str(word) for word in argv)
        assert words[:2] == ("apt-get", "satisfy")
        assert {"--print-uris", "--no-install-recommends"} < set(words)
        assert env
        assert env["APT_CONFIG"].endswith("/apt/sid-amd64/apt.conf")
        wanted = tuple(words[-1].split(", "))
        self.asked.append(wanted)
        for names, output in self.bad.items():
            if set(names) <= set(wanted):
                out, mark, error = output.partition("E: ")
                return Completed(words, 100, LIST + out, "W: a warning\n" + mark + (error or OLD_ERROR))
        return Completed(words, 0, "'file:/a.deb' a.deb 1 SHA256:0", "W: a warning\n")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SuiteIndex]:
    (tmp_path / "Packages").write_text(PACKAGES)
    release = Release("unstable", "sid", datetime(2026, 10, 30, tzinfo=UTC), ("main",))
    lists = (ListFile(ListKind.PACKAGES, "main", tmp_path / "Packages"),)
    build_index(tmp_path / "index", key="k", release=release, architecture="amd64", lists=lists)
    with SuiteIndex(tmp_path / "index") as opened:
        yield opened


@pytest.fixture
def root() -> AptRoot:
    settings = MirrorSettings("file:/mirror", False, (), (), Path("/keyring"), "amd64")
    root = AptRoot("sid", settings)
    (root.directory / "lists").mkdir()
    (root.directory / "lists" / "x_dists_sid_InRelease").write_text("Suite: unstable\n")
    return root


def unmet(package: str, clause: str, reason: str = "it is not installable") -> str:
    return f" {package} : Depends: {clause} but {reason}\n"


TORCH: Mapping[tuple[str, ...], str] = {
    ("torch-cuda",): unmet("torch-cuda", "python3 (< 3.14)", "3.14.8-1 is to be installed")
}
DEEP: Mapping[tuple[str, ...], str] = {("deep",): unmet("deeper", "torch-cuda", "it is not going to be installed")}


def test_what_is_fine_takes_one_process_and_later_none(index: SuiteIndex, root: AptRoot) -> None:
    apt = Apt({})
    solver = Solver(index, root, run=apt)
    expected = {"good": None, "provider": None}
    assert solver.check(["provider", "good"]) == expected
    assert solver.check(["good"]) == {"good": None}
    assert Solver(index, root, run=apt).check(["good", "provider"]) == expected
    assert apt.asked == [("good", "provider")]
    assert solver.check([]) == {}
    assert solver.together([]) is None


def test_answers_are_of_one_release(index: SuiteIndex, root: AptRoot) -> None:
    solver = Solver(index, root, run=Apt({}))
    assert solver.check(["either"]) == {"either": None}
    root.release_file().write_text("Suite: unstable\nDate: later\n")
    later = Apt({("either",): LIST + " either : Depends: exim but it is not going to be installed\n"})
    for one in (Solver(index, root, run=later), Solver(index, root, run=later)):
        assert one.check(["either"])["either"] is not None
    assert len(later.asked) == 1
    solver.check(["either"])
    assert solver.check(["either"])["either"] is not None, "an open solver notices it too"


@pytest.mark.parametrize("spoilt", ["", "[]", "{", '{"format": 0}', '{"format": 1, "release": "x", "answers": {}}'])
def test_spoilt_answers_on_disk_are_asked_for_anew(index: SuiteIndex, root: AptRoot, spoilt: str) -> None:
    Solver(index, root, run=Apt({})).check(["good"])
    path = root.directory / "installable.json"
    assert json.loads(path.read_text())["answers"] == {"good": None}
    path.write_text(spoilt)
    apt = Apt({})
    assert Solver(index, root, run=apt).check(["good"]) == {"good": None}
    assert len(apt.asked) == 1


def test_two_runs_dont_forget_each_others_answers(index: SuiteIndex, root: AptRoot) -> None:
    one, other = Solver(index, root, run=Apt({})), Solver(index, root, run=Apt({}))
    one.check(["good"])
    other.check(["provider"])
    one.check(["python3"])
    apt = Apt({})
    Solver(index, root, run=apt).check(["good", "provider", "python3"])
    assert apt.asked == []


def test_the_chain_leads_to_the_relation_that_fails(index: SuiteIndex, root: AptRoot) -> None:
    apt = Apt({**TORCH, **DEEP})
    solver = Solver(index, root, run=apt)
    found = solver.check(["torch-cuda", "good", "deep"])
    assert apt.asked == [("good",)], "a dead end is one for apt too"
    assert found["good"] is None
    assert found["torch-cuda"] == Problem(
        "torch-cuda",
        ("torch-cuda", "python3 (<< 3.14)"),
        "torch-cuda depends on python3 (<< 3.14), and sid has python3 3.14.8-1",
    )
    assert found["deep"] is not None
    assert found["deep"].chain == ("deep", "deeper", "torch-cuda", "python3 (<< 3.14)")


def test_problems_are_kept_too(index: SuiteIndex, root: AptRoot) -> None:
    apt = Apt({("either",): unmet("either", "exim", "it is not going to be installed")})
    first = Solver(index, root, run=apt).check(["either"])
    assert first["either"] is not None
    assert len(apt.asked) == 1
    assert Solver(index, root, run=apt).check(["either"]) == first
    assert len(apt.asked) == 1


def test_what_the_suite_lacks_needs_no_process(index: SuiteIndex, root: AptRoot) -> None:
    apt = Apt({})
    found = Solver(index, root, run=apt).check(["nosuch", "versioned (>= 6)", "good"])
    assert found["good"] is None
    assert apt.asked == [("good",)]
    assert found["nosuch"] == Problem("nosuch", ("nosuch",), "sid has no package nosuch")
    assert found["versioned (>= 6)"] is not None
    assert found["versioned (>= 6)"].text == "sid has provider 5, not versioned (>= 6)"


def test_packages_that_only_exclude_each_other_are_installable(index: SuiteIndex, root: AptRoot) -> None:
    names = ["exim", "good", "postfix", "provider", "python3", "rescued", "versioned", "virtual"]
    apt = Apt({("exim", "postfix"): unmet(REQUEST, "postfix")})
    solver = Solver(index, root, run=apt)
    assert solver.check(names) == dict.fromkeys(names)
    assert len(apt.asked) == 3, "apt named the culprit, so nothing else is asked about by itself"
    problem = solver.together(["postfix", "exim"])
    assert problem == Problem(
        "exim, postfix", ("exim", "Conflicts: mail-agent"), "exim conflicts with mail-agent, which postfix provides"
    )
    assert solver.together(["good", "exim"]) is None
    asked = list(apt.asked)
    assert solver.together(["good", "torch-cuda"]) == Problem(
        "good, torch-cuda",
        ("torch-cuda", "python3 (<< 3.14)"),
        "torch-cuda depends on python3 (<< 3.14), and sid has python3 3.14.8-1",
    )
    assert apt.asked == asked, "a dead end needs no process"
    count = len(apt.asked)
    assert Solver(index, root, run=apt).together(["exim", "postfix"]) == problem
    assert len(apt.asked) == count


def test_culprits_that_apt_does_not_name_are_found_by_halves(index: SuiteIndex, root: AptRoot) -> None:
    names = sorted(["either", "good", "loop-a", "loop-b", "postfix", "provider", "python3", "rescued"])
    apt = Apt({("either",): unmet("exim-config", "gone")})
    found = Solver(index, root, run=apt).check(names)
    assert [name for name, problem in found.items() if problem] == ["either"]
    assert found["either"] == Problem(
        "either", ("either", "exim", "exim-config", "gone"), "exim-config: Depends: gone but it is not installable"
    )
    assert len(apt.asked) <= 8


def test_the_newer_solvers_account_is_told(index: SuiteIndex, root: AptRoot) -> None:
    problem = Solver(index, root, run=Apt({("either", "postfix"): APT_3_3})).together(["either", "postfix"])
    assert problem is not None
    assert problem.chain == ("either", "exim", "Conflicts: mail-agent")
    assert problem.text == "exim: Conflicts: mail-agent"


def test_without_any_way_apts_lines_are_the_text(index: SuiteIndex, root: AptRoot) -> None:
    apt = Apt({("good",): unmet("nowhere", "something")})
    assert Solver(index, root, run=apt).check(["good"]) == {
        "good": Problem("good", (), "nowhere: Depends: something but it is not installable")
    }


def test_of_apts_lines_the_cause_comes_before_its_consequences(index: SuiteIndex, root: AptRoot) -> None:
    lines = unmet("exim", "exim-config", "it is not going to be installed") + unmet("exim-config", "gone")
    problem = Solver(index, root, run=Apt({("exim",): lines})).check(["exim"])["exim"]
    assert problem is not None
    assert problem.chain == ("exim", "exim-config", "gone")
    assert problem.text.startswith("exim-config: Depends: gone but it is not installable; exim: ")
    bare = Solver(index, root, run=Apt({("good",): unmet(REQUEST, "good")})).check(["good"])["good"]
    assert bare == Problem("good", (), "good but it is not installable")


def test_a_failure_of_apt_is_no_answer(index: SuiteIndex, root: AptRoot) -> None:
    apt = Apt({("good",): "E: The package lists or status file could not be parsed or opened."})
    solver = Solver(index, root, run=apt)
    with pytest.raises(CommandError, match="could not be parsed") as caught:
        solver.check(["good"])
    assert (caught.value.returncode, "--refresh" in caught.value.hint) == (100, True)
    assert not (root.directory / "installable.json").exists()


@pytest.mark.parametrize("text", ["", "-oDir=/", "a, b", "a [amd64]", "a <!nocheck>", "a;b", "good\nE: x"])
def test_what_is_no_relation_is_refused(index: SuiteIndex, root: AptRoot, text: str) -> None:
    apt = Apt({})
    for ask in (Solver(index, root, run=apt).check, Solver(index, root, run=apt).together):
        with pytest.raises(UsageError, match="not a relation"):
            ask(["good", text])
    assert apt.asked == []


def test_nothing_is_printed(index: SuiteIndex, root: AptRoot, capsys: pytest.CaptureFixture[str]) -> None:
    Solver(index, root, run=Apt(TORCH)).check(["torch-cuda", "good"])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("clause", "chain"),
    [
        ("good", None),
        ("rescued", None),
        ("torch-cuda | good", None),
        ("torch-cuda | gone", ("torch-cuda", "python3 (<< 3.14)")),
        ("wants-version", ("wants-version", "versioned (>= 6)")),
        ("wants-bare", ("wants-bare", "virtual (>= 1)")),
        ("versioned (>= 5)", None),
        ("foreign", ("foreign", "libc6:i386")),
        ("lost-loop", ("lost-loop", "deeper", "torch-cuda", "python3 (<< 3.14)")),
        ("gone", ("gone",)),
    ],
)
def test_dead_ends(index: SuiteIndex, clause: str, chain: tuple[str, ...] | None) -> None:
    assert Ways(index).dead_end(clause) == chain
    ways = Ways(index)
    for other in ("python3 (<< 3.14)", "versioned (>= 6)", "deep", "rescued", "good", "lost-loop"):
        ways.is_dead(other)
    assert ways.dead_end(clause) == chain, "what was looked at before changes nothing"


def test_certain_conflicts(index: SuiteIndex) -> None:
    ways = Ways(index)
    clash = ways.clash(["both"])
    assert clash is not None
    assert (clash.package, clash.field, clash.other) == ("exim", RelationField.CONFLICTS, "postfix")
    assert (clash.way, clash.other_way) == (("both", "needs-exim", "exim"), ("both", "needs-postfix", "postfix"))
    breaks = ways.clash(["exim-config", "needs-postfix"])
    assert breaks is not None
    assert (breaks.package, breaks.relation, breaks.other_way) == (
        "exim-config", "postfix (<< 9)", ("needs-postfix", "postfix"),
    )  # fmt: skip
    assert ways.clash(["either", "good"]) is None
    assert ways.clash(["exim"]) is None, "a package doesn't conflict with what it provides itself"


def test_apts_list_of_unmet_dependencies() -> None:
    said = read_output(APT_2_6 + OLD_ERROR)
    assert said is not None
    assert said.account == ()
    assert [(entry.package, entry.field, entry.clause) for entry in said.unmet] == [
        ("python3-torch-cuda", "Depends", "libtorch-cuda-2.6 (= 2.6.0+dfsg-7+b1)"),
        ("python3-torch-cuda", "Depends", "python3 (<< 3.14)"),
        ("python3-torch-cuda", "Pre-Depends", "libtorch-cuda-test (= 2.6.0+dfsg-7+b1)"),
        ("librust-zip-dev", "Depends", "librust-typed-path-0.12+default-dev"),
        ("postfix", "Depends", "systemd | systemd-standalone-sysusers | systemd-sysusers"),
        ("postfix", "Conflicts", "mail-transport-agent"),
    ]
    assert said.unmet[1].said == "python3 (< 3.14) but 3.14.8-1 is to be installed"


def test_the_account_of_apts_newer_solver() -> None:
    said = read_output(LIST + APT_3_0)
    assert said is not None
    assert [(entry.package, entry.clause) for entry in said.unmet] == [(REQUEST, "librust-pyo3-dev")]
    assert said.account[0] == "Unable to satisfy dependencies. Reached two conflicting decisions:"
    assert said.account[-1] == "[no choices]"
    assert [(entry.package, entry.field, entry.clause) for entry in said.steps] == [
        (REQUEST, "Depends", "librust-pyo3-dev"),
        ("librust-pyo3-dev", "Depends", "librust-chrono-tz-0.10-dev"),
        ("librust-chrono-tz-build-dev", "Depends", "librust-phf-codegen-dev (<< 0.13)"),
        ("librust-zip-dev", "Depends", "librust-typed-path-0.12+default-dev"),
    ]
    later = read_output(LIST + APT_3_3)
    assert later is not None
    assert (later.steps[-1].package, later.steps[-1].field, later.steps[-1].clause) == (
        "exim", "Conflicts", "mail-agent",
    )  # fmt: skip


def test_other_failures_say_nothing_of_dependencies() -> None:
    assert read_output("Reading package lists...\nE: Could not open lock file\n") is None
    assert read_output("") is None
