"""``debgen plan``: the table, the files, and what goes where."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from planning_cases import drop, node, relax, sdist
from planning_cases import plan as make

from debgen.cli import plan
from debgen.errors import UsageError, WorkspaceError
from debgen.planning.asjson import as_json
from debgen.planning.model import Decision, Finding, Plan, Topic, Variant
from debgen.planning.saved import is_quick, load
from debgen.upstream.model import ReleaseFile

SDIST = sdist("root", "2.0")
Run = Callable[..., tuple[str, str]]


def example() -> Plan:
    made = make(
        {
            "root": ["hub>=1", "click>=8", "wheel-only", "useless"], "hub": ["click>=8.4", "torch==2.0"], "click": [],
            "torch": ["far"], "wheel-only": [], "useless": [], "far": [],
        },
        {"click": "8.3", "torch": "2.1"}, versions={"click": "8.5"}, wheels_only={"wheel-only"},
        contrib={"torch"},
        layers={"hub": relax("torch", ""), "root": drop("useless")},
    )  # fmt: skip
    breaks = tuple(Finding(Topic.BREAKS, f"python3-x{n} would break") for n in range(3))
    click = replace(node(made, "click"), findings=breaks)
    return replace(
        made, nodes=tuple(click if n.name == "click" else n for n in made.nodes),
        variant=Variant("cpu", "this machine has neither", ("nvcc: none", "hipcc: [none]")),
    )  # fmt: skip


class Bench:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, bool]]] = []
        self.read: list[ReleaseFile] = []
        self.made = example()
        self.reader = SimpleNamespace(read=self.read.append)

    def variant(self, requirement: str, wanted: str) -> Variant:
        if wanted == "tpu":
            raise UsageError("there is no variant 'tpu'")
        return self.made.variant

    def resolve(self, requirement: str, variant: Variant) -> tuple[str, str]:
        return requirement, ""

    def plan(self, requirement: str, variant: Variant, *, resolved: tuple[str, str], **more: bool) -> Plan:
        assert resolved == (requirement, "")
        self.asked.append((requirement, variant.name, more))
        return self.made


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def run(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    @contextmanager
    def suite_index(args: object, mirror: object, meanwhile: Callable[[], None]) -> Iterator[Any]:
        meanwhile()
        yield None

    monkeypatch.delenv("DEBGEN_VARIANT", raising=False)
    monkeypatch.setattr(plan, "index_client", lambda args: None)
    monkeypatch.setattr(plan, "mirror_settings", lambda args: SimpleNamespace(architecture="amd64"))
    monkeypatch.setattr(plan, "suite_index", suite_index)
    monkeypatch.setattr(plan, "workbench", lambda *args: nullcontext(bench))
    monkeypatch.setattr(plan, "hints", lambda bench, tree, variant: ("root 1.9 fits sid much better",))
    monkeypatch.setattr(plan, "read_ahead", lambda *args: SDIST)

    def verb(*words: str) -> tuple[str, str]:
        parser = argparse.ArgumentParser()
        plan.add_parser(parser.add_subparsers())
        args = parser.parse_args(["plan", *words])
        assert args.func(args) == 0
        found = capsys.readouterr()
        return found.out, found.err

    return verb


def rows(out: str) -> dict[str, str]:
    """The rows of the table by distribution; a row's further lines are joined to it."""
    found: dict[str, str] = {}
    name = ""
    for line in out.splitlines():
        if line.startswith("│"):
            cells = [cell.strip() for cell in line.strip("│").split("│")]
            name = cells[0] or name
            found[name] = f"{found.get(name, '')} {' | '.join(cells[1:])}".strip()
    return found


def test_the_table_has_what_matters_first(run: Run) -> None:
    out, err = run("root")
    lines = out.splitlines()
    assert lines[:4] == [
        "root 2.0 on sid (Python 3.14, amd64)", "variant cpu: this machine has neither", "  nvcc: none",
        "  hipcc: [none]",
    ]  # fmt: skip
    found = rows(out)
    assert list(found) == ["wheel-only", "hub", "root", "click", "torch", "useless"]
    assert found["wheel-only"].startswith("2.0 | blocked |")
    assert "has no source distribution" in found["wheel-only"]
    assert "python3-torch 2.1-1 (contrib)" in found["torch"]
    assert "8.5 | update | python3-click 8.3-1" in found["click"]
    assert "(root → hub)" in found["torch"]
    assert "6 distributions: 1 blocked, 2 package, 1 update, 1 relax, 1 drop" in out
    assert "1 more are asked for only by what sid has, or by what nothing is made of (--all)" in out
    assert out.index("build order:") < out.index("  1. click")
    assert "note: root 1.9 fits sid much better\nnote: my note\nnote: a note of the tree\n" in err
    assert "variant: cpu (this machine has neither)" in err


