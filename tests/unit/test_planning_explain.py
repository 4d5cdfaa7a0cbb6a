"""The reasons of decisions, as people read them."""

from __future__ import annotations

from dataclasses import replace

from planning_cases import drop, edge, match, node, plan, relax

from debgen.planning.explain import bound, decided, of_suite, untouched
from debgen.planning.model import Asked, Decision, Finding, Kind, Node, Topic
from debgen.planning.plan import Evidence
from debgen.planning.verdict import Verdict


def asked(parent: str | None, specifier: str, verdict: Verdict = Verdict.TOO_OLD, kind: Kind = Kind.RUN) -> Asked:
    return Asked(parent, specifier, (), verdict, kind)


def reason(name: str, *demands: Asked, decision: Decision = Decision.UPDATE) -> str:
    """The reason of a decision on ``name``, of which the suite has 1.0."""
    made = plan({"root": [name], name: []}, {name: "1.0"})
    return decided(replace(node(made, name), asked=demands, decision=decision), "sid")


def of_root(suite: str = "", requirement: str = "", version: str = "2.0") -> str:
    made = plan({"root": []}, {"root": suite} if suite else {}, requirement, versions={"root": version})
    return node(made, "root").reason


def test_the_root_is_told_by_its_release() -> None:
    assert of_root() == "sid has no package of it, and you ask for it"
    assert of_root(requirement="==2.0") == "sid has no package of it, and you ask for ==2.0"
    assert of_root(requirement="[x]>=1") == "sid has no package of it, and you ask for [x] >=1"
    assert of_root("1.0") == "sid has python3-root 1.0-1, but the plan is for 2.0"
    assert of_root("1.0", ">=1") == "sid has python3-root 1.0-1, but the plan is for 2.0"
    assert of_root("3.0", "==2.0") == "sid has python3-root 3.0-1, newer than the 2.0 that is planned here"


def test_upstreams_version_is_told_where_debian_counts_otherwise() -> None:
    gguf = match("gguf", "0.19.0")
    assert of_suite(gguf) == "python3-gguf 0.19.0-1"
    assert of_suite(replace(gguf, debian_version="1:0.7.0+dfsg-2")) == "python3-gguf 1:0.7.0+dfsg-2 (upstream's 0.19.0)"
    assert of_suite(replace(gguf, upstream_version="0.19.0+debian")) == "python3-gguf 0.19.0-1"
    other = replace(node(plan({"root": ["a"], "a": []}, {}), "a"), match=replace(gguf, debian_version="0.7-1"))
    assert decided(replace(other, decision=Decision.USE), "sid") == "sid has python3-gguf 0.7-1 (upstream's 0.19.0)"


def test_who_asks_is_told_once() -> None:
    run, build = asked("app", ">=2"), asked("app", ">=2", kind=Kind.BUILD)
    assert reason("a", build, run) == "sid has python3-a 1.0-1, but app needs >=2"
    assert reason("a", build) == "sid has python3-a 1.0-1, but the build of app needs >=2"
    differing = reason("a", asked("app", ">=3", kind=Kind.BUILD), run)
    assert differing == "sid has python3-a 1.0-1, but app needs >=2, the build of app needs >=3"
    assert reason("a", asked("app", "<1", Verdict.TOO_NEW), run).endswith("but app allows only <1, app needs >=2")
    assert reason("a", replace(run, specifier="", extras=("x", "y"))).endswith("app needs [x,y]")
    assert reason("a", replace(run, specifier="")).endswith("app needs any version")


def test_no_more_than_three_are_named() -> None:
    four = [asked(f"app{i}", ">=2") for i in range(4)]
    assert reason("a", *four[:3]).endswith("app0 needs >=2, app1 needs >=2, app2 needs >=2")
    assert reason("a", *four).endswith("app2 needs >=2 and 1 more")
    assert reason("a", *four, asked("app0", ">=2", kind=Kind.BUILD)).endswith("app2 needs >=2 and 1 more")


def test_blocked() -> None:
    new, old = asked("app", "<1", Verdict.TOO_NEW), asked("other", ">=3")
    assert reason("a", new, decision=Decision.BLOCKED) == (
        "sid has python3-a 1.0-1, newer than what is asked for: app allows only <1; a recipe may relax that"
    )
    assert reason("a", new, old, decision=Decision.BLOCKED) == (
        "sid has python3-a 1.0-1, but app allows only <1, other needs >=3; a 2.0, which was chosen here, is no newer"
    )


