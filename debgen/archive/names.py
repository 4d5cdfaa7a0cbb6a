"""From a PyPI distribution to the Debian packages that ship it, and where that is known from.

Most trusted first:

1. **Contents**: the metadata (dist-info or egg-info) that the archive's Contents index says a package has in a
   folder of modules. It gives upstream's version too. Metadata in a private folder can't be imported, and isn't
   looked at.
2. **Provides**: a package provides ``python3-NAME``. What a package's own metadata says of it comes before its
   Provides: python3-python-multipart provides python3-multipart in trixie, and yet isn't ``multipart``. A Provides
   with a version of its own names something that is bundled, and counts (python3-gymnasium has
   farama-notifications 0.0.6).
3. **dh-python's table** (:mod:`debgen.archive.pydist`), which is made from an older state of the archive.
4. **The alias table**, aliases.toml: what no rule finds, each with its reason.
5. **The name** that Debian's Python Policy (4.3.2) would give: ``python3-NAME``.

All but the first and the alias table go by a name only. Such a rule never overrides what Contents knows: a package
whose metadata names other distributions isn't taken. So ``jwt`` isn't python3-jwt, which ships ``pyjwt``.
"""

from __future__ import annotations

import re
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
from debgen.archive.relation import clauses, compare, parse_clause
from debgen.archive.versions import relations, split_debian, upstream_version

_VARIANTS = frozenset({"cuda", "rocm"})
"""What a package's name ends in where it is built for an accelerator."""


class Packages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    python_version: str

    def binary(self, name: str) -> Binary | None: ...
    def providers(self, virtual: str) -> tuple[Binary, ...]: ...
    def shipped(self, distribution: str) -> tuple[Shipped, ...]: ...
    def shipped_by(self, package: str) -> tuple[Shipped, ...]: ...


@dataclass(frozen=True)
class Alias:
    """A mapping that no rule finds: to another distribution's name, or straight to a package.

    Where a package counts in a way of its own, ``version`` is a regular expression whose group is upstream's version
    in the Debian one; where it doesn't match, the alias says nothing. ``since`` is the first Debian version of which
    the alias is true, ``beside`` another package that the suite must have for it.
    """

    reason: str
    distribution: str = ""
    package: str = ""
    version: str = ""
    since: str = ""
    beside: str = ""


@cache
def aliases() -> Mapping[str, Alias]:
    """The table that ships with debgen, by normalised distribution name."""
    text = files(__package__).joinpath("aliases.toml").read_text(encoding="utf-8")
    return {canonicalize_name(name): Alias(**entry) for name, entry in tomllib.loads(text).items()}


def find(
    packages: Packages,
    distribution: str,
    *,
    variant: str = "cpu",
    table: Mapping[str, Alias] | None = None,
    pydist: Mapping[str, str] | None = None,
) -> tuple[Match, ...]:
    """The packages of the suite that ship ``distribution``, best first; empty where there is none.

    Each package comes once, with its best origin. A package named like the best one and ``-cuda`` (``-rocm``) comes
    first where that is the ``variant``, and last otherwise. ``table`` replaces the alias table; ``pydist`` is
    dh-python's, package by normalised name, and none is used where it isn't given.
    """
    name = canonicalize_name(distribution)
    found: dict[str, Match] = {}
    for match in _all(packages, name, aliases() if table is None else table, pydist or {}):
        found.setdefault(match.package, match)
    return _for_variant(tuple(found.values()), variant)


def relations_for(match: Match, specifier: SpecifierSet | str) -> tuple[str, ...]:
    """Debian relations on the package of ``match``, which is known to satisfy ``specifier``.

    Where Debian numbers the package in a way of its own (python3-regex is 0.1.20250918 where upstream says
    2025.9.18; 2.0+really1.5 is 1.5), upstream's bounds mean nothing there: the version that is known to do becomes
    the lower bound.
    """
    epoch, upstream, _ = split_debian(match.debian_version)
    if Version(upstream_version(match.debian_version)) == Version(match.upstream_version):
        found = relations(match.package, specifier, epoch=epoch)
        if all(any(one.allows(match.debian_version) for one in parse_clause(relation)) for relation in found):
            return found
    if not str(specifier):
        return (match.package,)
    return (f"{match.package} (>= {epoch + ':' if epoch else ''}{upstream}~)",)


def _all(packages: Packages, name: str, table: Mapping[str, Alias], pydist: Mapping[str, str]) -> Iterator[Match]:
    yield from _by_contents(packages, name)
    yield from _by_provides(packages, name)
    if (listed := packages.binary(pydist.get(name, ""))) and _may_be(packages, listed):
        yield _match(name, listed, Origin.PYDIST, f"dh-python's table names {listed.name}")
    if alias := table.get(name):
        yield from _by_alias(packages, name, alias)
    named = packages.binary(f"python3-{name}")
    if named and _may_be(packages, named):
        yield _match(name, named, Origin.NAME, f"{named.name} is named so, and has no metadata")


