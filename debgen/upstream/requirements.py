"""Requirements as they hold on a target: PEP 508 markers evaluated there, never on the host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name

from debgen.errors import UsageError
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import Target

_EXTRA_NAMED = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']|["']([^"']+)["']\s*==\s*extra\b""")
_EXTRA = re.compile(r"\bextra\b")
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[|\(|[<>=!~;@,]|\s|$)")


@dataclass(frozen=True, slots=True)
class Needed:
    """One requirement of a release that holds on the target, always or with the extra ``via_extra``."""

    name: str
    specifier: str
    extras: tuple[str, ...]
    marker: str
    via_extra: str | None

    def render(self) -> str:
        """A Requires-Dist line without any marker but that of the extra."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}" + (f'; extra == "{self.via_extra}"' if self.via_extra else "")


class Evaluator:
    """Evaluates requirements for one target; answers are remembered, since lines repeat in a tree."""

    def __init__(self, target: Target) -> None:
        self._environment = target.marker_environment()
        self._lines: dict[tuple[str, tuple[str, ...]], tuple[tuple[Needed, ...], str]] = {}

    def needs(self, metadata: CoreMetadata) -> tuple[tuple[Needed, ...], tuple[str, ...]]:
        """What a release needs on the target, sorted, and notes about lines that can't be understood.

        Of such a line only the name is kept, where it has one; a direct URL counts as its name alone.
        """
        extras = tuple(sorted({canonicalize_name(extra) for extra in metadata.provides_extra}))
        needed: list[Needed] = []
        notes: list[str] = []
        for line in metadata.requires_dist:
            found, note = self._line(line, extras)
            needed += found
            if note:
                notes.append(f"{metadata.name} {metadata.version}: {note}")
        if not metadata.static:
            notes.append(f"{metadata.name} {metadata.version}: its sdist may compute more dependencies when built")
        return tuple(sorted(set(needed), key=_order)), tuple(notes)

    def holds(self, marker: Marker | None, extra: str = "") -> bool:
        """Whether a marker is true on the target; one that compares what can't be compared isn't."""
        if marker is None:
            return True
        try:
            return marker.evaluate({**self._environment, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName, InvalidMarker):
            return False

    def _line(self, line: str, extras: tuple[str, ...]) -> tuple[tuple[Needed, ...], str]:
        key = (line, extras if "extra" in line else ())
        if key not in self._lines:
            self._lines[key] = self._evaluate(line, extras)
        return self._lines[key]

    def _evaluate(self, line: str, extras: tuple[str, ...]) -> tuple[tuple[Needed, ...], str]:
        note = ""
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            match = _NAME.match(line)
            if match is None:
                return (), f"requirement {line[:80]!r} is not valid and was left out"
            note = f"requirement {line[:80]!r} is not valid; only its name was taken"
            requirement = Requirement(match[1] + _valid_marker(line))
        if requirement.url:
            note = f"requirement {line.partition('@')[0].strip()!r} names an address; only its name was taken"
        marker = str(requirement.marker) if requirement.marker else ""
        ways: Iterable[str | None]
        if not marker or self.holds(requirement.marker):
            ways = (None,)
        elif not _EXTRA.search(marker):
            ways = ()
        else:
            named = [canonicalize_name(one or other) for one, other in _EXTRA_NAMED.findall(marker)]
            # `extra != "x"` and `extra in "x y"` are rare; such a marker is tried with every extra there is.
            tried = named if len(named) == len(_EXTRA.findall(marker)) else [*named, *extras]
            ways = [extra for extra in sorted(set(tried)) if self.holds(requirement.marker, extra)]
        name = canonicalize_name(requirement.name)
        wanted = tuple(sorted(canonicalize_name(extra) for extra in requirement.extras))
        specifier = "" if requirement.url else str(requirement.specifier)
        return tuple(Needed(name, specifier, wanted, marker, way) for way in ways), note


def parse_request(text: str, target: Target) -> Requirement:
    """What the user asks for, as a PEP 508 requirement from the index.

    UsageError where it isn't one, names an address, or has a marker that is false on the target.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise UsageError(
            f"{text!r} is not a requirement",
            hint="Give a name, or a name with a version: example, example==1.2, 'example[extra]>=1'.",
        ) from None
    if requirement.url:
        raise UsageError(f"{text!r} names an address", hint="Only distributions from the index can be packaged.")
    if not Evaluator(target).holds(requirement.marker):
        raise UsageError(f"{text!r} does not apply to Python {target.python_version} on {target.architecture}")
    requirement.marker = None
    return requirement


def is_requirement(line: str) -> bool:
    """Whether a line is a requirement of PEP 508."""
    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True


@lru_cache(maxsize=1 << 12)
def python_bounds(text: str) -> str:
    """Requires-Python as resolvers shall see it: its valid clauses, but for upper bounds.

    Resolvers drop a release whose Requires-Python they can't read, without a word; old habits such as ``>=3.6.*`` are
    read as they were meant. An upper bound says which Pythons upstream knew at the time. Debian has one Python and
    builds everything for it, so such a release is taken, and :func:`python_excluded` tells.
    """
    return ",".join(str(clause) for clause in _python_clauses(text) if not _is_upper(clause))


def python_excluded(text: str, python_version: str) -> str:
    """The clauses of a Requires-Python that ``python_version`` (``3.14``) violates, upper bounds included."""
    full = python_version if python_version.count(".") > 1 else f"{python_version}.0"
    return ",".join(str(clause) for clause in _python_clauses(text) if not clause.contains(full, prereleases=True))


def _python_clauses(text: str) -> list[Specifier]:
    valid: list[Specifier] = []
    for clause in text.split(","):
        meant = clause.strip().removesuffix(".*") if clause.strip()[:1] in "<>~" else clause
        with suppress(InvalidSpecifier):
            valid += SpecifierSet(meant)
    return valid


def _is_upper(clause: Specifier) -> bool:
    return clause.operator in ("<", "<=")


def _valid_marker(line: str) -> str:
    _, found, marker = line.rpartition(";")
    try:
        return f" ; {Marker(marker)}" if found else ""
    except InvalidMarker:
        return ""


def _order(needed: Needed) -> tuple[str, str, str, tuple[str, ...], str]:
    return (needed.name, needed.via_extra or "", needed.specifier, needed.extras, needed.marker)
