"""Whether installing one Debian package brings another along, which is what an extra of a distribution asks.

``fastapi[standard]`` is satisfied by python3-fastapi where that pulls in python3-uvicorn and the others; where it
doesn't, whoever needs the extra has to depend on them itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Protocol

from debgen.archive.model import Binary
from debgen.archive.relation import Relation, clauses, parse_clause


class Pull(Enum):
    """How firmly one package brings another along."""

    DEPENDS = "depends"
    """Always."""
    RECOMMENDS = "recommends"
    """Unless recommended packages are not wanted, as in a build."""
    NONE = ""
    """Not at all, or only where the administrator chooses it among alternatives."""


class Relations(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    def binary(self, name: str) -> Binary | None: ...
    def providers(self, virtual: str) -> tuple[Binary, ...]: ...


def pulled_in(packages: Relations, package: str, wanted: str) -> Pull:
    """How ``package`` brings ``wanted`` along, directly or by what it depends on; both are names of packages.

    See :func:`brought_along`, which serves better where several are asked of one package.
    """
    return brought_along(packages, package).get(wanted, Pull.NONE)


def brought_along(packages: Relations, package: str) -> Mapping[str, Pull]:
    """All packages that ``package`` brings along, and how; itself is one of them, and those not named are not.

    Of alternatives, none is brought where one comes anyway, else the first that the suite can satisfy, because apt
    installs that. A name that only one package provides means that package. Recommends count of ``package`` and of
    all that it depends on, and what is recommended brings its own dependencies along.
    """
    always = _closure(packages, {package}, ())
    recommends = [clause for name in sorted(always) for clause in _clauses(packages, name, recommends=True)]
    return {
        **dict.fromkeys(_closure(packages, always, recommends), Pull.RECOMMENDS),
        **dict.fromkeys(always, Pull.DEPENDS),
    }


def _closure(packages: Relations, start: set[str], wanted: Iterable[str]) -> set[str]:
    """The packages of ``start`` and those for the clauses ``wanted``, with all that they depend on.

    Clauses with alternatives come last, when it is known what comes anyway.
    """
    seen: set[str] = set()
    names = deque(sorted(start))
    simple, open_ones = deque[str](), deque(wanted)
    while names or simple or open_ones:
        if names:
            name = names.popleft()
            if name not in seen:
                seen.add(name)
                for clause in _clauses(packages, name):
                    (open_ones if "|" in clause else simple).append(clause)
        elif simple:
            names.extend(_chosen(packages, simple.popleft(), seen))
        else:
            names.extend(_chosen(packages, open_ones.popleft(), seen))
    return seen


def _clauses(packages: Relations, package: str, *, recommends: bool = False) -> tuple[str, ...]:
    """The clauses of what ``package`` depends on, or recommends."""
    binary = packages.binary(package)
    if binary is None:
        return ()
    if recommends:
        return clauses(binary.recommends)
    return (*clauses(binary.pre_depends), *clauses(binary.depends))


def _chosen(packages: Relations, clause: str, seen: set[str]) -> tuple[str, ...]:
    """The package that apt would choose for the clause, where those of ``seen`` are installed anyway.

    None where one of those satisfies it, or where several packages provide it and apt's choice can't be foretold.
    """
    possible = [answers for relation in parse_clause(clause) if (answers := _answers(packages, relation))]
    if not possible or any(name in seen for answers in possible for name in answers):
        return ()
    return possible[0][:1] if len(possible[0]) == 1 else ()


def _answers(packages: Relations, relation: Relation) -> tuple[str, ...]:
    """The package that the relation names, where its version is right, else those that provide the name."""
    named = packages.binary(relation.name)
    if named and relation.allows(named.version):
        return (named.name,)
    return tuple(one.name for one in packages.providers(relation.name) if _provides(one, relation))


def _provides(provider: Binary, relation: Relation) -> bool:
    """Whether the package's Provides satisfies the relation (Debian Policy 7.5: a versioned one needs a version)."""
    provided = (one for clause in clauses(provider.provides) for one in parse_clause(clause))
    return any(one.name == relation.name and relation.allows(one.version) for one in provided)
