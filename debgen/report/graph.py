"""A plan's JSON form as a graph, for the pictures of it: cleaned text, merged edges, and what is worth drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from debgen.errors import UsageError
from debgen.planning.model import Decision, Kind
from debgen.planning.verdict import Verdict

SCHEMA = 2
DECISIONS = tuple(
    d.value
    for d in (
        Decision.BLOCKED, Decision.PACKAGE, Decision.UPDATE, Decision.RELAX, Decision.DROP, Decision.USE,
    )
)  # fmt: skip
"""All decisions; those that mean most work for the packager come first."""
VERDICTS = tuple(v.value for v in Verdict)
WORK = frozenset({Decision.PACKAGE.value, Decision.UPDATE.value, Decision.BLOCKED.value})
"""Decisions that say that the suite's package won't do."""
DRAWN = 200
"""The most distributions that a drawing has: with more, nobody finds anything in it, and its layout takes minutes."""

# What no XML document may hold, and what makes text read in another order than it is written.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_SPACES = re.compile(r"[\t\r\n\u2028\u2029]+")


@dataclass(frozen=True)
class Edge:
    """All requirements of ``parent`` on ``child``; ``label`` has their extras and specifiers.

    ``build`` and ``dropped`` hold where all of them are build requirements, or are dropped. ``counts`` is false where
    only a package that the suite has asks. ``cyclic`` marks a step of one of the plan's cycles.
    """

    parent: str
    child: str
    label: str
    build: bool
    dropped: bool
    counts: bool
    cyclic: bool


@dataclass(frozen=True)
class Graph:
    """A plan as a graph: ``plan`` is its JSON form with clean text, ``nodes`` its distributions by name.

    ``edges`` are sorted. ``stage`` is the number, from 1, of the stage of the build order that a distribution stands
    in. ``cyclic`` are the names that stand in a cycle.
    """

    plan: Mapping[str, Any]
    nodes: Mapping[str, Mapping[str, Any]]
    edges: tuple[Edge, ...]
    stage: Mapping[str, int]
    cyclic: frozenset[str]


@dataclass(frozen=True)
class Part:
    """The part of a graph that a picture shows: ``names`` in sorted order, and the edges among them.

    ``whole`` says whether it has every needed distribution; ``of`` is how many there are of the sort that is shown.
    """

    names: tuple[str, ...]
    edges: tuple[Edge, ...] = field(repr=False)
    whole: bool
    of: int


def read_graph(plan: Mapping[str, Any]) -> Graph:
    """The graph of a plan in its JSON form; UsageError where it is no plan, or one of another schema."""
    if plan.get("schema") != SCHEMA:
        raise UsageError(
            f"this is not a plan of schema {SCHEMA}: its schema is {plan.get('schema')!r}",
            hint="Make the plan again with this debgen.",
        )
    try:
        return _read(clean(plan))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the plan is damaged: {type(error).__name__}: {error}", hint="Make the plan again with `debgen plan`."
        ) from None


def _read(plan: Mapping[str, Any]) -> Graph:
    nodes = {n["name"]: n for n in sorted(plan["distributions"], key=lambda n: str(n["name"]))}
    for node in nodes.values():
        if node["decision"] not in DECISIONS or node["verdict"] not in VERDICTS:
            raise KeyError(f"{node['name']} has the decision {node['decision']} and the verdict {node['verdict']}")
    steps = {pair for cycle in plan["cycles"] for pair in pairwise(cycle)}
    edges = []
    for child, node in nodes.items():
        asked: dict[str, list[Mapping[str, Any]]] = {}
        for requirement in node["required_by"]:
            if requirement["name"] in nodes and requirement["name"] != child:
                asked.setdefault(requirement["name"], []).append(requirement)
        edges += [_edge(parent, child, of, (parent, child) in steps) for parent, of in asked.items()]
    return Graph(
        plan,
        nodes,
        tuple(sorted(edges, key=lambda e: (e.parent, e.child))),
        {name: number for number, stage in enumerate(plan["order"], 1) for name in stage},
        frozenset(name for cycle in plan["cycles"] for name in cycle),
    )


def _edge(parent: str, child: str, of: list[Mapping[str, Any]], cyclic: bool) -> Edge:
    words = {(f"[{','.join(r['extras'])}]" if r["extras"] else "") + (r["specifier"] or "any version") for r in of}
    return Edge(
        parent,
        child,
        "; ".join(sorted(words)),
        build=all(r["kind"] == Kind.BUILD.value for r in of),
        dropped=all(r["decision"] == Decision.DROP.value for r in of),
        counts=any(r["counts"] for r in of),
        cyclic=cyclic,
    )


def part(graph: Graph, everything: bool = False) -> Part:
    """What the work reaches, without what only the suite's own packages ask for; or all of it."""
    names = tuple(name for name, node in graph.nodes.items() if everything or node["needed"])
    return Part(names, _among(graph, names, everything), True, len(names))


def drawable(graph: Graph, most: int = DRAWN) -> Part:
    """What a page draws: what the work reaches, or only what the suite lacks of it, or of that what is nearest.

    At most ``most`` distributions, of those that the suite lacks the ones with the shortest chain from the root.
    """
    needed = part(graph)
    if len(needed.names) <= most:
        return needed
    lacking = [name for name in needed.names if graph.nodes[name]["decision"] in WORK]
    nearest = sorted(lacking, key=lambda name: (len(graph.nodes[name]["chain"]), name))[:most]
    names = tuple(sorted(nearest))
    return Part(names, _among(graph, names, everything=False), False, len(lacking))


def _among(graph: Graph, names: Iterable[str], everything: bool) -> tuple[Edge, ...]:
    shown = set(names)
    return tuple(e for e in graph.edges if e.parent in shown and e.child in shown and (everything or e.counts))


def debian_version(node: Mapping[str, Any]) -> str:
    """The version of the suite's package, or that there is none."""
    return str(node["debian"]["version"]) if node["debian"] else "not in Debian"


def ranks(graph: Graph, names: Iterable[str]) -> list[list[str]]:
    """Those of ``names`` that stand in the build order, stage by stage."""
    stages: dict[int, list[str]] = {}
    for name in names:
        if name in graph.stage:
            stages.setdefault(graph.stage[name], []).append(name)
    return [stages[number] for number in sorted(stages)]


def constrains(graph: Graph, edge: Edge) -> bool:
    """Whether an edge agrees with the build order; one that a cycle was cut at doesn't."""
    parent, child = graph.stage.get(edge.parent), graph.stage.get(edge.child)
    return parent is None or child is None or parent > child


def anchor(name: str) -> str:
    """The id of a distribution's place on the page: different for different names, and safe in a URL's fragment."""
    return "d-" + re.sub(r"[^a-z0-9.-]", lambda m: f"_{ord(m[0]):x}_", name)


def clean(value: Any) -> Any:
    """``value`` with all its texts on one line, without characters that can't be printed or that reorder others."""
    if isinstance(value, str):
        return _UNSEEN.sub("\ufffd", _SPACES.sub(" ", value))
    if isinstance(value, Mapping):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value
