"""The plan: a dependency tree judged against a suite. Pure: facts in, decisions and an order out.

A distribution that the suite satisfies is a leaf: what it needs itself is Debian's business, except for an extra that
its package doesn't pull in. So the work is what is reached from the root through distributions that have to be
packaged; the rest of the tree is judged and shown all the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.archive.model import Match
from debgen.planning.crate_findings import crate_findings
from debgen.planning.explain import decided, not_pulled_in, untouched
from debgen.planning.model import (
    Asked,
    BuildNeed,
    Decision,
    Finding,
    Kind,
    Node,
    Plan,
    Supply,
    Topic,
    Variant,
)
from debgen.planning.order import stages
from debgen.planning.relaxation import safe_relaxation
from debgen.planning.verdict import Verdict, judge
from debgen.recipes import VARIANTS, Layer
from debgen.upstream.model import DependencyTree, Distribution, Edge
from debgen.upstream.requirements import python_excluded


@dataclass(frozen=True)
class Suite:
    """What the plan asks of a suite.

    ``find`` gives its packages of a distribution, best first. ``pulls_in`` says whether the first package brings the
    second with it, by its Depends. ``date`` is that of the Release file, in ISO 8601.
    """

    codename: str
    date: str
    find: Callable[[str], tuple[Match, ...]]
    pulls_in: Callable[[str, str], bool]


@dataclass(frozen=True)
class Evidence:
    """What was found out about the distributions of an earlier plan, by looking at sdists and asking apt.

    ``build_edges`` are the build requirements of what is to be packaged, ``needs`` its crates and libraries, by
    distribution; ``added`` are distributions that only they ask for, ``apart`` those of the tree in another release,
    where a build fails the tree's own; ``unresolvable`` says of others why no release of them was found.
    ``uninstallable`` are the suite's packages that apt can't install, ``broken`` says by distribution what its update
    breaks in the archive.
    """

    build_edges: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)
    needs: Mapping[str, tuple[BuildNeed, ...]] = field(default_factory=dict)
    added: Mapping[str, Distribution] = field(default_factory=dict)
    apart: Mapping[str, Distribution] = field(default_factory=dict)
    unresolvable: Mapping[str, str] = field(default_factory=dict)
    uninstallable: Mapping[str, Finding] = field(default_factory=dict)
    broken: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    def known(self, tree: DependencyTree) -> dict[str, Distribution]:
        """Every distribution whose release is known, in the release that the plan is about."""
        return {**self.added, **tree.distributions, **self.apart}


def make_plan(
    tree: DependencyTree,
    suite: Suite,
    recipe: Callable[[str], Layer],
    *,
    variant: Variant,
    evidence: Evidence | None = None,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Judge every distribution of ``tree`` and decide what becomes of it.

    ``recipe`` gives the effective recipe of a distribution. A distribution that only a build requirement asks for and
    that neither the tree nor ``evidence.added`` has gets the suite's version, or none (an empty ``version``) where
    that doesn't do; it has to be resolved then.
    """
    return _Planner(tree, suite, recipe, evidence or Evidence(), variant.name).plan(variant, notes)


