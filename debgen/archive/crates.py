"""From a crate to the Debian packages that ship it, and Debian relations on them, in debcargo's naming.

``librust-pyo3-dev`` ships the crate ``pyo3``; ``librust-rustls-0.21-dev`` an older series beside the current one.
Versions and features are virtual names: ``librust-pyo3-0.28-dev``, ``librust-pyo3-0.28+abi3-py310-dev``. Which of
these a package provides differs, as people write some of them by hand; so they are read, not guessed. In these names
``_`` is written ``-``, and capitals small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from debgen.archive.model import Binary
from debgen.archive.relation import Relation
from debgen.archive.versions import split_debian
from debgen.cargo.semver import Requirement, Semver

_PROVIDED = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)(?::any)?\s*(?:\(\s*=\s*([^)\s]+)\s*\))?\s*")
_NUMBERS = re.compile(r"\d+(?:\.\d+){0,2}")
_PRERELEASE = re.compile(r"(\d+(?:\.\d+){0,2})(?:~((?:alpha|beta|rc|pre|dev|a|b)\d*(?:\.(?:0|[1-9]\d*))*))?")
DEFAULT = "default"
"""The feature that holds where a dependency doesn't say ``default-features = false``."""


class CratePackages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it.

    ``starting`` gives the packages whose name, or a name that they provide, begins with the prefix.
    """

    def binary(self, name: str) -> Binary | None: ...
    def starting(self, prefix: str) -> tuple[Binary, ...]: ...


@dataclass(frozen=True, order=True)
class CrateName:
    """A name that stands for a crate in relations: a package's own, or one that it provides.

    ``numbers`` are those of the version in the name, ``feature`` is Debian's spelling, either may be empty.
    ``debian_version`` is what relations compare with, empty where the name is provided without a version.
    """

    name: str
    numbers: tuple[int, ...]
    feature: str
    package: str
    debian_version: str


@dataclass(frozen=True)
class CratePackage:
    """A package that ships ``version`` of a crate, and all names for that version and its features."""

    crate: str
    package: str
    version: Semver
    debian_version: str
    component: str
    names: tuple[CrateName, ...]

    def carrier(self, feature: str) -> str | None:
        """The package to install for a feature in Cargo's spelling, None where the suite doesn't have it.

        It is nearly always ``package`` itself.
        """
        wanted = debian_name(feature)
        return next((n.package for n in self.names if n.feature == wanted), None)

    def relations(self, requirement: Requirement, features: Iterable[str] = ()) -> tuple[str, ...]:
        """Debian relations for ``features`` of this crate; for the crate alone where there are none.

        They say what ``requirement`` says, which must let ``version`` in.
        The name of the compatible series is preferred where ``requirement`` stays within one, as
        ``librust-serde-1+derive-dev (>= 1.0.100~)``; else the name without a version, with both bounds. Features
        that the suite doesn't have are left out.
        """
        wanted = sorted({debian_name(f) for f in features if self.carrier(f)}) or [""]
        return tuple(relation for feature in wanted for relation in self._relations(requirement, feature))

    def _relations(self, requirement: Requirement, feature: str) -> Iterator[str]:
        series = self.version.series
        lower, upper = requirement.lower, requirement.upper
        inside = lower >= Semver.of(series) and upper is not None and upper <= self.version.after_series()
        order = [series, (), *self._longer(series)] if inside else [(), series, *self._longer(series)]
        names = {n.numbers: n for n in self.names if n.feature == feature}
        chosen = next((names[numbers] for numbers in order if numbers in names), None)
        if chosen is None:
            return
        first, end = Semver.of(chosen.numbers), _after(chosen.numbers)
        epoch = split_debian(chosen.debian_version)[0]
        prefix = f"{epoch}:" if epoch else ""
        bounds = []
        if lower > first:
            bounds.append(Relation(chosen.name, ">=", f"{prefix}{debian_bound(lower)}"))
        if upper is not None and (end is None or upper < end):
            bounds.append(Relation(chosen.name, "<<", f"{prefix}{debian_bound(upper)}"))
        # Where the package is numbered in a way of its own (0.4.0~really0.3.5), upstream's bound means nothing there.
        told = [str(bound) for bound in bounds if bound.allows(chosen.debian_version)]
        yield from told or [chosen.name]

    def _longer(self, series: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Names with fewer or more numbers than the series, nearest first."""
        return [self.version.numbers[:count] for count in (1, 2, 3) if count != len(series)]


