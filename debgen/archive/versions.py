"""Between PEP 440 and Debian: versions, and what a specifier means as Debian relations.

Where the two orders differ, and what is chosen:

* Debian has no zero padding (``1.0`` is higher than ``1``, PEP 440 says they are equal): bounds are written
  without trailing zeros where that keeps both in.
* A lower bound ends in ``~``, so that backports and repacks written ``1.2~ds`` satisfy it. That lets the
  pre-releases of the bound itself in, which Debian's practice accepts.
* An upper bound of a final release ends in ``~``, which keeps its pre-releases out, as PEP 440 asks.
* Equality is a range, because Debian's versions have revisions and repack suffixes: from ``1.2.3~`` to below
  ``1.2.3.1~``. ``1.2.3-4`` and ``1.2.3+dfsg-1`` are inside, ``1.2.3.1`` and ``1.2.3.post1`` are not.
* ``.postN`` is kept, as uscan and the archive do, though dpkg sorts ``1.0.post1`` above ``1.0.1``. A lower
  bound of that kind is therefore widened to "anything after 1.0".
* Within pre-releases, ``.devN`` becomes ``~devN``, which dpkg sorts after ``~rcN``; a bound on a dev release
  is therefore put before all of the pre-releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_REPACK = re.compile(r"(?:[+.~-](?:nodfsg|ds\d*(?![a-z])|repack|debian|nmu|deb\d+u|bpo\d|ubuntu)|[+.~-]?dfsg).*")
_SNAPSHOT = re.compile(r"~+(?:(?:git|svn|hg|bzr|cvs|snapshot|exp)\.?(\d+)?|(\d{6,})).*")
_LETTER = re.compile(r"(?<=\d)[a-z]$")
_AFTER = re.compile(r"\+(?!post).*")


@dataclass(frozen=True)
class _Bound:
    """One end of a range: the PEP 440 version it comes from, for sorting, and its Debian spelling."""

    version: Version
    strict: bool
    text: str


def split_debian(version: str) -> tuple[str, str, str]:
    """Epoch (empty where none), upstream part and revision (empty where none) of a Debian version."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    upstream, dash, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if dash else (epoch, rest, "")


def upstream_version(debian: str) -> str:
    """The PEP 440 version that a Debian version was made from, as near as can be told.

    Epoch, revision and repack suffixes go; ``+really`` names the true version; ``1.0~rc1`` is ``1.0rc1``; a
    snapshot before a release (``1.0~git20240102``) becomes a dev release, a snapshot after one counts as the
    release; a letter at the end (tzdata's ``2026b``) is one more number. What is still no PEP 440 version is
    cut down to its leading numbers; "0" where it has none.

    >>> upstream_version("1:2.3.0~rc1+dfsg-2")
    '2.3.0rc1'
    """
    text = split_debian(debian)[1]
    text = re.split(r"\+really[+.]?", text)[-1]
    text = _REPACK.sub("", text)
    text = _SNAPSHOT.sub(lambda found: f".dev{found[1] or found[2] or 0}", text)
    text = _AFTER.sub("", text)
    text = _LETTER.sub(lambda found: f".{ord(found[0]) - ord('a') + 1}", text)
    plain = re.sub(r"~+(?=[a-z])", "", text.replace("~dev", ".dev").replace("+post", ".post"))
    for candidate in (plain, text.partition("~")[0]):
        try:
            return Version(candidate).public
        except InvalidVersion:
            continue
    leading = re.match(r"\d+(?:\.\d+)*", text)
    return str(Version(leading[0])) if leading else "0"


def debian_upstream(version: Version | str) -> str:
    """The Debian upstream version (no revision) for a PEP 440 version, normalised.

    >>> debian_upstream("1!2.0rc1.post2.dev3+local.1")
    '1:2.0~rc1.post2~dev3+local.1'
    """
    parsed = Version(version) if isinstance(version, str) else version
    return f"{parsed.epoch}:{_spelled(parsed)}" if parsed.epoch else _spelled(parsed)


