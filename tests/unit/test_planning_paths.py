"""Why a distribution is in a plan."""

from __future__ import annotations

from planning_cases import drop, node, plan

from debgen.planning.paths import binding, shortened, ways

REQUIRES = {
    "root": ["a>=1", "b", "leaf"],
    "a": ["x>=2"],
    "b": ["x>=3,<9", "a"],
    "leaf": ["x>=5"],
    "x": ["b"],
}


def test_one_way_for_each_that_asks_those_that_count_first() -> None:
    made = plan(REQUIRES, {"leaf": "2.0"})
    assert ways(made, "x") == (("root", "a", "x"), ("root", "b", "x"), ("root", "leaf", "x"))
    assert ways(made, "x", limit=1) == (("root", "a", "x"),)
    assert ways(made, "root") == (("root",),)
    assert ways(made, "nobody") == ()


def test_ways_to_what_the_work_does_not_reach() -> None:
    made = plan({"root": ["leaf"], "leaf": ["deep"], "deep": ["deeper"], "deeper": ["deep"]}, {"leaf": "2.0"})
    assert ways(made, "deeper") == (("root", "leaf", "deep", "deeper"),)


def test_the_strictest_of_what_fails_binds() -> None:
    made = plan(REQUIRES, {"leaf": "2.0", "x": "1.0"})
    found = binding(node(made, "x"))
    assert found
    assert (found.parent, found.specifier) == ("b", ">=3,<9")  # the leaf's >=5 doesn't count


def test_the_lowest_limit_binds_where_the_suite_is_too_new() -> None:
    made = plan({"root": ["x<5", "a"], "a": ["x<3,>=1"], "x": []}, {"x": "7.0"})
    found = binding(node(made, "x"))
    assert found
    assert found.parent == "a"


def test_binding_where_nothing_fails_or_nothing_bounds() -> None:
    satisfied = plan({"root": ["x", "a"], "a": ["x>=1"], "x": []}, {"x": "7.0"})
    found = binding(node(satisfied, "x"))
    assert found
    assert found.parent == "a"
    free = binding(node(plan({"root": ["x"], "x": []}, {}), "x"))
    assert free
    assert free.parent == "root"
    dropped = plan({"root": ["x==1"], "x": []}, {}, layers={"root": drop("x")})
    assert binding(node(dropped, "x")) is not None


def test_ways_that_count_come_first_whatever_their_length() -> None:
    requires = {"root": ["leaf", "a"], "a": ["b"], "b": ["x"], "leaf": ["x"], "x": []}
    made = plan(requires, {"leaf": "2.0"})
    assert ways(made, "x") == (("root", "a", "b", "x"), ("root", "leaf", "x"))


def test_a_way_does_not_pass_the_same_place_twice() -> None:
    made = plan({"root": ["a"], "a": ["b"], "b": ["a"]}, {})
    assert ways(made, "a") == (("root", "a"),)


def test_no_more_ways_than_asked_for() -> None:
    parents = [f"p{i:02}" for i in range(30)]
    made = plan({"root": parents, **{p: ["x"] for p in parents}, "x": []}, {})
    assert len(ways(made, "x")) == 20
    assert len(ways(made, "x", limit=3)) == 3


def test_who_drops_does_not_bind() -> None:
    made = plan({"root": ["x>=5", "a"], "a": ["x>=1"], "x": []}, {"x": "2.0"}, layers={"root": drop("x")})
    found = binding(node(made, "x"))
    assert found
    assert found.parent == "a"


def test_what_is_too_old_binds_before_what_is_too_new() -> None:
    made = plan({"root": ["x<2", "a", "b"], "a": ["x>=3"], "b": ["x>=4"], "x": []}, {"x": "2.5"})
    found = binding(node(made, "x"))
    assert found
    assert found.parent == "b"


def test_the_lowest_of_several_upper_bounds_counts() -> None:
    made = plan({"root": ["x<9,<=2", "a"], "a": ["x<3,<8"], "x": []}, {"x": "9.0"})
    found = binding(node(made, "x"))
    assert found
    assert found.parent == "root"


def test_a_chain_in_a_sentence() -> None:
    assert shortened(()) == ""
    assert shortened(("a", "b", "c", "d", "e")) == "a → b → c → d → e"
    assert shortened(("a", "b", "c", "d", "e", "f", "g")) == "a → b → … → f → g"
