"""What a newer version of a package would break in the archive: the bounds of those that depend on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from debgen.archive.model import Binary, Dependant, Provided, RelationField
from debgen.archive.relation import Relation, clauses, parse_clause

_REFUSALS = (RelationField.BREAKS, RelationField.CONFLICTS)


class Packages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    def binary(self, name: str) -> Binary | None: ...
    def source_binaries(self, source: str) -> tuple[Binary, ...]: ...
    def provided(self, virtual: str) -> tuple[Provided, ...]: ...
    def dependants(self, package: str) -> tuple[Dependant, ...]: ...


@dataclass(frozen=True, order=True)
class Broken:
    """A clause of ``package``, built from ``source``, that holds in the suite as it is and wouldn't any more."""

    package: str
    source: str
    field: RelationField
    relation: str


def broken_by(index: Packages, package: str, new_version: str) -> tuple[Broken, ...]:
    """The clauses in the suite that ``new_version`` (a Debian version) of ``package`` would break, in sorted order.

    Those are clauses of Depends, Pre-Depends and Recommends that the suite satisfies now and wouldn't then, all
    alternatives considered, and of Breaks and Conflicts that would newly apply. All binaries of the package's
    source get the new version, and what they provide with their own version gets it too; they themselves are
    rebuilt, so theirs don't count. Empty where the suite has no such package.
    """
    present = index.binary(package)
    if present is None:
        return ()
    rebuilt = {binary.name: binary for binary in index.source_binaries(present.source)}

    def version_then(name: str, provided: Provided) -> str:
        """The version that ``provided`` answers with when ``name`` is asked for after the update."""
        own = rebuilt.get(provided.package)
        if own is None or (name != own.name and provided.version != own.version):
            return provided.version
        return new_version

    def now(name: str, provided: Provided) -> str:
        return provided.version

    def applies(relation: Relation, version: Callable[[str, Provided], str]) -> bool:
        return any(relation.allows(version(relation.name, entry)) for entry in index.provided(relation.name))

    def is_broken(dependant: Dependant) -> bool:
        before, then = (
            any(applies(relation, version) for relation in parse_clause(dependant.relation))
            for version in (now, version_then)
        )
        return (then and not before) if dependant.field in _REFUSALS else (before and not then)

    names = dict.fromkeys((package, *_provided_with_it(present)))
    return tuple(
        sorted(
            {
                Broken(found.package, found.source, found.field, found.relation)
                for name in names
                for found in index.dependants(name)
                if found.package not in rebuilt and is_broken(found)
            }
        )
    )


def _provided_with_it(binary: Binary) -> tuple[str, ...]:
    """The names that ``binary`` provides with the version that it has itself."""
    relations = (parse_clause(clause) for clause in clauses(binary.provides))
    return tuple(r[0].name for r in relations if r and r[0].version == binary.version)
