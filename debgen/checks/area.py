"""Whether everything that the package relates to is there, and in an area of the archive that it may relate to.

Debian Policy 2.2.1: a package in main must not build-depend on, depend on or recommend what isn't in main, unless as
an alternative that isn't the default. Only facts are read; nothing is asked of apt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822, Dsc
from debian.debfile import DebFile

from debgen.archive.borrow import BuildPackages
from debgen.archive.index import SuiteIndex
from debgen.archive.relation import Relation, clauses, parse_clause
from debgen.building.checked import Checked, Verdict
from debgen.checks.subject import Subject

BUILD = ("Build-Depends", "Build-Depends-Arch", "Build-Depends-Indep")
_BINARY = ("Pre-Depends", "Depends", "Recommends")
#: Without which the package can't be built or installed.
_STRICT = frozenset({*BUILD, "Pre-Depends", "Depends"})
_PROFILES = re.compile(r"<([^>]*)>")
_ARCHITECTURES = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class Candidate:
    """A package, or what one provides: the version that a bound is compared with, and the area that it is in."""

    version: str
    area: str


@dataclass(frozen=True)
class Related:
    """One clause of one field of a package, the source's own name for build dependencies."""

    package: str
    field: str
    clause: str
    area: str


Lookup = Callable[[str], tuple[Candidate, ...]]


def check(subject: Subject) -> Checked:
    """FAIL for a relation that nothing satisfies, or only what is in an area it may not be in; WARN for Recommends.

    Raises BuildError where a package can't be read.
    """
    dsc = Dsc(subject.built.dsc.read_text(encoding="utf-8"))
    controls = [deb.control for deb in subject.packages]
    areas = {area_of(control.get("Section", "")) for control in controls}
    source_area = "main" if "main" in areas or not areas else min(areas)
    related = [
        Related("the source", field, clause, source_area)
        for field in BUILD
        for clause in active(dsc.get(field, ""), subject.index.architecture)
    ]
    related += [
        Related(control["Package"], field, clause, area_of(control.get("Section", "")))
        for control in controls
        for field in _BINARY
        for clause in clauses(control.get(field, ""))
    ]
    local = by_name((*controls, *(_control(path) for path in subject.local if path.is_file())))
    return judged(related, _lookup(subject.index, local), _lookup(subject.seen or subject.index, local))


def judged(related: Iterable[Related], lookup: Lookup, building: Lookup | None = None) -> Checked:
    """The verdict on ``related``, where ``lookup`` says what a name stands for, ``building`` in a build."""
    related = tuple(related)

    def lookup_of(item: Related) -> Lookup:
        return building if building and item.field in BUILD else lookup

    outside = {item: why for item in related if (why := _outside(item, lookup_of(item)))}
    absent = {item: why for item in related if (why := _absent(item, lookup_of(item)))}
    problems = outside | absent
    findings = tuple(f"{item.package}: {item.field}: {item.clause}: {why}" for item, why in problems.items())
    # What is outside of main is never allowed; what isn't there is no error in Recommends.
    grave = outside or any(item.field in _STRICT for item in absent)
    counted = f"{len(related)} relations"
    if not problems:
        return Checked("area", Verdict.PASS, f"{counted}, all there and in their area")
    summary = f"{len(problems)} of {counted} can't be satisfied as they are"
    return Checked("area", Verdict.FAIL if grave else Verdict.WARN, summary, findings)


def build_relations(dsc: Path, architecture: str) -> tuple[str, ...]:
    """The clauses of a source package's build dependencies that hold on ``architecture``, as :func:`active`."""
    fields = Dsc(dsc.read_text(encoding="utf-8"))
    return tuple(clause for field in BUILD for clause in active(fields.get(field, ""), architecture))


def active(field: str, architecture: str) -> Iterator[str]:
    """The clauses of build dependencies that hold on ``architecture`` without any build profile, without brackets."""
    for clause in clauses(" ".join(field.split())):
        held = [part for part in clause.split("|") if _holds(part, architecture)]
        if held:
            yield " | ".join(_PROFILES.sub("", _ARCHITECTURES.sub("", part)).strip() for part in held)


def _holds(part: str, architecture: str) -> bool:
    found = _ARCHITECTURES.search(part)
    if found:
        words = found[1].split()
        machine = {architecture, "any", "linux-any", f"any-{architecture}", f"linux-{architecture}"}
        named = any(word.lstrip("!") in machine for word in words)
        if named == words[0].startswith("!"):
            return False
    lists = _PROFILES.findall(part)
    # Each list in brackets is a condition of its own, one of which must hold; no profile is in use.
    return not lists or any(all(word.startswith("!") for word in text.split()) for text in lists)


def _outside(item: Related, lookup: Lookup) -> str:
    """Why a clause of a package in main is against the policy; empty where it isn't, or nothing satisfies it."""
    if item.area != "main":
        return ""
    candidates = [_fitting(relation, lookup) for relation in parse_clause(item.clause)]
    areas = [{candidate.area for candidate in fitting} for fitting in candidates if fitting]
    if candidates and candidates[0] and "main" not in areas[0]:
        return f"it is in {min(areas[0])} (Policy 2.2.1)"
    if areas and not any("main" in found for found in areas):
        return f"only {' and '.join(sorted(set().union(*areas)))} has it (Policy 2.2.1)"
    return ""


def _absent(item: Related, lookup: Lookup) -> str:
    """Why nothing satisfies a clause; empty where something does."""
    alternatives = parse_clause(item.clause)
    if not alternatives:
        return "it can't be read"
    if any(_fitting(relation, lookup) for relation in alternatives):
        return ""
    versions = sorted({candidate.version for relation in alternatives for candidate in lookup(relation.name)})
    if not versions:
        return "the suite has no such package"
    return f"the suite has {', '.join(version or 'an unversioned Provides' for version in versions)}"


def _fitting(relation: Relation, lookup: Lookup) -> tuple[Candidate, ...]:
    return tuple(candidate for candidate in lookup(relation.name) if relation.allows(candidate.version))


def area_of(section: str) -> str:
    """The area that a Section names (Policy 2.4): what stands before its slash."""
    area, slash, _ = section.partition("/")
    return area if slash else "main"


def by_name(controls: Iterable[Mapping[str, str]]) -> dict[str, list[Candidate]]:
    """What packages are and provide, by name."""
    found: dict[str, list[Candidate]] = {}
    for control in controls:
        area = area_of(control.get("Section", ""))
        found.setdefault(control["Package"], []).append(Candidate(control["Version"], area))
        for clause in clauses(control.get("Provides", "")):
            for relation in parse_clause(clause):
                found.setdefault(relation.name, []).append(Candidate(relation.version, area))
    return found


def _lookup(index: SuiteIndex | BuildPackages, local: Mapping[str, list[Candidate]]) -> Lookup:
    def candidates(name: str) -> tuple[Candidate, ...]:
        archive = (
            Candidate(provided.version, binary.component)
            for provided in index.provided(name)
            if (binary := index.binary(provided.package))
        )
        return (*archive, *local.get(name, ()))

    return candidates


def _control(path: object) -> Deb822:
    with DebFile(str(path)) as deb:
        return deb.debcontrol()
