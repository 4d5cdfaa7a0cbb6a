"""From a PyPI distribution to the Debian package that ships it, and where that is known from.

Best first: what the archive's Contents index says a package ships; a package's Provides; the alias table; the
name that Debian's Python Policy (4.3.2) would give. A rule by name never overrides what Contents knows:
``multipart`` isn't python3-multipart where that package ships ``python-multipart``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Protocol

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.archive.model import Binary, Match, Origin, Shipped
from debgen.archive.versions import relations, split_debian, upstream_version


class Packages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    python_version: str

    def binary(self, name: str) -> Binary | None: ...
    def providers(self, virtual: str) -> tuple[Binary, ...]: ...
    def shipped(self, distribution: str) -> tuple[Shipped, ...]: ...
    def shipped_by(self, package: str) -> tuple[Shipped, ...]: ...


@dataclass(frozen=True)
class Alias:
    """A mapping that no rule finds: to another distribution's name, or straight to a package."""

    reason: str
    distribution: str = ""
    package: str = ""


@cache
def aliases() -> Mapping[str, Alias]:
    """The table that ships with debgen, by normalised distribution name."""
    text = files(__package__).joinpath("aliases.toml").read_text(encoding="utf-8")
    return {canonicalize_name(name): Alias(**entry) for name, entry in tomllib.loads(text).items()}


def find(packages: Packages, distribution: str, *, table: Mapping[str, Alias] | None = None) -> tuple[Match, ...]:
    """The packages of the suite that ship ``distribution``, best first; empty where there is none.

    ``table`` replaces the alias table. Each package comes once, with its best origin.
    """
    name = canonicalize_name(distribution)
    found: dict[str, Match] = {}
    for match in _all(packages, name, aliases() if table is None else table):
        found.setdefault(match.package, match)
    return tuple(found.values())


def relations_for(match: Match, specifier: SpecifierSet | str) -> tuple[str, ...]:
    """Debian relations on the package of ``match``, which is known to satisfy ``specifier``.

    Where Debian numbers the package in a way of its own (python3-regex is 0.1.20250918 where upstream says
    2025.9.18), upstream's bounds mean nothing there: the version that is known to do becomes the lower bound.
    """
    epoch, upstream, _ = split_debian(match.debian_version)
    if Version(upstream_version(match.debian_version)) == Version(match.upstream_version):
        return relations(match.package, specifier, epoch=epoch)
    if not str(specifier):
        return (match.package,)
    return (f"{match.package} (>= {epoch + ':' if epoch else ''}{upstream}~)",)


def _all(packages: Packages, name: str, table: Mapping[str, Alias]) -> Iterator[Match]:
    yield from _by_contents(packages, name)
    by_name = [f"python3-{name}", f"python{packages.python_version}-{name}"]
    for virtual in by_name:
        for provider in packages.providers(virtual):
            if provider.name != "python3" and not packages.shipped_by(provider.name):
                evidence = f"{provider.name} provides {virtual}"
                yield _match(name, provider, Origin.PROVIDES, evidence)
    if alias := table.get(name):
        yield from _by_alias(packages, name, alias)
    named = packages.binary(by_name[0])
    if named and not packages.shipped_by(named.name):
        yield _match(name, named, Origin.NAME, f"{named.name} is named so, and has no metadata")


def _by_contents(packages: Packages, name: str) -> Iterator[Match]:
    candidates = [(row, binary) for row in packages.shipped(name) if (binary := packages.binary(row.package))]
    candidates.sort(key=lambda pair: _rank(name, pair[0], pair[1], packages.python_version))
    for row, binary in candidates:
        yield _match(name, binary, Origin.CONTENTS, f"{binary.name} has {row.path}", row.version)


def _rank(name: str, row: Shipped, binary: Binary, python: str) -> tuple[object, ...]:
    """Sort key, best first: importable, free, named as policy asks, a library rather than an application."""
    return (
        "/python3/" not in row.path and f"/python{python}/" not in row.path,
        binary.component != "main",
        not row.version,
        binary.name != f"python3-{name}",
        not binary.name.startswith("python3-"),
        binary.name.endswith(("-dbg", "-doc", "-dev", "-tests", "-examples")),
        binary.section != "python",
        len(binary.name),
        binary.name,
        row.path,
    )


def _by_alias(packages: Packages, name: str, alias: Alias) -> Iterator[Match]:
    if alias.distribution:
        for match in find(packages, alias.distribution, table={}):
            evidence = f"{alias.reason} ({match.evidence})"
            yield replace(match, distribution=name, origin=Origin.ALIAS, evidence=evidence)
    elif binary := packages.binary(alias.package):
        yield _match(name, binary, Origin.ALIAS, alias.reason)


def _match(name: str, binary: Binary, origin: Origin, evidence: str, shipped: str = "") -> Match:
    return Match(
        distribution=name,
        package=binary.name,
        source=binary.source,
        debian_version=binary.version,
        upstream_version=_upstream(shipped, binary.version),
        component=binary.component,
        origin=origin,
        evidence=evidence,
    )


def _upstream(shipped: str, debian: str) -> str:
    """The version of the shipped metadata, unless it is a placeholder such as 0.0.0, or no version at all."""
    try:
        version = Version(shipped)
    except InvalidVersion:
        return upstream_version(debian)
    return version.public if any(version.release) else upstream_version(debian)
