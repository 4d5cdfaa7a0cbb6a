"""The plan: verdicts and decisions of a whole tree, what the work reaches, and the order of it."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import REASON, decisions, drop, edge, match, node, plan, relax, sdist, tree

from debgen.archive.model import Match
from debgen.planning.asjson import as_json
from debgen.planning.model import BuildNeed, Decision, Finding, Kind, Plan, Supply, Topic, Variant
from debgen.planning.plan import Evidence, Suite, make_plan
from debgen.planning.verdict import Verdict
from debgen.recipes import Drop, Layer
from debgen.upstream.model import Distribution

MISSING, OLD, NEW, FINE = Verdict.MISSING, Verdict.TOO_OLD, Verdict.TOO_NEW, Verdict.SATISFIED
USE, RELAX, UPDATE = Decision.USE, Decision.RELAX, Decision.UPDATE
PACKAGE, DROP, BLOCKED = Decision.PACKAGE, Decision.DROP, Decision.BLOCKED


def verdicts(made: Plan) -> dict[str, Verdict]:
    return {n.name: n.verdict for n in made.nodes}


def todo(made: Plan) -> set[str]:
    return {n.name for n in made.nodes if n.to_package}


def topics(made: Plan, name: str) -> list[Topic]:
    return [finding.topic for finding in node(made, name).findings]


def test_each_verdict_and_decision() -> None:
    made = plan(
        {"root": ["fine>=1", "old>=2", "new<1", "gone", "pin==1.9"], "fine": [], "old": [], "new": [], "gone": [],
         "pin": []},
        {"fine": "1.0", "old": "1.0", "new": "2.0", "pin": "1.10"},
        versions={"new": "0.9", "pin": "1.9"},
    )  # fmt: skip
    assert verdicts(made) == {"root": MISSING, "fine": FINE, "old": OLD, "new": NEW, "gone": MISSING, "pin": NEW}
    assert decisions(made) == {
        "root": PACKAGE, "fine": USE, "old": UPDATE, "new": BLOCKED, "gone": PACKAGE, "pin": RELAX,
    }  # fmt: skip
    assert made.totals() == {USE: 1, RELAX: 1, UPDATE: 1, PACKAGE: 2, DROP: 0, BLOCKED: 1}
    assert made.order == (("gone", "old"), ("root",))
    assert made.notes == ("my note", "a note of the tree")
    assert [n.name for n in made.nodes] == sorted(verdicts(made))
    assert made.node("absent") is None
    assert all(n.reason for n in made.nodes)
    assert "root allows only <1" in node(made, "new").reason
    assert node(made, "old").reason == "sid has python3-old 1.0-1, but root needs >=2"


@pytest.mark.parametrize(
    ("have", "verdict", "decision"),
    [
        ("2.0", FINE, USE), ("2.0.0", FINE, USE), ("2.0+dfsg", FINE, USE),
        ("1.9", OLD, UPDATE), ("2.0rc1", OLD, UPDATE), ("2.1", NEW, BLOCKED),
    ],
)  # fmt: skip
def test_the_root_is_compared_with_the_release_that_was_planned(
    have: str, verdict: Verdict, decision: Decision
) -> None:
    made = plan({"root": []}, {"root": have})
    assert verdicts(made) == {"root": verdict}
    assert decisions(made) == {"root": decision}


def test_a_satisfied_distribution_is_a_leaf() -> None:
    made = plan({"root": ["fine"], "fine": ["deep>=5"], "deep": ["deeper"], "deeper": []}, {"fine": "2.0"})
    assert verdicts(made)["deep"] is MISSING  # judged and shown,
    assert todo(made) == {"root"}  # but Debian's business
    assert [n.name for n in made.nodes if n.needed] == ["fine", "root"]
    assert made.order == (("root",),)
    assert node(made, "deep").decision is DROP
    assert node(made, "deep").reason == "only fine would ask for it; sid's python3-fine does without it"
    assert made.totals()[DROP] == 0  # totals are of the work


def test_everything_satisfied() -> None:
    made = plan({"root": ["a"], "a": ["b"], "b": []}, {"root": "2.0", "a": "2.0"})
    assert todo(made) == set()
    assert (made.order, made.cycles) == ((), ())


def test_what_only_a_satisfied_leaf_asks_for_does_not_count() -> None:
    """``shared`` is reached from the root, which the suite's version satisfies; the leaf's wish is Debian's."""
    requires = {"root": ["leaf", "shared>=1"], "leaf": ["shared>=3"], "shared": ["child"], "child": []}
    made = plan(requires, {"leaf": "2.0", "shared": "2.0"})
    shared = node(made, "shared")
    assert (shared.needed, shared.decision, shared.verdict) == (True, USE, OLD)
    assert [(a.parent, a.verdict, a.counts) for a in shared.asked] == [("leaf", OLD, False), ("root", FINE, True)]
    assert made.order == (("root",),)
    assert not node(made, "child").needed


