"""Which release of a distribution to package: the newest that the plan allows and the suite can carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.debianize.model import Unmet


@dataclass(frozen=True)
class Passed:
    """A newer release that was not chosen, and what the suite lacks for it."""

    version: str
    unmet: tuple[Unmet, ...]


@dataclass(frozen=True)
class Choice:
    """The release to package and the newer ones passed over, newest first.

    ``unmet`` is empty unless no allowed release can be carried; then the newest is chosen all the same.
    """

    version: str
    passed: tuple[Passed, ...]
    unmet: tuple[Unmet, ...]


def allowed_versions(versions: Sequence[str], bounds: SpecifierSet) -> list[str]:
    """The releases within ``bounds``, newest first; pre-releases only where the bounds name one (PEP 440)."""
    return [str(v) for v in sorted(map(Version, bounds.filter(versions)), reverse=True)]


def choose(candidates: Sequence[str], unmet_of: Callable[[str], tuple[Unmet, ...]]) -> Choice | None:
    """Take the newest of ``candidates`` (newest first) whose run-time requirements the suite can meet.

    ``unmet_of`` tells what the suite can't meet for one release. None where there is no candidate.
    """
    passed: list[Passed] = []
    for version in candidates:
        unmet = unmet_of(version)
        if not unmet:
            return Choice(version, tuple(passed), ())
        passed.append(Passed(version, unmet))
    return Choice(passed[0].version, (), passed[0].unmet) if passed else None
