"""From a requirement to a plan: the effects around :func:`debgen.planning.plan.make_plan`.

The tree comes from the index, the suite's view from its index; then what has to be packaged is looked at in its sdist,
apt is asked whether what is used can be installed, and the plan is made anew with that, until nothing new turns up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.archive.aptroot import AptRoot
from debgen.archive.borrow import BuildPackages, Lender
from debgen.archive.buildroot import BuildRoot
from debgen.archive.extras import Pull, brought_along
from debgen.archive.index import SuiteIndex
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.archive.model import Match
from debgen.archive.names import find
from debgen.archive.pydist import PACKAGE as DH_PYTHON
from debgen.archive.pydist import Pydist, pydist_table
from debgen.archive.solver import Problem, Solver
from debgen.borrowing import origins, with_lenders
from debgen.breakage import breakage
from debgen.building.chroots import chroot_path
from debgen.data import data_directory
from debgen.detection import choose_variant, detect, variant_packages
from debgen.errors import HostileArchiveError, ResolutionError, UnknownDistributionError
from debgen.planning.fitting import bounds_of, is_better, told, without
from debgen.planning.matrix import Cell, cell_of
from debgen.planning.model import BuildNeed, Finding, Plan, Topic, Variant
from debgen.planning.plan import Evidence, Suite, make_plan
from debgen.recipes import VARIANTS, Layer, load_recipe, requirement_files
from debgen.run import Runner, run
from debgen.survey import Survey
from debgen.upstream.buildfacts import BuildReader
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.index import IndexClient
from debgen.upstream.model import DependencyTree, Distribution, Edge, FileKind, ReleaseFile, Target
from debgen.upstream.proxy import Memory, Releases
from debgen.upstream.requirements import Evaluator, Needed, parse_request
from debgen.upstream.tree import TREE_SECONDS, build_tree
from debgen.upstream.variants import VariantSource
from debgen.workspace import cache_directory

#: How often a plan is made anew, with the build requirements of what the last one packages.
_ROUNDS = 8
_UNFINISHED = (
    f"build requirements of build requirements were followed {_ROUNDS} times, and there are still more: the plan may "
    "lack some"
)
#: How often releases are chosen anew, so that the suite can carry them.
_FITTINGS = 3
#: How often bounds that contradict one another are given up, before the last answer is kept.
_ATTEMPTS = 6
_READERS = 8


@dataclass
class Workbench:
    """What the plans of one suite share: answers of the index, of apt and of the recipes, remembered."""

    index: SuiteIndex
    client: IndexClient
    mirror: MirrorSettings | None = None
    recipes: tuple[Path, ...] = ()
    run: Runner = run
    #: Packages that were built before, which count as the suite's; by distribution.
    built: Mapping[str, Match] = field(default_factory=dict)
    #: What builds take from other suites.
    lenders: tuple[Lender, ...] = ()
    _found: dict[tuple[str, str], tuple[Match, ...]] = field(default_factory=dict)
    _layers: dict[tuple[str, str], Layer] = field(default_factory=dict)
    _surveys: dict[str, Survey] = field(default_factory=dict)
    _memories: dict[str, Memory] = field(default_factory=dict)
    _brought: dict[str, set[str]] = field(default_factory=dict)
    _pydist: Pydist | None = None
    _fetching: threading.Lock = field(default_factory=threading.Lock)

    @property
    def recipe_roots(self) -> tuple[Path, ...]:
        """The folders of recipes, those that win first."""
        return (*self.recipes, data_directory("recipes"))

    @property
    def target(self) -> Target:
        """The Python and machine of the suite."""
        return Target(self.index.python_version, self.index.architecture)

    @cached_property
    def apt_root(self) -> AptRoot:
        """The suite's private apt root."""
        return AptRoot(self.index.codename, self.mirror or mirror_settings(run=self.run), run=self.run)

    @cached_property
    def solver(self) -> Solver:
        """What can be installed in the suite, as apt says."""
        return Solver(self.index, self.apt_root, run=self.run)

    @cached_property
    def packages(self) -> BuildPackages:
        """What builds see: the suite's packages, and those that are borrowed in the place of its own."""
        return BuildPackages(self.index, self.lenders)

    @cached_property
    def build_solver(self) -> Solver:
        """What can be installed to build with, as apt says."""
        lenders, packages = self.lenders, self.packages
        return Solver(packages, BuildRoot.of(self.apt_root, lenders), run=self.run) if lenders else self.solver

    @cached_property
    def reader(self) -> BuildReader:
        """What reads sdists."""
        return BuildReader(self.client)

    @property
    def pydist(self) -> Pydist:
        """The suite's dh-python's own table of names."""
        with self._fetching:
            if self._pydist is None:
                self._pydist = pydist_table(self.apt_root, self.index.version_of(DH_PYTHON), run=self.run)
            return self._pydist

    def variant(self, requirement: str, wanted: str) -> Variant:
        """The variant to plan for; UsageError for one that there is none of."""
        chroot = chroot_path(cache_directory("chroots"), self.index.codename, self.index.architecture)
        detected = detect(self.index, chroot, self.run)

        def problem(packages: Sequence[str]) -> str:
            found = self.solver.together(packages)
            return found.text if found else ""

        packages: dict[str, set[str]] = {}
        if detected.host and not wanted:
            root, *_ = names = self._direct(requirement)
            made = variant_packages(self.index, names)
            packages = {v: found for v, found in made.items() if found or root in self.source(v).files}
        return choose_variant(wanted, detected, problem, packages)

    def source(self, variant: str) -> VariantSource:
        """Where the requirements of ``variant`` are listed."""
        return VariantSource(variant, requirement_files(self.index.codename, variant, directories=self.recipes))

    def resolve(
        self,
        requirement: str,
        variant: Variant,
        *,
        within: Mapping[str, str] | None = None,
        max_age_seconds: float = TREE_SECONDS,
        quiet: bool = False,
    ) -> tuple[DependencyTree, str]:
        """The dependency tree of ``requirement``, and a remark on releases that are not the newest.

        ``within`` are bounds on the releases of its distributions, as specifiers by name.
        Where newer releases of what has to be packaged need more than the suite has, and older ones don't, the older
        ones are taken. ``quiet`` where the caller tells of progress. Errors are those of
        :func:`debgen.upstream.tree.build_tree`.
        """
        memory = self._memories.setdefault(variant.name, Memory())

        def resolved(bounds: Mapping[str, str]) -> tuple[DependencyTree, Plan]:
            tree = build_tree(
                requirement, self.target, self.client,
                constraints=sorted(f"{name}{bound}" for both in (within or {}, bounds) for name, bound in both.items()),
                variant=self.source(variant.name), memory=memory, max_age_seconds=max_age_seconds,
                quiet=quiet or bool(bounds), run=self.run,
            )  # fmt: skip
            return tree, self._made(tree, variant)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: self.pydist)  # apt fetches it while uv resolves
            tree, plan = resolved({})
        first = plan
        # The root stays what it is; another release of it is another plan.
        root = {tree.root: f"=={tree.distributions[tree.root].version}"}
        bounds: dict[str, str] = {}
        for _ in range(_FITTINGS):
            wanted = {**bounds_of(plan), **bounds}
            better: tuple[DependencyTree, Plan] | None = None
            for _ in range(_ATTEMPTS):
                if better is not None or not wanted.keys() - bounds.keys():
                    break
                try:
                    better = resolved({**wanted, **root})
                except ResolutionError as error:
                    fewer = without(wanted, str(error))
                    wanted = fewer if len(fewer) < len(wanted) else {}
            if better is None or not is_better(better[1], plan):
                break
            (tree, plan), bounds = better, wanted
        return tree, told(plan, first)

    def find(self, name: str, variant: str) -> tuple[Match, ...]:
        """The suite's packages of a distribution, best first."""
        key = (name, variant)
        if key not in self._found:
            self._found[key] = find(self.index, name, variant=variant, pydist=self.pydist.packages)
        return self._found[key]

    def lookup(self, name: str) -> Match | None:
        """The best package of a distribution, whatever the variant: one that was built before, else the suite's."""
        return self.built.get(name) or next(iter(self.find(name, "cpu")), None)

    def beyond(self, requirement: Requirement) -> tuple[Requirement, ...]:
        """What the extras of ``requirement`` ask for that its package doesn't bring along, whoever asks.

        They are those of the release that the suite has (or that was built before). Empty where the index has no such
        release. Errors are those of reading metadata.
        """
        name = str(canonicalize_name(requirement.name))
        extras = {canonicalize_name(extra) for extra in requirement.extras}
        match = self.lookup(name)
        if match is None or not extras:
            return ()
        memory = self._memories.setdefault("", Memory())
        releases = Releases(self.client, self.target, memory=memory)
        try:
            needed, _ = releases.evaluator.needs(releases.metadata(name, match.upstream_version))
        except UnknownDistributionError:
            return ()
        found = []
        for need in needed:
            wanted = self.lookup(need.name) if need.via_extra in extras and need.name != name else None
            if wanted and (name in self.built or not self._pulls_in(match.package, wanted.package)):
                found.append(Requirement(f"{need.name}{need.specifier}"))
        return tuple(found)

    def beside(self, built: Mapping[str, Match]) -> Workbench:
        """The same workbench for a package that is built beside these, by distribution."""
        return replace(self, built=built)

    def siblings(self, name: str) -> tuple[str, ...]:
        """The suite's packages that are the best one of a distribution, built for an accelerator."""
        best, *others = self.find(name, "cpu") or (None,)
        names = {f"{best.package}-{variant}" for variant in VARIANTS} if best else set()
        return tuple(sorted(other.package for other in others if other and other.package in names))

    def layer(self, name: str, variant: str) -> Layer:
        """The effective recipe of a distribution."""
        key = (name, variant)
        if key not in self._layers:
            recipe = load_recipe(name, self.index.codename, variant=variant, directories=self.recipes)
            self._layers[key] = recipe.layer
        return self._layers[key]

    def plan(
        self,
        requirement: str,
        variant: Variant,
        *,
        resolved: tuple[DependencyTree, str] | None = None,
        read_sdists: bool = True,
        ask_apt: bool = True,
    ) -> Plan:
        """The plan of ``requirement``; errors are those of :func:`debgen.upstream.tree.build_tree`.

        ``resolved`` is the answer of :meth:`resolve` where it is known already.
        Without ``read_sdists`` it knows requirements at run time only; without ``ask_apt`` everything in the suite
        counts as installable.
        """
        tree, remark = resolved or self.resolve(requirement, variant)
        evidence = Evidence()
        plan = self._made(tree, variant)
        notes: dict[str, None] = dict.fromkeys(note for note in (remark, self.pydist.note) if note)
        survey = self._survey(variant.name)
        facts: Mapping[str, BuildFacts] = {}
        with ThreadPoolExecutor(1) as pool:
            if ask_apt:  # it works beside, and what it says is remembered
                pool.submit(self.solver.check, _used(plan))
            for _ in range(_ROUNDS if read_sdists else 0):
                facts = survey.facts(plan, tree, evidence, notes)
                more = survey.look(plan, tree, evidence, facts)
                if more == evidence:
                    break
                evidence = more
                plan = self._made(tree, variant, evidence)
            else:
                if read_sdists:
                    notes.setdefault(_UNFINISHED)
        used = _used(plan)
        # What is used is installed with the result, so it has to be the suite's own.
        own = self.solver.check(used) if ask_apt else {}
        evidence = replace(
            evidence,
            needs=self._needs(survey, facts, ask_apt=ask_apt),
            uninstallable={p: _not_installable(problem) for p, problem in own.items() if problem},
            broken=breakage(self.index, plan),
        )
        return with_lenders(self._made(tree, variant, evidence, notes), self.lenders, self.index)

    def _made(
        self, tree: DependencyTree, variant: Variant, evidence: Evidence | None = None, notes: Iterable[str] = ()
    ) -> Plan:
        suite = Suite(
            self.index.codename,
            self.index.date.isoformat(),
            lambda name: self.find(name, variant.name),
            self._pulls_in,
        )
        return make_plan(
            tree, suite, lambda name: self.layer(name, variant.name),
            variant=variant, evidence=evidence, notes=tuple(notes),
        )  # fmt: skip

    def _requirements(self, name: str, version: str, variant: str) -> tuple[Needed, ...]:
        """What one release asks for at run time: in a variant, or by its published metadata where that is empty."""
        memory = self._memories.setdefault(variant, Memory())
        releases = Releases(self.client, self.target, self.source(variant) if variant else None, memory=memory)
        needed, _ = Evaluator(self.target).needs(releases.metadata(name, version))
        return tuple(need for need in needed if need.via_extra is None)

    def first_look(self, name: str, version: str, variant: Variant, *, published: bool = False) -> Cell:
        """What stands in the way of a release by its own requirements alone: quick, as nothing is resolved.

        They are those of the variant, or with ``published`` those of its metadata, which is quicker still. Errors are
        those of reading them.
        """
        needed = self._requirements(name, version, "" if published else variant.name)
        file = ReleaseFile("", "", version, FileKind.SDIST)
        edges = tuple(Edge(name, n.name, n.specifier, n.extras, n.marker) for n in needed if n.name != name)
        # What would be chosen of each is not known; that it is newer than the suite's is what matters.
        distributions = {e.child: Distribution(e.child, e.child, "9999", (), "", file) for e in edges}
        distributions[name] = Distribution(name, name, version, edges, "", file)
        tree = DependencyTree(
            name, f"{name}=={version}", Edge(None, name, f"=={version}"),
            self.target.python_version, self.target.architecture, distributions,
        )  # fmt: skip
        return cell_of(self._made(tree, variant))

    def crate_needs(self, name: str, facts: BuildFacts, variant: str = "cpu") -> tuple[BuildNeed, ...]:
        """The crates that building a distribution takes, as its recipe has them, judged against the suite."""
        survey = self._survey(variant)
        found = {name: survey.as_debian_builds(name, facts, {})}
        return tuple(need for need in self._needs(survey, found)[name] if need.topic is Topic.CRATE)

    def _needs(
        self, survey: Survey, facts: Mapping[str, BuildFacts], *, ask_apt: bool = True
    ) -> Mapping[str, tuple[BuildNeed, ...]]:
        names = sorted(survey.crate_packages(facts)) if ask_apt else []
        alone = self.solver.check(names) if names and self.lenders else {}
        return survey.needs(facts, self.build_solver.check(names) if names else {}, origins(self.packages, alone))

    def as_debian_builds(self, name: str, facts: BuildFacts, variant: str = "cpu") -> BuildFacts:
        """The facts of a build as the recipe of a distribution has it."""
        return self._survey(variant).as_debian_builds(name, facts, {})

    def _survey(self, variant: str) -> Survey:
        if variant not in self._surveys:
            self._surveys[variant] = Survey(
                self.index, self.client, self.reader, lambda name: self.layer(name, variant), self.run, self.packages
            )
        return self._surveys[variant]

    def _pulls_in(self, package: str, wanted: str) -> bool:
        if package not in self._brought:
            self._brought[package] = {p for p, how in brought_along(self.index, package).items() if how is Pull.DEPENDS}
        return wanted in self._brought[package]

    def _direct(self, requirement: str) -> tuple[str, ...]:
        """The root, and what its newest release asks for by its published metadata."""
        asked = parse_request(requirement, self.target)
        root = str(canonicalize_name(asked.name))
        versions = [v for v in self.client.versions(asked.name) if asked.specifier.contains(v)]
        try:
            needed = self._requirements(root, versions[0], "") if versions else ()
        except HostileArchiveError:
            needed = ()
        return (root, *sorted({need.name for need in needed} - {root}))


def _used(plan: Plan) -> list[str]:
    """The suite's packages of what the work reaches, sorted."""
    return sorted({node.match.package for node in plan.nodes if node.match and node.needed})


def _not_installable(problem: Problem) -> Finding:
    return Finding(
        Topic.INSTALL, f"{problem.package} is in the suite and can't be installed: {problem.text}", problem.chain,
        blocking=True,
    )  # fmt: skip