def test_a_late_reason_reaches_further() -> None:
    """``a`` satisfies the root, but not ``b``, which has to be packaged: then ``a``'s own needs count too."""
    requires = {"root": ["a>=1", "b"], "a": ["c"], "b": ["a>=3"], "c": []}
    made = plan(requires, {"a": "2.0"}, versions={"a": "3.1"})
    assert todo(made) == {"root", "a", "b", "c"}
    assert made.order == (("c",), ("a",), ("b",), ("root",))
    assert node(made, "c").chain == ("root", "a", "c")


def test_too_old_is_said_before_too_new() -> None:
    made = plan({"root": ["a<1", "b"], "a": [], "b": ["a>=3"]}, {"a": "2.0"})
    assert node(made, "a").verdict is OLD
    assert {a.parent: a.verdict for a in node(made, "a").asked} == {"b": OLD, "root": NEW}
    assert node(made, "a").decision is BLOCKED  # no release that is newer than the suite's does for both


def test_who_asks() -> None:
    made = plan({"root": ["a>=1", "a>=1", "a<9", "root"], "a": ["a"]}, {}, bound=">=2")
    assert [(a.parent, a.specifier) for a in node(made, "a").asked] == [("root", "<9"), ("root", ">=1")]
    assert [(a.parent, a.specifier) for a in node(made, "root").asked] == [(None, ">=2")]  # nothing asks for itself


def test_a_requirement_that_resolution_left_out_is_no_node() -> None:
    assert verdicts(plan({"root": ["not-in-the-tree"]}, {})) == {"root": MISSING}


def test_what_has_wheels_only_is_blocked_and_no_way_further() -> None:
    made = plan({"root": ["binary"], "binary": ["runtime"], "runtime": []}, {}, wheels_only={"binary"})
    assert decisions(made)["binary"] is BLOCKED
    assert topics(made, "binary") == [Topic.SOURCE]
    assert "no source distribution" in node(made, "binary").reason
    assert not node(made, "runtime").needed
    assert made.order == (("root",),)


def test_a_recipe_drops_and_the_dropped_brings_nothing() -> None:
    requires = {"root": ["gone", "other"], "gone": ["child"], "child": [], "other": []}
    made = plan(requires, {"other": "2.0"}, layers={"root": drop("go*")})
    assert decisions(made)["gone"] is DROP
    assert REASON in node(made, "gone").reason
    assert node(made, "gone").chain == ("root", "gone")
    assert not node(made, "child").needed
    still = plan({**requires, "other": ["gone"]}, {}, layers={"root": drop("gone")})
    assert decisions(still)["gone"] is PACKAGE  # somebody else needs it


def test_a_recipe_relaxes_only_as_far_as_it_says() -> None:
    requires = {"root": ["a<1"], "a": []}
    assert decisions(plan(requires, {"a": "2.0"}, layers={"root": relax("a", "<3")}))["a"] is RELAX
    assert decisions(plan(requires, {"a": "3.0"}, layers={"root": relax("a", "<3")}))["a"] is BLOCKED
    assert REASON in node(plan(requires, {"a": "2.0"}, layers={"root": relax("a", "")}), "a").reason


