"""Which version of a crate a Cargo.lock holds for a package."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from debgen.cargo.semver import Requirement, Semver
from debgen.errors import UnsupportedSourceError


@dataclass(frozen=True, slots=True)
class Lock:
    """The packages of a Cargo.lock: the versions of each crate, and what each package asks for.

    ``lines`` are the dependencies of each name and version, a version being empty where there is only one.
    """

    versions: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    lines: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> tuple[Lock, str]:
        """The lock file, and what is wrong with it (empty for nothing)."""
        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            return Lock(), str(error)
        lock = Lock()
        listed = data.get("package")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict):
                lock._add(entry)
        return lock, ""

    def _add(self, entry: dict[str, Any]) -> None:
        name = str(entry.get("name", ""))
        self.versions.setdefault(name, []).append(str(entry.get("version", "")))
        asked = self.asked.setdefault(name, {})
        # A module may have the name and version of the registry's crate that it wraps; that one is what is asked for.
        key = (name, str(entry.get("version", "")))
        below: list[tuple[str, str]] = []
        if "source" in entry or key not in self.lines:
            self.lines[key] = below
        lines = entry.get("dependencies")
        for line in lines if isinstance(lines, list) else ():
            crate, _, version = str(line).partition(" ")
            asked.setdefault(crate, []).append(version.partition(" ")[0])
            below.append((crate, version.partition(" ")[0]))

    def below(self, crate: str, version: str) -> tuple[tuple[str, str], ...]:
        """What a crate asks for, by name and version; of a version that the lock hasn't, nothing.

        These are the dependencies for all targets, as the lock doesn't tell them apart.
        """
        found = self.lines.get((crate, version), [])
        return tuple((name, wanted or next(iter(self.versions.get(name, [])), "")) for name, wanted in found)

    def version(self, package: str, crate: str, requirement: str) -> str:
        """The version of ``crate`` that ``package`` gets, empty where the lock doesn't tell."""
        known = self.versions.get(crate, [])
        if len(known) == 1:
            return known[0]
        named = [v for v in self.asked.get(package, {}).get(crate, []) if v]
        fitting = _fitting(requirement, named or known)
        return max(fitting)[1] if fitting else ""


def _fitting(requirement: str, versions: Iterable[str]) -> list[tuple[Semver, str]]:
    """Those of ``versions`` that Cargo takes for ``requirement``, with what they sort by."""
    found: list[tuple[Semver, str]] = []
    with suppress(UnsupportedSourceError):
        wanted = Requirement.parse(requirement)
        for text in versions:
            with suppress(UnsupportedSourceError):
                version = Semver.parse(text)
                if wanted.matches(version):
                    found.append((version, text))
    return found
