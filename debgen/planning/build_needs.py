"""Crates, system libraries and programs that a build takes, judged against a suite; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from debgen.archive.crates import DEFAULT, CratePackage, CratePackages, crate_packages
from debgen.archive.libraries import LibraryMatch, LibraryPackages, find_library
from debgen.archive.model import FileKind
from debgen.cargo.semver import Requirement
from debgen.cargo.targets import holds
from debgen.errors import UnsupportedSourceError
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.planning.paths import shortened
from debgen.upstream.buildmodel import Crate, Library

Installable = Callable[[str], tuple[str, ...] | None]
"""Of a package of the suite: None where it can be installed, else the chain up to what is wrong, maybe empty."""


def judge_crates(
    packages: CratePackages, crates: Iterable[Crate], architecture: str, installable: Installable
) -> tuple[BuildNeed, ...]:
    """What the suite has for each crate and requirement, sorted.

    Left out are crates inside the sdist, and those for targets other than Debian's ``architecture`` (such as
    "amd64"). Several entries for the same crate and requirement are one need, with the features of all, as Cargo
    builds them once. An optional crate that the build doesn't switch on is never missing: a patch may take it out
    of Cargo.toml, which has to be done, since Cargo resolves what is optional too.

    UsageError for an architecture that Rust hasn't.
    """
    groups = _groups(crates, architecture)
    return tuple(_judge_crate(packages, groups[key], installable) for key in sorted(groups))


def crate_candidates(packages: CratePackages, crates: Iterable[Crate], architecture: str) -> tuple[str, ...]:
    """The packages that :func:`judge_crates` may ask ``installable`` about, sorted, to ask the solver only once."""
    found = {
        name.package
        for crate, _ in _groups(crates, architecture)
        for package in crate_packages(packages, crate)
        for name in package.names
    }
    return tuple(sorted(found))


def relations_for_crate(packages: CratePackages, need: BuildNeed) -> tuple[str, ...]:
    """The Debian relations for Build-Depends that say what ``need`` says, its bound loosened where it has to be.

    Empty where the suite has no package for it.
    """
    for found in crate_packages(packages, need.name):
        if found.package == need.package:
            requirement = _parsed(need.requirement) or Requirement.parse("*")
            if not requirement.matches(found.version):
                requirement = requirement.loosened(found.version)
            return found.relations(requirement, need.features)
    return ()


def judge_libraries(packages: LibraryPackages, libraries: Iterable[Library]) -> tuple[BuildNeed, ...]:
    """What the suite has for each library and program, sorted; nothing for what every build has.

    What the suite lacks and the build can do without is relaxable. Where several names of the same package are
    asked for, each is a need.
    """
    needs: dict[tuple[str, str], BuildNeed] = {}
    for library in sorted(libraries, key=lambda entry: (not entry.required, entry)):
        match = find_library(packages, FileKind(library.kind.value), library.name)
        if match is None or match.packages:
            need = _judge_library(packages, library, match)
            needs.setdefault((need.name, need.package), need)
    return tuple(needs[key] for key in sorted(needs))


def _groups(crates: Iterable[Crate], architecture: str) -> dict[tuple[str, str], list[Crate]]:
    """What counts of ``crates``, by name and requirement."""
    groups: dict[tuple[str, str], list[Crate]] = {}
    for crate in crates:
        if not crate.source.startswith("path") and _for_target(crate.target, architecture):
            groups.setdefault((crate.name, crate.requirement.strip()), []).append(crate)
    return groups


def _for_target(target: str, architecture: str) -> bool:
    """Whether the dependencies of ``target`` count; those of one that can't be read do, as asking too much is seen."""
    try:
        return holds(target, architecture)
    except UnsupportedSourceError:
        return True


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement.parse(text)
    except UnsupportedSourceError:
        return None


def _judge_crate(packages: CratePackages, group: list[Crate], installable: Installable) -> BuildNeed:
    required = [crate for crate in group if not crate.optional]
    first = group[0]
    features = {feature for crate in required for feature in crate.features}
    if any(crate.default_features for crate in required):
        features.add(DEFAULT)
    wanted = tuple(sorted(features))
    git = next((crate.source for crate in group if crate.source.startswith("git")), "")
    requirement = _parsed(first.requirement)
    found, chain = _choose(crate_packages(packages, first.name), requirement, wanted, installable)
    if found is None:
        supply, reasons = Supply.MISSING, [f"the suite has no package of the crate {first.name}"]
        if git:
            reasons.append(f"Cargo.toml takes it from {git}")
    else:
        reasons = list(_deviations(found, requirement, first.requirement, wanted))
        if git:
            reasons.append(f"Cargo.toml takes it from {git}, which has to become the suite's {found.version}")
        supply = Supply.RELAXABLE if reasons else Supply.SATISFIED
        if chain is not None:
            supply = Supply.UNINSTALLABLE
            subject = "it" if reasons else f"{found.package} {found.version}"
            reasons.append(": ".join(filter(None, (f"{subject} can't be installed", shortened(chain)))))
        reasons = reasons or [f"{found.package} has {found.version}"]
        if found.component != "main":
            reasons.append(f"{found.package} is in {found.component}")
    if not required:
        unasked = "optional, and no feature of the build switches it on"
        if supply is Supply.SATISFIED:
            reasons.append(unasked)
        else:
            reasons.append(f"{unasked}: a patch can take it out of Cargo.toml")
            supply = Supply.RELAXABLE
    return BuildNeed(
        topic=Topic.CRATE,
        name=first.name,
        requirement=first.requirement.strip(),
        package=found.package if found else "",
        version=found.debian_version if found else "",
        supply=supply,
        reason="; ".join(reasons),
        chain=chain or (),
        features=wanted,
    )


