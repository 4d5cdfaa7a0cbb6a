"""Which of the suite's Pythons a package's extension modules are built for, by its relations on python3.

A package whose modules are built for all supported versions depends on ``python3 (<< 3.16)``, one that is built for
the default one only on ``python3 (<< 3.15)`` (Debian Python Policy 4.10, as dh_python3 writes it).
"""

from __future__ import annotations

import re
from typing import Protocol

from debgen.archive.extras import Pull, brought_along
from debgen.archive.model import Binary
from debgen.archive.relation import clauses

_UPPER = re.compile(r"python3 \(<< 3\.(\d+)\)")


class Relations(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    def binary(self, name: str) -> Binary | None: ...
    def providers(self, virtual: str) -> tuple[Binary, ...]: ...


def supported(packages: Relations) -> tuple[int, ...]:
    """The minor versions of Python 3 that python3-all stands for, ascending; empty where the suite hasn't it."""
    everything = packages.binary("python3-all")
    return tuple(sorted(map(int, re.findall(r"\bpython3\.(\d+)", everything.depends)))) if everything else ()


def is_for_default_only(packages: Relations, package: str) -> bool:
    """Whether ``package``, or one that it depends on, can't be imported by all supported versions of Python."""
    versions = supported(packages)
    if len(versions) < 2:
        return False
    brought = (name for name, how in brought_along(packages, package).items() if how is Pull.DEPENDS)
    return any(_ends_before(packages.binary(name), versions[-1]) for name in brought if name.startswith("python3-"))


def _ends_before(binary: Binary | None, version: int) -> bool:
    bounds = (_UPPER.fullmatch(clause.strip()) for clause in clauses(binary.depends)) if binary else ()
    return any(int(bound[1]) <= version for bound in bounds if bound)
