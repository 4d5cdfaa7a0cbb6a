"""Cargo's versions and version requirements, as the Cargo book defines them, and what they mean as ranges.

Cargo follows Semantic Versioning 2.0.0, with two rules of its own: versions are compatible if their leftmost number
that isn't zero is the same, and a pre-release satisfies a requirement only where that names a pre-release of the
same three numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from debgen.errors import UnsupportedSourceError

_NUMBER = r"0|[1-9]\d*"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?", re.ASCII)
_WILDCARD = r"[*xX]"
_PATCH = rf"({_NUMBER})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?|({_WILDCARD})"
_MINOR = rf"({_NUMBER})(?:\.(?:{_PATCH}))?|({_WILDCARD})(?:\.{_WILDCARD})?"
_COMPARATOR = re.compile(rf" *(=|>=|>|<=|<|~|\^|) *({_NUMBER})(?:\.(?:{_MINOR}))? *", re.ASCII)
_LARGEST = 2**64 - 1
_MOST_COMPARATORS = 32

Identifier = tuple[int, int, str]
"""A part of a pre-release, so that tuples sort as the standard says: numbers first, then text."""
_RELEASE: tuple[Identifier, ...] = ((2, 0, ""),)


@dataclass(frozen=True, order=True)
class Semver:
    """A version without build metadata, which Cargo ignores; sorts as Semantic Versioning 2.0.0 says (item 11)."""

    major: int
    minor: int = 0
    patch: int = 0
    pre: tuple[Identifier, ...] = _RELEASE

    @classmethod
    def parse(cls, text: str) -> Semver:
        """A version such as ``1.2.3-rc.1+build``; UnsupportedSourceError where it is none."""
        found = _VERSION.fullmatch(text)
        if not found:
            raise UnsupportedSourceError(f"{text!r} is no version of a crate", hint=_HINT)
        return cls(_number(found[1]), _number(found[2]), _number(found[3]), _pre(found[4]))

    @classmethod
    def of(cls, numbers: tuple[int, ...], pre: tuple[Identifier, ...] = _RELEASE) -> Semver:
        """The first version that begins with ``numbers``, of which there are three at most."""
        major, minor, patch = (*numbers, 0, 0, 0)[:3]
        return cls(major, minor, patch, pre)

    @property
    def numbers(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch

    @property
    def prerelease(self) -> str:
        """``rc.1``; empty for a release."""
        return "" if self.pre == _RELEASE else ".".join(text or str(number) for _, number, text in self.pre)

    @property
    def series(self) -> tuple[int, ...]:
        """The numbers that all compatible versions share: (1,), (0, 28) or (0, 0, 3)."""
        return next((self.numbers[: n + 1] for n, number in enumerate(self.numbers) if number), self.numbers)

    def after_series(self) -> Semver:
        """The first release that is not compatible with this version."""
        return _bumped(self.series)

    def short(self) -> str:
        """The version as requirements are written: without zeros at the end."""
        if self.prerelease:
            return str(self)
        return re.sub(r"(\.0)+$", "", str(self))

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + (f"-{self.prerelease}" if self.prerelease else "")


class Operator(StrEnum):
    """How a comparator compares; without an operator Cargo takes the caret's, and WILDCARD stands for ``1.*``."""

    EXACT = "="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    TILDE = "~"
    CARET = "^"
    WILDCARD = "*"


@dataclass(frozen=True)
class Comparator:
    """An operator and one, two or three numbers; ``pre`` is that of a release unless all three are there."""

    operator: Operator
    given: tuple[int, ...]
    pre: tuple[Identifier, ...] = _RELEASE

    @property
    def floor(self) -> Semver:
        """The first version that the numbers stand for."""
        return Semver.of(self.given, self.pre)

    @property
    def end(self) -> Semver:
        """The first version after all those that the numbers stand for."""
        if self.pre != _RELEASE:
            return replace(self.floor, pre=(*self.pre, (0, 0, "")))
        return _bumped(self.given)

    @property
    def lower(self) -> Semver | None:
        """The first version that the comparator lets in; None where that is the first of all."""
        match self.operator:
            case Operator.LESS | Operator.LESS_EQUAL:
                return None
            case Operator.GREATER:
                return self.end
            case _:
                return self.floor

    @property
    def upper(self) -> Semver | None:
        """The first version above those that the comparator lets in; None where there is no bound."""
        match self.operator:
            case Operator.GREATER | Operator.GREATER_EQUAL:
                return None
            case Operator.LESS:
                return self.floor
            case Operator.TILDE:
                return _bumped(self.given[:2])
            case Operator.CARET:
                return _bumped(_leading(self.given))
            case _:
                return self.end

    def contains(self, version: Semver) -> bool:
        """Whether the comparator lets ``version`` in, the rule on pre-releases aside."""
        if self.lower and version < self.lower:
            return False
        within = len(self.given) < 3 and version.numbers[: len(self.given)] == self.given
        if within and version.prerelease and self.operator is not Operator.CARET:
            return False
        if self.upper is None:
            return True
        # A pre-release of the release that a range ends before sorts into it, and is outside, but for "<1.2.3".
        at_end = version.numbers == self.upper.numbers and self.upper.pre == _RELEASE
        return version < self.upper and not (at_end and self.operator is not Operator.LESS)

    def names_prerelease_of(self, version: Semver) -> bool:
        return self.pre != _RELEASE and self.given == version.numbers


