"""System libraries and programs that a build takes, judged against a suite; pure."""

from __future__ import annotations

from collections.abc import Iterable

from debgen.archive.libraries import LibraryMatch, LibraryPackages, find_library
from debgen.archive.model import FileKind
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.upstream.buildmodel import Library


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
