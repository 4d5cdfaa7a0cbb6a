"""Why a package can't be installed, as far as the suite's index tells: dead ends and certain conflicts.

Whether it can be is apt's to say; here the reason is looked for. As apt does, only the highest version of each
package counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from debgen.archive.model import Binary, Provided, RelationField
from debgen.archive.relation import Relation, clauses, parse_clause


class Packages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    @property
    def codename(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    def binary(self, name: str) -> Binary | None: ...
    def provided(self, virtual: str) -> tuple[Provided, ...]: ...


@dataclass(frozen=True)
class Clash:
    """``package`` refuses ``other`` by ``relation`` of its ``field``; the ways lead there from what is asked for."""

    package: str
    field: RelationField
    relation: str
    other: str
    way: tuple[str, ...]
    other_way: tuple[str, ...]


class Ways:
    """The ways through the Depends and Pre-Depends of a suite. What it finds out it remembers.

    A clause of relations is given as text, ``a | b (>= 1)``. It is dead where no package that it allows can be
    installed, and a package is dead that has a dead clause.
    """

    def __init__(self, packages: Packages) -> None:
        self._packages = packages
        self._clauses: dict[str, tuple[str, ...]] = {}
        self._targets: dict[str, tuple[str, ...]] = {}
        self._dead: set[str] = set()
        self._visited: set[str] = set()
        self._watched: dict[str, int] = {}
        """How many of a clause's targets are dead, counted from the first."""
        self._watchers: dict[str, list[str]] = {}
        """The clauses whose first target that isn't dead is this package."""
        self._owners: dict[str, list[str]] = {}

    def targets(self, clause: str) -> tuple[str, ...]:
        """The packages that satisfy ``clause``, in the order of its alternatives, each once."""
        if clause not in self._targets:
            found = (provider for relation in parse_clause(clause) for provider in self._satisfying(relation))
            self._targets[clause] = tuple(dict.fromkeys(found))
        return self._targets[clause]

    def needs(self, package: str) -> tuple[str, ...]:
        """The clauses of the package's Pre-Depends and Depends."""
        if package not in self._clauses:
            binary = self._packages.binary(package)
            fields = (binary.pre_depends, binary.depends) if binary else ()
            self._clauses[package] = tuple(dict.fromkeys(clause for field in fields for clause in clauses(field)))
        return self._clauses[package]

    def is_dead(self, clause: str) -> bool:
        """Whether ``clause`` leads to a dead end whichever alternative is taken."""
        self._follow(clause)
        return self._is_spent(clause)

    def dead_end(self, clause: str) -> tuple[str, ...] | None:
        """The shortest way from a dead ``clause`` to a clause that no package satisfies; None where it isn't dead.

        The packages along it, and that last clause; the clause alone where no package satisfies itself.
        """
        if not self.is_dead(clause):
            return None
        before: dict[str, str] = {}
        queue: deque[tuple[str, str]] = deque([("", clause)])
        while queue:
            package, failing = queue.popleft()
            targets = self.targets(failing)
            if not targets:
                return (*_trace(before, package), failing)
            for target in targets:
                if target not in before:
                    before[target] = package
                    queue.extend((target, need) for need in self.needs(target) if self._is_spent(need))
        return None

    def way(self, clause: str, package: str) -> tuple[str, ...] | None:
        """The shortest way from ``clause`` to ``package`` through all alternatives; None where there is none."""
        before = dict.fromkeys(self.targets(clause), "")
        queue = deque(before)
        while queue and package not in before:
            current = queue.popleft()
            for target in (target for need in self.needs(current) for target in self.targets(need)):
                if target not in before:
                    before[target] = current
                    queue.append(target)
        return _trace(before, package) if package in before else None

    def clash(self, wanted: Iterable[str]) -> Clash | None:
        """A conflict between two packages that satisfying all clauses of ``wanted`` certainly brings in."""
        before = self._certain(wanted)
        for package in before:
            binary = self._packages.binary(package)
            for field in (RelationField.CONFLICTS, RelationField.BREAKS) if binary else ():
                for relation in clauses(field.of(binary)) if binary else ():
                    for other in self.targets(relation):
                        if other != package and other in before:
                            ways = _trace(before, package), _trace(before, other)
                            return Clash(package, field, relation, other, *ways)
        return None

    def _certain(self, wanted: Iterable[str]) -> Mapping[str, str]:
        """The packages that are needed whichever alternatives are taken, each with one that needs it."""
        before: dict[str, str] = {}
        queue: deque[tuple[str, str]] = deque(("", clause) for clause in wanted)
        while queue:
            package, clause = queue.popleft()
            self._follow(clause)
            left = [target for target in self.targets(clause) if target not in self._dead]
            if len(left) == 1 and left[0] not in before:
                before[left[0]] = package
                queue.extend((left[0], need) for need in self.needs(left[0]))
        return before

    def _satisfying(self, relation: Relation) -> Iterator[str]:
        if relation.qualifier in ("", "any", "native", self._packages.architecture):
            for provided in self._packages.provided(relation.name):
                if relation.allows(provided.version):
                    yield provided.package

    # Each clause watches its first target until that proves dead, then the next: so of all the alternatives in
    # the suite only those are looked at that matter, and cycles end.

    def _follow(self, clause: str) -> None:
        unseen = deque([clause])
        while unseen:
            current = unseen.popleft()
            if current in self._watched:
                continue
            self._watched[current] = 0
            dying = self._advance(current, unseen)
            while dying:
                package = dying.pop()
                if package not in self._dead:
                    self._dead.add(package)
                    for watcher in self._watchers.pop(package, ()):
                        dying.extend(self._advance(watcher, unseen))

    def _advance(self, clause: str, unseen: deque[str]) -> list[str]:
        """Let ``clause`` watch its next target; the packages that die where it has none left."""
        targets = self.targets(clause)
        while self._watched[clause] < len(targets):
            target = targets[self._watched[clause]]
            if target not in self._dead:
                self._watchers.setdefault(target, []).append(clause)
                return [target] if self._visit(target, unseen) else []
            self._watched[clause] += 1
        return list(self._owners.get(clause, ()))

    def _visit(self, package: str, unseen: deque[str]) -> bool:
        """Have what ``package`` needs looked at, once; whether some of it is known to be dead."""
        if package in self._visited:
            return False
        self._visited.add(package)
        for need in self.needs(package):
            self._owners.setdefault(need, []).append(package)
            unseen.append(need)
        return any(self._is_spent(need) for need in self.needs(package))

    def _is_spent(self, clause: str) -> bool:
        return clause in self._watched and self._watched[clause] >= len(self.targets(clause))


def _trace(before: Mapping[str, str], package: str) -> tuple[str, ...]:
    """The packages from the first to ``package``; ``before`` has the one before each, empty for the first."""
    way: list[str] = []
    while package:
        way.append(package)
        package = before[package]
    return tuple(reversed(way))