def relations(package: str, specifier: SpecifierSet | str, *, epoch: str | None = None) -> tuple[str, ...]:
    """The Debian relations on ``package`` that say what ``specifier`` says; just its name for no constraint.

    Each element is one relation of a Depends field; a ``!=`` inside the range becomes an alternative
    (``p (>= 1.3.1~) | p (<< 1.3~)``), the newer side first, since build daemons look at the first only.
    ``epoch`` is the Debian epoch of the package in the archive ("" for none), which has nothing to do with
    PEP 440's; None means that the package isn't there yet, and PEP 440's epoch becomes Debian's.

    >>> relations("python3-foo", "~=1.4.2,!=1.4.5")[1:]
    ('python3-foo (>= 1.4.2~)', 'python3-foo (<< 1.5~)')
    """
    clauses = SpecifierSet(specifier) if isinstance(specifier, str) else specifier
    lowers: list[_Bound] = []
    uppers: list[_Bound] = []
    holes: list[tuple[_Bound, _Bound]] = []
    for clause in sorted(clauses, key=str):
        _sort_in(clause, lowers, uppers, holes)
    lower = max(lowers, key=lambda bound: (bound.version, bound.strict), default=None)
    upper = min(uppers, key=lambda bound: (bound.version, not bound.strict), default=None)

    def relation(operator: str, bound: _Bound) -> str:
        return f"{package} ({operator} {_with_epoch(bound, epoch)})"

    found = [
        f"{relation('>=', above)} | {relation('<<', below)}"
        for below, above in sorted(holes, key=lambda hole: hole[0].version)
        if not (lower and (above.version, above.strict) <= (lower.version, lower.strict))
        and not (upper and (below.version, True) > (upper.version, not upper.strict))
    ]
    if lower:
        found.append(relation(">=", lower))
    if upper:
        found.append(relation("<<", upper))
    return tuple(found) or (package,)


def _sort_in(clause: Specifier, lowers: list[_Bound], uppers: list[_Bound], holes: list[tuple[_Bound, _Bound]]) -> None:
    """Add the bounds of one clause: a half-open range of Debian versions, or a hole in one."""
    prefix = clause.version.endswith(".*")
    version = _public(clause.version.removesuffix(".*"))
    if prefix:
        start, end = _Bound(version, False, _floor(version)), _next_series(version, len(version.release))
    else:
        start, end = _Bound(version, False, _exact(version)), _Bound(version, False, _ceiling(version))
    match clause.operator:
        case "==" | "===":
            lowers.append(start)
            uppers.append(end)
        case "!=":
            holes.append((start, _Bound(end.version, not prefix, end.text)))
        case "~=":
            lowers.append(_Bound(version, False, _floor(version)))
            uppers.append(_next_series(version, len(version.release) - 1))
        case ">=":
            lowers.append(_Bound(version, False, _floor(version)))
        case ">":
            widened = version.is_postrelease or version.is_devrelease
            lowers.append(_Bound(version, True, _floor(version) if widened else _ceiling(version)))
        case "<=":
            uppers.append(_Bound(version, False, _ceiling(version)))
        case "<":
            uppers.append(_Bound(version, True, _floor(version)))


def _public(text: str) -> Version:
    """The version of a clause without its local part; for ``===`` with free text, what is nearest."""
    try:
        return Version(Version(text).public)
    except InvalidVersion:
        return Version(upstream_version(text))


def _floor(version: Version) -> str:
    """The lowest Debian version that is still at or after ``version``."""
    if version.is_postrelease and not version.pre:
        return _ceiling(Version(version.base_version))
    if version.pre:
        return _exact(version)
    return f"{_numbers(_stripped(version.release))}~"


def _exact(version: Version) -> str:
    """The lowest Debian version that counts as ``version`` itself."""
    if version.pre or version.is_postrelease or version.is_devrelease:
        return f"{_spelled(version)}~"
    return f"{_numbers(_stripped(version.release))}~"


def _ceiling(version: Version) -> str:
    """A Debian version above all revisions and repacks of ``version``, and below the next release."""
    if version.pre or version.is_postrelease or version.is_devrelease:
        return f"{_spelled(version)}.1~"
    release = _stripped(version.release)
    return f"{_numbers((*release, *(0,) * (3 - len(release))))}.1~"


def _next_series(version: Version, length: int) -> _Bound:
    """The end of the series of releases that share the first ``length`` numbers of ``version``."""
    release = (*version.release[: length - 1], version.release[length - 1] + 1)
    following = Version(f"{version.epoch}!{_numbers(release)}")
    return _Bound(following, True, f"{_numbers(release)}~")


def _stripped(release: tuple[int, ...]) -> tuple[int, ...]:
    """Without the zeros at the end that mean nothing to PEP 440."""
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    return release


def _numbers(release: Iterable[int]) -> str:
    return ".".join(map(str, release))


def _spelled(version: Version) -> str:
    """The Debian spelling, without an epoch."""
    text = _numbers(version.release)
    if version.pre:
        text += f"~{version.pre[0]}{version.pre[1]}"
    if version.post is not None:
        text += f".post{version.post}"
    if version.dev is not None:
        text += f"~dev{version.dev}"
    if version.local:
        text += f"+{version.local}"
    return text


def _with_epoch(bound: _Bound, epoch: str | None) -> str:
    if epoch is None:
        epoch = str(bound.version.epoch or "")
    return f"{epoch}:{bound.text}" if epoch else bound.text
