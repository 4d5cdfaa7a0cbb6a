"""``debgen matrix``: which cells are asked for, and how they are shown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from debgen.cli import matrix
from debgen.errors import UnknownDistributionError, UsageError
from debgen.planning.matrix import Cell
from debgen.planning.model import Decision

Run = Callable[..., str]


def cell(release: str, suite: str, variant: str, *, update: Sequence[str] = (), problem: str = "") -> Cell:
    if problem:
        return Cell(release, suite, variant, problem=problem)
    names = {Decision.UPDATE: dict.fromkeys(update, "is too old"), Decision.BLOCKED: {}}
    return Cell(release, suite, variant, {Decision.UPDATE: len(update), Decision.USE: 7}, names)


class Made:
    """The cells that comparing gives; keeps what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.releases = ["3.0", "2.0", "1.0"]
        self.updates = {"3.0": ["click", "torch"], "2.0": ["torch"], "1.0": []}
        self.problems: dict[str, str] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.specifier = ""
        client = SimpleNamespace(versions=lambda name: tuple(self.releases))
        monkeypatch.setattr(matrix, "index_client", lambda args: client)
        monkeypatch.setattr(matrix, "mirror_settings", lambda args: SimpleNamespace())
        monkeypatch.setattr(matrix, "open_suite", self.open_suite)
        monkeypatch.setattr(matrix, "Workbench", lambda index, *rest: SimpleNamespace(index=index))
        monkeypatch.setattr(matrix, "releases_of", self.releases_of)
        monkeypatch.setattr(matrix, "compare", self.compare)

    @contextmanager
    def open_suite(self, suite: str, mirror: object, *, refresh: bool) -> Iterator[Any]:
        yield SimpleNamespace(codename=suite)

    def releases_of(self, bench: object, name: str, specifier: SpecifierSet) -> list[str]:
        self.specifier = str(specifier)
        return [release for release in self.releases if release in specifier]

    def compare(self, bench: Any, name: str, releases: Sequence[str], variant: str) -> list[Cell]:
        self.asked.append((name, bench.index.codename, variant))
        return [
            cell(r, bench.index.codename, variant, update=self.updates[r], problem=self.problems.get(r, ""))
            for r in releases
        ]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.delenv("DEBGEN_VARIANT", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    return Made(monkeypatch)


@pytest.fixture
def run(made: Made, capsys: pytest.CaptureFixture[str]) -> Run:
    def verb(*words: str) -> str:
        parser = argparse.ArgumentParser()
        matrix.add_parser(parser.add_subparsers())
        args = parser.parse_args(["matrix", *words])
        assert args.func(args) == 0
        return capsys.readouterr().out

    return verb


def test_all_suites_and_variants(made: Made, run: Run) -> None:
    out = run("Foo_Bar", "--dist", "sid, trixie,sid,")
    assert made.asked == [
        ("foo-bar", suite, variant) for suite in ("sid", "trixie") for variant in ("cpu", "cuda", "rocm")
    ]
    assert out.count("best fit: 1.0. nothing is blocked") == 6
    assert "foo-bar on trixie, variant rocm" in out


def test_variants_may_be_chosen(made: Made, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("foo", "--variant", "rocm,cpu,rocm")
    monkeypatch.setenv("DEBGEN_VARIANT", "cuda")
    run("foo")
    assert [variant for _, _, variant in made.asked] == ["rocm", "cpu", "cuda"]


def test_the_table(made: Made, run: Run) -> None:
    made.problems = {"3.0": "3.0 has no source distribution"}
    out = run("foo", "--variant", "cpu", "--versions", ">=2")
    assert made.specifier == ">=2"
    rows = {line.split()[1]: line for line in out.splitlines() if line.startswith("│")}
    assert list(rows) == ["2.0"]
    assert rows["2.0"].split("│")[1].strip() == "2.0 *"
    assert rows["2.0"].split("│")[-2].strip() == "torch"
    assert "no plan for 3.0: … has no source distribution" in out
    assert "* best fit: 2.0. 0 blocked, 1 to update: torch." in out


def test_where_nothing_can_be_planned(made: Made, run: Run) -> None:
    made.problems = {"2.0": "it has wheels only", "1.0": "older", "3.0": "it has wheels only"}
    out = run("foo", "--variant", "cpu")
    assert "no release can be planned; of the newest, 3.0: it has wheels only" in out
    found = json.loads(run("foo", "--variant", "cpu", "--json"))
    assert found["fits"][0]["best"] is None
    assert [c["problem"] for c in found["fits"][0]["cells"]] == ["it has wheels only", "it has wheels only", "older"]


def test_json(made: Made, run: Run) -> None:
    found = json.loads(run("foo", "--variant", "cpu,cuda", "--json"))
    assert (found["schema"], found["name"], len(found["fits"])) == (matrix.SCHEMA, "foo", 2)
    first = found["fits"][0]
    assert (first["suite"], first["variant"], first["best"]["release"]) == ("sid", "cpu", "1.0")
    assert first["best"]["reasons"][1] == "2.0 is worse: torch (is too old)"
    assert first["cells"][0] == {
        "release": "3.0", "suite": "sid", "variant": "cpu", "problem": "", "totals": {"update": 2, "use": 7},
        "names": {"update": {"click": "is too old", "torch": "is too old"}, "blocked": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["foo", "--versions", "=>1"], "'=>1' is not a version specifier"),
        (["foo", "--variant", "cpu,tpu"], "there is no variant 'tpu'"),
        (["foo", "--dist", " , "], "--dist names no suite"),
        (["foo", "--dist", ""], "--dist names no suite"),
        (["foo==1"], "'foo==1' is not the name of a distribution"),
        ([""], "'' is not the name"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(made: Made, run: Run, words: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(*words)
    assert str(caught.value).startswith(told)
    assert caught.value.hint
    assert made.asked == []


def test_no_release(made: Made, run: Run) -> None:
    with pytest.raises(UnknownDistributionError, match=r"foo has no final release that fits >=9") as caught:
        run("foo", "--versions", ">=9")
    assert "3.0, 2.0, 1.0" in caught.value.hint
    made.releases = []
    with pytest.raises(UnknownDistributionError, match=r"foo has no final release$"):
        run("foo")
