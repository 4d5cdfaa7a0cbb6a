"""What the archive's own package of a distribution shows about its requirements: which bounds it does without.

Its maintainers have tested it in the suite beside the versions that the suite has. Where it depends on a package that
upstream's bound shuts out, they have relaxed that bound; where it does without a requirement, they have dropped it;
and what it depends on beyond upstream's requirements, its modules or programs use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

from debgen.archive.model import Match, Origin
from debgen.archive.relation import Relation, clauses, parse_clause
from debgen.debianize.continued import Continued
from debgen.upstream.facts import SdistFacts

#: What debhelper's and dh_python3's own substitution variables bring, and libraries, which shlibs does.
_DERIVED = re.compile(r"python3(:.*)?|lib.*|adduser|debconf.*|init-system-helpers|misc-.*|sphinx-rtd-theme-common")


@dataclass(frozen=True)
class Relied:
    """Depends, Pre-Depends and Recommends of the archive's ``package``, Debian ``version``.

    ``same`` is whether it is of the very release that is packaged; else it is of one near to it. ``imported`` are the
    top-level modules that the distribution's own files import with themselves.
    """

    package: str
    version: str
    same: bool
    clauses: tuple[tuple[Relation, ...], ...]
    depended: tuple[tuple[Relation, ...], ...]
    imported: frozenset[str]

    def without_bound(self, match: Match) -> str:
        """Why upstream's bound that shuts out the suite's ``match`` isn't one for Debian; empty where nothing shows."""
        named = [r for clause in self.clauses for r in clause if r.name == match.package]
        if named and all(relation.allows(match.debian_version) for relation in named):
            release = "this release" if self.same else "a release near to this one"
            return (
                f"{self.package} {self.version}, which has {release}, depends on {match.package} without this bound, "
                f"and is in Debian beside {match.debian_version}"
            )
        if self.same and not named:
            return f"{self.package} {self.version}, which has this release, is in Debian without this bound"
        return ""

    def renamed(self, name: str) -> Match | None:
        """The package that stands for a distribution that no package has, by its name among what is depended on.

        Its upstream version isn't known, so nothing is to be compared with it.
        """
        stem = re.sub(r"^(python|py)-?|-?(python|py)$", "", name)
        wanted = {f"python3-{name}", f"python3-{stem}"} - {"python3-"}
        for relation in (r for clause in self.depended for r in clause):
            if relation.name in wanted:
                evidence = f"{self.package} {self.version} depends on {relation.name}"
                return Match(name, relation.name, "", relation.version or "0", "0", "main", Origin.NAME, evidence)
        return None

    def dropped(self, name: str) -> str:
        """Why a requirement that the suite has no package of can be dropped; empty where nothing shows that."""
        modules = {name.replace("-", "_"), re.sub(r"^(python|py)-|-(python|py)$", "", name).replace("-", "_")}
        if not self.same or modules & {module.lower() for module in self.imported}:
            return ""
        return (
            f"the suite has no package of it; {self.package} {self.version}, which has this release, does without, "
            f"and no module imports it unconditionally"
        )

    def more(self, covered: Iterable[str], lookup: Callable[[str], Match | None], own: Iterable[str]) -> Iterator[str]:
        """The clauses of Depends that upstream's requirements don't give, and that the modules or programs need.

        ``covered`` are the packages of the requirements, ``own`` those of the source.
        """
        known = {*covered, *own}
        imported = {f"python3-{module.lower().replace('_', '-')}" for module in self.imported}
        for module in self.imported:
            if found := lookup(str(canonicalize_name(module))):
                imported.add(found.package)
        for clause in self.depended:
            names = [relation.name for relation in clause]
            if known & set(names) or names[0].startswith("python3."):
                continue
            modules = [name for name in names if name.startswith("python3-")]
            if imported & set(modules) if modules else not any(map(_DERIVED.fullmatch, names)):
                yield " | ".join(map(_unqualified, clause))


def relied_upon(facts: SdistFacts, existing: Match | None, continued: Continued | None) -> Relied | None:
    """What the archive's package shows; None where there is none of this release, or of one near to it."""
    if existing is None or continued is None:
        return None
    held = continued.held.binary(existing.package)
    have, want = Version(existing.upstream_version), Version(Version(facts.version).public)
    if held is None or not (have == want or _near(have, want)):
        return None
    depended = tuple(_parsed(held.relations.get(field, "")) for field in ("Pre-Depends", "Depends"))
    return Relied(
        package=held.name,
        version=held.version,
        same=have == want,
        clauses=(*depended[0], *depended[1], *_parsed(held.relations.get("Recommends", ""))),
        depended=(*depended[0], *depended[1]),
        imported=frozenset(_imported(facts)),
    )


def _near(one: Version, other: Version) -> bool:
    """Whether semantic versioning calls both compatible: the same major number, below 1.0 the same minor one."""
    if (one.epoch, one.major) != (other.epoch, other.major):
        return False
    return one.major > 0 or one.minor == other.minor


def _parsed(field: str) -> tuple[tuple[Relation, ...], ...]:
    return tuple(found for clause in clauses(field) if (found := parse_clause(clause)))


def _imported(facts: SdistFacts) -> Iterator[str]:
    installed = {path for _, path in facts.installed}
    for file in facts.tests.own:
        if file.path in installed:
            yield from (name.partition(".")[0] for name in file.top if not name.startswith("."))


def _unqualified(relation: Relation) -> str:
    return f"{relation.name} ({relation.operator} {relation.version})" if relation.operator else relation.name
