"""Build-Depends: what the backend, the compilers, the tests and the manual pages take, mapped through the archive.

Policy 7.7, and the build profiles of its 7.2: what only tests want carries ``<!nocheck>``, what only documents
want ``<!nodoc>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.archive.names import relations_for
from debgen.archive.relation import compare, parse_clause
from debgen.debianize.cargo_patch import CargoPlan
from debgen.debianize.evidence import asked_for_building, asked_when_run
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.model import Inputs
from debgen.debianize.provenance import Cause, Origin, one_line
from debgen.debianize.requirements import Judged, applies
from debgen.debianize.rpath import sets_rpath
from debgen.debianize.tests import TestPlan
from debgen.planning.model import Supply
from debgen.planning.verdict import Verdict, judge
from debgen.upstream.buildmodel import LibraryKind

#: Distributions that are a Debian package's debhelper sequence as well, which does what extensions need of them.
_SEQUENCES = {"numpy": "dh-sequence-numpy3"}
#: What compiles Rust.
_COMPILERS = {"cargo", "rustc", "dh-cargo", "python3-maturin", "python3-setuptools-rust"}
#: Packages that another of Build-Depends brings.
_BROUGHT_BY = {"python3-dev": "python3-all-dev"}
#: Since this release setuptools builds wheels by itself, and the distribution wheel is asked for out of habit.
_BUILDS_WHEELS = SpecifierSet(">=70.1")
#: From this level on dh asks for the sequence by name where there is one binary package (debhelper(7)).
_SAYS_SINGLE_BINARY = 14


#: A relation, and what caused it.
_Caused = tuple[str, Cause]


@dataclass(frozen=True)
class BuildDepends:
    """The relations of Build-Depends, sorted, each with what caused it, and remarks on them."""

    relations: tuple[str, ...]
    notes: tuple[str, ...]
    causes: Mapping[str, tuple[Cause, ...]]


def build_depends(
    inputs: Inputs, judged: Judged, tests: TestPlan, *, cargo: CargoPlan, helped: bool, fixmes: Fixmes
) -> BuildDepends:
    """The build relations of one source package; ``helped`` where help2man runs its commands.

    A PEP 517 requirement that the suite has no package of is a question in ``fixmes``.
    """
    return _Writer(inputs, judged, tests, cargo, helped, fixmes).write()


def is_compiled(inputs: Inputs) -> bool:
    """Whether the build makes machine code, so that the binary package is made for each architecture (policy 5.6.8)."""
    return inputs.facts.architecture == "any"


def is_rust(inputs: Inputs) -> bool:
    """Whether the build makes a module in Rust; sources in Rust beside others may be for another build."""
    return bool(inputs.build.cargo.manifests)


def without_compilers(relations: Iterable[str]) -> tuple[str, ...]:
    """Those of Build-Depends that tests of the installed package take: nothing is compiled for them.

    Crates are hundreds of packages, and what they ask for need not be installable where the built package is.
    """
    bare = (re.sub(r"(?: <[^>]+>)+", "", relation) for relation in relations)
    return tuple(dict.fromkeys(r for r in bare if not r.startswith("librust-") and r.split()[0] not in _COMPILERS))


def in_order(relations: Iterable[str]) -> list[str]:
    """The order of wrap-and-sort: debhelper and dh- first, substitution variables last, the rest by name.

    Of two bounds on one package, the lower one comes first.
    """

    def key(relation: str) -> tuple[int, str, bool, str]:
        rank = 0 if relation.startswith("debhelper-compat") else 1 if relation.startswith("dh-") else 2
        return (3 if relation.startswith("$") else rank, relation.split(" ")[0], "(<<" in relation, relation)

    return sorted(relations, key=key)


class _Writer:
    def __init__(
        self, inputs: Inputs, judged: Judged, tests: TestPlan, cargo: CargoPlan, helped: bool, fixmes: Fixmes
    ) -> None:
        self.inputs = inputs
        self.judged = judged
        self.tests = tests
        self.cargo = cargo
        self.helped = helped
        self.fixmes = fixmes
        self.notes: list[str] = []

    def write(self) -> BuildDepends:
        taken = [*self._backend(), *self._crates(), *self._libraries(), *self._run_time(), *self._tests()]
        found = [*self._always(taken), *taken]
        if is_compiled(self.inputs) and (path := sets_rpath(self.inputs.texts)):
            found.append(("chrpath", Cause(f"{path} may set a path for libraries, which debian/rules deletes")))
        own = self.inputs.recipe.layer.build_depends
        found += [(asked.relation, Cause(one_line(asked.reason), Origin.RECIPE)) for asked in own]
        relations = _without_repeats(in_order(relation for relation, _ in found))
        causes = {
            kept: tuple(dict.fromkeys(cause for relation, cause in found if relation.split()[0] == kept.split()[0]))
            for kept in relations
        }
        return BuildDepends(tuple(relations), tuple(self.notes), causes)

    def _always(self, taken: Iterable[_Caused]) -> Iterator[_Caused]:
        """What the suite's tools ask of every package."""
        level, suite = self.inputs.suite.compat, self.inputs.suite.codename
        yield f"debhelper-compat (= {level})", Cause(f"the newest stable level of {suite}'s debhelper", Origin.RULE)
        yield "dh-sequence-python3", Cause("dh_python3 installs Python modules (Debian Python Policy)", Origin.RULE)
        if level >= _SAYS_SINGLE_BINARY:
            told = f"from level {level} on, debhelper asks for it where there is one binary package"
            yield "dh-sequence-single-binary", Cause(told, Origin.RULE)
        yield "pybuild-plugin-pyproject", Cause("pybuild builds through PEP 517 with it", Origin.RULE)
        every = self._all(relation for relation, _ in taken)
        told = "the build runs for every Python that the suite supports" if every else "the build runs Python"
        headers = f"; headers of Python, as {self.inputs.facts.compiled[0]} is compiled" if self._compiled() else ""
        name = f"python3{every}{'-dev' if is_compiled(self.inputs) else ''}"
        yield name, Cause(f"{told}{headers}", Origin.RULE)

    def _compiled(self) -> bool:
        return is_compiled(self.inputs) and bool(self.inputs.facts.compiled)

    def _all(self, relations: Iterable[str]) -> str:
        """``-all`` where the build and its tests can be made with every Python that the suite supports."""
        packages = {relation.split()[0] for relation in relations}
        if held_up := sorted(p for p in packages if p.startswith("python3-") and self.inputs.default_only(p)):
            self.notes.append(
                f"{', '.join(held_up)}: built for the suite's default Python only, so the package is built and tested "
                "with that alone"
            )
            return ""
        return "-all"

    def _backend(self) -> Iterator[_Caused]:
        """What PEP 517 asks for; pybuild leaves the check of its bounds out, so they are compared here."""
        for requirement in map(Requirement, self.inputs.build.requires):
            name = str(canonicalize_name(requirement.name))
            if not applies(requirement, self.inputs.marker_environment) or self._is_habit(name):
                continue
            match = self.inputs.lookup(name)
            if match is None:
                self.fixmes.add("debian/control", f"the suite has no package of build requirement {name}")
                continue
            if judge(match.upstream_version, requirement.specifier) is not Verdict.SATISFIED:
                self.notes.append(
                    f"upstream builds with {requirement.name}{requirement.specifier}; "
                    f"{self.inputs.suite.codename} has {match.upstream_version}"
                )
            cause = Cause(asked_for_building(self.inputs, requirement))
            yield match.package, cause
            if is_compiled(self.inputs) and name in _SEQUENCES:
                yield _SEQUENCES[name], Cause(f"{cause.text}; the sequence does what extensions need of it")
        # Many ship the C that Cython made of it as well, which is not the source (policy 2.2.1 by the DFSG): with
        # Cython there, setuptools makes it anew.
        cython = self.inputs.lookup("cython")
        if is_compiled(self.inputs) and "Cython" in self.inputs.build.languages and cython:
            told = "the sdist has sources in Cython, from which the build makes the C anew (DFSG 2)"
            yield cython.package, Cause(told)

    def _is_habit(self, name: str) -> bool:
        """Whether it is ``wheel`` beside a setuptools that does without."""
        setuptools = self.inputs.lookup("setuptools")
        beside = "setuptools" in {canonicalize_name(Requirement(line).name) for line in self.inputs.build.requires}
        return (
            name == "wheel"
            and beside
            and setuptools is not None
            and judge(setuptools.upstream_version, _BUILDS_WHEELS) is Verdict.SATISFIED
        )

    def _crates(self) -> Iterator[_Caused]:
        """Cargo, the helper that tells what the module was linked with, and the crates with upstream's bounds."""
        if not is_rust(self.inputs):
            return
        manifest = self.inputs.build.cargo.manifests[0].path
        told = f"{manifest}: the build compiles Rust"
        yield "cargo", Cause(f"{told}, with cargo's wrapper of Debian")
        yield "rustc", Cause(told)
        helper = "dh-cargo (>= 31)" if self.inputs.suite.static_built_using else "dh-cargo"
        yield helper, Cause("its helper fills Static-Built-Using, as Rust links statically (policy 7.8)", Origin.RULE)
        for need in self.cargo.kept:
            places = ", ".join(need.askers) or manifest
            wanted = f"{need.name} {need.requirement}".rstrip()
            patched = f", which a patch loosens to {need.loosened}" if need.loosened else ""
            for relation in self.inputs.crate_relations(need):
                yield relation, Cause(f"{places}: the crate {wanted}{patched}")

    def _libraries(self) -> Iterator[_Caused]:
        held = self.inputs.continued.held if self.inputs.continued else None
        for need in self.inputs.libraries:
            if held and held.binary(need.package):
                continue  # what a source builds, it can't begin with
            if need.package:
                places = sorted({x.evidence for x in self.inputs.build.libraries if x.name == need.name and x.evidence})
                told = f"{places[0]}: " if places else ""
                yield (
                    need.package,
                    Cause(f"{told}the build takes {need.name}{f' ({need.reason})' if need.reason else ''}"),
                )
            elif need.supply is Supply.MISSING:
                self.fixmes.add("debian/control", f"{need.name}: {need.reason}")
        asked = [library for library in self.inputs.build.libraries if library.kind is LibraryKind.PKG_CONFIG]
        if asked:
            yield "pkgconf", Cause(f"{asked[0].evidence}: the build asks pkg-config for {asked[0].name}")

    def _run_time(self) -> Iterator[_Caused]:
        """The run-time requirements, which tests import, and the commands that help2man runs."""
        profiles = " <!nocheck> <!nodoc>" if self.helped else " <!nocheck>"  # the smoke test imports all modules too
        used = f"tests{' and help2man' if self.helped else ''}"
        if self.helped:
            commands = ", ".join(script.command for script in self.inputs.facts.scripts)
            told = f"makes the manual pages of {commands} (policy 12.1)"
            yield "help2man <!nodoc>", Cause(told, Origin.RULE)
        for requirement, match in self.judged.met:
            cause = Cause(
                f"{asked_when_run(self.inputs, requirement)}; at build time for {used}, which import the modules"
            )
            relaxed = next((relax for r, relax in self.judged.relaxed if r is requirement), None)
            relation = f"{_bounded(match, requirement, self.judged)}{profiles}"
            yield relation, cause
            if relaxed:
                human = relaxed in self.inputs.recipe.layer.relax
                told = f"its bound is relaxed: {one_line(relaxed.reason)}"
                yield relation, Cause(told, Origin.RECIPE if human else Origin.FACT)
        for relation, told in self.judged.more.items():
            yield " | ".join(f"{alternative}{profiles}" for alternative in relation.split(" | ")), Cause(told)

    def _tests(self) -> Iterator[_Caused]:
        """What upstream's tests take, each for builds with tests only."""
        if not self.tests.tested:
            return
        for need in self.tests.needs.needed:
            yield f"{need.package} <!nocheck>", Cause(need.evidence)
        for package in self.inputs.test_programs:
            yield f"{package} <!nocheck>", Cause("the tests call a program of this package")
        for asked in self.inputs.recipe.layer.test_depends:
            relation = " | ".join(f"{alternative.strip()} <!nocheck>" for alternative in asked.relation.split("|"))
            yield relation, Cause(one_line(asked.reason), Origin.RECIPE)