def test_a_blocking_finding_is_the_reason_and_no_other() -> None:
    finding, other = Finding(Topic.INSTALL, "it is gone", blocking=True), Finding(Topic.COMPONENT, "it is in contrib")
    made = plan({"root": ["a"], "a": []}, {"a": "1.0"})
    stopped = replace(node(made, "a"), decision=Decision.BLOCKED, findings=(other, finding))
    assert decided(stopped, "sid") == "it is gone"
    several = replace(stopped, findings=(finding, replace(finding, text="it is lost"), other))
    assert decided(several, "sid") == "it is gone (and 1 more in the way)"
    far = Finding(Topic.CRATE, "it is far off", ("x", "y"), blocking=True)
    assert decided(replace(stopped, findings=(far, finding)), "sid") == "it is gone (and 1 more in the way)"
    failing = replace(stopped, asked=(asked("root", ">=2"),))
    assert decided(failing, "sid") == "sid has python3-a 1.0-1, but root needs >=2; it is gone"


def test_what_only_the_suite_asks_for_is_no_demand() -> None:
    assert reason("a", asked("app", ">=2"), replace(asked("leaf", ">=9"), counts=False)).endswith("but app needs >=2")


def test_a_relaxed_bound_at_run_time_is_told_before_that_of_a_build() -> None:
    both = Evidence(build_edges={"root": (edge("root", "a==1.9"),)})
    made = plan({"root": ["a==1.9"], "a": []}, {"a": "1.9.1"}, evidence=both)
    assert node(made, "a").decision is Decision.RELAX
    assert node(made, "a").reason == (
        "sid has python3-a 1.9.1-1; root asks for ==1.9: an exact pin, which can't hold in Debian; "
        "1.9.1 is of the same minor release"
    )
    built = plan({"root": [], "a": []}, {"a": "1.9.1"}, evidence=both)
    assert node(built, "a").reason.startswith("sid has python3-a 1.9.1-1; the build of root asks for ==1.9: Debian's")


def test_a_recipes_reason_ends_a_sentence() -> None:
    layer = relax("a", "")
    entry = layer.relax[0].model_copy(update={"reason": "It works\nas well.\n"})
    made = plan({"root": ["a<1"], "a": []}, {"a": "1.0"}, layers={"root": layer.model_copy(update={"relax": (entry,)})})
    assert node(made, "a").reason == "sid has python3-a 1.0-1; root asks for <1: It works as well."[:-1]


def test_dropped() -> None:
    made = plan({"root": ["a"], "a": []}, {}, layers={"root": drop("a")})
    assert node(made, "a").reason == "root does without it: a reason that is long enough"
    requires = {"root": ["web[std]"], "web": ["std: a"], "a": []}
    through = plan(requires, {"web": "2.0"}, layers={"root": drop("a")})
    assert node(through, "a").reason == "who asks for web[std] does without it: a reason that is long enough"


def untouched_reason(*parents: str, has: tuple[str, ...] = (), name: str = "a") -> str:
    made = plan({"root": [name, *parents], name: [], **{p: [] for p in parents}}, dict.fromkeys(has, "1.0"))
    found: Node = replace(node(made, name), asked=tuple(asked(parent, "") for parent in parents))
    return untouched(found, "sid", lambda parent: (made.node(parent) or found).match)


def test_what_the_work_does_not_reach() -> None:
    assert untouched_reason() == "nothing asks for it here"
    assert untouched_reason("x") == "only x would ask for it, and no package is made of that"
    assert untouched_reason("x", has=("x",)) == "only x would ask for it; sid's python3-x does without it"
    assert untouched_reason("x", has=("x", "a")) == (
        "only x asks for it, and sid has python3-x: python3-a is up to its maintainers"
    )
    assert untouched_reason("x", "y", has=("y", "a")).startswith("only x, y ask for it, and sid has python3-y:")
    assert untouched_reason("v", "w", "x", "y", has=("y", "a")).startswith("only v, w, x and 1 more ask for it,")
    assert untouched_reason("x", "y") == "only x, y would ask for it, and no package is made of those"
    assert untouched_reason("w", "x", "y", has=("y", "a")).startswith("only w, x, y ask for it,")


def test_bounds() -> None:
    assert bound(asked("x", "")) == "any version"
    assert bound(asked("x", ">=1")) == ">=1"
    assert bound(replace(asked("x", ">=1"), extras=("a", "b"))) == "[a,b] >=1"
