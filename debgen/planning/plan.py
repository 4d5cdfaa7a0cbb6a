"""The plan: a dependency tree judged against a suite. Pure: facts in, verdicts and an order out.

A distribution that the suite satisfies is a leaf: what it needs itself is Debian's business. So the work is what
is reached from the root through distributions that have to be packaged; the rest of the tree is judged and shown
all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.archive.model import Match
from debgen.planning.verdict import Verdict, judge
from debgen.upstream.model import DependencyTree, Edge


@dataclass(frozen=True)
class Asked:
    """One requirement on a distribution, and what the suite's version makes of it."""

    parent: str | None
    specifier: str
    extras: tuple[str, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Node:
    """One distribution of the tree: who asks for it, what the suite has, and the verdict of all together.

    ``needed`` says that the work reaches it, ``to_package`` that the suite's own package doesn't do for those of
    the work that ask for it; ``version`` is the release that resolution chose.
    """

    name: str
    version: str
    asked: tuple[Asked, ...]
    match: Match | None
    verdict: Verdict
    needed: bool
    to_package: bool


@dataclass(frozen=True)
class Plan:
    """All distributions in sorted order, and the order in which to package those that the suite lacks.

    ``order`` is in stages: what stands in one stage needs only earlier ones. A cycle stands in ``cycles`` as
    the names along it, the first again at the end; the order leaves out its last step.
    """

    root: str
    requirement: str
    suite: str
    python_version: str
    architecture: str
    nodes: tuple[Node, ...]
    order: tuple[tuple[str, ...], ...]
    cycles: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def node(self, name: str) -> Node | None:
        """The node of a normalised name."""
        return next((n for n in self.nodes if n.name == name), None)

    def totals(self) -> Mapping[Verdict, int]:
        """How many distributions have each verdict."""
        return {v: sum(n.verdict is v for n in self.nodes) for v in Verdict}


def make_plan(
    tree: DependencyTree, suite: str, find: Callable[[str], Match | None], notes: tuple[str, ...] = ()
) -> Plan:
    """Judge every distribution of ``tree``; ``find`` gives the suite's package of a distribution."""
    matches = {name: find(name) for name in tree.distributions}
    incoming: dict[str, list[Edge]] = {name: [] for name in tree.distributions}
    incoming[tree.root].append(tree.request)
    for distribution in tree.distributions.values():
        for edge in distribution.edges:
            if edge.child in incoming and edge.child != distribution.name:
                incoming[edge.child].append(edge)
    judged = {name: _asked(edges, matches[name]) for name, edges in incoming.items()}
    # The root is asked for without a bound: an older release of it doesn't do what the plan is for.
    root = tree.distributions[tree.root]
    judged[tree.root] = (
        Asked(None, tree.request.specifier, tree.request.extras, _root_verdict(root.version, matches[tree.root])),
        *judged[tree.root][1:],
    )
    verdicts = {name: _together(asked) for name, asked in judged.items()}
    needed, todo = _reached(tree, judged)
    nodes = tuple(
        Node(name, d.version, judged[name], matches[name], verdicts[name], name in needed, name in todo)
        for name, d in tree.distributions.items()
    )
    order, cycles = _order(tree, todo)
    return Plan(
        tree.root, tree.requirement, suite, tree.python_version, tree.architecture,
        nodes, order, cycles, (*notes, *tree.notes),
    )  # fmt: skip


def _asked(edges: list[Edge], match: Match | None) -> tuple[Asked, ...]:
    """The distinct requirements of each parent, sorted."""
    have = match.upstream_version if match else None
    found = {
        Asked(e.parent, e.specifier, e.extras, judge(have, SpecifierSet(e.specifier)))
        for e in edges
    }  # fmt: skip
    return tuple(sorted(found, key=lambda a: (a.parent or "", a.specifier, a.extras)))


def _root_verdict(version: str, match: Match | None) -> Verdict:
    if match is None:
        return Verdict.MISSING
    have, want = Version(Version(match.upstream_version).public), Version(version)
    return Verdict.SATISFIED if have == want else Verdict.TOO_OLD if have < want else Verdict.TOO_NEW


def _together(asked: tuple[Asked, ...]) -> Verdict:
    """One verdict for all requirements: the first that fails decides, too old before too new."""
    for verdict in (Verdict.MISSING, Verdict.TOO_OLD, Verdict.TOO_NEW):
        if any(a.verdict is verdict for a in asked):
            return verdict
    return Verdict.SATISFIED


def _reached(tree: DependencyTree, judged: Mapping[str, tuple[Asked, ...]]) -> tuple[set[str], set[str]]:
    """What the work reaches from the root, going only through distributions that must be packaged, and those.

    A node's need is judged by those that reach it: what only a satisfied leaf asks for doesn't count.
    """
    reached = {tree.root}
    packaged: set[str] = set()
    while True:
        fresh = {name for name in reached - packaged if _fails(judged[name], packaged)}
        if not fresh:
            return reached, packaged
        packaged |= fresh
        for name in fresh:
            reached |= {edge.child for edge in tree.distributions[name].edges if edge.child in tree.distributions}


def _fails(asked: tuple[Asked, ...], packaged: set[str]) -> bool:
    """Whether the suite fails you, or a distribution that has to be packaged itself."""
    return any(a.verdict is not Verdict.SATISFIED and (a.parent is None or a.parent in packaged) for a in asked)


def _order(tree: DependencyTree, todo: set[str]) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    """Stages of a topological order over what has to be packaged; each cycle found is cut at its last edge."""
    needs = {
        name: {e.child for e in tree.distributions[name].edges if e.child in todo and e.child != name} for name in todo
    }
    cycles: list[tuple[str, ...]] = []
    while True:
        sorter = TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)})
        try:
            sorter.prepare()
        except CycleError as error:
            # graphlib lists each node before the one that needs it, the first again at the end
            around = list(error.args[1])
            cycles.append(tuple(reversed(around)))
            needs[around[1]].discard(around[0])
            continue
        stages: list[tuple[str, ...]] = []
        while sorter.is_active():
            stage = tuple(sorted(sorter.get_ready()))
            stages.append(stage)
            sorter.done(*stage)
        return tuple(stages), tuple(cycles)