def test_extras_that_debian_does_not_pull_in_are_needed() -> None:
    requires = {"root": ["web[std]"], "web": ["std: server", "all: rest", "core"], "server": [], "rest": [], "core": []}
    suite = {"web": "2.0", "server": "2.0"}
    made = plan(requires, suite)
    assert node(made, "server").needed
    assert topics(made, "web") == [Topic.EXTRA]
    assert not node(made, "rest").needed
    assert not node(made, "core").needed
    pulled = plan(requires, suite, pulls={("python3-web", "python3-server")})
    assert not node(pulled, "server").needed
    assert topics(pulled, "web") == []
    missing = plan(requires, {"web": "2.0"})
    assert decisions(missing)["server"] is PACKAGE
    assert node(missing, "server").chain == ("root", "web", "server")


def test_one_finding_for_each_extra_names_all_that_it_brings() -> None:
    requires = {"root": ["web[all,std]"], "web": ["std: server", "std: zip", "std: bits", "all: rest", "std: has"]}
    requires |= {name: [] for name in ("server", "zip", "bits", "rest", "has")}
    suite = {"web": "2.0", "server": "2.0", "rest": "2.0", "has": "2.0"}
    made = plan(requires, suite, pulls={("python3-web", "python3-has")})
    assert [f.text for f in node(made, "web").findings] == [
        "web[all] asks for rest, which python3-web doesn't depend on: "
        "who asks for the extra has to name python3-rest too",
        "web[std] asks for bits, server and zip, which python3-web doesn't depend on: "
        "who asks for the extra has to name python3-server and the packages made of bits and zip too",
    ]


def test_extras_of_what_is_packaged_are_only_those_asked_for() -> None:
    made = plan({"root": ["web[std]"], "web": ["std: server", "all: rest"], "server": [], "rest": []}, {})
    assert decisions(made)["server"] is PACKAGE
    assert topics(made, "web") == []
    assert not node(made, "rest").needed


def test_an_extra_that_asks_for_another_extra_of_itself() -> None:
    made = plan({"root": ["web[all]"], "web": ["all: web[std]", "std: server"], "server": []}, {"web": "2.0"})
    assert decisions(made)["server"] is PACKAGE
    assert [f.text for f in node(made, "web").findings] == [
        "web[std] asks for server, which python3-web doesn't depend on: "
        "who asks for the extra has to name the package made of server too"
    ]


def test_who_asks_for_an_extra_may_do_without_some_of_it() -> None:
    requires = {"root": ["web[std]", "app"], "web": ["std: server"], "server": [], "app": []}
    layers = {"root": drop("server")}
    assert decisions(plan(requires, {"web": "2.0"}, layers=layers))["server"] is DROP
    needs = plan({**requires, "app": ["web[std]"]}, {"web": "2.0"}, layers=layers)
    assert decisions(needs)["server"] is PACKAGE  # app asks for the same extra and drops nothing


def test_all_who_ask_for_an_extra_have_to_do_without() -> None:
    """Whoever comes first among them."""
    for other in ("app", "zoo"):
        requires = {"root": ["web[std]", other], "web": ["std: server"], "server": [], other: ["web[std]"]}
        made = plan(requires, {"web": "2.0"}, layers={"root": drop("server")})
        assert decisions(made)["server"] is PACKAGE
        both = plan(requires, {"web": "2.0"}, layers={"root": drop("server"), other: drop("server")})
        assert decisions(both)["server"] is DROP


def test_a_drop_of_what_is_lacking() -> None:
    lacking = Layer(drop=(Drop(distribution="a", if_lacking=True, reason=REASON),))
    requires = {"root": ["a>=2"], "a": []}
    assert decisions(plan(requires, {"a": "2.0"}, layers={"root": lacking}))["a"] is USE
    assert decisions(plan(requires, {"a": "1.0"}, layers={"root": lacking}))["a"] is DROP
    assert decisions(plan(requires, {}, layers={"root": lacking}))["a"] is DROP
    assert decisions(plan(requires, {"a": "2.0"}, layers={"root": drop("a")}))["a"] is DROP


def test_extras_of_what_is_dropped_bring_nothing() -> None:
    requires = {"root": ["web[std]"], "web": ["std: server"], "server": []}
    made = plan(requires, {"web": "2.0"}, layers={"root": drop("web")})
    assert not node(made, "server").needed
    assert topics(made, "web") == []


