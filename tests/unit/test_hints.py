"""Remarks on other releases of a plan's root."""

from __future__ import annotations

from typing import Any

import pytest
from planning_cases import tree

from debgen import hints
from debgen.errors import NoSdistError
from debgen.planning.matrix import Cell
from debgen.planning.model import Decision, Variant
from debgen.upstream.model import DependencyTree

NEWEST_FIRST = ("3.0", "2.1rc1", "2.0", "1.9", "1.8")


class Client:
    """An index that knows the releases of one distribution."""

    def versions(self, name: str) -> tuple[str, ...]:
        return NEWEST_FIRST


class Bench:
    """Knows how many obstacles each release has, and which were looked at closely."""

    def __init__(self, published: dict[str, int] | None = None, **obstacles: int) -> None:
        self.client = Client()
        self.obstacles = {name.removeprefix("v").replace("_", "."): count for name, count in obstacles.items()}
        self.published = published or self.obstacles
        self.looked: list[str] = []

    def first_look(self, name: str, version: str, variant: Any, *, published: bool = False) -> Cell:
        if not published:
            self.looked.append(version)
        counts = self.published if published else self.obstacles
        if version not in counts:
            raise NoSdistError(f"{name} {version} has no sdist")
        return Cell(
            version, "sid", "cpu", {}, {Decision.BLOCKED: {f"o{i}": "is blocked" for i in range(counts[version])}}
        )


def told(
    bench: Bench, made: DependencyTree, monkeypatch: pytest.MonkeyPatch, kept: list[Cell] | None = None
) -> tuple[str, ...]:
    monkeypatch.setattr(hints, "kept_cells", lambda bench, name, variant: kept or [])
    return hints.hints(bench, made, Variant("cpu", "because"))  # type: ignore[arg-type]


def test_a_newer_release_and_one_that_fits_better_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(v2_0=3, v1_9=1, v1_8=5)
    newer, better = told(bench, tree({"root": []}), monkeypatch)
    assert newer.startswith("root 3.0 is newer than the 2.0 planned here")
    assert better.startswith("root 1.9 fits sid much better, with 1 obstacle instead of 3")
    assert bench.looked == ["2.0", "1.9"]  # neither what is newer, nor the candidate, nor what is worse


def test_nothing_is_told_where_a_release_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    assert told(bench, tree({"root": []}, bound="==2.0"), monkeypatch) == ()
    assert bench.looked == []


def test_what_a_comparison_left_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    kept = [bench_cell("3.0", 0), bench_cell("2.0", 2), bench_cell("1.8", 0)]
    _, better = told(bench, tree({"root": []}), monkeypatch, kept)
    assert "root 1.8 fits" in better  # not 3.0, which resolution passed over
    assert bench.looked == []


def bench_cell(release: str, obstacles: int) -> Cell:
    return Cell(release, "sid", "cpu", {}, {Decision.UPDATE: {f"o{i}": "is too old" for i in range(obstacles)}})


def test_a_release_that_only_its_published_metadata_praises_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench({"1.9": 0, "1.8": 1}, v2_0=4, v1_9=3, v1_8=1)
    _, better = told(bench, tree({"root": []}), monkeypatch)
    assert "root 1.8 fits" in better
    assert bench.looked == ["2.0", "1.9", "1.8"]


def test_nothing_is_read_where_nothing_can_be_much_better(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(v2_0=1, v1_9=0)
    (newer,) = told(bench, tree({"root": []}), monkeypatch)
    assert "3.0 is newer" in newer
    assert bench.looked == ["2.0"]


def test_releases_that_cannot_be_read_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(told(Bench({"1.9": 0}, v2_0=3), tree({"root": []}), monkeypatch)) == 1  # no sdist
    assert len(told(Bench(v2_0=3), tree({"root": []}), monkeypatch)) == 1  # no metadata
    assert len(told(Bench(v1_9=0), tree({"root": []}), monkeypatch)) == 1  # of the chosen one itself
