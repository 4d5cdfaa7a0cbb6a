"""What a build had installed from another suite than its own, as facts that are kept and told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lent:
    """A package that was installed in a build from another suite; ``own`` is the version that the target suite has.

    ``own`` is empty where that has no such package.
    """

    package: str
    version: str
    suite: str
    own: str


def as_data(lent: Sequence[Lent]) -> list[dict[str, str | None]]:
    """Plain data, for JSON: ``own`` is null where the suite has no such package."""
    return [{"package": e.package, "version": e.version, "suite": e.suite, "own": e.own or None} for e in lent]


def from_data(data: Iterable[Mapping[str, str | None]]) -> tuple[Lent, ...]:
    """What :func:`as_data` made; KeyError, TypeError or AttributeError for anything else."""
    return tuple(Lent(str(e["package"]), str(e["version"]), str(e["suite"]), str(e["own"] or "")) for e in data)


def told(lent: Sequence[Lent], suite: str, shown: int = 4) -> str:
    """What was borrowed, as a clause: how many from where, and the first of them with the versions that differ."""
    parts = []
    for lender in dict.fromkeys(entry.suite for entry in lent):
        of_it = [entry for entry in lent if entry.suite == lender]
        named = [f"{e.package} {e.version} ({suite} has {e.own or 'none'})" for e in of_it[:shown]]
        more = f" and {len(of_it) - shown} more" if len(of_it) > shown else ""
        count = f"{len(of_it)} package{'' if len(of_it) == 1 else 's'}"
        parts.append(f"{count} borrowed from {lender}: {', '.join(named)}{more}")
    return "; ".join(parts)


def meaning(suite: str, alone: str) -> str:
    """What follows from having borrowed, as a sentence; ``alone`` says why the suite alone doesn't do, if so."""
    if alone:
        return f"not for upload to {suite} as it is: a build with {suite}'s packages alone can't begin, as {alone}"
    return f"not for upload to {suite} as it is: build it without borrowing, as {suite} has all it needs by itself"