def test_extras_of_what_is_made_anew_are_not_what_the_old_package_pulls_in() -> None:
    requires = {"root": ["web[std]>=3"], "web": ["std: server"], "server": []}
    pulls = {("python3-web", "python3-server")}
    made = plan(requires, {"web": "2.0", "server": "2.0"}, versions={"web": "3.0"}, pulls=pulls)
    assert node(made, "server").needed
    # also where it turns out late that it is made anew
    requires = {"root": ["web[std]", "b"], "web": ["std: server"], "server": [], "b": ["web>=3"]}
    late = plan(requires, {"web": "2.0", "server": "2.0"}, versions={"web": "3.0"})
    assert decisions(late)["web"] is UPDATE
    assert topics(late, "web") == []


def test_what_is_too_new_is_not_made_and_asks_for_nothing() -> None:
    made = plan({"root": ["a<1"], "a": ["child"], "child": []}, {"a": "2.0"}, versions={"a": "0.9"})
    assert decisions(made)["a"] is BLOCKED
    assert not node(made, "child").needed


def test_what_asks_for_itself_is_no_cycle() -> None:
    made = plan({"root": ["a"], "a": ["a", "b"], "b": []}, {})
    assert (made.order, made.cycles) == ((("b",), ("a",), ("root",)), ())


def test_chains_are_the_shortest_and_the_first_by_name() -> None:
    made = plan({"root": ["c", "b"], "b": ["x"], "c": ["x"], "x": ["y"], "y": []}, {})
    assert node(made, "y").chain == ("root", "b", "x", "y")


def test_chains_go_where_nobody_drops() -> None:
    requires = {"root": ["gone", "other"], "other": ["gone"], "gone": ["child"], "child": []}
    made = plan(requires, {}, layers={"root": drop("gone")})
    assert node(made, "gone").chain == ("root", "other", "gone")
    assert node(made, "child").chain == ("root", "other", "gone", "child")


def build_evidence(**needs: tuple[BuildNeed, ...]) -> Evidence:
    return Evidence(build_edges={"root": (edge("root", "backend>=2"), edge("root", "tool==1.0"))}, needs=needs)


def test_build_requirements_are_in_the_plan() -> None:
    made = plan({"root": []}, {"backend": "2.0", "tool": "7.0"}, evidence=build_evidence())
    assert decisions(made) == {"root": PACKAGE, "backend": USE, "tool": RELAX}
    assert {a.kind for a in node(made, "backend").asked} == {Kind.BUILD}
    assert node(made, "backend").version == "2.0"  # the suite's, as nothing had to be resolved
    assert topics(made, "root") == [Topic.PIN]
    lacking = plan({"root": []}, {"tool": "1.0"}, evidence=build_evidence())
    assert (node(lacking, "backend").decision, node(lacking, "backend").version) == (PACKAGE, "")
    added = replace(
        build_evidence(), added={"backend": Distribution("backend", "backend", "3", (), "", sdist("b", "3"))}
    )
    resolved = plan({"root": []}, {"tool": "1.0"}, evidence=added)
    assert resolved.order == (("backend",), ("root",))
    none = replace(build_evidence(), unresolvable={"backend": "no such thing"})
    assert node(plan({"root": []}, {}, evidence=none), "backend").reason.endswith("; no such thing")


def test_a_build_requirement_that_is_too_old_and_not_resolved_yet() -> None:
    made = plan({"root": []}, {"backend": "1.0", "tool": "1.0"}, evidence=build_evidence())
    assert (node(made, "backend").decision, node(made, "backend").version) == (UPDATE, "1.0")


def test_only_an_exact_pin_of_a_build_is_told() -> None:
    evidence = Evidence(build_edges={"root": (edge("root", "backend<2"),)})
    made = plan({"root": []}, {"backend": "2.0"}, evidence=evidence)
    assert decisions(made)["backend"] is RELAX
    assert topics(made, "root") == []


