"""What packaging takes beyond run-time requirements: sdists are read, crates and libraries looked up, apt is asked.

What one round finds brings more to package, which the next round looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase

from debgen.archive.index import SuiteIndex
from debgen.archive.solver import Problem
from debgen.errors import (
    HostileArchiveError,
    NoSdistError,
    ResolutionError,
    UnknownDistributionError,
    UnsupportedSourceError,
)
from debgen.planning.build_needs import crate_candidates, judge_crates, judge_libraries
from debgen.planning.model import BuildNeed, Decision, Node, Plan, Topic
from debgen.planning.plan import Evidence
from debgen.recipes import Layer
from debgen.run import Runner, run
from debgen.upstream.buildfacts import BuildReader
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import DependencyTree, Edge, ReleaseFile, Target
from debgen.upstream.requirements import Evaluator, is_requirement
from debgen.upstream.tree import build_tree

_READERS = 8
_EXPLANATION_LENGTH = 300
#: What says of a build requirement that there is none; everything else is a failure of the run.
_UNRESOLVABLE = (ResolutionError, UnknownDistributionError, NoSdistError, UnsupportedSourceError, HostileArchiveError)


class Survey:
    """Looks at what the plans of one suite and variant package; answers are remembered."""

    def __init__(
        self,
        index: SuiteIndex,
        client: IndexClient,
        layer: Callable[[str], Layer],
        check: Callable[[Collection[str]], Mapping[str, Problem | None]],
        run: Runner = run,
    ) -> None:
        """``layer`` gives the recipe of a distribution, ``check`` what is wrong with packages of the suite."""
        self._index = index
        self._client = client
        self._layer = layer
        self._check = check
        self._run = run
        self._target = Target(index.python_version, index.architecture)
        self._facts: dict[str, BuildFacts] = {}
        self._judged: dict[tuple[str, BuildFacts], tuple[BuildNeed, ...]] = {}

    def look(self, plan: Plan, tree: DependencyTree, evidence: Evidence, notes: dict[str, None]) -> Evidence:
        """More evidence: the sdists of what ``plan`` packages, and the trees of build requirements it lacks.

        Remarks are added to ``notes``, whose values mean nothing.
        """
        known = {**evidence.added, **tree.distributions}
        sdists = {
            node.name: sdist
            for node in plan.nodes
            if node.needed and _in_work(node) and node.name in known and (sdist := known[node.name].sdist)
        }
        facts = {name: self._as_debian_builds(name, found, notes) for name, found in self._read(sdists, notes).items()}
        needs = self._needs(facts)
        evaluator = Evaluator(self._target)
        edges = {name: _build_edges(name, known[name].version, found, evaluator) for name, found in facts.items()}
        unresolved = {
            node.name: _bounds(node)
            for node in plan.nodes
            if node.needed
            and node.name not in known
            and node.name not in evidence.unresolvable
            and any(a.counts and a.decision is None for a in node.asked)
        }
        added = dict(evidence.added)
        unresolvable = dict(evidence.unresolvable)
        for name, specifier in unresolved.items():
            try:
                found_tree = build_tree(f"{name}{specifier}", self._target, self._client, run=self._run)
            except _UNRESOLVABLE as error:
                why = " ".join(str(error).split())[:_EXPLANATION_LENGTH]
                unresolvable[name] = f"the build requirement {name}{specifier} can't be resolved: {why}"
                continue
            for other in found_tree.distributions.values():
                added.setdefault(other.name, other)
        return replace(evidence, build_edges=edges, needs=needs, added=added, unresolvable=unresolvable)

    def _read(self, sdists: Mapping[str, ReleaseFile], notes: dict[str, None]) -> Mapping[str, BuildFacts]:
        """The build facts of each sdist; one that can't be read gives a note."""
        reader = BuildReader(self._client)
        unread = [file for file in dict.fromkeys(sdists.values()) if file.filename not in self._facts]

        def read(file: ReleaseFile) -> BuildFacts | str:
            try:
                return reader.read(file)
            except HostileArchiveError as error:
                return str(error)

        with ThreadPoolExecutor(_READERS) as pool:
            for file, found in zip(unread, pool.map(read, unread), strict=True):
                if isinstance(found, str):
                    notes.setdefault(f"{found}: its build requirements are not known")
                    found = BuildFacts()
                self._facts[file.filename] = found
        return {name: self._facts[file.filename] for name, file in sorted(sdists.items())}

    def _as_debian_builds(self, name: str, facts: BuildFacts, notes: dict[str, None]) -> BuildFacts:
        """Without the crates of what the recipe leaves out of the build."""
        kept = facts.crates
        for entry in self._layer(name).unbuilt:
            matching = tuple(crate for crate in kept if fnmatchcase(crate.manifest, entry.manifest))
            if matching:
                reason = " ".join(entry.reason.split()).removesuffix(".")
                notes.setdefault(f"{name} is built without the crates of {entry.manifest}: {reason}")
            kept = tuple(crate for crate in kept if crate not in matching)
        return replace(facts, crates=kept)

    def _needs(self, facts: Mapping[str, BuildFacts]) -> Mapping[str, tuple[BuildNeed, ...]]:
        """The crates and libraries of each; apt is asked once about all crates that are new."""
        new = {name: found for name, found in facts.items() if (name, found) not in self._judged}
        architecture = self._index.architecture
        crates = {p for found in new.values() for p in crate_candidates(self._index, found.crates, architecture)}
        problems = self._check(sorted(crates))

        def chain(package: str) -> tuple[str, ...] | None:
            problem = problems.get(package)
            return problem.chain if problem else None

        for name, found in new.items():
            judged = judge_crates(self._index, found.crates, architecture, chain)
            self._judged[name, found] = (*judged, *judge_libraries(self._index, found.libraries))
        return {name: self._judged[name, found] for name, found in facts.items()}


def _bounds(node: Node) -> str:
    """The bounds that a release must keep: of those that count, but for what is relaxed or dropped."""
    loosened = (Decision.RELAX, Decision.DROP)
    return ",".join(
        sorted({a.specifier for a in node.asked if a.counts and a.specifier and a.decision not in loosened})
    )


def _in_work(node: Node) -> bool:
    """Whether a source package is made of the node, or would be if its crates were there."""
    stopped = node.decision is Decision.BLOCKED and any(f.topic is Topic.CRATE and f.blocking for f in node.findings)
    return node.to_package or stopped


def _build_edges(name: str, version: str, facts: BuildFacts, evaluator: Evaluator) -> tuple[Edge, ...]:
    """The build requirements that hold on the target, as edges."""
    lines = tuple(line for line in facts.requires if is_requirement(line))
    needed, _ = evaluator.needs(CoreMetadata(name, version, requires_dist=lines))
    return tuple(Edge(name, n.name, n.specifier, n.extras, n.marker, n.via_extra) for n in needed if n.name != name)
