"""Requirements of a distribution against a suite: which are met, relaxed, dropped, or unmet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.debianize.model import Lookup, Unmet
from debgen.planning.model import Kind
from debgen.planning.relaxation import safe_relaxation, unpinned
from debgen.planning.verdict import Verdict, judge
from debgen.recipes import Drop, Recipe, Relax
from debgen.upstream.facts import asks_extra


@dataclass(frozen=True)
class Judged:
    """The run-time requirements of one distribution, sorted into what becomes of them."""

    met: tuple[tuple[Requirement, Match], ...]
    relaxed: tuple[tuple[Requirement, Relax], ...]
    dropped: tuple[tuple[Requirement, Drop], ...]
    unmet: tuple[Unmet, ...]


def applies(requirement: Requirement, environment: Mapping[str, str]) -> bool:
    """Whether a requirement without an extra holds for the target."""
    if requirement.marker is None:
        return True
    return not asks_extra(requirement) and requirement.marker.evaluate({**environment, "extra": ""})


def judge_requirements(
    requirements: Iterable[Requirement], lookup: Lookup, recipe: Recipe, environment: Mapping[str, str]
) -> Judged:
    """Sort the requirements that hold for the target.

    A recipe's ``drop`` comes first; a bound that the suite's version breaks is met through the recipe's
    ``relax`` where that admits the version, through a safe rule, and unmet otherwise.
    """
    met: list[tuple[Requirement, Match]] = []
    relaxed: list[tuple[Requirement, Relax]] = []
    dropped: list[tuple[Requirement, Drop]] = []
    unmet: list[Unmet] = []
    for requirement in requirements:
        if not applies(requirement, environment):
            continue
        name = str(canonicalize_name(requirement.name))
        match = lookup(name)
        satisfied = match is not None and judge(match.upstream_version, requirement.specifier) is Verdict.SATISFIED
        drop = recipe.layer.drop_of(name)
        if drop and not (drop.if_lacking and satisfied):
            dropped.append((requirement, drop))
            continue
        if match is None:
            unmet.append(Unmet(requirement, "", ""))
        elif satisfied:
            met.append((requirement, match))
        elif (relax := recipe.layer.relax_of(name)) and _admits(relax.specifier, match):
            met.append((requirement, match))
            relaxed.append((requirement, relax))
        elif reason := safe_relaxation(match.upstream_version, str(requirement.specifier), Kind.RUN):
            met.append((requirement, match))
            relaxed.append(
                (requirement, Relax(distribution=name, specifier=unpinned(requirement.specifier), reason=reason))
            )
        else:
            unmet.append(Unmet(requirement, match.package, match.debian_version))
    return Judged(tuple(met), tuple(relaxed), tuple(dropped), tuple(unmet))


def _admits(specifier: str, match: Match) -> bool:
    return judge(match.upstream_version, SpecifierSet(specifier)) is Verdict.SATISFIED