def test_a_release_apart_takes_the_place_of_the_trees_and_what_it_fails_is_relaxed() -> None:
    apart = {"tool": Distribution("tool", "tool", "3.0", (), "", sdist("tool", "3.0"))}
    evidence = Evidence(
        build_edges={"c": (edge("c", "tool>=3"),), "a": (edge("a", "tool<2.5"),), "b": (edge("b", "tool"),)},
        apart=apart,
    )
    made = plan(
        {"root": ["tool<2", "a", "b", "c"], "tool": [], "a": ["tool<3"], "b": [], "c": ["tool<3"]}, {"tool": "1.0"},
        versions={"tool": "1.5"}, evidence=evidence, layers={"root": relax("tool", ">=1")},
    )  # fmt: skip
    found = node(made, "tool")
    assert (found.decision, found.version) == (UPDATE, "3.0")
    told = {(a.parent, a.kind.value): a.decision for a in found.asked}
    assert told == {
        ("c", "build"): None, ("root", "run"): RELAX, ("a", "build"): RELAX, ("b", "build"): USE,
        ("a", "run"): USE, ("c", "run"): USE,
    }  # fmt: skip
    assert next(a for a in found.asked if a.parent == "root" and a.decision is RELAX).reason == REASON


def test_build_requirements_of_what_is_used_do_not_count() -> None:
    made = plan({"root": []}, {"root": "2.0"}, evidence=build_evidence())
    assert not node(made, "backend").needed


@pytest.mark.parametrize(
    ("supply", "decision"),
    [
        (Supply.SATISFIED, PACKAGE), (Supply.RELAXABLE, PACKAGE), (Supply.MISSING, BLOCKED),
        (Supply.UNINSTALLABLE, BLOCKED),
    ],
)  # fmt: skip
def test_missing_crates_block(supply: Supply, decision: Decision) -> None:
    need = BuildNeed(Topic.CRATE, "pyo3", "0.25", "", "", supply, "about pyo3", ("a", "b"))
    made = plan(
        {"root": ["child"], "child": []}, {"backend": "2", "tool": "1.0"}, evidence=build_evidence(root=(need,))
    )
    root = node(made, "root")
    assert root.decision is decision
    assert root.build == (need,)
    assert (supply is Supply.SATISFIED) == (Topic.CRATE not in topics(made, "root"))
    assert decisions(made)["child"] is PACKAGE  # what it needs at run time is worth knowing all the same


def test_a_missing_library_does_not_block_and_needs_are_those_of_what_is_made() -> None:
    need = BuildNeed(Topic.LIBRARY, "z", "", "", "", Supply.MISSING, "about z")
    made = plan({"root": ["a"], "a": []}, {"a": "2.0"}, evidence=Evidence(needs={"root": (need,), "a": (need,)}))
    assert decisions(made) == {"root": PACKAGE, "a": USE}
    assert topics(made, "root") == [Topic.LIBRARY]
    assert (node(made, "root").build, node(made, "a").build) == ((need,), ())


def test_what_is_made_anew_need_not_be_installable_as_it_is() -> None:
    finding = Finding(Topic.INSTALL, "python3-a can't be installed", ("python3-a", "gone"), blocking=True)
    made = plan({"root": ["a>=3"], "a": []}, {"a": "2.0"}, versions={"a": "3.0"},
                evidence=Evidence(uninstallable={"python3-a": finding}))  # fmt: skip
    assert decisions(made)["a"] is UPDATE
    assert node(made, "a").findings == (replace(finding, blocking=False),)


def test_a_package_that_cannot_be_installed_is_of_no_use() -> None:
    finding = Finding(Topic.INSTALL, "python3-a can't be installed", ("python3-a", "gone"), blocking=True)
    made = plan({"root": ["a"], "a": []}, {"a": "2.0"}, evidence=Evidence(uninstallable={"python3-a": finding}))
    assert (node(made, "a").decision, node(made, "a").findings) == (BLOCKED, (finding,))
    assert node(made, "a").reason == finding.text


def test_what_an_update_breaks_is_told_and_does_not_block() -> None:
    finding = Finding(Topic.BREAKS, "python3-x would break", ("python3-x", "python3-a"))
    made = plan({"root": ["a>=2"], "a": []}, {"a": "1.0"}, evidence=Evidence(broken={"a": (finding,)}))
    assert (node(made, "a").decision, node(made, "a").findings) == (UPDATE, (finding,))


