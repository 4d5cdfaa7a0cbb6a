"""Cells of many releases: which are planned, which are kept, and until when."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from packaging.specifiers import SpecifierSet
from planning_cases import plan, tree

from debgen import comparison
from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.model import ListFile, ListKind, Release
from debgen.archive.names import Alias
from debgen.comparison import cell_json, compare, kept_cells, releases_of
from debgen.errors import NetworkError, NoSdistError, ResolutionError, WorkspaceError
from debgen.planner import Workbench
from debgen.planning.matrix import Cell
from debgen.planning.model import Decision, Variant
from debgen.recipes import Layer, load_recipe
from debgen.upstream.model import DependencyTree
from debgen.upstream.variants import VariantSource

RELEASES = ["3.0", "2.0", "1.0"]


class Bench:
    """Stands in for the planner: each release of "app" asks for b, whose version in the suite is 1.0."""

    def __init__(self, recipes: Sequence[Path] = (), date: datetime = datetime(2026, 11, 1, tzinfo=UTC)) -> None:
        self.index = SimpleNamespace(codename="sid", architecture="amd64", python_version="3.14", date=date)
        self.client = SimpleNamespace(
            settings=SimpleNamespace(url="https://index.invalid/simple/"), refresh=False,
            versions=lambda name: ("3.0rc1", *RELEASES, "0.9.dev1"),
        )  # fmt: skip
        self.mirror = SimpleNamespace(uri="https://mirror.invalid/debian")
        self.recipe_roots = tuple(recipes)
        self.pydist = SimpleNamespace(packages={"b": "python3-b"})
        self.files: dict[str, tuple[str, ...]] = {}
        self.resolved: list[str] = []
        self.failing: dict[str, BaseException] = {}
        self.meanwhile: Callable[[str], None] = lambda release: None

    def source(self, variant: str) -> VariantSource:
        return VariantSource(variant, self.files)

    def resolve(self, requirement: str, variant: Variant, **more: Any) -> tuple[DependencyTree, str]:
        release = requirement.partition("==")[2]
        self.resolved.append(release)
        if error := self.failing.get(release):
            raise error
        return tree({"app": [f"b>={release}"], "b": []}), release

    def plan(self, requirement: str, variant: Variant, *, resolved: tuple[DependencyTree, str], **more: Any) -> Any:
        self.meanwhile(resolved[1])
        assert more == {"read_sdists": False}
        layer = load_recipe("app", "sid", variant=variant.name, directories=self.recipe_roots).layer
        return plan({"app": [f"b>={resolved[1]}"], "b": []}, {"b": "1.0"}, layers={"app": layer, "b": Layer()})


def run(bench: Bench, releases: Sequence[str] = RELEASES, variant: str = "cpu", name: str = "app") -> list[Cell]:
    """Compare, and return the cells; what was resolved is in ``bench.resolved``, sorted."""
    bench.resolved.clear()
    cells = compare(cast(Workbench, bench), name, releases, variant)
    bench.resolved.sort(reverse=True)
    return cells


def test_final_releases_newest_first() -> None:
    bench = cast(Workbench, Bench())
    assert releases_of(bench, "app", SpecifierSet()) == RELEASES
    assert releases_of(bench, "app", SpecifierSet("<3,>1")) == ["2.0"]


def test_cells_come_in_order_and_each_is_planned_once() -> None:
    bench = Bench()
    cells = run(bench)
    assert [cell.release for cell in cells] == RELEASES
    assert [cell.totals[Decision.UPDATE] for cell in cells] == [1, 1, 0]
    assert bench.resolved == RELEASES
    assert run(bench) == cells
    assert bench.resolved == []
    assert run(bench, ["2.0", "1.5"])[0] == cells[1]
    assert bench.resolved == ["1.5"]
    assert {cell.release for cell in kept_cells(cast(Workbench, bench), "app", "cpu")} == {*RELEASES, "1.5"}
    assert kept_cells(cast(Workbench, bench), "app", "rocm") == []


def test_refreshing_plans_anew_and_keeps_the_rest() -> None:
    bench = Bench()
    run(bench)
    bench.client.refresh = True
    run(bench, ["2.0"])
    assert bench.resolved == ["2.0"]
    bench.client.refresh = False
    run(bench)
    assert bench.resolved == []


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    return folder.parent


DROP = '[[drop]]\ndistribution = "{}"\nreason = "a reason that is long enough"\n'


def test_what_changes_the_answer_is_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = write(tmp_path / "own/app", DROP.format("x"))
    bench = Bench([own])
    run(bench)

    def again() -> list[str]:
        run(bench)
        found = list(bench.resolved)
        run(bench)
        assert bench.resolved == []  # and only once
        return found

    assert again() == []
    state = (own / "app/recipe.toml").stat()
    write(own / "app", DROP.format("b"))  # as long as before, and with the times of before
    os.utime(own / "app/recipe.toml", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert again() == RELEASES
    assert [cell.totals[Decision.DROP] for cell in run(bench)] == [1, 1, 1]
    os.utime(own / "app/recipe.toml")
    assert again() == []  # another time, the same content
    write(own / "new", "")
    assert again() == RELEASES
    other = write(tmp_path / "other/app", "")
    bench.recipe_roots = (other, own)
    assert again() == RELEASES
    bench.recipe_roots = (own, other)
    assert again() == RELEASES
    for attribute, value in (("date", datetime(2026, 11, 2, tzinfo=UTC)), ("architecture", "arm64"),
                             ("python_version", "3.15"), ("codename", "forky")):  # fmt: skip
        setattr(bench.index, attribute, value)
        assert again() == RELEASES, attribute
    bench.mirror.uri = "https://other.invalid/debian"
    assert again() == RELEASES
    bench.client.settings.url = "https://other.invalid/simple/"
    assert again() == RELEASES
    bench.files = {"app": ("requirements/cpu.txt",)}
    assert again() == RELEASES
    bench.pydist.packages = {}
    assert again() == RELEASES
    monkeypatch.setattr(comparison, "__version__", "99")
    assert again() == RELEASES
    monkeypatch.setattr(comparison, "aliases", lambda: {"b": Alias("why", package="python3-c")})
    assert again() == RELEASES


def test_cells_are_kept_for_a_day_each(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(comparison, "time", SimpleNamespace(time=lambda: now[0], monotonic=time.monotonic))
    bench = Bench()
    run(bench, ["3.0"])
    now[0] += comparison.KEPT_SECONDS - 10
    run(bench, ["3.0", "2.0"])
    assert bench.resolved == ["2.0"]
    now[0] += 20  # keeping 2.0 has not made 3.0 any younger
    run(bench, ["3.0", "2.0"])
    assert bench.resolved == ["3.0"]
    now[0] -= 10_000  # a clock that was set back
    run(bench, ["3.0", "2.0"])
    assert bench.resolved == ["3.0", "2.0"]


def folder() -> Path:
    return Path(os.environ["DEBGEN_CACHE"]) / "matrix"


def test_files_that_nobody_reads_any_more_go() -> None:
    bench = Bench()
    run(bench)
    (old,) = folder().glob("*.json")
    os.utime(old, (1, 1))
    bench.pydist.packages = {}
    run(bench)
    assert not old.exists()
    assert len(list(folder().glob("*.json"))) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"3.0": {}}', '{"3.0": 1}', '{"3.0": {"planned": "x"}}', "\x00", '{"3.0": null}']
)
def test_a_damaged_file_is_as_good_as_none(text: str) -> None:
    bench = Bench()
    cells = run(bench)
    (path,) = folder().glob("*.json")
    path.write_text(text)
    assert run(bench) == cells
    assert bench.resolved == RELEASES
    entries = {r: {"planned": time.time(), **cell_json(c), "totals": {"nonsense": 1}} for r, c in zip(RELEASES, cells)}  # noqa: B905
    path.write_text(json.dumps(entries))
    assert run(bench) == cells


def test_releases_without_a_plan_are_cells_too() -> None:
    bench = Bench()
    bench.failing = {"3.0": NoSdistError("has wheels\nonly"), "1.0": ResolutionError("x " * 1000)}
    first, second, third = run(bench)
    assert (first.problem, first.totals, first.obstacles) == ("has wheels only", {}, {})
    assert second.problem == ""
    assert len(third.problem) < 400
    assert third.problem.endswith("…")
    assert run(bench) == [first, second, third]
    assert bench.resolved == []


@pytest.mark.parametrize("error", [NetworkError("no route"), KeyboardInterrupt()])
def test_what_was_planned_before_a_failure_is_kept(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    releases = [f"{n}.0" for n in range(40, 0, -1)]
    monkeypatch.setattr(comparison, "_AHEAD", 2)
    bench = Bench()
    bench.failing = {"31.0": error}
    with pytest.raises(type(error)):
        run(bench, releases)
    assert len(bench.resolved) <= 9 + 2 + comparison._RESOLVERS + 1  # what lay ahead, and no more
    bench.failing = {}
    assert [cell.release for cell in run(bench, releases)] == releases
    assert bench.resolved == sorted(releases[9:], reverse=True)


def test_trees_are_not_heaped_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_AHEAD", 2)
    bench = Bench()
    ahead: list[int] = []
    planned: list[str] = []

    def meanwhile(release: str) -> None:
        time.sleep(0.005)
        planned.append(release)
        ahead.append(len(bench.resolved) - len(planned))

    bench.meanwhile = meanwhile
    run(bench, [f"{n}.0" for n in range(1, 30)])
    assert max(ahead) <= 3


def test_two_runs_at_once_lose_nothing() -> None:
    """Both begin with nothing, plan other releases, and end at nearly the same time."""
    groups = [[f"{n}.{k}" for n in range(1, 30)] for k in range(4)]
    start = threading.Barrier(len(groups))

    def one(group: list[str]) -> None:
        def wait(release: str) -> None:
            if release == group[0]:
                start.wait()

        bench = Bench()
        bench.meanwhile = wait
        run(bench, group)

    with ThreadPoolExecutor(len(groups)) as pool:
        list(pool.map(one, groups))
    kept = kept_cells(cast(Workbench, Bench()), "app", "cpu")
    assert {cell.release for cell in kept} == {release for group in groups for release in group}


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "file"))
    with pytest.raises(WorkspaceError):
        run(Bench())


PACKAGES = "".join(
    f"Package: python3-p{n}\nSource: p{n % 7}\nVersion: {n}.0-1\nArchitecture: all\nSection: python\n"
    f"Provides: python3-q{n % 11}\nDepends: python3, python3-p{(n + 1) % 100}\n\n"
    for n in range(100)
) + "".join(
    f"Package: {p}\nVersion: {v}-1\nArchitecture: all\n\n" for p, v in (("python3", "3.14.2"), ("libc6", "2.43"))
)


def test_an_index_answers_several_threads_at_once(tmp_path: Path) -> None:
    """Releases are resolved side by side, and each thread asks the same index."""
    assert sqlite3.threadsafety == 3, "SQLite is built so that a connection can't be shared"
    (tmp_path / "Packages").write_text(PACKAGES)
    contents = "".join(
        f"usr/lib/python3/dist-packages/p{n}-{n}.0.dist-info/METADATA python/python3-p{n}\n" for n in range(100)
    )
    (tmp_path / "Contents").write_text(contents)
    build_index(
        tmp_path / "index.sqlite", key="k", release=Release("unstable", "sid", datetime.now(UTC), ("main",)),
        architecture="amd64",
        lists=(
            ListFile(ListKind.PACKAGES, "main", tmp_path / "Packages"),
            ListFile(ListKind.CONTENTS, "main", tmp_path / "Contents"),
        ),
    )  # fmt: skip
    with SuiteIndex(tmp_path / "index.sqlite") as index:

        def everything(start: int) -> list[object]:
            return [
                answer
                for n in (*range(start, 100), *range(start))
                for answer in (
                    (n, index.binary(f"python3-p{n}")), (n, index.shipped(f"p{n}")),
                    (n, index.dependants(f"python3-p{n}")), (n, index.providers(f"python3-q{n % 11}")),
                    (n, index.source_binaries(f"p{n % 7}")),
                )
            ]  # fmt: skip

        alone = [everything(start) for start in range(0, 100, 12)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(everything, range(0, 100, 12)))
    assert together == alone
    assert len(alone[0]) == 500