@dataclass(frozen=True)
class Requirement:
    """A version requirement of Cargo.toml: all of its comparators hold. None means any release."""

    text: str
    comparators: tuple[Comparator, ...]

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read ``^1.2``, ``>=1, <2``, ``1.*``, ``*``; empty text is any release, as where a table has no version.

        UnsupportedSourceError for what Cargo refuses too.
        """
        if text.strip(" ") in ("", "*", "x", "X"):
            return cls(text, ())
        parts = text.split(",")
        if len(parts) > _MOST_COMPARATORS:
            raise _refused(text)
        return cls(text, tuple(_comparator(part, text) for part in parts))

    @cached_property
    def lower(self) -> Semver:
        """The first version that may satisfy it."""
        return max((bound for c in self.comparators if (bound := c.lower)), default=Semver(0))

    @cached_property
    def upper(self) -> Semver | None:
        """The first version above all that satisfy it; None where there is no such bound."""
        return min((bound for c in self.comparators if (bound := c.upper)), default=None)

    def matches(self, version: Semver) -> bool:
        """Whether Cargo takes ``version`` for the requirement."""
        if not all(c.contains(version) for c in self.comparators):
            return False
        return not version.prerelease or any(c.names_prerelease_of(version) for c in self.comparators)

    @property
    def is_pin(self) -> bool:
        """Whether it names one release with ``=``, so that the next one of the same series is shut out."""
        return any(c.operator is Operator.EXACT for c in self.comparators)

    def unpinned(self) -> Requirement:
        """The requirement with its pins turned into what lets in later compatible releases; itself without any.

        >>> str(Requirement.parse("=0.28.2").unpinned())
        '0.28.2'
        """
        if not self.is_pin:
            return self
        parts = (part.strip().removeprefix("=").strip() for part in self.text.split(","))
        return Requirement.parse(", ".join(parts))

    def loosened(self, version: Semver) -> Requirement:
        """A requirement that lets in ``version`` as well as all that this one does between its bounds.

        A version above the bounds brings the versions compatible with it, and so does one beside a pin. A pre-release
        becomes the lower bound, since Cargo takes it only where it is named.
        """
        if self.is_pin:
            return self.unpinned().loosened(version)
        lower = version if version.prerelease or version < self.lower else self.lower
        upper = self.upper
        if upper is not None and (version >= upper or version.numbers == upper.numbers):
            upper = version.after_series()
        parts = [f">={lower.short()}"] if lower != Semver(0) else []
        parts += [f"<{upper.short()}"] if upper else []
        return Requirement.parse(", ".join(parts) or "*")

    def __str__(self) -> str:
        return self.text.strip() or "*"


_HINT = "Cargo would refuse it as well: correct the source's Cargo.toml with a patch."


def _refused(text: str) -> UnsupportedSourceError:
    return UnsupportedSourceError(f"{text!r} is no version requirement of Cargo", hint=_HINT)


def _comparator(part: str, text: str) -> Comparator:
    found = _COMPARATOR.fullmatch(part)
    if not found:
        raise _refused(text)
    sign, major, minor, patch, pre, *wildcards = found.groups()
    operator = Operator(sign) if sign else Operator.WILDCARD if any(wildcards) else Operator.CARET
    given = tuple(_number(number) for number in (major, minor, patch) if number is not None)
    return Comparator(operator, given, _pre(pre))


def _number(text: str) -> int:
    if len(text) > 20 or int(text) > _LARGEST:
        raise UnsupportedSourceError(f"{text[:30]} is too large for a version of a crate", hint=_HINT)
    return int(text)


def _pre(text: str | None) -> tuple[Identifier, ...]:
    if not text:
        return _RELEASE
    parts = text.split(".")
    if any(len(part) > 1 and part.isdigit() and part.startswith("0") for part in parts):
        raise UnsupportedSourceError(f"the pre-release {text!r} has a number with a leading zero", hint=_HINT)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def _leading(given: tuple[int, ...]) -> tuple[int, ...]:
    """The numbers up to the first that isn't zero: what a caret holds fast."""
    return next((given[: n + 1] for n, number in enumerate(given) if number), given)


def _bumped(numbers: tuple[int, ...]) -> Semver:
    """The release after all that begin with ``numbers``."""
    *head, last = numbers
    return Semver.of((*head, last + 1))
