"""Whether installing one Debian package brings another along, which is what an extra of a distribution asks.

``fastapi[standard]`` is satisfied by python3-fastapi where that pulls in python3-uvicorn and the others; where it
doesn't, whoever needs the extra has to depend on them itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
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

    Of alternatives, the first that the suite can satisfy counts, because apt installs that. A name that only one
    package provides means that package. Recommends count of ``package`` and of all that it depends on, and what is
    recommended brings its own dependencies along.
    """
    always = _closure(packages, {package})
    recommended = {name for one in always for name in _first(packages, one, recommends=True)}
    return {
        **dict.fromkeys(_closure(packages, recommended), Pull.RECOMMENDS),
        **dict.fromkeys(always, Pull.DEPENDS),
    }


def _closure(packages: Relations, roots: set[str]) -> set[str]:
    """The roots and all that they depend on."""
    seen = set(roots)
    waiting = deque(sorted(roots))
    while waiting:
        for name in _first(packages, waiting.popleft()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def _first(packages: Relations, package: str, *, recommends: bool = False) -> tuple[str, ...]:
    """The package that apt would choose for each clause of what ``package`` depends on, or recommends."""
    binary = packages.binary(package)
    if binary is None:
        return ()
    fields = (binary.recommends,) if recommends else (binary.pre_depends, binary.depends)
    chosen = (_chosen(packages, clause) for field in fields for clause in clauses(field))
    return tuple(name for name in chosen if name)


def _chosen(packages: Relations, clause: str) -> str:
    """The package for the first alternative that the suite satisfies.

    Empty where it satisfies none, or where several packages provide it and apt's choice can't be foretold.
    """
    for relation in parse_clause(clause):
        named = packages.binary(relation.name)
        if named and relation.allows(named.version):
            return named.name
        providers = [one for one in packages.providers(relation.name) if _provides(one, relation)]
        if providers:
            return providers[0].name if len(providers) == 1 else ""
    return ""


def _provides(provider: Binary, relation: Relation) -> bool:
    """Whether the package's Provides satisfies the relation (Debian Policy 7.5: a versioned one needs a version)."""
    provided = (one for clause in clauses(provider.provides) for one in parse_clause(clause))
    return any(one.name == relation.name and relation.allows(one.version) for one in provided)
