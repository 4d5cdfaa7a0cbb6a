"""The way from a requirement to a plan, with the index, apt and the archive played by small tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from borrow_cases import packages, sid
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from planning_cases import REASON, decisions, drop, match, node, relax, tree

from debgen import breakage, planner, survey
from debgen.archive.borrow import BuildPackages
from debgen.archive.extras import Pull
from debgen.archive.index import SuiteIndex
from debgen.archive.model import Match, RelationField
from debgen.archive.pydist import Pydist
from debgen.archive.reverse import Broken
from debgen.archive.solver import Problem
from debgen.errors import (
    HostileArchiveError,
    NetworkError,
    RecipeError,
    ResolutionError,
    UnknownDistributionError,
)
from debgen.planner import Workbench
from debgen.planning.model import Decision, Kind, Plan, Supply, Topic, Variant
from debgen.recipes import Layer, Recipe, Unbuilt, Vendor, Without
from debgen.upstream.buildcargo import crates_of
from debgen.upstream.buildmodel import BuildFacts, CargoSource, Manifest
from debgen.upstream.index import IndexClient
from debgen.upstream.model import DependencyTree, FileKind, ReleaseFile, Target

CPU = Variant("cpu", "because")
Releases = Mapping[str, Mapping[str, Sequence[str]]]


class Solver:
    """apt's answers; keeps what it was asked."""

    def __init__(self, problems: Mapping[str, str] | None = None) -> None:
        self.problems = problems or {}
        self.asked: list[tuple[str, ...]] = []

    def check(self, packages: Collection[str]) -> dict[str, Problem | None]:
        self.asked.append(tuple(packages))
        return {p: Problem(p, (p, "gone"), self.problems[p]) if p in self.problems else None for p in packages}

    def together(self, packages: Collection[str]) -> Problem | None:
        found = next((p for p in packages if p in self.problems), None)
        return Problem(found, (), self.problems[found]) if found else None