class _Planner:
    def __init__(
        self, tree: DependencyTree, suite: Suite, recipe: Callable[[str], Layer], evidence: Evidence, variant: str
    ) -> None:
        self.variant = variant
        self.tree = tree
        self.suite = suite
        self.recipe = recipe
        self.evidence = evidence
        self.distributions = evidence.known(tree)
        self.matches: dict[str, tuple[Match, ...]] = {}
        # Asked-for edges by child, in the order in which they were found; what is live counts.
        self.incoming: dict[str, list[tuple[Edge, Kind]]] = {}
        self.asked: dict[tuple[Edge, Kind], Asked] = {}
        self.live: dict[tuple[Edge, Kind], None] = {}
        self.expanded: dict[str, None] = {}
        # Of a package that is used, by extra: what it doesn't pull in, and the suite's packages of that.
        self.lacking: dict[str, dict[str, dict[str, str]]] = {}
        for edge in self._all_edges():
            self.incoming.setdefault(edge[0].child, []).append(edge)

    def plan(self, variant: Variant, notes: tuple[str, ...]) -> Plan:
        self._spread()
        names = sorted({*self.distributions, *self.incoming})
        needed = {edge.child for edge, _ in self.live}
        chains = self._chains()
        nodes = [self._node(name, name in needed, chains.get(name, ())) for name in names]
        order, cycles = stages(
            {
                node.name: {e.child for e, _ in self._outgoing(node.name) if e.child != node.name}
                for node in nodes
                if node.to_package and node.needed
            }
        )
        tree = self.tree
        return Plan(
            tree.root, tree.requirement, variant, self.suite.codename, self.suite.date, tree.python_version,
            tree.architecture, tuple(nodes), order, cycles, (*notes, *tree.notes),
        )  # fmt: skip

    def _match(self, name: str) -> Match | None:
        if name not in self.matches:
            self.matches[name] = self.suite.find(name)
        return self.matches[name][0] if self.matches[name] else None

    def _all_edges(self) -> Iterable[tuple[Edge, Kind]]:
        yield self.tree.request, Kind.RUN
        for distribution in self.distributions.values():
            yield from self._outgoing(distribution.name)

    def _outgoing(self, name: str) -> list[tuple[Edge, Kind]]:
        distribution = self.distributions.get(name)
        runs = distribution.edges if distribution else ()
        builds = self.evidence.build_edges.get(name, ())
        return [*((e, Kind.RUN) for e in runs if e.child in self.distributions), *((e, Kind.BUILD) for e in builds)]

    # What the work reaches

    def _spread(self) -> None:
        """Follow the requirements from the root on: all of what is to be packaged, extras of what is used."""
        queue = deque([(self.tree.request, Kind.RUN)])
        while queue:
            edge = queue.popleft()
            if edge in self.live:
                continue
            self.live[edge] = None
            if self._judged(*edge).decision is Decision.DROP:
                continue
            name = edge[0].child
            if name not in self.expanded and self._must_be_made(name):
                self.expanded[name] = None
                queue += [out for out in self._outgoing(name) if out[0].via_extra is None]
            queue += self._extras(name)

    def _extras(self, name: str) -> list[tuple[Edge, Kind]]:
        """What the extras of ``name`` bring that live requirements ask for.

        Those who ask for an extra may do without some of it: their recipes drop it. A requirement that one of them
        drops and another needs becomes live again.
        """
        found = []
        askers = [edge for edge, _ in self._live_edges(name) if edge.extras]
        for out in self._outgoing(name) if askers else ():
            asking = [edge for edge in askers if out[0].via_extra in edge.extras]
            if not asking:
                continue
            if out[0].child != name:
                if dropped := self._dropped_by_all(out, asking):
                    self.asked[out] = dropped
                elif name not in self.expanded and self._pulled_in(name, out[0]):
                    continue
                elif self.asked.get(out) != (plain := self._judge(*out)):
                    self.asked[out] = plain
                    self.live.pop(out, None)
            found.append(out)
        return found

    def _dropped_by_all(self, out: tuple[Edge, Kind], asking: list[Edge]) -> Asked | None:
        """The requirement of an extra as dropped, where the recipes of all who ask for the extra drop it."""
        drops = [self.recipe(edge.parent).drop_of(out[0].child) if edge.parent else None for edge in asking]
        if drops[0] is None or not all(drops):
            return None
        return replace(self._judge(*out), decision=Decision.DROP, reason=drops[0].reason)

    def _live_edges(self, name: str) -> list[tuple[Edge, Kind]]:
        return [edge for edge in self.incoming.get(name, ()) if edge in self.live]

    def _must_be_made(self, name: str) -> bool:
        """Whether the suite fails a live requirement, and there is a source to do better with."""
        distribution = self.distributions.get(name)
        if distribution is None or distribution.sdist is None:
            return False
        match = self._match(name)
        failing = any(self._judged(*edge).decision is None for edge in self._live_edges(name))
        return failing and (match is None or Version(distribution.version) > _public(match))

    def _pulled_in(self, name: str, edge: Edge) -> bool:
        """Whether the suite's package of ``name`` brings what its extra asks for; if not, that is a finding."""
        package, wanted = self._match(name), self._match(edge.child)
        if package and wanted and self.suite.pulls_in(package.package, wanted.package):
            return True
        if package:
            extras = self.lacking.setdefault(name, {})
            extras.setdefault(edge.via_extra or "", {})[edge.child] = wanted.package if wanted else ""
        return False

    def _judged(self, edge: Edge, kind: Kind) -> Asked:
        key = (edge, kind)
        if key not in self.asked:
            self.asked[key] = self._judge(edge, kind)
        return self.asked[key]

    def _judge(self, edge: Edge, kind: Kind) -> Asked:
        match = self._match(edge.child)
        have = match.upstream_version if match else None
        asked = Asked(
            edge.parent, edge.specifier, edge.extras, judge(have, SpecifierSet(edge.specifier)), kind,
            edge.via_extra or "",
        )  # fmt: skip
        if edge.parent is None:
            # The root is asked for without a bound: an older release of it doesn't do what the plan is for.
            verdict = _root_verdict(self.distributions[edge.child].version, match)
            return replace(asked, verdict=verdict, decision=Decision.USE if verdict is Verdict.SATISFIED else None)
        layer = self.recipe(edge.parent)
        drop = layer.drop_of(edge.child)
        if drop and not (drop.if_lacking and asked.verdict is Verdict.SATISFIED):
            return replace(asked, decision=Decision.DROP, reason=drop.reason)
        if asked.verdict is Verdict.SATISFIED:
            return replace(asked, decision=Decision.USE)
        if have is None:
            return asked
        relax = layer.relax_of(edge.child)
        if relax and judge(have, SpecifierSet(relax.specifier)) is Verdict.SATISFIED:
            return replace(asked, decision=Decision.RELAX, reason=relax.reason)
        if reason := safe_relaxation(have, edge.specifier, kind):
            return replace(asked, decision=Decision.RELAX, reason=reason)
        return asked

    def _told(self, edge: Edge, kind: Kind) -> Asked:
        """A requirement as it is judged, and as relaxed where only the release that is made apart fails it."""
        asked = self._judged(edge, kind)
        apart = self.evidence.apart.get(edge.child)
        if apart is None or edge.parent is None or asked.decision is not Decision.USE:
            return asked
        if judge(apart.version, edge.specifier) is Verdict.SATISFIED:
            return asked
        relax = self.recipe(edge.parent).relax_of(edge.child)
        reason = relax.reason if relax else safe_relaxation(apart.version, edge.specifier, kind)
        return replace(asked, decision=Decision.RELAX, reason=reason) if reason else asked

    # What becomes of each

    def _node(self, name: str, needed: bool, way: tuple[str, ...]) -> Node:
        distribution = self.distributions.get(name)
        match = self._match(name)
        edges = [edge for edge in self.incoming.get(name, ()) if edge[0].parent != name]
        asked = tuple(
            sorted(
                {replace(self._told(*edge), counts=edge in self.live) for edge in edges},
                key=lambda a: (a.parent or "", a.kind, a.specifier, a.extras, a.extra),
            )
        )
        version = distribution.version if distribution else match.upstream_version if match else ""
        node = Node(
            name, version, asked, match, self.matches[name][1:], _together(asked), Decision.USE, "", way, needed,
        )  # fmt: skip
        if not needed:
            decision = Decision.USE if match else Decision.DROP
            return replace(node, decision=decision, reason=untouched(node, self.suite.codename, self._match))
        decision = self._decide(node, distribution)
        findings = tuple(dict.fromkeys(self._findings(node, decision, distribution)))
        if decision is not Decision.DROP and any(finding.blocking for finding in findings):
            decision = Decision.BLOCKED
        node = replace(
            node, decision=decision, findings=findings,
            build=self.evidence.needs.get(name, ()) if name in self.expanded else (),
        )  # fmt: skip
        return replace(node, reason=decided(node, self.suite.codename))

    def _decide(self, node: Node, distribution: Distribution | None) -> Decision:
        counting = [a for a in node.asked if a.counts]
        if all(a.decision is Decision.DROP for a in counting):
            return Decision.DROP
        if all(a.decision is not None for a in counting):
            relaxed = any(a.decision is Decision.RELAX for a in counting)
            return Decision.RELAX if relaxed else Decision.USE
        if node.match is None:
            return Decision.PACKAGE
        newer = distribution is None or Version(distribution.version) > _public(node.match)
        return Decision.UPDATE if newer else Decision.BLOCKED

    def _findings(self, node: Node, decision: Decision, distribution: Distribution | None) -> Iterable[Finding]:
        match = node.match
        if match and decision in (Decision.USE, Decision.RELAX):
            for extra, lacking in sorted(self.lacking.get(node.name, {}).items()):
                yield Finding(Topic.EXTRA, not_pulled_in(match.package, node.name, extra, lacking))
        if match and match.component != "main":
            text = f"{match.package} is in {match.component}: what depends on it can't be in main"
            yield Finding(Topic.COMPONENT, text)
        if match and decision in (Decision.USE, Decision.RELAX):
            yield from self._wrong_device(match)
        if match and (finding := self.evidence.uninstallable.get(match.package)):
            # What is to be made anew need not be installable as it is.
            yield replace(finding, blocking=decision in (Decision.USE, Decision.RELAX))
        if node.name in self.evidence.unresolvable:
            yield Finding(Topic.SOURCE, self.evidence.unresolvable[node.name], blocking=True)
        if decision in (Decision.PACKAGE, Decision.UPDATE) and distribution is not None:
            yield from self._obstacles(distribution)
            if decision is Decision.UPDATE:
                yield from self.evidence.broken.get(node.name, ())

    def _wrong_device(self, match: Match) -> Iterable[Finding]:
        """Where the suite has one package of a distribution for each device, and none for this one."""
        others = {other.package for other in self.matches[match.distribution]}
        siblings = {f"{match.package}-{variant}" for variant in VARIANTS}
        if self.variant != "cpu" and siblings & others:  # the one for the variant itself would have come first
            text = f"{self.suite.codename} has {match.package}, and none of it that is built for {self.variant}"
            yield Finding(Topic.DEVICE, text, blocking=True)

    def _obstacles(self, distribution: Distribution) -> Iterable[Finding]:
        """What stands in the way of packaging a release."""
        release = f"{distribution.name} {distribution.version}"
        if distribution.sdist is None:
            yield Finding(Topic.SOURCE, f"{release} has no source distribution on the index", blocking=True)
        if clauses := python_excluded(distribution.requires_python, self.tree.python_version):
            text = f"{release} asks for Python {clauses}, and {self.suite.codename} has {self.tree.python_version}"
            yield Finding(Topic.PYTHON, f"{text}: its metadata needs a patch, and its tests have to show that it works")
        needs = self.evidence.needs.get(distribution.name, ())
        yield from crate_findings(needs)
        for need in needs:
            # What is relaxable of libraries the build does without.
            if need.topic is Topic.LIBRARY and need.supply not in (Supply.SATISFIED, Supply.RELAXABLE):
                yield Finding(need.topic, need.reason, need.chain)
        for edge in self.evidence.build_edges.get(distribution.name, ()):
            asked = self._judged(edge, Kind.BUILD)
            if asked.decision is Decision.RELAX and edge.specifier.startswith("=="):
                yield Finding(Topic.PIN, f"{release} is built with {edge.child}{edge.specifier} only; {asked.reason}")

    def _chains(self) -> dict[str, tuple[str, ...]]:
        """The shortest way from the root to everything that is reached."""
        children: dict[str, list[str]] = {}
        for edge, kind in self.live:
            if edge.parent is not None and self._judged(edge, kind).decision is not Decision.DROP:
                children.setdefault(edge.parent, []).append(edge.child)
        ways: dict[str, tuple[str, ...]] = {self.tree.root: (self.tree.root,)}
        queue = deque([self.tree.root])
        while queue:
            parent = queue.popleft()
            for child in sorted(children.get(parent, ())):
                if child not in ways:
                    ways[child] = (*ways[parent], child)
                    queue.append(child)
        for edge, _ in self.live:  # what is dropped by all is on no way yet
            if edge.parent is not None:
                ways.setdefault(edge.child, (*ways[edge.parent], edge.child))
        return ways


def _public(match: Match) -> Version:
    return Version(Version(match.upstream_version).public)


def _root_verdict(version: str, match: Match | None) -> Verdict:
    if match is None:
        return Verdict.MISSING
    have, want = _public(match), Version(version)
    return Verdict.SATISFIED if have == want else Verdict.TOO_OLD if have < want else Verdict.TOO_NEW


def _together(asked: tuple[Asked, ...]) -> Verdict:
    """One verdict for all requirements: the first that fails decides, too old before too new."""
    for verdict in (Verdict.MISSING, Verdict.TOO_OLD, Verdict.TOO_NEW):
        if any(a.verdict is verdict for a in asked):
            return verdict
    return Verdict.SATISFIED
