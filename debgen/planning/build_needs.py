"""Crates that a build takes, judged against a suite; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from debgen.archive.crates import DEFAULT, CratePackage, CratePackages, crate_packages
from debgen.cargo.semver import Requirement
from debgen.cargo.targets import holds, holds_somewhere
from debgen.errors import UnsupportedSourceError
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.planning.paths import shortened
from debgen.upstream.buildmodel import Crate

_ABI3 = re.compile(r"abi3-py(\d)(\d+)")

Installable = Callable[[str], tuple[str, ...] | None]
"""Of a package of the suite: None where it can be installed, else the chain up to what is wrong, maybe empty."""


def judge_crates(
    packages: CratePackages,
    crates: Iterable[Crate],
    architecture: str,
    installable: Installable,
    *,
    python: str = "",
    origin: Callable[[str], str] = lambda package: "",
) -> tuple[BuildNeed, ...]:
    """What the suite has for each crate and requirement, sorted.

    Left out are crates inside the sdist, and those for targets that are none of Debian's: a patch takes them out of
    Cargo.toml. Several entries for the same crate and requirement are one need, with the features of all, as Cargo
    builds them once; but what the build on ``architecture`` (such as "amd64") takes is apart from what is optional
    and not switched on, or is for other architectures. Cargo resolves that too, so it has to be there or be taken out
    by a patch; it is never missing.

    ``python`` is the suite's version of Python, such as "3.14", that the stable ABI can't be newer than. ``origin``
    gives the suite that a package is borrowed from, empty for those of the suite itself.

    UsageError for an architecture that Rust hasn't.
    """
    groups = _groups(crates, architecture)
    limit = tuple(map(int, python.split(".")[:2])) if python else ()
    return tuple(
        _judge_crate(packages, groups[key], installable, limit, origin, aside=key[2]) for key in sorted(groups)
    )


def crate_candidates(packages: CratePackages, crates: Iterable[Crate], architecture: str) -> tuple[str, ...]:
    """The packages that :func:`judge_crates` may ask ``installable`` about, sorted, to ask the solver only once."""
    found = {
        name.package
        for crate, *_ in _groups(crates, architecture)
        for package in crate_packages(packages, crate)
        for name in package.names
    }
    return tuple(sorted(found))


def relations_for_crate(packages: CratePackages, need: BuildNeed) -> tuple[str, ...]:
    """The Debian relations for Build-Depends that say what ``need`` says as its patch has it.

    The bound is the loosened one where there is one, and features are replaced. Empty where the suite has no package.
    """
    for found in crate_packages(packages, need.name):
        if found.package == need.package:
            requirement = _parsed(need.loosened or need.requirement) or Requirement.parse("*")
            if not requirement.matches(found.version):
                requirement = requirement.loosened(found.version)
            replaced = dict(need.replaced)
            features = (replaced.get(feature, feature) for feature in need.features)
            return found.relations(requirement, [feature for feature in features if feature])
    return ()


def _groups(crates: Iterable[Crate], architecture: str) -> dict[tuple[str, str, bool], list[Crate]]:
    """What counts of ``crates``, by name, requirement and whether the build on the architecture does without it."""
    groups: dict[tuple[str, str, bool], list[Crate]] = {}
    for crate in crates:
        if not crate.source.startswith("path") and holds_somewhere(crate.target):
            aside = crate.optional or not _for_target(crate.target, architecture)
            groups.setdefault((crate.name, crate.requirement.strip(), aside), []).append(crate)
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


def _judge_crate(
    packages: CratePackages,
    group: list[Crate],
    installable: Installable,
    python: tuple[int, ...],
    origin: Callable[[str], str],
    *,
    aside: bool,
) -> BuildNeed:
    first = group[0]
    why_aside = _why_aside(group) if aside else ""
    features = {feature for crate in group for feature in crate.features}
    if any(crate.default_features for crate in group):
        features.add(DEFAULT)
    wanted = tuple(sorted(features))
    git = next((crate.source for crate in group if crate.source.startswith("git")), "")
    requirement = _parsed(first.requirement)
    found, chain = _choose(crate_packages(packages, first.name), requirement, wanted, installable)
    loosened, replaced, borrowed = "", {}, ""
    if found is None:
        supply, reasons = Supply.MISSING, [f"the suite has no package of the crate {first.name}"]
        if git:
            reasons.append(f"Cargo.toml takes it from {git}")
    else:
        loosened = _to_write(found, requirement, bare=bool(git) and not first.requirement.strip())
        replaced = _replaced(found, wanted, python)
        borrowed = origin(found.package)
        reasons = list(_deviations(found, requirement, first.requirement, replaced))
        if git:
            reasons.append(f"Cargo.toml takes it from {git}, which has to become the suite's {found.version}")
        supply = Supply.RELAXABLE if reasons else Supply.SATISFIED
        if chain is not None:
            supply = Supply.UNINSTALLABLE
            subject = "it" if reasons else f"{found.package} {found.version}"
            reasons.append(": ".join(filter(None, (f"{subject} can't be installed", shortened(chain)))))
        reasons = reasons or [f"{found.package} has {found.version}"]
        if loosened and requirement and requirement.is_pin and requirement.matches(found.version):
            reasons.append(f"the pin becomes {loosened}, as it would shut out the next upload")
        if found.component != "main":
            reasons.append(f"{found.package} is in {found.component}")
        if borrowed:
            reasons.append(f"borrowed from {borrowed}")
    if aside:
        if supply is Supply.SATISFIED:
            reasons.append(why_aside)
        else:
            reasons.append(f"{why_aside}: a patch can take it out of Cargo.toml")
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
        loosened=loosened,
        replaced=tuple(sorted(replaced.items())),
        optional=aside,
        askers=tuple(sorted({crate.manifest for crate in group})),
        locked=next((crate.locked for crate in group if crate.locked), ""),
        borrowed=borrowed,
        ways=tuple(sorted({(*crate.via, crate.name) for crate in group if crate.via})),
        switches=_switches(group),
    )


def _why_aside(group: list[Crate]) -> str:
    """Why the build does without the crates of a group."""
    targets = sorted({crate.target for crate in group if not crate.optional})
    return (
        f"only for other architectures ({', '.join(targets)})"
        if targets
        else "optional, and no feature of the build switches it on"
    )


def _switches(group: list[Crate]) -> tuple[str, ...]:
    """What has to be switched off so that nothing of a group is needed; empty where one of them is always needed."""
    needed = [crate for crate in group if not crate.optional]
    if not needed or not all(crate.switches for crate in needed):
        return ()
    return tuple(sorted({switch for crate in needed for switch in crate.switches}))


def _to_write(found: CratePackage, requirement: Requirement | None, *, bare: bool) -> str:
    """The requirement that has to stand in Cargo.toml for the suite's version; empty where upstream's can stay.

    ``bare`` where upstream gives a repository and no version: the suite's series takes its place. A pin can't stay,
    even one that the suite meets: with the crate's next upload the package could no more be built.
    """
    if requirement is None or bare:
        version = found.version
        return str(version) if version.prerelease else ".".join(map(str, version.series))
    if requirement.matches(found.version):
        return str(requirement.unpinned()) if requirement.is_pin else ""
    return str(requirement.loosened(found.version))


def _replaced(found: CratePackage, features: Iterable[str], python: tuple[int, ...]) -> dict[str, str]:
    """The features that the suite's package lacks, with what takes their place, empty for nothing.

    The stable ABI of a Python (``abi3-py38``) can be that of a later one that the suite's meets: code for the older
    ABI is code for the newer one. Where a library would be linked statically (``xz-static``), Debian's shared one is
    (policy 4.13), if there is such a feature.
    """
    replaced: dict[str, str] = {}
    offered = sorted(
        (pair, name.feature)
        for name in found.names
        if (pair := _stable_abi(name.feature)) and (not python or pair <= python)
    )
    for feature in features:
        if found.carrier(feature) is None:
            asked = _stable_abi(feature)
            newer = (name for pair, name in offered if asked and pair > asked)
            shared = (name for kind in ("shared", "dynamic") if found.carrier(name := _shared(feature, kind)))
            replaced[feature] = next(iter([*newer, *shared]), "")
    return replaced


def _shared(feature: str, kind: str) -> str:
    """``xz-shared`` for ``xz-static``; other features as they are."""
    return re.sub(r"(^|[-_])static$", rf"\1{kind}", feature)


def _stable_abi(feature: str) -> tuple[int, ...]:
    """(3, 10) for ``abi3-py310``, empty for other features."""
    match = _ABI3.fullmatch(feature)
    return (int(match[1]), int(match[2])) if match else ()


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
    found: CratePackage, requirement: Requirement | None, text: str, replaced: Mapping[str, str]
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
    gone = [feature for feature, other in replaced.items() if feature != DEFAULT and not other]
    if gone:
        yield f"{subject} doesn't provide the feature{'s' * (len(gone) > 1)} {', '.join(gone)}"
        subject = "it"
    for feature, other in replaced.items():
        if other:
            yield f"{subject} doesn't provide the feature {feature}: take {other}"
            subject = "it"
    if DEFAULT in replaced:
        yield f"{subject} doesn't provide its default features: see which of them the code needs"