def test_like_findings_are_told_once(run: Run) -> None:
    row = rows(run("root")[0])["click"]
    assert "python3-x0 would break (and 2 more like it: `debgen why click`)" in row
    assert "python3-x1" not in row


def test_all_shows_what_only_the_suite_asks_for(run: Run) -> None:
    assert "far" in rows(run("root", "--all")[0])


def test_no_row_is_cut_and_no_colour_is_in_a_pipe(run: Run, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    name = "a-distribution-with-a-very-long-name-" * 3
    bench.made = replace(
        bench.made, nodes=(*bench.made.nodes, replace(node(bench.made, "click"), name=name.strip("-")))
    )
    out, _ = run("root")
    assert "…" not in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 180


@pytest.mark.parametrize("width", [30, 60, 80, 99, 100, 120])
def test_a_terminal_gets_what_fits_and_nothing_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    out, _ = run("root", "--no-color")
    assert max(map(len, out.splitlines())) <= width
    assert ("┃ distribution" in out) == (width >= 100)
    words = " ".join(out.translate({ord(c): None for c in "│\n"}).split()).replace(" ", "")
    for text in ("wheel-only 2.0", "python3-torch2.1-1(contrib)", "hasnosourcedistribution", "python3-x0wouldbreak"):
        assert width >= 100 or text.replace(" ", "") in words


@pytest.mark.parametrize("colour", [True, False])
def test_colours_are_for_terminals_and_may_be_left_out(run: Run, monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out, _ = run("root", *(() if colour else ("--no-color",)))
    assert ("\x1b[31mblocked" in out) is colour
    assert ("\x1b" in out) is colour  # no bold either


def test_json_is_the_plan_and_nothing_else(run: Run, bench: Bench) -> None:
    out, err = run("root", "--json")
    hinted = replace(bench.made, notes=("root 1.9 fits sid much better", *bench.made.notes))
    assert json.loads(out) == as_json(hinted)
    assert "note:" not in err


def test_the_graph(run: Run) -> None:
    out, _ = run("root", "--dot")
    assert out.startswith("digraph")
    assert out.endswith("}\n")
    assert "far" not in out
    assert "far" in run("root", "--dot", "--all")[0]
    with pytest.raises(SystemExit):
        run("root", "--dot", "--json")


@pytest.mark.parametrize("quick", [True, False])
def test_a_plan_may_be_kept(run: Run, bench: Bench, tmp_path: Path, quick: bool) -> None:
    path = tmp_path / "new" / "plan.json"
    out, err = run("root", "--save", str(path), *(("--quick",) if quick else ()))
    kept = load(path)
    assert {key: kept[key] for key in as_json(bench.made) if key != "notes"} == {
        key: value for key, value in as_json(bench.made).items() if key != "notes"
    }
    assert is_quick(kept) is quick
    assert kept["saved"].endswith("+00:00")
    assert bench.asked == [("root", "cpu", {"read_sdists": not quick, "ask_apt": not quick})]
    assert bench.read == ([] if quick else [SDIST])
    assert f"debgen check {path}" in err
    assert "6 distributions" in out  # the table is there all the same


def test_the_page(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "drawing", lambda document: "")
    path = tmp_path / "plan.html"
    path.write_text("old")
    _, err = run("root", "--html", str(path))
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert str(path) in err
    assert [p.name for p in tmp_path.iterdir()] == ["plan.html"]


@pytest.mark.parametrize("option", ["--save", "--html"])
def test_a_file_that_cannot_be_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr(plan, "drawing", lambda document: "")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WorkspaceError) as caught:
        run("root", option, str(tmp_path / "file" / "plan"))
    assert caught.value.hint
    assert (tmp_path / "file").read_text() == "mine"


def test_what_is_shown_has_a_colour_and_an_order_for_every_decision() -> None:
    assert set(plan.COLOURS) == set(plan.SHOWN) == set(Decision)


def test_an_unknown_variant(run: Run, bench: Bench) -> None:
    with pytest.raises(UsageError):
        run("root", "--variant", "tpu")
    assert bench.asked == []
