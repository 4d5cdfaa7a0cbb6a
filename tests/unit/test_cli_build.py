"""What ``debgen build`` makes of its options, and how it ends."""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from debgen.building.checked import Checked, Verdict, as_data
from debgen.chainrun import End, Outcome
from debgen.cli import build as verb
from debgen.cli.board import Board
from debgen.cli.buildreport import _rows, as_text
from debgen.errors import BlockedError, BuildError, CheckError, UsageError
from debgen.planning.chain import Chain, Link

LOW = Link("low", "1", frozenset(), "because")
TOP = Link("top", "1", frozenset({"low"}), "because", asked=True)
LATE = Link("late", "1", frozenset(), "because")
CHAIN = Chain((LOW, TOP, LATE))


def run(*only: str, **options: Any) -> Any:
    shop = SimpleNamespace(record=lambda link: None)
    wanted = {"only": list(only), "git": None, "triage": False, "jobs": 1, "keep_going": False, "name": ["top"]}
    return verb._run(CHAIN, cast(Any, shop), (), argparse.Namespace(**{**wanted, **options}))


def test_only_what_can_be_built_is_chosen() -> None:
    assert run().chosen == ("low", "top", "late")
    assert run("Low").chosen == ("low",)
    with pytest.raises(BlockedError, match="top needs low") as caught:
        run("top")
    assert "--only low" in caught.value.hint


@pytest.mark.parametrize("option", [{"git": Path("g")}, {"triage": True}], ids=lambda option: next(iter(option)))
def test_what_is_about_the_named_package_does_not_go_with_leaving_it_out(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--only leaves out"):
        run("low", **option)
    assert verb._asked(run(**option)).name == "top"  # which is not the last


def test_how_a_run_ends() -> None:
    bad = {"source": "x", "version": "1-1", "good": False}
    verb.raise_worst([Outcome(LOW, End.BUILT, {**bad, "good": True})])
    with pytest.raises(CheckError, match="x 1-1 is built, but not fit"):
        verb.raise_worst([Outcome(LOW, End.BUILT, bad)])
    with pytest.raises(BuildError, match="1 of 2 packages can't be built: low; 1 more is left out"):
        verb.raise_worst([Outcome(LOW, End.FAILED, error=BuildError("no")), Outcome(TOP, End.LEFT)])
    with pytest.raises(BlockedError, match=r"^no$"):
        verb.raise_worst([Outcome(LOW, End.BLOCKED, error=BlockedError("no"))])
    blocked = [Outcome(link, End.BLOCKED, error=BlockedError("no")) for link in (LOW, LATE)]
    with pytest.raises(BlockedError, match="2 of 2"):
        verb.raise_worst(blocked)


def test_on_a_narrow_terminal_nothing_is_cut_and_one_clock_runs() -> None:
    board = Board([LOW, replace(TOP, name="a-name-that-is-as-long-as-this-one")])
    board.begins("low", "building")
    board.stage("low", "164 s  removing the chroot")
    board.waits({"a-name-that-is-as-long-as-this-one": ("low",)})
    console = Console(width=44, file=io.StringIO())
    console.print(board._table())
    text = "".join(cast(io.StringIO, console.file).getvalue().split())
    assert "…" not in text
    assert "164" not in text
    assert "chroot" in text


def report(folder: Path, *outcomes: Outcome) -> str:
    repository = SimpleNamespace(current=folder, newest=folder, line="", directory=folder)
    shop = SimpleNamespace(
        repository=repository, bench=SimpleNamespace(index=SimpleNamespace(codename="sid")), out=folder / "sid"
    )
    links = [outcome.link for outcome in outcomes]
    made = SimpleNamespace(shop=shop, links=links, outcomes={outcome.link.name: outcome for outcome in outcomes})
    return as_text(cast(Any, made))


def test_what_to_install_is_what_was_asked_for_and_built(tmp_path: Path) -> None:
    def summary(name: str) -> dict[str, Any]:
        return {
            "source": name, "version": "1-1", "suite": "sid", "good": True, "debs": [f"/x/python3-{name}_1-1_all.deb"],
            "changes": "", "source_tree": "", "log": "", "orig": {"archive": False}, "checks": [], "seconds": 1,
        }  # fmt: skip

    low, top = Outcome(LOW, End.BUILT, summary("low")), Outcome(TOP, End.BUILT, summary("top"))
    failed = Outcome(TOP, End.FAILED, error=BuildError("no"))
    folder = tmp_path / "a folder"
    assert report(folder, low, top).endswith("apt install python3-top")
    assert report(folder, low, failed).endswith("apt install python3-low")
    assert "install" not in report(folder, failed, Outcome(LOW, End.LEFT))
    assert f"debgen repo path --dist sid -o '{folder}'" in report(folder, low)


def test_a_checks_rows_name_verdict_findings_and_log() -> None:
    many = tuple(f"finding {n}" for n in range(20))
    bad = as_data(Checked("lintian", Verdict.FAIL, "bad", many, Path("/x/lintian.log")))
    rows = list(_rows(bad))
    assert rows[0] == ("lintian", "fail: bad")
    assert [text for _, text in rows[1:13]] == list(many[:12])
    assert rows[13:] == [("", "and 8 more"), ("", "/x/lintian.log")]
    good = as_data(Checked("area", Verdict.PASS, "good", log=Path("/x/area.log")))
    assert list(_rows(good)) == [("area", "pass: good")]


def test_what_was_borrowed_is_told_with_what_follows(tmp_path: Path) -> None:
    summary: dict[str, Any] = {
        "source": "x", "version": "1-1", "suite": "sid", "good": True, "debs": [], "changes": "", "source_tree": "",
        "log": "", "orig": {"archive": False}, "checks": [], "seconds": 1, "borrowed": [], "alone": "",
    }  # fmt: skip
    assert "  borrowed  " not in report(tmp_path, Outcome(LOW, End.BUILT, summary))
    lent = {"package": "librust-x-dev", "version": "2-1", "suite": "forky", "own": None}
    told = report(tmp_path, Outcome(LOW, End.BUILT, {**summary, "borrowed": [lent], "alone": "a depends on b"}))
    assert "  borrowed  1 package borrowed from forky: librust-x-dev 2-1 (sid has none)\n" in told
    assert "not for upload to sid as it is: a build with sid's packages alone can't begin, as a depends on b" in told