def test_components_and_pythons_are_told() -> None:
    made = plan(
        {"root": ["a", "b"], "a": [], "b": []}, {"a": "2.0"}, contrib={"a"}, python={"b": ">=3.8,<3.14", "a": "<3"}
    )
    assert topics(made, "a") == [Topic.COMPONENT]
    assert topics(made, "b") == [Topic.PYTHON]
    assert "<3.14" in node(made, "b").findings[0].text
    assert decisions(made)["b"] is PACKAGE


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
LINES = st.builds(
    lambda via, name, extra, bound: f"{via}{name}{extra}{bound}",
    st.sampled_from(["", "", "x: ", "y: "]), st.sampled_from(NAMES), st.sampled_from(["", "[x]", "[x,y]"]),
    st.sampled_from(["", ">=1", ">=3", "<1", "==1.9", "!=2.0"]),
)  # fmt: skip
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.lists(LINES, max_size=4), max_size=8)


@given(GRAPHS, st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_any_graph_ends_in_a_whole_plan(edges: dict[str, list[str]], have: set[str], wheels: set[str]) -> None:
    requires = {name: edges.get(name, []) for name in NAMES}
    made = plan(requires, dict.fromkeys(have, "2.0"), wheels_only=wheels)
    assert made == plan(requires, dict.fromkeys(have, "2.0"), wheels_only=wheels)
    assert [n.name for n in made.nodes] == NAMES
    assert all(n.reason for n in made.nodes)
    assert all(n.chain[0] == made.root and n.chain[-1] == n.name for n in made.nodes if n.needed)
    flat = [name for stage in made.order for name in stage]
    assert sorted(flat) == sorted(n.name for n in made.nodes if n.to_package and n.needed)
    stage = {name: i for i, names in enumerate(made.order) for name in names}
    cut = {cycle[-2:] for cycle in made.cycles}
    for name in flat:
        for child in {edge(name, line).child for line in requires[name]} - {name}:
            assert child not in stage or stage[child] < stage[name] or (name, child) in cut
    assert as_json(made)["totals"] == {d.value: n for d, n in made.totals().items()}


def test_trees_of_two_thousand_nodes() -> None:
    """A chain, a fan and a dense middle, with cycles back to the start: an answer in seconds."""
    count = 2000
    requires = {"n0": [f"n{i}" for i in range(1, count)]}
    for i in range(1, count):
        requires[f"n{i}"] = [f"n{(i + 1) % count}>=1", f"n{(i * 7) % count}", f"n{(i * 31) % count}<9"]
    began = time.monotonic()
    made = plan(requires, {f"n{i}": "1.0" for i in range(0, count, 3)})
    assert time.monotonic() - began < 20
    assert len(made.nodes) == count
    assert made.cycles
    assert sorted(itertools.chain(*made.order)) == sorted(n.name for n in made.nodes if n.to_package)


def test_a_package_for_another_device_is_of_no_use() -> None:
    found = (match("a", "2.0"), replace(match("a", "2.0"), package="python3-a-cuda"))

    def made(variant: str, *matches: Match) -> Plan:
        suite = Suite("sid", "", lambda name: matches if name == "a" else (), lambda a, b: False)
        return make_plan(tree({"root": ["a"], "a": []}), suite, lambda name: Layer(), variant=Variant(variant, ""))

    assert node(made("cpu", *found), "a").decision is USE
    assert node(made("cuda", *reversed(found)), "a").decision is USE
    rocm = node(made("rocm", *found), "a")
    assert (rocm.decision, [f.topic for f in rocm.findings]) == (BLOCKED, [Topic.DEVICE])
    assert node(made("rocm", found[0]), "a").decision is USE  # it is the same on all devices


def test_libraries_that_the_build_does_without_are_no_finding() -> None:
    needs = tuple(
        BuildNeed(Topic.LIBRARY, name, "", "", "", supply, f"about {name}")
        for name, supply in (("may", Supply.RELAXABLE), ("must", Supply.MISSING))
    )
    made = plan({"root": []}, {"backend": "2", "tool": "1.0"}, evidence=build_evidence(root=needs))
    assert [f.text for f in node(made, "root").findings] == ["about must"]
    assert node(made, "root").decision is PACKAGE
