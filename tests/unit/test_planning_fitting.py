"""Bounds that make resolution choose releases that the suite can carry."""

from __future__ import annotations

from dataclasses import replace

from planning_cases import REASON, edge, node, plan

from debgen.planning.fitting import bounds_of, is_better, told, without
from debgen.planning.model import Decision, Finding, Plan, Topic
from debgen.planning.plan import Evidence
from debgen.recipes import Layer, Relax

ASKING = {"root": ["app"], "app": ["lib>=3"], "lib": []}


def test_what_only_a_chosen_release_needs_newer_is_bounded_by_what_the_suite_has() -> None:
    assert bounds_of(plan(ASKING, {"lib": "2.0"}, versions={"lib": "3.0"})) == {"lib": "<=2.0"}
    too_new = {"root": ["app"], "app": ["lib<2"], "lib": []}
    assert bounds_of(plan(too_new, {"lib": "2.0"}, versions={"lib": "1.9"})) == {"lib": ">=2.0"}


def test_what_the_root_asks_for_can_not_be_chosen_otherwise() -> None:
    requires = {"root": ["app", "lib>=3"], "app": ["lib>=3"], "lib": []}
    assert bounds_of(plan(requires, {"lib": "2.0"}, versions={"lib": "3.0"})) == {}
    assert bounds_of(plan({"root": []}, {"root": "1.0"})) == {}


def test_what_is_satisfied_missing_or_no_work_has_no_bound() -> None:
    assert bounds_of(plan(ASKING, {"lib": "3.0"}, versions={"lib": "3.0"})) == {}
    assert bounds_of(plan(ASKING, {})) == {}
    used = {"root": ["leaf"], "leaf": ["lib>=3"], "lib": []}
    assert bounds_of(plan(used, {"leaf": "2.0", "lib": "2.0"}, versions={"lib": "3.0"})) == {}


def test_what_does_not_count_binds_nobody() -> None:
    """The root does with what the suite has, only a leaf's own wish fails, which is Debian's business."""
    requires = {"root": ["app", "leaf"], "app": ["lib>=3"], "leaf": ["lib>=9"], "lib": []}
    made = plan(requires, {"leaf": "2.0", "lib": "2.0"}, versions={"lib": "9.0"})
    assert bounds_of(made) == {"lib": "<=2.0"}
    lonely = replace(made, nodes=tuple(
        replace(n, asked=tuple(replace(a, counts=False) for a in n.asked)) for n in made.nodes
    ))  # fmt: skip
    assert bounds_of(lonely) == {}


def test_what_is_blocked_by_a_finding_is_blocked_in_any_version() -> None:
    gone = Finding(Topic.INSTALL, "it can't be installed", blocking=True)
    too_new = {"root": ["app"], "app": ["lib<2"], "lib": []}
    made = plan(too_new, {"lib": "2.0"}, versions={"lib": "1.9"})
    stuck = replace(made, nodes=tuple(replace(n, findings=(gone,)) if n.name == "lib" else n for n in made.nodes))
    assert bounds_of(stuck) == {}


def test_relaxed_bounds_are_no_reason() -> None:
    layer = Layer(relax=(Relax(distribution="lib", specifier="", reason=REASON),))
    made = plan(ASKING, {"lib": "2.0"}, versions={"lib": "3.0"}, layers={"app": layer})
    assert node(made, "lib").decision is Decision.RELAX
    assert bounds_of(made) == {}


def test_bounds_that_an_explanation_names_are_given_up() -> None:
    bounds = {"typing-extensions": "<=4", "lib": "<=2", "other": "<=1"}
    complaint = "Because Typing_Extensions<=4 and lib==2.0 can't both be, and libc is another word"
    assert without(bounds, complaint) == {"other": "<=1"}
    assert without(bounds, "") == bounds


def sample(*, update: int = 0, package: int = 0) -> Plan:
    """A plan with as many obstacles, and as many distributions to be packaged apart from the root."""
    old, gone = [f"u{i}" for i in range(update)], [f"p{i}" for i in range(package)]
    requires = {"root": [*(f"{name}>=2" for name in old), *gone], **{name: [] for name in (*old, *gone)}}
    return plan(requires, dict.fromkeys(old, "1.0"))


def test_fewer_obstacles_are_better_then_less_work() -> None:
    assert is_better(sample(update=1, package=5), sample(update=2))
    assert not is_better(sample(update=2), sample(update=1, package=5))
    assert is_better(sample(update=1, package=1), sample(update=1, package=2))
    assert not is_better(sample(update=1, package=1), sample(update=1, package=1))


def test_what_was_chosen_otherwise_is_told() -> None:
    requires = {"root": ["app", "used", "leaf"], "app": [], "used": [], "leaf": ["deep"], "deep": []}
    suite = {"used": "1.0", "leaf": "2.0"}
    first = plan(requires, suite, versions={"app": "3.0", "used": "3.0", "deep": "3.0"})
    fitted = plan(requires, suite, versions={"app": "2.5", "used": "2.5", "deep": "2.5"})
    assert told(fitted, first) == "sid can carry older releases better: app 2.5 rather than 3.0"
    assert told(first, first) == ""
    more = plan({**requires, "app": ["new"], "new": []}, suite, versions={"app": "3.0"})
    assert told(more, first) == ""  # what the first plan has not was not chosen otherwise


def test_a_build_requirement_is_no_choice_of_a_release() -> None:
    evidence = Evidence(build_edges={"root": (edge("root", "lib>=3"),)})
    assert bounds_of(plan({"root": [], "lib": []}, {"lib": "2.0"}, evidence=evidence)) == {}