def _for_variant(matches: tuple[Match, ...], variant: str) -> tuple[Match, ...]:
    """The same matches, those for an accelerator put first or last."""
    names = {match.package for match in matches}

    def built_for(match: Match) -> tuple[str, str]:
        base, _, suffix = match.package.rpartition("-")
        return (suffix, base) if base in names and suffix in _VARIANTS | {variant} else ("", "")

    plain = tuple(match for match in matches if not built_for(match)[0])
    first: list[Match] = []
    last: list[Match] = []
    for match in matches:
        suffix, base = built_for(match)
        if suffix:
            marked = replace(match, evidence=f"{match.evidence}; it is {base} built for {suffix}")
            (first if suffix == variant and base == plain[0].package else last).append(marked)
    return (*first, *plain, *last)


def _by_contents(packages: Packages, name: str) -> Iterator[Match]:
    python = packages.python_version
    candidates = [(row, binary) for row in packages.shipped(name) if (binary := packages.binary(row.package))]
    candidates.sort(key=lambda pair: _rank(name, pair[0], pair[1], python))
    for row, binary in candidates:
        evidence = f"{binary.name} has {row.path}"
        if not _importable(row, python):
            evidence += f", which Python {python} doesn't look at"
        yield _match(name, binary, Origin.CONTENTS, evidence, row.version)


def _importable(row: Shipped, python: str) -> bool:
    """Whether the metadata is in a folder of modules of the suite's Python (sys.path, as Debian has it)."""
    return row.path.startswith(("usr/lib/python3/", f"usr/lib/python{python}/"))


def _rank(name: str, row: Shipped, binary: Binary, python: str) -> tuple[object, ...]:
    """Sort key, best first: importable, free, named as policy asks, a library rather than an application."""
    return (
        not _importable(row, python),
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


def _by_provides(packages: Packages, name: str) -> Iterator[Match]:
    wanted = f"python3-{name}"
    for virtual in (wanted, f"python{packages.python_version}-{name}"):
        for provider in packages.providers(virtual):
            version = _provided_version(provider, virtual)
            bundled = version and not packages.binary(wanted) and compare(version, provider.version) != 0
            if bundled or (provider.name != "python3" and _may_be(packages, provider)):
                evidence = f"{provider.name} provides {virtual}" + (f" (= {version})" if version else "")
                yield _match(name, provider, Origin.PROVIDES, evidence, upstream_version(version) if version else "")


def _provided_version(provider: Binary, virtual: str) -> str:
    """The version in the package's Provides of ``virtual``; empty where it has none."""
    provided = (relation for clause in clauses(provider.provides) for relation in parse_clause(clause))
    return next((relation.version for relation in provided if relation.name == virtual), "")


def _may_be(packages: Packages, binary: Binary) -> bool:
    """Whether a rule by name may take the package: it is one of modules, and no metadata of its names others.

    Applications keep their modules in private folders, and are not named ``python3-``.
    """
    return binary.name.startswith("python3") and not packages.shipped_by(binary.name)


def _by_alias(packages: Packages, name: str, alias: Alias) -> Iterator[Match]:
    if alias.beside and not packages.binary(alias.beside):
        return
    if alias.distribution:
        for match in find(packages, alias.distribution, table={}):
            evidence = f"{alias.reason} ({match.evidence})"
            yield replace(match, distribution=name, origin=Origin.ALIAS, evidence=evidence)
        return
    binary = packages.binary(alias.package)
    if binary and (not alias.since or compare(binary.version, alias.since) >= 0):
        counted = re.search(alias.version, binary.version) if alias.version else None
        if counted or not alias.version:
            yield _match(name, binary, Origin.ALIAS, alias.reason, counted[1] if counted else "")


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
    """The version of the shipped metadata, unless that is no version, or says less than Debian's does.

    A placeholder such as 0.0.0 is no version. Nor is the 1.3.10.dev0 of a source tree that is released as 1.3.10, nor
    a Debian version (8.4.2+really8.4.1) that a build put there.
    """
    counted = upstream_version(debian)
    if "+really" in shipped:
        return upstream_version(shipped)
    try:
        version = Version(shipped)
    except InvalidVersion:
        return counted
    unreleased = version.is_devrelease and version.base_version == Version(counted).base_version
    if not any(version.release) or (unreleased and not Version(counted).is_prerelease):
        return counted
    return version.public
