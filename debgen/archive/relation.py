"""Relations between packages as binary packages state them (Debian Policy 7.1), and when they hold.

Only what an archive's indexes have: no build profiles, no architecture lists, no substitution variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from debian.debian_support import NativeVersion

_ATOM = re.compile(
    r"\s*([a-zA-Z0-9][a-zA-Z0-9+._-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^)\s]+)\s*\))?\s*"
)
_OPERATORS = {"<": "<<", ">": ">>"}
"""How apt writes the strict operators when it speaks to people."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One alternative of a clause: a package's name, and a bound on its version where ``operator`` isn't empty.

    ``qualifier`` is the architecture after the name's colon ("any", "amd64", ...), empty where there is none.
    """

    name: str
    operator: str = ""
    version: str = ""
    qualifier: str = ""

    def allows(self, version: str) -> bool:
        """Whether ``version`` is within the bound. An empty one, as of a bare Provides, is within none."""
        if not self.operator:
            return True
        return bool(version) and _holds(version, self.operator, self.version)

    def __str__(self) -> str:
        name = f"{self.name}:{self.qualifier}" if self.qualifier else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name


@lru_cache(maxsize=1 << 16)
def parse_clause(text: str) -> tuple[Relation, ...]:
    """The alternatives of one clause, ``a | b (>= 1)``; empty where any of it can't be read."""
    found = [_ATOM.fullmatch(part) for part in text.split("|")]
    atoms = [atom for atom in found if atom]
    return tuple(map(_relation, atoms)) if len(atoms) == len(found) else ()


def clauses(field: str) -> tuple[str, ...]:
    """The clauses of a relation field, one text each."""
    return tuple(part.strip() for part in field.split(",") if part.strip())


def compare(left: str, right: str) -> int:
    """-1, 0 or 1 as dpkg orders the two Debian versions."""
    a, b = _parsed(left), _parsed(right)
    return (a > b) - (a < b)


def _relation(atom: re.Match[str]) -> Relation:
    name, qualifier, operator, version = atom.groups(default="")
    return Relation(name, _OPERATORS.get(operator, operator), version, qualifier)


def _holds(version: str, operator: str, bound: str) -> bool:
    order = compare(version, bound)
    return {"<<": order < 0, "<=": order <= 0, "=": order == 0, ">=": order >= 0, ">>": order > 0}[operator]


@cache
def _parsed(version: str) -> NativeVersion:
    return NativeVersion(version)
