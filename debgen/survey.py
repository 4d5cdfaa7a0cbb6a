"""What packaging takes beyond run-time requirements: sdists are read, crates and libraries looked up, apt is asked.

What one round finds brings more to package, which the next round looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase

from packaging.utils import canonicalize_name

from debgen.archive.borrow import BuildPackages
from debgen.archive.index import SuiteIndex
from debgen.archive.solver import Problem
from debgen.errors import (
    HostileArchiveError,
    NoSdistError,
    ResolutionError,
    UnknownDistributionError,
    UnsupportedSourceError,
)
from debgen.planning.build_needs import crate_candidates, judge_crates
from debgen.planning.missing_crates import AtHand, with_order
from debgen.planning.model import BuildNeed, Decision, Kind, Node, Plan, Topic
from debgen.planning.plan import Evidence
from debgen.planning.relaxation import lower_bounds
from debgen.planning.system_needs import judge_libraries
from debgen.planning.verdict import Verdict, judge
from debgen.recipes import Layer
from debgen.run import Runner, run
from debgen.upstream.buildcargo import Choice, crates_of
from debgen.upstream.buildfacts import BuildReader
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import DependencyTree, Distribution, Edge, ReleaseFile, Target
from debgen.upstream.requirements import Evaluator, is_requirement
from debgen.upstream.tree import build_tree
from debgen.vendored import sources_of, vendored_texts

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
        reader: BuildReader,
        layer: Callable[[str], Layer],
        run: Runner = run,
        packages: BuildPackages | None = None,
    ) -> None:
        """``layer`` gives the recipe of a distribution, ``packages`` what builds see, where that isn't the suite."""
        self._index = index
        self._packages = packages or BuildPackages(index)
        self._client = client
        self._reader = reader
        self._layer = layer
        self._run = run
        self._target = Target(index.python_version, index.architecture)
        self._read: dict[str, BuildFacts] = {}
        # The sdists of what is to be packaged, and what is known of the crates that the suite lacks.
        self._at_hand: dict[str, ReleaseFile] = {}
        self._releases: dict[str, ReleaseFile] = {}
        self._sources: dict[tuple[str, str], tuple[AtHand, ...]] = {}

    def facts(
        self, plan: Plan, tree: DependencyTree, evidence: Evidence, notes: dict[str, None]
    ) -> Mapping[str, BuildFacts]:
        """What building each distribution takes that ``plan`` packages, from its sdist, as Debian builds it.

        Remarks are added to ``notes``, whose values mean nothing.
        """
        known = evidence.known(tree)
        sdists = {
            node.name: sdist
            for node in plan.nodes
            if node.needed and _in_work(node) and node.name in known and (sdist := known[node.name].sdist)
        }
        self._read_all(sdists.values(), notes)
        # A crate may come from the release of the plan that is named like it, even where that isn't to be packaged.
        self._at_hand |= sdists
        self._releases |= {name: d.sdist for name, d in known.items() if d.sdist}
        return {
            name: self.as_debian_builds(name, self._read[sdist.filename], notes)
            for name, sdist in sorted(sdists.items())
        }

    def look(self, plan: Plan, tree: DependencyTree, evidence: Evidence, facts: Mapping[str, BuildFacts]) -> Evidence:
        """More evidence: the build requirements that ``facts`` name, and the trees of those that ``plan`` lacks."""
        known = evidence.known(tree)
        evaluator = Evaluator(self._target)
        edges = {name: _build_edges(name, known[name].version, found, evaluator) for name, found in facts.items()}
        added, apart, unresolvable = dict(evidence.added), dict(evidence.apart), dict(evidence.unresolvable)
        together = tree.distributions.keys() - apart.keys()
        for node in plan.nodes:
            if node.name in unresolvable or node.name == tree.root:
                continue
            if not _wants_another(node, known.get(node.name), together):
                continue
            found = self._resolved(node)
            if isinstance(found, str):
                unresolvable[node.name] = found
                continue
            if node.name in known:
                apart[node.name] = found.distributions[node.name]
            for other in found.distributions.values():
                added.setdefault(other.name, other)
        return replace(evidence, build_edges=edges, added=added, apart=apart, unresolvable=unresolvable)

    def _resolved(self, node: Node) -> DependencyTree | str:
        """The tree of a distribution within all bounds that the plan keeps, or why there is none.

        Where they contradict one another, builds that the suite suits do without their upper bounds, which nothing
        checks in Debian.
        """
        strict, loose = self._bounds(node, loose=False), self._bounds(node, loose=True)
        why = ""
        for specifier in dict.fromkeys((strict, loose)):
            try:
                return build_tree(f"{node.name}{specifier}", self._target, self._client, run=self._run)
            except _UNRESOLVABLE as error:
                why = why or " ".join(str(error).split())[:_EXPLANATION_LENGTH]
        return f"the build requirement {node.name}{strict} can't be resolved: {why}"

    def _bounds(self, node: Node, *, loose: bool) -> str:
        """The bounds that a release must keep: of those that count, as recipes have them, but for what is dropped."""
        bounds: set[str] = set()
        for asked in node.asked:
            if not asked.counts or asked.decision is Decision.DROP:
                continue
            relax = self._layer(asked.parent).relax_of(node.name) if asked.parent else None
            if relax:
                bounds.add(relax.specifier)
            elif loose and asked.kind is Kind.BUILD and asked.decision is Decision.USE:
                bounds.add(lower_bounds(asked.specifier))
            elif asked.decision is not Decision.RELAX:  # else a safe rule has loosened it
                bounds.add(asked.specifier)
        return ",".join(sorted(bounds - {""}))

    def crate_packages(self, facts: Mapping[str, BuildFacts]) -> set[str]:
        """The suite's packages of the crates that ``facts`` name."""
        architecture = self._index.architecture
        return {p for found in facts.values() for p in crate_candidates(self._packages, found.crates, architecture)}

    def needs(
        self,
        facts: Mapping[str, BuildFacts],
        problems: Mapping[str, Problem | None],
        origin: Callable[[str], str] = lambda package: "",
    ) -> Mapping[str, tuple[BuildNeed, ...]]:
        """The crates and libraries of each; ``problems`` says what is wrong with packages of the suite.

        ``origin`` says which other suite a package is borrowed from, if it is.
        """

        def chain(package: str) -> tuple[str, ...] | None:
            problem = problems.get(package)
            return problem.chain if problem else None

        packages, architecture = self._packages, self._index.architecture
        return {
            name: (
                *(
                    with_order(need, packages, found.cargo.texts, self._sources_of, architecture)
                    for need in judge_crates(
                        packages,
                        found.crates,
                        architecture,
                        chain,
                        python=self._index.python_version,
                        origin=origin,
                    )
                ),
                *judge_libraries(self._index, found.libraries),
            )
            for name, found in facts.items()
        }

    def _sources_of(self, need: BuildNeed) -> tuple[AtHand, ...]:
        """The sdists that have the source of a crate which the suite lacks."""
        key = (need.name, need.requirement)
        if key not in self._sources:
            name = str(canonicalize_name(need.name))
            named = {name: self._releases[name]} if name in self._releases else {}
            known = {**named, **self._at_hand}
            self._sources[key] = tuple(sources_of(need, known, self._client, self._facts_of))
        return self._sources[key]

    def _facts_of(self, file: ReleaseFile) -> BuildFacts:
        """The facts of an sdist, read anew only where nobody did before."""
        if file.filename not in self._read:
            self._read[file.filename] = self._reader.read(file)
        return self._read[file.filename]

    def _read_all(self, sdists: Iterable[ReleaseFile], notes: dict[str, None]) -> None:
        """Read the sdists that weren't yet; one that can't be gives a note."""
        unread = [file for file in dict.fromkeys(sdists) if file.filename not in self._read]

        def read(file: ReleaseFile) -> BuildFacts | str:
            try:
                return self._reader.read(file)
            except HostileArchiveError as error:
                return str(error)

        with ThreadPoolExecutor(_READERS) as pool:
            for file, found in zip(unread, pool.map(read, unread), strict=True):
                if isinstance(found, str):
                    notes.setdefault(f"{found}: its build requirements are not known")
                    found = BuildFacts()
                self._read[file.filename] = found

    def as_debian_builds(self, name: str, facts: BuildFacts, notes: dict[str, None]) -> BuildFacts:
        """As the recipe has it: without what it leaves out of the build, and with the crates that it vendors.

        The manifests of these are in the ``cargo.texts`` of the answer, at ``vendor/<crate>/``. Remarks are added to
        ``notes``.
        """
        layer = self._layer(name)
        if not (layer.unbuilt or layer.without or layer.vendor):
            return facts
        texts = dict(facts.cargo.texts)
        vendored = []
        for entry in layer.vendor:
            found, problem = vendored_texts(entry, self._client, self._facts_of)
            # The source package may have them patched, or with more written out.
            texts |= {path: text for path, text in found.items() if path not in facts.cargo.texts}
            if problem:
                notes.setdefault(f"{name}: {problem}")
            else:
                vendored.append(entry.crate)
                notes.setdefault(
                    f"{name} is built with the crate {entry.crate} of {entry.source}, which no package has, and can't "
                    f"go into the archive like that: {_clause(entry.reason)}"
                )
        choice = Choice(
            tuple(entry.crate for entry in layer.without), tuple(entry.manifest for entry in layer.unbuilt),
            tuple(vendored),
        )  # fmt: skip
        crates, remarks = crates_of(facts.cargo.manifests, texts, choice)
        notes |= dict.fromkeys(f"{name}: {remark}" for remark in remarks if remark not in facts.notes)
        for left in layer.unbuilt:
            if any(fnmatchcase(crate.manifest, left.manifest) for crate in facts.crates):
                notes.setdefault(f"{name} is built without the crates of {left.manifest}: {_clause(left.reason)}")
        for off in layer.without:
            if any(crate.name == off.crate for crate in facts.crates):
                notes.setdefault(f"{name} is built without the crate {off.crate}: {_clause(off.reason)}")
        return replace(facts, crates=crates, cargo=replace(facts.cargo, texts=texts))


def _clause(reason: str) -> str:
    """A reason as the end of a sentence."""
    return " ".join(reason.split()).removesuffix(".")


def _wants_another(node: Node, known: Distribution | None, together: Collection[str]) -> bool:
    """Whether the suite fails a requirement on a node, and no release is known, or one that doesn't do either.

    What the distributions ``together`` ask for at run time was resolved with them.
    """
    failing = [a for a in node.asked if a.counts and a.decision is None]
    if not node.needed or not failing:
        return False
    return known is None or any(
        (a.kind is Kind.BUILD or a.parent not in together)
        and judge(known.version, a.specifier) is not Verdict.SATISFIED
        for a in failing
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