def debian_name(name: str) -> str:
    """A crate's or feature's name as Debian's package names have it."""
    return name.lower().replace("_", "-")


def debian_bound(version: Semver) -> str:
    """The lowest Debian version that counts as ``version``: ``0.28~``, ``1.0.0~rc.1~``."""
    text = version.short()
    return f"{text.replace('-', '~', 1)}~" if version.prerelease else f"{text}~"


def crate_version(debian: str) -> Semver | None:
    """The crate's version that a Debian version of it was made from; None where it doesn't begin with a number.

    Epoch, revision and what follows a ``+`` go, ``+really`` and ``~really`` name the true version, and
    ``1.0~beta.3`` is the pre-release ``1.0.0-beta.3``; a snapshot's date doesn't count.

    >>> str(crate_version("0.2.0+really0.1.4-5"))
    '0.1.4'
    """
    text = re.split(r"[+~]really[+.]?", split_debian(debian)[1])[-1]
    found = _PRERELEASE.match(text)
    if not found:
        return None
    numbers = tuple(map(int, found[1].split(".")))
    bare = Semver.of(numbers)
    return Semver.parse(f"{bare}-{found[2]}") if found[2] else bare


def crate_packages(packages: CratePackages, crate: str) -> tuple[CratePackage, ...]:
    """The suite's packages of ``crate``, highest version first; one may come under another crate's package name."""
    stem = f"librust-{debian_name(crate)}"
    bare = packages.binary(f"{stem}-dev")
    binaries = {binary.name: binary for binary in (bare,) if binary}
    for prefix in (f"{stem}+", *(f"{stem}-{digit}" for digit in range(10))):
        binaries.update((binary.name, binary) for binary in packages.starting(prefix))
    named = {name: sorted(set(_names(stem, binary))) for name, binary in binaries.items()}
    found = (_package(debian_name(crate), binary, named, binaries) for binary in binaries.values())
    return tuple(sorted((p for p in found if p), key=lambda p: (p.version, p.package), reverse=True))


def _names(stem: str, binary: Binary) -> Iterator[CrateName]:
    """The names in a package's Package and Provides fields that are the crate's."""
    pattern = re.compile(rf"{re.escape(stem)}(?:-(\d[\d.]*))?(?:\+(.+))?-dev")
    provided = [m for part in binary.provides.split(",") if (m := _PROVIDED.fullmatch(part))]
    for name, version in [(binary.name, binary.version), *((m[1], m[2] or "") for m in provided)]:
        match = pattern.fullmatch(name)
        if match and (match[1] is None or _NUMBERS.fullmatch(match[1])):
            numbers = tuple(map(int, match[1].split("."))) if match[1] else ()
            yield CrateName(name, numbers, match[2] or "", binary.name, version)


def _package(
    crate: str, binary: Binary, named: dict[str, list[CrateName]], binaries: dict[str, Binary]
) -> CratePackage | None:
    """What ``binary`` ships of the crate; None where it has features of it only, or another crate's like name.

    Features may be in packages of their own; those of an older build of the source don't count. A number in a name
    that isn't the version's belongs to the crate's name: librust-serde-cbor-2-dev 0.13.0 is ``serde_cbor_2``.
    """
    own = [name for name in named[binary.name] if not name.feature]
    full = [name.numbers for name in own if len(name.numbers) == 3]
    version = max((v for name in own if (v := crate_version(name.debian_version or binary.version))), default=None)
    if full and (version is None or version.numbers not in full):
        version = Semver.of(max(full))
    if version is None or not any(_begins(version, name) for name in own):
        return None
    build = (binary.source, binary.source_version)
    names = [n for other, found in named.items() for n in found
             if _begins(version, n) and (binaries[other].source, binaries[other].source_version) == build
             and (n.feature or other == binary.name)]  # fmt: skip
    # The package's own names come first, so that they are chosen before those of a package with features only.
    names.sort(key=lambda n: (n.package != binary.name, n))
    return CratePackage(crate, binary.name, version, binary.version, binary.component, tuple(names))


def _begins(version: Semver, name: CrateName) -> bool:
    return version.numbers[: len(name.numbers)] == name.numbers


def _after(numbers: tuple[int, ...]) -> Semver | None:
    """The first version after those that begin with ``numbers``; None for no numbers."""
    return Semver.of((*numbers[:-1], numbers[-1] + 1)) if numbers else None