def _choose(
    candidates: Iterable[CratePackage],
    requirement: Requirement | None,
    features: tuple[str, ...],
    installable: Installable,
) -> tuple[CratePackage | None, tuple[str, ...] | None]:
    """The best of the suite's packages of a crate, and why it can't be installed, None where it can.

    Best is what lets Cargo's requirement be, then what has most of the features, then what can be installed, then
    the nearest version: of the series asked for, else the lowest above it, else the highest below it.
    """

    def rank(package: CratePackage) -> tuple[object, ...]:
        lacking = sum(package.carrier(feature) is None for feature in features)
        numbers = package.version.numbers
        if requirement is None or requirement.matches(package.version):
            return False, lacking, 0, tuple(-number for number in numbers)
        above = package.version >= requirement.lower
        kin = package.version.series == requirement.lower.series
        nearness = numbers if above and not kin else tuple(-number for number in numbers)
        return True, lacking, 0 if kin else 1 if above else 2, nearness

    ranked = sorted(candidates, key=rank)
    if not ranked:
        return None, None
    # The solver is asked about those only that are as good as the best, one after the other.
    alike = [package for package in ranked if rank(package)[:2] == rank(ranked[0])[:2]]
    problems = ((package, _problem(package, features, installable)) for package in alike)
    return next((pair for pair in problems if pair[1] is None), (alike[0], _problem(alike[0], features, installable)))


def _problem(package: CratePackage, features: tuple[str, ...], installable: Installable) -> tuple[str, ...] | None:
    """Why the package, or one that carries an asked feature apart from it, can't be installed."""
    carriers = [package.package, *(carrier for f in features if (carrier := package.carrier(f)))]
    return next((chain for name in dict.fromkeys(carriers) if (chain := installable(name)) is not None), None)


def _deviations(
    found: CratePackage, requirement: Requirement | None, text: str, features: tuple[str, ...]
) -> Iterator[str]:
    """What a patch to Cargo.toml would have to change for the suite's package; the first clause names it."""
    subject = f"{found.package} {found.version}"
    if requirement is None:
        yield f"Cargo can't read the requirement {text!r}; {found.package} has {found.version}"
        subject = "it"
    elif not requirement.matches(found.version):
        side = "below" if found.version < requirement.lower else "above"
        if requirement.upper is None or found.version < requirement.upper:
            side = side if side == "below" else "a pre-release that isn't named by"
        yield (
            f"{found.package} has {found.version}, {side} {requirement}:"
            f" loosen it to {requirement.loosened(found.version)}"
        )
        subject = "it"
    lacking = [feature for feature in features if found.carrier(feature) is None]
    named = [feature for feature in lacking if feature != DEFAULT]
    if named:
        yield f"{subject} doesn't provide the feature{'s' * (len(named) > 1)} {', '.join(named)}"
        subject = "it"
    if DEFAULT in lacking:
        yield f"{subject} doesn't provide its default features: see which of them the code needs"


def _judge_library(packages: LibraryPackages, library: Library, match: LibraryMatch | None) -> BuildNeed:
    asked = f"{library.name} is asked for in {library.evidence}"
    if match is None:
        package = ""
        supply = Supply.MISSING if library.required else Supply.RELAXABLE
        reason = f"no package of the suite has it; {asked}"
    else:
        package, supply = match.packages[0], Supply.SATISFIED
        reason = f"{package}: {match.evidence}; {asked}"
    if not library.required:
        reason += ", and the build goes on without it"
    binary = packages.binary(package) if package else None
    if binary and binary.component != "main":
        reason += f"; {package} is in {binary.component}"
    return BuildNeed(
        topic=Topic.LIBRARY,
        name=library.name,
        requirement="",
        package=package,
        version=binary.version if binary else "",
        supply=supply,
        reason=reason,
    )
