"""Packages borrowed from other suites for building alone: what the user asks for, and what a build then sees.

Nothing here reads or fetches; ``apt_preferences(5)`` is what both apt and :class:`BuildPackages` go by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby

from debgen.archive.index import SuiteIndex
from debgen.archive.model import Binary, Provided
from debgen.errors import UsageError

RUST = "librust-*"
"""What is borrowed where no pattern is given: crates end in the packages that use them, statically linked."""
COMPONENT = "main"
"""What builds see of every suite."""

_PATTERN = re.compile(r"[a-z0-9*?][a-z0-9+.*?-]*")
#: Found in every build, or shared with what runs later: to take one of these is to build for another suite.
_NEVER = ("libc6", "libc6-dev", "dpkg", "gcc", "python3", "debhelper", "build-essential")
#: Above a suite's own 500, and below what would put an older version in the place of an installed one.
_PRIORITY = 990
_HINT = "Write SUITE:PATTERN, for example --borrow 'forky:librust-*'; SUITE alone borrows librust-*."


@dataclass(frozen=True)
class Borrow:
    """The binary packages whose names match one of ``patterns`` (fnmatch) are taken from ``suite``, to build with."""

    suite: str
    patterns: tuple[str, ...]

    def matches(self, package: str) -> bool:
        """Whether the package of that name is meant, be it there or not."""
        return any(fnmatchcase(package, pattern) for pattern in self.patterns)

    def words(self) -> tuple[str, ...]:
        """It as the option says it, one word for each pattern."""
        return tuple(f"{self.suite}:{pattern}" for pattern in self.patterns)

    def __str__(self) -> str:
        return f"{self.suite}'s {' '.join(self.patterns)}"


@dataclass(frozen=True)
class Lender:
    """What is borrowed, and the index of the suite that it is borrowed from."""

    borrow: Borrow
    index: SuiteIndex


def parse_borrow(text: str) -> Borrow:
    """``SUITE:PATTERN`` or ``SUITE``; UsageError for what is neither, or names what every build has."""
    suite, colon, pattern = text.strip().partition(":")
    if not suite:
        raise UsageError(f"--borrow {text!r} names no suite", hint=_HINT)
    if colon and not pattern:
        raise UsageError(f"--borrow {text!r} has an empty pattern", hint=_HINT)
    pattern = pattern or RUST
    if not _PATTERN.fullmatch(pattern):
        raise UsageError(
            f"--borrow {text!r}: {pattern!r} is no pattern for names of packages",
            hint=f"Names have small letters, digits, +, - and dots; * and ? stand for what may vary. {_HINT}",
        )
    if taken := [name for name in _NEVER if fnmatchcase(name, pattern)]:
        raise UsageError(
            f"--borrow {text!r} would take {', '.join(taken)} from {suite}, and so build for {suite}",
            hint=f"Name what is linked statically only, or build for that suite: --dist {suite}.",
        )
    return Borrow(suite, (pattern,))


def joined(borrows: Iterable[Borrow]) -> tuple[Borrow, ...]:
    """One entry for each suite, in the order in which they are first named; which is that of precedence."""
    found: dict[str, dict[str, None]] = {}
    for borrow in borrows:
        found.setdefault(borrow.suite, {}).update(dict.fromkeys(borrow.patterns))
    return tuple(Borrow(suite, tuple(patterns)) for suite, patterns in found.items())


def preferences(borrows: Sequence[Borrow]) -> str:
    """The file for apt: what matches comes from the other suites, the first named first, and nothing else does."""
    records = []
    for place, borrow in enumerate(borrows):
        pin = f"Pin: release n={borrow.suite}\n"
        records.append(f"Package: {' '.join(borrow.patterns)}\n{pin}Pin-Priority: {_PRIORITY - place}\n")
        records.append(f"Package: *\n{pin}Pin-Priority: -1\n")
    return "\n".join(records)


class BuildPackages:
    """The packages that a build sees: the suite's, and in the place of those that match the borrowed ones.

    Of each package there is one version, the one that apt's :func:`preferences` choose: the borrowed one where the
    other suite has it, in whatever version, else the suite's own.
    """

    def __init__(self, index: SuiteIndex, lenders: Sequence[Lender] = ()) -> None:
        self._index = index
        self.lenders = tuple(lenders)

    @property
    def codename(self) -> str:
        """What to call it in a sentence."""
        lent = " and ".join(str(lender.borrow) for lender in self.lenders)
        return f"{self._index.codename} with {lent}" if lent else self._index.codename

    @property
    def architecture(self) -> str:
        """The suite's."""
        return self._index.architecture

    def binary(self, name: str) -> Binary | None:
        """The package of that name."""
        return self._lent(name)[1] or self._index.binary(name)

    def version_of(self, package: str) -> str | None:
        """Its Debian version, None where there is no such package."""
        binary = self.binary(package)
        return binary.version if binary else None

    def origin(self, package: str) -> str:
        """The suite that a package is borrowed from; empty where the suite has the same version, or it is the suite's.

        A version is the same package in every suite of one archive.
        """
        lender, binary = self._lent(package)
        if lender is None or binary is None or binary.version == self._index.version_of(package):
            return ""
        return lender.borrow.suite

    def provided(self, virtual: str) -> tuple[Provided, ...]:
        """As :meth:`debgen.archive.index.SuiteIndex.provided`: the package of that name first, then by name."""
        found = [
            entry for lender, index in self._indexes() for entry in index.provided(virtual)
            if self._lent(entry.package)[0] is lender
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda entry: (entry.package != virtual, entry.package)))

    def starting(self, prefix: str) -> tuple[Binary, ...]:
        """As :meth:`debgen.archive.index.SuiteIndex.starting`: by name."""
        found = [
            binary for lender, index in self._indexes() for binary in index.starting(prefix)
            if self._lent(binary.name)[0] is lender
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda binary: binary.name))

    def concerns(self, relations: Iterable[str]) -> bool:
        """Whether any of these names, as relations have them, stands for what is borrowed, or would be if it existed.

        It may be the name of a package, or one that a borrowed package provides.
        """
        return any(
            any(lender.borrow.matches(name) for lender in self.lenders)
            or any(self._lent(entry.package)[0] for entry in self.provided(name))
            for name in (relations if self.lenders else ())
        )

    def _lent(self, name: str) -> tuple[Lender | None, Binary | None]:
        for lender in self.lenders:
            binary = lender.index.binary(name) if lender.borrow.matches(name) else None
            if binary and binary.component == COMPONENT:
                return lender, binary
        return None, None

    def _indexes(self) -> tuple[tuple[Lender | None, SuiteIndex], ...]:
        return ((None, self._index), *((lender, lender.index) for lender in self.lenders))


def relation_names(*fields: str) -> tuple[str, ...]:
    """Every name that relation fields mention, whatever alternatives, bounds, architectures and profiles say."""
    names = re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", "\n,".join(fields))
    return tuple(name for name, _ in groupby(sorted(names)))
