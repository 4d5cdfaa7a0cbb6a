"""Asking a suite's index for what a failed build misses."""

from __future__ import annotations

from collections.abc import Callable, Collection

from packaging.utils import canonicalize_name

from debgen.archive.index import SuiteIndex
from debgen.archive.libraries import find_library
from debgen.archive.model import FileKind, Match
from debgen.building.mend import Look


def look_of(index: SuiteIndex, find: Callable[[str], Match | None], own: Collection[str] = ()) -> Look:
    """What :func:`debgen.building.mend.mends` asks; ``find`` is the suite's best package of a distribution.

    ``own`` are the top-level modules of the package that was built.
    """

    def module(name: str) -> str:
        """By the name that Debian's Python Policy (4.3.2) gives a module's package, then as a distribution's name."""
        parts = name.split(".")
        for dotted in (".".join(parts[:end]) for end in range(len(parts), 0, -1)):
            package = f"python3-{dotted.replace('_', '-').lower()}"
            if index.binary(package):
                return package
            if providers := index.providers(package):
                return providers[0].name
            if match := find(str(canonicalize_name(dotted))):
                return match.package
        return ""

    def distribution(name: str) -> str:
        match = find(str(canonicalize_name(name)))
        return match.package if match else ""

    def file(kind: FileKind, name: str) -> str | None:
        found = find_library(index, kind, name)
        if found is None:
            return None
        return found.packages[0] if found.packages else ""

    def provided(name: str) -> tuple[str, ...]:
        return tuple(one.version for one in index.provided(name))

    return Look(index.codename, module, distribution, file, provided, own)
