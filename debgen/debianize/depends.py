"""What dh_python3 is told about dependencies: names, bounds and alternatives that it doesn't derive by itself.

By default it names the package that ships a requirement's metadata and drops upstream's bounds. Lines of
``debian/py3dist-overrides`` say otherwise (dh_python3(1)); extras become Suggests, since nobody who installs the
package has asked for one (Debian Python Policy 4.9).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.archive.names import relations_for
from debgen.archive.relation import parse_clause
from debgen.debianize.model import Inputs
from debgen.debianize.requirements import Judged
from debgen.planning.verdict import Verdict, judge

#: Extras for those who work on the source, not for those who use it.
_FOR_DEVELOPERS = re.compile(
    r"(.*[-_.])?(tests?|testing|testsuite|dev|devel|develop|development|docs?|documentation|lint(ing|er)?|typ(es|ing)|"
    r"mypy|style|format(ting)?|quality|qa|ci|check(s|ers?)?|cov(erage)?|benchmarks?|bench|build|release|publish|"
    r"pre-?commit|maintainers?|contrib(uting|ute)?|tutorials?|examples?|notebooks?)([-_.].*)?",
    re.IGNORECASE,
)


def py3dist_overrides(inputs: Inputs, judged: Judged) -> str:
    """debian/py3dist-overrides, empty where dh_python3 needs no telling.

    A line for each run-time requirement that has a lower bound, whose package is built for accelerators as well, or
    whose package dh_python3 would not find by its name. Upper bounds are left out: the archive has one version at a
    time, and what no longer works with a newer one is a bug there.
    """
    relaxed = {id(requirement) for requirement, _ in judged.relaxed}
    lines: dict[str, str] = {}
    for requirement, match in judged.met:
        name = str(canonicalize_name(requirement.name))
        bound = "" if id(requirement) in relaxed else lower_bound(match, requirement)
        packages = (match.package, *inputs.siblings(name))
        if bound or len(packages) > 1 or inputs.derived(name) != match.package:
            lines[name] = " | ".join(f"{package}{bound}" for package in packages)
    return "".join(f"{name} {relation}\n" for name, relation in sorted(lines.items()))


def lower_bound(match: Match, requirement: Requirement) -> str:
    """`` (>= 1.2~)`` where the requirement has a lower bound, else empty."""
    for relation in relations_for(match, requirement.specifier):
        found = re.fullmatch(rf"{re.escape(match.package)}( \(>= [^|)]+\))", relation)
        if found:
            return found[1]
    return ""


def suggests(inputs: Inputs, judged: Judged) -> list[str]:
    """The packages of what upstream's extras for users ask for, as far as the suite has them and they fit."""
    return sorted(suggested(inputs, judged))


def suggested(inputs: Inputs, judged: Judged) -> dict[str, str]:
    """What :func:`suggests` gives, each with the requirement that is behind it."""
    depended = {match.package for _, match in judged.met}
    depended |= {relation.name for clause in judged.more for relation in parse_clause(clause)}
    found: dict[str, str] = {}
    for extra in _extras(inputs.facts.requirements):
        if _FOR_DEVELOPERS.fullmatch(extra):
            continue
        for requirement in inputs.facts.extra_requirements(extra, inputs.marker_environment):
            match = inputs.lookup(str(canonicalize_name(requirement.name)))
            own = canonicalize_name(requirement.name) == inputs.facts.normalised
            if match is None or own or match.package in depended:
                continue
            if judge(match.upstream_version, requirement.specifier) is Verdict.SATISFIED:
                asks = f"upstream's extra {extra} asks for {requirement.name}{requirement.specifier}"
                found.setdefault(match.package, asks)
    return found


def _extras(requirements: Iterable[Requirement]) -> list[str]:
    """The extras that markers of ``requirements`` name."""
    names = (re.findall(r"""extra\s*==\s*["']([^"']+)["']""", str(r.marker)) for r in requirements if r.marker)
    return sorted({name for found in names for name in found})
