"""Requirements of a distribution against a suite: which are met, relaxed, dropped, or unmet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.archive.names import relations_for
from debgen.debianize.model import Lookup, Unmet
from debgen.debianize.relied import Relied
from debgen.planning.model import Kind
from debgen.planning.relaxation import loosened, safe_relaxation, unpinned
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
    #: Relations that dh_python3 doesn't find in upstream's requirements, each with what shows that it is needed.
    more: Mapping[str, str] = field(default_factory=dict)


def applies(requirement: Requirement, environment: Mapping[str, str]) -> bool:
    """Whether a requirement without an extra holds for the target."""
    if requirement.marker is None:
        return True
    return not asks_extra(requirement) and requirement.marker.evaluate({**environment, "extra": ""})


def judge_requirements(
    requirements: Iterable[Requirement],
    lookup: Lookup,
    recipe: Recipe,
    environment: Mapping[str, str],
    *,
    relied: Relied | None = None,
    own: Iterable[str] = (),
    beyond: Callable[[Requirement], Iterable[Requirement]] = lambda requirement: (),
    commanded: Iterable[tuple[Requirement, str]] = (),
) -> Judged:
    """Sort the requirements that hold for the target.

    A recipe's ``drop`` comes first; a bound that the suite's version breaks is met through the recipe's ``relax``
    where that admits the version, through a safe rule, through what the archive's own package shows (``relied``), and
    unmet otherwise. ``own`` are the archive's packages of the same source. ``beyond`` gives what a requirement's extras
    ask for and the suite's package doesn't bring along: whoever asks for the extra has to name it. ``commanded`` are
    what commands ask for beyond the requirements of all, each with a sentence.
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
            if relied and (found := relied.renamed(name)):
                met.append((Requirement(requirement.name), found))
            elif relied and (why := relied.dropped(name)):
                dropped.append((requirement, Drop(distribution=name, reason=why)))
            else:
                unmet.append(Unmet(requirement, "", ""))
        elif satisfied:
            met.append((requirement, match))
        elif loosening := _loosening(requirement, match, recipe, relied):
            met.append((requirement, match))
            relaxed.append((requirement, loosening))
        else:
            unmet.append(Unmet(requirement, match.package, match.debian_version))
    covered = {match.package for _, match in met}
    asked = (
        (wanted, f"{requirement.name}[{','.join(sorted(requirement.extras))}] asks for it, and {match.package} doesn't")
        for requirement, match in met
        for wanted in (beyond(requirement) if requirement.extras else ())
    )
    more = dict(_named(chain(asked, commanded), covered, lookup, recipe))
    if relied:
        told = f"{relied.package} {relied.version} depends on it, and upstream's modules or programs use it"
        more = {**dict.fromkeys(relied.more(covered, lookup, own), told), **more}
    return Judged(tuple(met), tuple(relaxed), tuple(dropped), tuple(unmet), more)


def _named(
    asked: Iterable[tuple[Requirement, str]], covered: set[str], lookup: Lookup, recipe: Recipe
) -> Iterator[tuple[str, str]]:
    """The relations for what the suite can give of ``asked``, each with its sentence; they count as covered then."""
    for wanted, told in asked:
        name = str(canonicalize_name(wanted.name))
        match = lookup(name)
        fits = match is not None and judge(match.upstream_version, wanted.specifier) is Verdict.SATISFIED
        if match is None or not fits or match.package in covered or recipe.layer.drop_of(name):
            continue
        covered.add(match.package)
        yield from ((relation, told) for relation in relations_for(match, wanted.specifier))


def _loosening(requirement: Requirement, match: Match, recipe: Recipe, relied: Relied | None) -> Relax | None:
    """How a bound that shuts the suite's version out is loosened, with the reason; None where nothing allows that."""
    name = str(canonicalize_name(requirement.name))
    if (relax := recipe.layer.relax_of(name)) and _admits(relax.specifier, match):
        return relax
    have, specifier = match.upstream_version, requirement.specifier
    if reason := safe_relaxation(have, str(specifier), Kind.RUN):
        return Relax(distribution=name, specifier=unpinned(specifier), reason=reason)
    # That it works with something older shows only in a package of the same release.
    shown = relied is not None and (relied.same or judge(have, specifier) is Verdict.TOO_NEW)
    reason = relied.without_bound(match) if relied and shown else ""
    return Relax(distribution=name, specifier=loosened(specifier, have), reason=reason) if reason else None


def _admits(specifier: str, match: Match) -> bool:
    return judge(match.upstream_version, SpecifierSet(specifier)) is Verdict.SATISFIED
