"""The plan: verdicts of a whole tree, what the work reaches, and the order of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.archive.model import Match, Origin
from debgen.planning.plan import Plan, make_plan
from debgen.planning.verdict import Verdict
from debgen.upstream.model import DependencyTree, Distribution, Edge

MISSING, OLD, NEW, FINE = Verdict.MISSING, Verdict.TOO_OLD, Verdict.TOO_NEW, Verdict.SATISFIED


def tree(
    requires: Mapping[str, Sequence[str]], versions: Mapping[str, str] | None = None, bound: str = ""
) -> DependencyTree:
    """A tree of release 2.0 each, from ``{"a": ["b>=1"]}``; the first is the root."""
    root = next(iter(requires))
    distributions = {}
    for name, asked in sorted(requires.items()):
        edges = []
        for line in asked:
            child = line.split(">")[0].split("<")[0].split("=")[0]
            edges.append(Edge(name, child, line.removeprefix(child)))
        distributions[name] = Distribution(name, name, (versions or {}).get(name, "2.0"), tuple(edges))
    return DependencyTree(
        root, root + bound, Edge(None, root, bound), "3.14", "amd64", distributions, ("a note of the tree",)
    )


def plan(requires: Mapping[str, Sequence[str]], suite: Mapping[str, str], bound: str = "") -> Plan:
    """The plan where the suite has ``{name: upstream version}``."""

    def find(name: str) -> Match | None:
        version = suite.get(name)
        return (
            version and Match(name, f"python3-{name}", name, f"{version}-1", version, "main", Origin.NAME, "")
        ) or None

    return make_plan(tree(requires, bound=bound), "sid", find, ("my note",))


def verdicts(made: Plan) -> dict[str, Verdict]:
    return {node.name: node.verdict for node in made.nodes}


def todo(made: Plan) -> set[str]:
    return {node.name for node in made.nodes if node.to_package}


def test_each_verdict() -> None:
    made = plan(
        {"root": ["fine>=1", "old>=3", "new<1", "gone"], "fine": [], "old": [], "new": [], "gone": []},
        {"fine": "1.0", "old": "2.0", "new": "2.0"},
    )
    assert verdicts(made) == {"root": MISSING, "fine": FINE, "old": OLD, "new": NEW, "gone": MISSING}
    assert made.totals() == {FINE: 1, OLD: 1, NEW: 1, MISSING: 2}
    assert made.order == (("gone", "new", "old"), ("root",))
    assert made.notes == ("my note", "a note of the tree")
    assert [node.name for node in made.nodes] == sorted(verdicts(made))
    old = made.node("old")
    assert old
    assert old.match
    assert (old.match.package, old.version) == ("python3-old", "2.0")
    assert made.node("absent") is None


@pytest.mark.parametrize(
    ("have", "verdict"),
    [("2.0", FINE), ("2.0.0", FINE), ("1.9", OLD), ("2.1", NEW), ("2.0+dfsg", FINE), ("2.0rc1", OLD)],
)
def test_the_root_is_compared_with_the_release_that_was_planned(have: str, verdict: Verdict) -> None:
    made = plan({"root": []}, {"root": have})
    assert verdicts(made) == {"root": verdict}
    assert todo(made) == (set() if verdict is FINE else {"root"})


def test_a_satisfied_distribution_is_a_leaf() -> None:
    made = plan({"root": ["fine"], "fine": ["deep>=5"], "deep": ["deeper"], "deeper": []}, {"fine": "2.0"})
    assert verdicts(made)["deep"] is MISSING  # judged and shown,
    assert todo(made) == {"root"}  # but Debian's business
    assert [node.name for node in made.nodes if node.needed] == ["fine", "root"]
    assert made.order == (("root",),)


def test_everything_satisfied() -> None:
    made = plan({"root": ["a"], "a": ["b"], "b": []}, {"root": "2.0", "a": "2.0"})
    assert todo(made) == set()
    assert made.order == ()
    assert made.cycles == ()


def test_what_only_a_satisfied_leaf_asks_for_does_not_count() -> None:
    """``shared`` is reached from the root, which the suite's version satisfies; the leaf's wish is Debian's."""
    requires = {"root": ["leaf", "shared>=1"], "leaf": ["shared>=3"], "shared": ["child"], "child": []}
    made = plan(requires, {"leaf": "2.0", "shared": "2.0"})
    shared = made.node("shared")
    assert shared
    assert (shared.needed, shared.to_package, shared.verdict) == (True, False, OLD)
    assert [(a.parent, a.verdict) for a in shared.asked] == [("leaf", OLD), ("root", FINE)]
    assert made.order == (("root",),)
    child = made.node("child")
    assert child
    assert not child.needed


def test_a_late_reason_reaches_further() -> None:
    """``a`` satisfies the root, but not ``b``, which has to be packaged: then ``a``'s own needs count too."""
    requires = {"root": ["a>=1", "b"], "a": ["c"], "b": ["a>=3"], "c": []}
    made = plan(requires, {"a": "2.0"})
    assert todo(made) == {"root", "a", "b", "c"}
    assert made.order == (("c",), ("a",), ("b",), ("root",))


def test_too_old_is_said_before_too_new() -> None:
    made = plan({"root": ["a<1", "b"], "a": [], "b": ["a>=3"]}, {"a": "2.0"})
    a = made.node("a")
    assert a
    assert a.verdict is OLD
    assert {asked.parent: asked.verdict for asked in a.asked} == {"b": OLD, "root": NEW}


def test_who_asks() -> None:
    made = plan({"root": ["a>=1", "a>=1", "a<9", "root"], "a": ["a"]}, {}, bound=">=2")
    a, root = made.node("a"), made.node("root")
    assert a
    assert root
    assert [(asked.parent, asked.specifier) for asked in a.asked] == [("root", "<9"), ("root", ">=1")]
    assert [(asked.parent, asked.specifier) for asked in root.asked] == [(None, ">=2")]  # nothing asks for itself


def test_a_requirement_that_resolution_left_out_is_no_node() -> None:
    made = plan({"root": ["not-in-the-tree"]}, {})
    assert verdicts(made) == {"root": MISSING}


def test_cycles_are_cut_and_told() -> None:
    made = plan({"root": ["a"], "a": ["b"], "b": ["c"], "c": ["a", "d"], "d": []}, {})
    (cycle,) = made.cycles
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    for needs, needed in itertools.pairwise(cycle):
        assert needed in {"a": "b", "b": "c", "c": "a"}[needs]
    stage = {name: i for i, names in enumerate(made.order) for name in names}
    for needs, needed in list(itertools.pairwise(cycle))[:-1]:
        assert stage[needed] < stage[needs]  # all steps hold but the last
    assert stage["d"] < stage["c"]
    assert stage["root"] == max(stage.values())


NAMES = [f"n{i}" for i in range(8)]
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4), max_size=8)


@given(GRAPHS, st.sets(st.sampled_from(NAMES)))
def test_any_graph_has_an_order(edges: dict[str, list[str]], have: set[str]) -> None:
    requires = {name: edges.get(name, []) for name in NAMES}
    made = plan(requires, dict.fromkeys(have, "2.0"))
    assert made == plan(requires, dict.fromkeys(have, "2.0"))
    flat = [name for stage in made.order for name in stage]
    assert sorted(flat) == sorted(todo(made))
    stage = {name: i for i, names in enumerate(made.order) for name in names}
    cut = {cycle[-2:] for cycle in made.cycles}
    for name in flat:
        for child in set(requires[name]) - {name}:
            assert child in have or child in stage
            assert child in have or stage[child] < stage[name] or (name, child) in cut
