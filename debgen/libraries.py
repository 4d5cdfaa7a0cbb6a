"""The system libraries of a build: those that its build files name, and those whose headers its sources include."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.archive.index import SuiteIndex
from debgen.archive.relation import clauses, parse_clause
from debgen.planning.model import BuildNeed
from debgen.planning.system_needs import judge_libraries
from debgen.upstream.buildmodel import BuildFacts, LibraryKind
from debgen.upstream.facts import SdistFacts
from debgen.upstream.includes import included

#: Backends whose build files look for libraries by name.
_SEARCHING = frozenset({"meson-python", "scikit-build-core", "scikit-build"})
#: A header that more packages have is not one library's.
_TELLING = 3


def build_libraries(tree: Path, facts: SdistFacts, build: BuildFacts, index: SuiteIndex) -> tuple[BuildNeed, ...]:
    """What the suite has of what the build files name, and of the headers that the former doesn't bring.

    ``tree`` is the unpacked sdist. CMake and Meson look for their libraries by name, so the sources tell nothing more
    there. A header that many packages have, or none, tells nothing either.
    """
    named = judge_libraries(index, build.libraries)
    builders = {str(canonicalize_name(Requirement(line).name)) for line in build.requires}
    searched = any(library.kind is LibraryKind.CMAKE for library in build.libraries)
    if facts.architecture != "any" or searched or builders & _SEARCHING:
        return named
    telling = [header for header in included(tree) if 0 < len(index.header(header.name)) <= _TELLING]
    brought = _brought(index, (need.package for need in named if need.package))
    found: dict[str, BuildNeed] = {}
    for need in judge_libraries(index, telling):
        binary = index.binary(need.package)
        if need.package not in brought and binary and binary.component == "main":
            found.setdefault(need.package, need)
    return (*named, *found.values())


def _brought(index: SuiteIndex, packages: Iterable[str]) -> set[str]:
    """The packages and what they depend on for development, first alternatives."""
    found: set[str] = set()
    todo = list(packages)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        binary = index.binary(name)
        for clause in clauses(binary.depends if binary else ""):
            todo += [relation.name for relation in parse_clause(clause)[:1] if relation.name.endswith("-dev")]
    return found
