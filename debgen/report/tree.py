"""A plan's graph as a tree to read: every distribution stands in full once, elsewhere a link leads there.

The tree comes as a flat sequence of steps, so that neither its depth nor a cycle can matter to who writes it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from debgen.report.graph import DECISIONS, Edge, Graph

DEEPEST = 8
"""Levels below the root; what stands deeper is shown in a tree of its own, below the others."""


class Step(Enum):
    """What comes next in the tree."""

    OPEN = "open"
    """A distribution in full, to be followed by what it asks for."""
    LINK = "link"
    """A distribution that stands elsewhere."""
    CLOSE = "close"
    """The end of the distribution that was opened last."""


@dataclass(frozen=True)
class Line:
    """One step of the tree, for the distribution ``name``.

    ``edge`` is the requirement that leads there, None for a tree's root. ``parent`` says of an opened (or closed) one
    whether anything stands below it, ``ancestor`` of a link that it leads back up, which closes a cycle.
    """

    step: Step
    name: str
    edge: Edge | None = None
    parent: bool = False
    ancestor: bool = False


def tree(graph: Graph) -> Sequence[Line]:
    """The steps of all trees: the root's, those of what stands too deep in it, and of what it doesn't reach."""
    return list(_lines(graph))


def _lines(graph: Graph) -> Iterator[Line]:
    below: dict[str, list[Edge]] = {name: [] for name in graph.nodes}
    for edge in graph.edges:
        below[edge.parent].append(edge)
    for edges in below.values():
        edges.sort(key=lambda e: (_weight(graph, e.child), e.child))
    home, roots = _homes(graph, below)
    for root in roots:
        yield from _one(root, below, home)


def _weight(graph: Graph, name: str) -> tuple[bool, int]:
    """What is needed before what isn't, what means most work first."""
    node = graph.nodes[name]
    return not node["needed"], DECISIONS.index(node["decision"])


def _homes(graph: Graph, below: Mapping[str, Sequence[Edge]]) -> tuple[dict[str, str | None], list[str]]:
    """Where each distribution stands in full (under which parent; None for a root), and the roots in their order.

    Breadth first, so that a distribution stands as near to the root as it can; what is needed first, along the
    requirements that count, so that none of it stands below what isn't needed.
    """
    home: dict[str, str | None] = {}
    depth: dict[str, int] = {}
    roots: list[str] = []

    def place(name: str, parent: str | None) -> None:
        if parent is None or depth[parent] == DEEPEST:
            home[name], depth[name] = None, 0
            roots.append(name)
        else:
            home[name], depth[name] = parent, depth[parent] + 1

    def spread(starts: Sequence[str], counting: bool) -> None:
        queue = deque(starts)
        while queue:
            name = queue.popleft()
            for edge in below[name]:
                if edge.child not in home and (not counting or (edge.counts and graph.nodes[edge.child]["needed"])):
                    place(edge.child, name)
                    queue.append(edge.child)

    first = [graph.plan["root"], *sorted(graph.nodes, key=lambda n: (len(graph.nodes[n]["chain"]), n))]
    for name in first:
        if name in graph.nodes and name not in home and graph.nodes[name]["needed"]:
            place(name, None)
            spread([name], counting=True)
    spread(list(home), counting=False)
    for name in first:
        if name in graph.nodes and name not in home:
            place(name, None)
            spread([name], counting=False)
    return home, roots


def _one(root: str, below: Mapping[str, Sequence[Edge]], home: Mapping[str, str | None]) -> Iterator[Line]:
    path: list[tuple[str, Iterator[Edge]]] = [(root, iter(below[root]))]
    yield Line(Step.OPEN, root, parent=bool(below[root]))
    while path:
        name, edges = path[-1]
        edge = next(edges, None)
        if edge is None:
            path.pop()
            yield Line(Step.CLOSE, name, parent=bool(below[name]))
        elif home[edge.child] == name:
            path.append((edge.child, iter(below[edge.child])))
            yield Line(Step.OPEN, edge.child, edge, parent=bool(below[edge.child]))
        else:
            yield Line(Step.LINK, edge.child, edge, ancestor=any(above == edge.child for above, _ in path))
