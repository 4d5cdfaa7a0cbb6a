"""When a bound may be loosened without anybody looking at the package: the safe rules.

Everything else takes a recipe, whose author did look.
"""

from __future__ import annotations

from contextlib import suppress

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from debgen.planning.model import Kind
from debgen.planning.verdict import Verdict, judge


def safe_relaxation(upstream_version: str, specifier: str, kind: Kind) -> str:
    """Why a bound that the suite's ``upstream_version`` breaks may be loosened; empty where no rule says so.

    * An exact pin says what upstream tested, and can't hold in a distribution that has one version of everything.
      It is loosened to a later release that is near: the same major number and at most the next minor one; below
      1.0, where minor releases break things, the same minor number.
    * A build requirement that is too new: Debian's builds don't check the versions of build requirements (pybuild
      calls ``build --skip-dependency-check``), so it is tried with what the suite has. So is one that is pinned to a
      release that is as near, but newer: what upstream's build took isn't what it needs at least.
    """
    have = Version(Version(upstream_version).public)
    failed = [c for c in SpecifierSet(specifier) if not c.contains(have, prereleases=True)]
    if kind is Kind.BUILD and judge(upstream_version, specifier) is Verdict.TOO_NEW:
        return f"Debian's builds don't check such bounds, and this one takes the suite's {have}"
    if not failed or any(_pinned(clause) is None for clause in failed):
        return ""
    pins = [pin for clause in failed if (pin := _pinned(clause)) is not None]
    if kind is Kind.BUILD and all(_near(have, pin) for pin in pins):
        return f"Debian's builds don't check such bounds, and this one takes the suite's {have}, which is near"
    if all(_near(pin, have) for pin in pins):
        near = "of the same minor release" if pins[0].release[:2] == have.release[:2] else "the next minor release"
        return f"an exact pin, which can't hold in Debian; {have} is {near}"
    return ""


def unpinned(specifier: SpecifierSet) -> str:
    """The specifier with its exact pins turned into lower bounds.

    >>> unpinned(SpecifierSet("==2.13.0,!=2.14.0"))
    '!=2.14.0,>=2.13.0'
    """
    clauses = (f">={pin}" if (pin := _pinned(clause)) is not None else str(clause) for clause in specifier)
    return ",".join(sorted(clauses))


def loosened(specifier: SpecifierSet, upstream_version: str) -> str:
    """The specifier without what shuts ``upstream_version`` out; what it says of older releases stays.

    >>> loosened(SpecifierSet("<3,>=2.7,!=2.8"), "3.0"), loosened(SpecifierSet("~=12.0"), "13.0")
    ('!=2.8,>=2.7', '>=12.0')
    """
    have = Version(Version(upstream_version).public)
    kept: set[str] = set()
    for clause in specifier:
        if clause.contains(have, prereleases=True):
            kept.add(str(clause))
        elif clause.operator in ("==", "~="):
            with suppress(InvalidVersion):
                least = Version(clause.version.removesuffix(".*"))
                if least <= have:
                    kept.add(f">={least.public}")
    return ",".join(sorted(kept))


def lower_bounds(specifier: str) -> str:
    """What is left of a build requirement that nothing checks from above: how new it has to be at least.

    >>> lower_bounds("<82,>=77,!=79.0")
    '!=79.0,>=77'
    >>> lower_bounds("~=1.4")
    '>=1.4'
    """
    kept: set[str] = set()
    for clause in SpecifierSet(specifier):
        if clause.operator in (">=", ">", "!="):
            kept.add(str(clause))
        elif clause.operator in ("==", "===", "~="):
            with suppress(InvalidVersion):
                kept.add(f">={Version(clause.version.removesuffix('.*')).public}")
    return ",".join(sorted(kept))


def _pinned(clause: Specifier) -> Version | None:
    """The one version that a clause allows; None for any other clause."""
    if clause.operator not in ("==", "==="):
        return None
    try:
        return Version(Version(clause.version).public)
    except InvalidVersion:  # a series, 1.2.*, or the free text of ===
        return None


def _near(older: Version, newer: Version) -> bool:
    if newer <= older or (newer.epoch, newer.major) != (older.epoch, older.major):
        return False
    return newer.minor - older.minor in ((0,) if newer.major == 0 else (0, 1))