def _bounded(match: Match, requirement: Requirement, judged: Judged) -> str:
    """The build relation on a run-time requirement: its lower bound only, since upper ones age badly in builds."""
    if any(requirement is relaxed for relaxed, _ in judged.relaxed):
        return match.package
    bounds = (r for r in relations_for(match, requirement.specifier) if ">=" in r and "|" not in r)
    return next(bounds, match.package)


def _without_repeats(relations: list[str]) -> list[str]:
    """One relation per package: the one that holds in most builds (fewest profiles), then the narrowest.

    Of a crate there may be two, a lower and an upper bound, each the narrowest of those that are asked for.
    """
    best: dict[str, str] = {}
    packages = {relation.split()[0] for relation in relations}
    crates = _narrowest(relation for relation in relations if relation.startswith("librust-"))
    for relation in relations:
        name = relation.split()[0]
        if _BROUGHT_BY.get(name) in packages:
            continue
        if name.startswith("librust-"):
            if relation in crates:
                best[relation] = relation
        elif name in best:
            mine, other = relation.count("<!"), best[name].count("<!")
            if "<!" in best[name] and ("<!" not in relation or mine > other):
                best[name] = relation
        else:
            best[name] = relation
    return list(best.values())


def _narrowest(relations: Iterable[str]) -> set[str]:
    """Those of the relations on crates that no other one on the same name implies."""
    kept: dict[tuple[str, str], str] = {}
    others: set[str] = set()
    for text in relations:
        found = parse_clause(text)
        if len(found) != 1 or found[0].operator not in ("", ">=", "<<"):
            others.add(text)  # a recipe's, with alternatives or profiles
            continue
        (relation,) = found
        before = kept.setdefault((relation.name, relation.operator), text)
        if (
            relation.operator
            and compare(relation.version, parse_clause(before)[0].version) * (1 if relation.operator == ">=" else -1)
            > 0
        ):
            kept[relation.name, relation.operator] = text
    bounded = {name for name, operator in kept if operator}
    return others | {text for (name, operator), text in kept.items() if operator or name not in bounded}