class World:
    """Releases on the index, as ``{name: {version: [requirement]}}``, and what a suite has, as ``{name: version}``.

    Resolution takes the newest release of everything that the constraints allow; it doesn't look at the requirements.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, releases: Releases, suite: Mapping[str, str]) -> None:
        self.releases, self.suite = releases, suite
        self.layers: dict[str, Layer] = {}
        self.facts: dict[str, BuildFacts | Exception] = {}
        self.broken: dict[tuple[str, str], tuple[Broken, ...]] = {}
        self.resolved: list[tuple[str, tuple[str, ...]]] = []
        self.contradictory: set[str] = set()
        self.bound: dict[str, str] = {}
        self.failing: dict[str, Exception] = {}
        self.recipes_read: list[str] = []
        self.sdists_read: list[str] = []
        self.solver = Solver()
        index = SimpleNamespace(
            suite="unstable", codename="sid", python_version="3.14", architecture="amd64",
            date=datetime(2026, 11, 1, tzinfo=UTC),
            version_of=lambda package: "7.0", binary=lambda package: None, starting=lambda prefix: (),
            providers=lambda virtual: (),
        )  # fmt: skip
        client = SimpleNamespace(versions=self.versions, files=self.files, sdist_of=self.sdist_of)
        self.bench = Workbench(cast(SuiteIndex, index), cast(IndexClient, client))
        self.bench._pydist = Pydist({})
        vars(self.bench)["solver"] = self.solver
        monkeypatch.setattr(planner, "find", self.find)
        monkeypatch.setattr(planner, "load_recipe", self.load_recipe)
        monkeypatch.setattr(planner, "brought_along", lambda index, package: {"python3-brought": Pull.DEPENDS})
        monkeypatch.setattr(
            breakage, "broken_by", lambda index, package, version: self.broken.get((package, version), ())
        )
        monkeypatch.setattr(planner, "build_tree", self.build_tree)
        monkeypatch.setattr(survey, "build_tree", self.build_tree)
        monkeypatch.setattr(planner, "BuildReader", lambda client: SimpleNamespace(read=self.read_sdist))

    def versions(self, name: str) -> list[str]:
        return sorted(self.releases[name], key=Version, reverse=True)

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        if name not in self.releases:
            raise UnknownDistributionError(f"there is no {name}", hint="None.")
        return tuple(self.sdist_of(name, version) for version in self.versions(name))

    def sdist_of(self, name: str, version: str) -> ReleaseFile:
        if version not in self.releases.get(name, {}):
            raise UnknownDistributionError(f"{name} has no release {version}", hint="None.")
        return ReleaseFile(f"{name}-{version}.tar.gz", "", version, FileKind.SDIST)

    def find(self, index: object, name: str, *, variant: str, pydist: Mapping[str, str]) -> tuple[Match, ...]:
        return (match(name, self.suite[name]),) if name in self.suite else ()

    def load_recipe(self, name: str, suite: str, *, variant: str, directories: tuple[Path, ...]) -> Recipe:
        self.recipes_read.append(f"{name} {suite} {variant}")
        return Recipe(name, suite, self.layers.get(name, Layer()), None)

    def read_sdist(self, file: ReleaseFile) -> BuildFacts:
        self.sdists_read.append(file.filename)
        found = self.facts.get(file.filename.rpartition("-")[0], BuildFacts())
        if isinstance(found, Exception):
            raise found
        return found

    def build_tree(
        self, requirement: str, target: Target, client: object, *, constraints: Sequence[str] = (), **more: Any
    ) -> DependencyTree:
        assert target == Target("3.14", "amd64")
        self.resolved.append((requirement, tuple(constraints)))
        bounds: dict[str, SpecifierSet] = {}
        own = self.bound.get(Requirement(requirement).name)
        for line in map(Requirement, (requirement, *constraints, *([own] if own else ()))):
            bounds[line.name] = bounds.get(line.name, SpecifierSet()) & line.specifier
        root = next(iter(bounds))
        if error := self.failing.get(root):
            raise error
        if told := sorted(self.contradictory & set(constraints)):
            raise ResolutionError(f"Because root depends on {told[0]}, nothing fits.")
        requires: dict[str, Sequence[str]] = {}
        chosen: dict[str, str] = {}
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name in chosen:
                continue
            fitting = [v for v in self.versions(name) if v in bounds.get(name, SpecifierSet())]
            if not fitting:
                raise ResolutionError(f"Because there is no {name}{bounds[name]}, nothing fits.")
            chosen[name] = fitting[0]
            requires[name] = self.releases[name][fitting[0]]
            waiting += [Requirement(line).name for line in requires[name]]
        return replace(tree(requires, chosen), requirement=requirement)

    def plan(self, requirement: str = "root", **more: Any) -> Plan:
        return self.bench.plan(requirement, CPU, **more)


PLAIN: Releases = {"root": {"2.0": ["a>=1", "b"]}, "a": {"1.5": []}, "b": {"3.0": ["c"]}, "c": {"1.0": []}}


def test_what_the_suite_has_is_a_leaf_and_the_rest_is_packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    made = world.plan()
    assert decisions(made) == {
        "a": Decision.USE, "b": Decision.PACKAGE, "c": Decision.PACKAGE, "root": Decision.PACKAGE,
    }  # fmt: skip
    assert made.order == (("c",), ("b",), ("root",))
    assert (made.suite, made.suite_date, made.variant) == ("sid", "2026-11-01T00:00:00+00:00", CPU)
    assert sorted(world.sdists_read) == ["b-3.0.tar.gz", "c-1.0.tar.gz", "root-2.0.tar.gz"]
    assert sorted(world.recipes_read) == sorted(set(world.recipes_read))  # each once
    assert world.solver.asked[-1] == ("python3-a",)


def test_a_quick_plan_reads_no_sdist_and_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.solver.problems = {"python3-a": "broken"}
    made = world.plan(read_sdists=False, ask_apt=False)
    assert node(made, "a").decision is Decision.USE
    assert (world.sdists_read, world.solver.asked) == ([], [])


def test_what_cannot_be_installed_is_a_finding_with_its_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.solver.problems = {"python3-a": "it asks for gone"}
    made = node(world.plan(), "a")
    assert made.decision is Decision.BLOCKED
    (finding,) = made.findings
    assert (finding.topic, finding.chain) == (Topic.INSTALL, ("python3-a", "gone"))
    assert "python3-a is in the suite and can't be installed: it asks for gone" in made.reason


def test_what_an_update_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    releases: Releases = {"root": {"2.0": ["a>=1.5"]}, "a": {"1.5rc1": [], "1.5": []}}
    world = World(monkeypatch, releases, {"a": "1.2"})
    world.broken[("python3-a", "1.5-1")] = (
        Broken("python3-x", "x", RelationField.DEPENDS, "python3-a (<< 1.3)"),
        Broken("python3-y", "y", RelationField.BREAKS, "python3-a (>= 1.4)"),
    )
    made = node(world.plan(), "a")
    assert made.decision is Decision.UPDATE
    assert [f.text for f in made.findings if f.topic is Topic.BREAKS] == [
        "python3-x Depends python3-a (<< 1.3), which 1.5-1 of python3-a would break",
        "python3-y Breaks python3-a (>= 1.4), which 1.5-1 of python3-a would break",
    ]


def test_build_requirements_are_followed_until_nothing_new_turns_up(monkeypatch: pytest.MonkeyPatch) -> None:
    releases: Releases = {
        "root": {"2.0": []}, "backend": {"3.0": ["helper"]}, "helper": {"1.0": []}, "deep": {"1.0": []},
    }  # fmt: skip
    world = World(monkeypatch, releases, {"setuptools": "80.0"})
    world.facts = {
        "root": BuildFacts(requires=("backend>=2", "setuptools", "windows; sys_platform == 'win32'", "not valid!")),
        "helper": BuildFacts(requires=("deep", "helper")),
    }
    made = world.plan()
    assert {name: d.value for name, d in decisions(made).items()} == {
        "root": "package", "backend": "package", "helper": "package", "deep": "package", "setuptools": "use",
    }  # fmt: skip
    assert node(made, "backend").asked[0].kind is Kind.BUILD
    assert made.order == (("deep",), ("helper",), ("backend",), ("root",))
    assert sorted(world.sdists_read) == sorted(set(world.sdists_read))  # each once, whatever the rounds


def test_a_build_requirement_that_nothing_satisfies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {"root": {"2.0": []}}, {})
    world.facts = {"root": BuildFacts(requires=("nowhere>=2",))}
    world.failing = {"nowhere": UnknownDistributionError("the package index has no distribution named nowhere")}
    made = world.plan()
    (finding,) = node(made, "nowhere").findings
    assert finding.blocking
    assert "the build requirement nowhere>=2 can't be resolved" in finding.text
    assert "no distribution named nowhere" in finding.text
    assert [requirement for requirement, _ in world.resolved].count("nowhere>=2") == 1


TOOLS: Releases = {
    "root": {"2.0": ["tool<81", "fast", "slow"]}, "fast": {"1.0": []}, "slow": {"1.0": []}, "dep": {"1.0": []},
    "tool": {"83.0": [], "82.0": ["dep"], "80.0": []},
}  # fmt: skip


def tools(monkeypatch: pytest.MonkeyPatch, *, slow: str = "tool", layer: Layer | None = None) -> World:
    """A run-time tree that keeps ``tool`` old, and a build in it that wants it newer than the tree and the suite."""
    world = World(monkeypatch, TOOLS, {"tool": "78.0"})
    world.layers = {"root": layer or Layer()}
    world.bound = {"root": "tool<81"}
    world.facts = {"slow": BuildFacts(requires=(slow,)), "fast": BuildFacts(requires=("tool<=82,>=81",))}
    return world


def test_a_build_may_take_another_release_than_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tools(monkeypatch, layer=relax("tool", ">=70")).plan()
    tool = node(made, "tool")
    assert (tool.decision, tool.version) == (Decision.UPDATE, "82.0")
    assert tool.findings == ()
    assert tool.reason == "sid has python3-tool 78.0-1, but the build of fast needs <=82,>=81"
    assert {(a.parent, a.kind): a.decision for a in tool.asked} == {
        ("fast", Kind.BUILD): None, ("root", Kind.RUN): Decision.RELAX, ("slow", Kind.BUILD): Decision.USE,
    }  # fmt: skip
    assert decisions(made)["dep"] is Decision.PACKAGE  # what the other release needs is followed too
    assert made.notes == ("a note of the tree",)


def test_what_a_build_tool_needs_at_run_time_may_be_another_release_too(monkeypatch: pytest.MonkeyPatch) -> None:
    releases: Releases = {
        "root": {"2.0": ["tool"]}, "tool": {"3.0": [], "1.0": []}, "backend": {"1.0": ["tool>=2"]},
    }  # fmt: skip
    world = World(monkeypatch, releases, {})
    world.bound = {"root": "tool<2"}  # the tree has an old one, for a reason of its own
    world.facts = {"root": BuildFacts(requires=("backend",))}
    made = world.plan()
    assert (node(made, "tool").version, decisions(made)["tool"]) == ("3.0", Decision.PACKAGE)


def test_bounds_of_other_builds_from_above_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    world = tools(monkeypatch, slow="tool<79,>=60", layer=relax("tool", ">=70"))
    tool = node(world.plan(), "tool")
    assert tool.version == "82.0"
    asked = [str(Requirement(line).specifier) for line, _ in world.resolved if line.startswith("tool")]
    assert [SpecifierSet(bounds) for bounds in asked] == ["<79,<=82,>=60,>=70,>=81", "<=82,>=60,>=70,>=81"]
    assert {a.parent: a.decision for a in tool.asked if a.kind is Kind.BUILD} == {
        "fast": None, "slow": Decision.RELAX,
    }  # fmt: skip


def test_bounds_that_contradict_one_another_block_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = node(tools(monkeypatch).plan(), "tool")
    assert tool.decision is Decision.BLOCKED
    (finding,) = tool.findings
    assert "the build requirement tool<81,<=82,>=81 can't be resolved" in finding.text


def test_builds_without_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    releases: Releases = {"root": {"2.0": []}, **{f"b{n}": {"1.0": []} for n in range(20)}}
    world = World(monkeypatch, releases, {})
    world.facts = {"root": BuildFacts(requires=("b0",))}
    world.facts |= {f"b{n}": BuildFacts(requires=(f"b{n + 1}",)) for n in range(19)}
    assert any("there are still more" in note for note in world.plan().notes)
    assert not any("there are still more" in note for note in world.plan(read_sdists=False).notes)
    world = World(monkeypatch, releases, {})
    world.facts = {"root": BuildFacts(requires=("b0",)), "b0": BuildFacts(requires=("b1",))}
    assert not any("there are still more" in note for note in world.plan().notes)


def test_an_sdist_that_cannot_be_read_is_a_note_and_an_index_that_is_gone_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.facts = {"b": HostileArchiveError("b-3.0.tar.gz is malformed: EOFError")}
    made = world.plan()
    assert "b-3.0.tar.gz is malformed: EOFError: its build requirements are not known" in made.notes
    assert node(made, "b").decision is Decision.PACKAGE
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.facts = {"b": NetworkError("no route")}
    with pytest.raises(NetworkError, match="no route"):
        world.plan()


def test_crates_that_the_recipe_leaves_out_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "Cargo.toml": '[package]\nname = "py"\n[dependencies]\npyo3 = "0.25"\n',
        "rust/server/Cargo.toml": '[package]\nname = "server"\n[dependencies]\ntokio = "1"\n',
    }
    starts = tuple(Manifest(path) for path in texts)
    facts = BuildFacts(crates=crates_of(starts, texts)[0], cargo=CargoSource(starts, texts))
    world = World(monkeypatch, {"root": {"2.0": []}}, {})
    world.facts = {"root": facts}
    made = world.plan()
    assert {need.name for need in node(made, "root").build} == {"tokio", "pyo3"}
    assert node(made, "root").decision is Decision.BLOCKED
    world = World(monkeypatch, {"root": {"2.0": []}}, {})
    world.facts = {"root": facts}
    world.layers = {"root": Layer(unbuilt=(Unbuilt(manifest="rust/*", reason="the Python one\ndoes the same."),))}
    made = world.plan()
    assert {need.name for need in node(made, "root").build} == {"pyo3"}
    assert "root is built without the crates of rust/*: the Python one does the same" in made.notes


def test_crates_may_be_borrowed_and_what_is_used_may_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = {
        "Cargo.toml": '[package]\nname = "py"\n[dependencies]\n'
        'pyo3 = { version = "0.28", default-features = false }\nzip = { version = "5", default-features = false }\n'
    }
    starts = (Manifest("Cargo.toml"),)
    facts = BuildFacts(crates=crates_of(starts, texts)[0], cargo=CargoSource(starts, texts))
    problems = {"librust-pyo3-dev": "librust-zip-dev depends on x", "python3-a": "no"}

    def made(*, borrows: bool) -> tuple[World, Plan]:
        world = World(monkeypatch, {"root": {"2.0": ["a"]}, "a": {"1.2": []}}, {"a": "1.2"})
        world.facts, world.solver.problems = {"root": facts}, problems
        seen = packages(tmp_path)
        world.bench.lenders = seen.lenders if borrows else ()
        vars(world.bench)["packages"] = seen if borrows else BuildPackages(sid(tmp_path))
        if borrows:
            vars(world.bench)["build_solver"] = Solver()
        return world, world.plan()

    world, alone = made(borrows=False)
    assert {need.name: need.supply for need in node(alone, "root").build} == {
        "pyo3": Supply.UNINSTALLABLE, "zip": Supply.RELAXABLE,
    }  # fmt: skip
    assert (alone.borrow, node(alone, "root").decision) == ((), Decision.BLOCKED)
    assert any(note.endswith("--borrow testing") for note in alone.notes)
    world, lent = made(borrows=True)
    assert {need.name: (need.supply, need.borrowed) for need in node(lent, "root").build} == {
        "pyo3": (Supply.SATISFIED, "forky"), "zip": (Supply.SATISFIED, "forky"),
    }  # fmt: skip
    assert (lent.borrow, node(lent, "root").decision) == (("forky:librust-*",), Decision.PACKAGE)
    assert any("borrowed from forky: root (librust-pyo3-dev and librust-zip-dev)" in note for note in lent.notes)
    # The suite's own packages are asked about without what is borrowed.
    assert [f.topic for f in node(lent, "a").findings] == [Topic.INSTALL]
    assert {need.borrowed for need in world.bench.crate_needs("root", facts)} == {"forky"}


#: A module in Rust, and the crate that it asks for, whose source is in another distribution's sdist.
MODULE = {
    "Cargo.toml": '[package]\nname = "py"\n[features]\ndefault = ["hub"]\n'
    '[dependencies]\ntoken-izer = "0.22"\nhub = { version = "1", optional = true }\n',
    "Cargo.lock": '[[package]]\nname = "token-izer"\nversion = "0.22.1"\ndependencies = ["deep"]\n'
    '[[package]]\nname = "deep"\nversion = "3.0.0"\n',
}
OTHER = {
    "lib/Cargo.toml": '[package]\nname = "token-izer"\nversion = "0.22.1"\n[dependencies]\ndeep = "3"\n',
    "Cargo.toml": '[package]\nname = "token-izer-py"\n',
}


def rust_world(monkeypatch: pytest.MonkeyPatch, layer: Layer | None = None) -> World:
    releases: Releases = {
        "root": {"2.0": []}, "token-izer": {"0.23.0": [], "0.22.1": [], "0.22.0": [], "0.24.0rc1": []},
    }  # fmt: skip
    world = World(monkeypatch, releases, {})
    start = (Manifest("Cargo.toml"),)
    world.facts = {
        "root": BuildFacts(crates=crates_of(start, MODULE)[0], cargo=CargoSource(start, MODULE)),
        "token-izer": BuildFacts(cargo=CargoSource((), OTHER)),
    }
    world.layers = {"root": layer or Layer()}
    return world


def test_crates_that_no_package_has_are_named_with_their_order_and_their_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = rust_world(monkeypatch)
    root = node(world.plan(), "root")
    assert root.decision is Decision.BLOCKED
    needs = {need.name: need for need in root.build}
    assert [(c.name, c.version) for c in needs["token-izer"].first] == [("deep", "3.0.0"), ("token-izer", "0.22.1")]
    assert needs["hub"].switches == ("Cargo.toml#hub",)
    assert "the sdist of token-izer 0.22.1 has its source in lib/: a recipe can" in needs["token-izer"].remarks[0]
    assert "token-izer-0.22.1.tar.gz" in world.sdists_read  # the newest that fits, of that name
    assert "the crates hub 1 (only for Cargo.toml#hub), token-izer 0.22; to package first, in this order" in root.reason


def test_a_module_named_like_the_crate_that_it_wraps_is_not_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    world = rust_world(monkeypatch)
    wrapper = {"Cargo.toml": '[package]\nname = "token-izer"\n[dependencies]\ntoken-izer = "0.22"\n'}
    world.facts["token-izer"] = BuildFacts(cargo=CargoSource((), wrapper))
    needs = {need.name: need for need in node(world.plan(), "root").build}
    assert needs["token-izer"].remarks == ()


def test_what_only_python_can_load_is_no_source_of_a_crate(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(kinds: str) -> tuple[str, ...]:
        world = rust_world(monkeypatch)
        text = f'[package]\nname = "token-izer"\nversion = "0.22.1"\n[lib]\n{kinds}\n'
        world.facts["token-izer"] = BuildFacts(cargo=CargoSource((), {"Cargo.toml": text}))
        return next(need.remarks for need in node(world.plan(), "root").build if need.name == "token-izer")

    assert told('crate-type = ["cdylib"]') == ()
    assert told('crate-type = ["cdylib", "rlib"]')
    assert told("")


def test_a_vendored_crate_is_no_need_and_what_it_asks_for_is(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Layer(
        without=(Without(crate="hub", reason="only what downloads needs it"),),
        vendor=(Vendor(crate="token-izer", source="token-izer==0.23.0", path="lib", reason="no package\nhas it."),),
    )
    world = rust_world(monkeypatch, layer)
    made = world.plan()
    assert {need.name: need.askers for need in node(made, "root").build} == {"deep": ("vendor/token-izer/Cargo.toml",)}
    assert "token-izer-0.23.0.tar.gz" in world.sdists_read
    assert {
        "root is built without the crate hub: only what downloads needs it",
        "root is built with the crate token-izer of token-izer==0.23.0, which no package has, and can't go into the"
        " archive like that: no package has it",
    } <= set(made.notes)
    facts = world.facts["root"]
    assert isinstance(facts, BuildFacts)
    built = world.bench._survey("cpu").as_debian_builds("root", facts, {})
    assert built.cargo.texts == MODULE | {"vendor/token-izer/Cargo.toml": OTHER["lib/Cargo.toml"]}


@pytest.mark.parametrize(
    ("source", "path", "told"),
    [
        ("token-izer==9", "lib", "token-izer has no release 9"),
        ("token-izer==0.23.0", ".", "Cargo.toml of token-izer==0.23.0 is of the crate token-izer-py"),
        ("token-izer==0.23.0", "src", "src/Cargo.toml of token-izer==0.23.0 can't be read, or isn't there"),
    ],
)
def test_a_crate_that_cannot_be_vendored_is_a_note(
    monkeypatch: pytest.MonkeyPatch, source: str, path: str, told: str
) -> None:
    entry = Vendor(crate="token-izer", source=source, path=path, reason="no package has it")
    made = rust_world(monkeypatch, Layer(vendor=(entry,))).plan()
    assert f"root: the crate token-izer can't be vendored: {told}" in made.notes
    assert node(made, "root").decision is Decision.BLOCKED


def test_lines_of_a_recipe_that_match_nothing_are_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = rust_world(monkeypatch, Layer(without=(Without(crate="absent", reason="it is not there"),))).plan()
    assert "root: no Cargo.toml of the build asks for the crate absent, which the recipe names" in made.notes


def test_a_table_of_names_that_cannot_be_had_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.bench._pydist = Pydist(note="dh-python's table of names was not used: apt can't fetch it")
    assert "dh-python's table of names was not used: apt can't fetch it" in world.plan().notes
    made = World(monkeypatch, PLAIN, {"a": "1.2"}).plan()
    assert made.notes == ("a note of the tree",)


#: The newest b needs a newer a than the suite has; an older b does not.
FITTING: Releases = {
    "root": {"3.0": ["b"], "2.0": ["b"]}, "b": {"2.0": ["a>=5"], "1.0": ["a>=1"]}, "a": {"5.0": [], "1.2": []},
}  # fmt: skip


def test_older_releases_that_the_suite_can_carry_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FITTING, {"a": "1.2"})

    def resolve(
        requirement: str, target: object, client: object, *, constraints: Sequence[str], **more: Any
    ) -> DependencyTree:
        # Like a true resolver: where a is held back, so is the b that needs more of it.
        held = [*constraints, "b<2"] if "a<=1.2" in constraints else constraints
        return world.build_tree(requirement, world.bench.target, client, constraints=held)

    monkeypatch.setattr(planner, "build_tree", resolve)
    made = world.plan()
    assert (node(made, "root").version, node(made, "b").version, node(made, "a").decision) == (
        "3.0",
        "1.0",
        Decision.USE,
    )
    assert "sid can carry older releases better: b 1.0 rather than 2.0" in made.notes
    assert all("root==3.0" in constraints for _, constraints in world.resolved[1:])


def test_where_nothing_older_does_the_newest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FITTING, {"a": "1.2"})
    world.contradictory = {"a<=1.2"}
    made = world.plan()
    assert (node(made, "b").version, node(made, "a").decision) == ("2.0", Decision.UPDATE)
    assert not any("older releases" in note for note in made.notes)
    world = World(monkeypatch, {"root": {"1.0": ["a>=5"]}, "a": {"5.0": []}}, {"a": "1.2"})
    assert node(world.plan(), "a").decision is Decision.UPDATE  # the root itself asks: there is no choice
    assert len(world.resolved) == 1


def test_a_bound_that_contradicts_is_given_up_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    releases: Releases = {
        "root": {"1.0": ["b"]}, "b": {"1.0": ["x>=5", "y>=5"]}, "x": {"5.0": [], "1.0": []},
        "y": {"5.0": [], "1.0": []},
    }  # fmt: skip
    world = World(monkeypatch, releases, {"x": "1.0", "y": "1.0"})
    world.contradictory = {"x<=1.0"}
    world.plan()
    asked = [set(constraints) for _, constraints in world.resolved]
    assert asked[:3] == [set(), {"root==1.0", "x<=1.0", "y<=1.0"}, {"root==1.0", "y<=1.0"}]
    assert len(asked) < 8


def test_a_failure_of_the_index_is_not_taken_for_a_contradiction(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, FITTING, {"a": "1.2"})
    world.failing = {"root": NetworkError("no route")}
    with pytest.raises(NetworkError):
        world.plan()


def test_recipes_of_who_asks_count(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.layers = {"b": drop("c")}
    made = world.plan()
    assert decisions(made)["c"] is Decision.DROP
    assert REASON in node(made, "c").reason


def test_the_variant_is_named_or_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, PLAIN, {})
    said: list[tuple[object, ...]] = []
    monkeypatch.setattr(planner, "detect", lambda index, chroot, run: SimpleNamespace(host=()))

    def choose(wanted: str, detected: object, problem: Any, packages: object) -> Variant:
        said.append((wanted, packages, problem(["good"]), problem(["bad"])))
        return Variant(wanted or "cpu", "")

    monkeypatch.setattr(planner, "choose_variant", choose)
    world.solver.problems = {"bad": "it is broken"}
    assert world.bench.variant("root", "rocm").name == "rocm"
    assert world.bench.variant("root", "").name == "cpu"
    assert said == [("rocm", {}, "", "it is broken"), ("", {}, "", "it is broken")]


def test_a_broken_recipe_ends_the_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/recipe.toml").write_text("[variant.cpu]\nrelaxx = []\n")
    world = World(monkeypatch, PLAIN, {"a": "1.2"})
    world.bench.recipes = (tmp_path,)
    with pytest.raises(RecipeError, match="did you mean 'relax'"):
        world.plan()
    assert world.resolved == []  # before any work
