"""Whether the archive's version of a distribution does for what is asked."""

from __future__ import annotations

from enum import Enum

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from debgen.archive.model import Match
from debgen.archive.versions import upstream_version


class Verdict(Enum):
    """What the suite has to offer for one requirement."""

    SATISFIED = "satisfied"
    TOO_OLD = "too old"
    TOO_NEW = "too new"
    MISSING = "missing"


def judge(upstream_version: str | None, specifier: SpecifierSet | str) -> Verdict:
    """Compare the archive's ``upstream_version`` (PEP 440; None where it has no package) with ``specifier``.

    Pre-releases count, since what the archive has is what there is; local parts (``+dfsg``) don't. A version
    that fails one clause for being too low is too old, even where another clause fails too; a version that
    only a ``!=`` names is too old as well, because a newer release is the usual remedy.

    >>> judge("1.5", ">=1.6").value
    'too old'
    """
    if upstream_version is None:
        return Verdict.MISSING
    clauses = SpecifierSet(specifier) if isinstance(specifier, str) else specifier
    version = Version(Version(upstream_version).public)
    failed = [clause for clause in clauses if not clause.contains(version, prereleases=True)]
    if not failed:
        return Verdict.SATISFIED
    if any(_is_below(version, clause) for clause in failed):
        return Verdict.TOO_OLD
    return Verdict.TOO_NEW


def counts_alike(match: Match) -> bool:
    """Whether Debian numbers the package as upstream does; python3-protobuf's 3.21 is upstream's 4.21."""
    return Version(upstream_version(match.debian_version)) == Version(Version(match.upstream_version).public)


def _is_below(version: Version, failed: Specifier) -> bool:
    """Whether a higher version would satisfy the clause that this one fails."""
    match failed.operator:
        case ">=" | ">" | "!=":
            return True
        case "<" | "<=":
            return False
        case _:
            try:
                return version < Version(failed.version.removesuffix(".*"))
            except InvalidVersion:  # ===, which may compare with any text
                return True
