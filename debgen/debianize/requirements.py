"""Requirements of a distribution against a suite: which are met, relaxed, dropped, or unmet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.debianize.model import Lookup, Unmet
from debgen.planning.model import Kind
from debgen.planning.relaxation import safe_relaxation, unpinned
from debgen.planning.verdict import Verdict, judge
from debgen.recipes import Drop, Recipe, Relax
from debgen.upstream.facts import SdistFacts, asks_extra


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


def _parsed(lines: Iterable[str]) -> Iterator[Requirement]:
    """The requirements of a group; a malformed line is not worth refusing the package."""
    for line in lines:
        with suppress(InvalidRequirement):
            yield Requirement(line)


#: Names under which upstreams list what their tests need.
_TEST_GROUPS = ("test", "tests", "testing", "dev", "develop", "development")
#: Tools in such lists that judge the source, measure it or spread the tests, but don't make them pass.
_NOT_FOR_TESTS = frozenset({"pytest-cov", "pytest-xdist", "coverage", "tox", "nox", "pre-commit", "pytest-sugar"})


def test_requirements(facts: SdistFacts, environment: Mapping[str, str]) -> tuple[Requirement, ...]:
    """What upstream declares for its tests on the target, narrowed to what makes them pass.

    The first extra or dependency group with a usual name counts. Of it are kept pytest, its plug-ins (which
    work without being imported), and distributions whose import name the tests import.
    """
    groups = {str(canonicalize_name(name)): lines for name, lines in facts.tests.groups}
    declared: list[Requirement] = []
    for group in _TEST_GROUPS:
        declared = [*facts.extra_requirements(group, environment), *_parsed(groups.get(group, ()))]
        if declared:
            break
    declared = [r for r in declared if asks_extra(r) or applies(r, environment)]
    kept = {}
    for requirement in declared:
        name = str(canonicalize_name(requirement.name))
        imported = name.replace("-", "_") in {m.casefold() for m in facts.tests.imports}
        plugin = name == "pytest" or name.startswith("pytest-")
        if name not in _NOT_FOR_TESTS and (imported or plugin):
            kept[name] = requirement
    return tuple(kept[name] for name in sorted(kept))
