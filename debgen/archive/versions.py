"""Between PEP 440 and Debian: versions, and what a specifier means as Debian relations.

For final releases of up to four numbers the two say the same, whatever revision, repack or backport suffix the Debian
version has. Where the two orders differ, this is what is chosen:

* Debian has no zero padding (``1.0`` is higher than ``1``, PEP 440 says they are equal): bounds are written without
  trailing zeros where that keeps both in. A bound that is a pre-, post- or dev-release keeps the zeros that upstream
  wrote, and is exact for packages that write as many.
* A lower bound ends in ``~``, so that backports and repacks written ``1.2~ds`` satisfy it. That lets the pre-releases
  of the bound itself in, which Debian's practice accepts; likewise equality takes them in and ``!=`` out. A bound
  that is a pre-release is wrong about such a repack, which sorts among the pre-releases.
* An upper bound of a final release ends in ``~``, which keeps its pre-releases out, as PEP 440 asks.
* Equality is a range, because Debian's versions have revisions and repack suffixes: from ``1.2.3~`` to below
  ``1.2.3.1~``. ``1.2.3-4`` and ``1.2.3+dfsg-1`` are inside, ``1.2.3.1`` and ``1.2.3.post1`` are not. So is ``===``,
  which for PEP 440 compares letter by letter.
* ``.postN`` is kept, as uscan and the archive do, though dpkg sorts ``1.0.post1`` above ``1.0.1``: a post-release
  counts as later than the releases with more numbers after its own, and as more than its own release. A lower bound
  of that kind is widened to "anything after 1.0", and "less than it" narrowed to "up to 1.0", so that they are right
  about those.
* ``.devN`` becomes ``~devN``, which dpkg sorts between ``~bN`` and ``~rcN``; a bound on a dev release is therefore
  put before all of the pre-releases, unless it is "up to" it.
* A local part is left out, because Debian's builds have none: ``==1.2+cu118`` is ``==1.2``, and ``!=1.2+cu118`` says
  nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cmp_to_key

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from debgen.archive.relation import compare

_REPACK = re.compile(r"(?:[+.~-](?:nodfsg|ds\d*(?![a-z])|repack|debian|nmu|deb\d+u|bpo\d|ubuntu)|[+.~-]?dfsg).*")
_REALLY = re.compile(r"\+(?:\d+\.)?really[+.]?")
_SNAPSHOT = re.compile(r"~+(?:(?:git|svn|hg|bzr|cvs|snapshot|exp)\.?(\d+)?|(\d{6,})).*")
_LETTER = re.compile(r"(?<=\d)[a-z]$")
_AFTER = re.compile(r"\+(?!post).*")


@dataclass(frozen=True)
class _Bound:
    """One end of a range, in Debian's spelling, and the PEP 440 epoch of the version it comes from."""

    epoch: int
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
    text = _REALLY.split(text)[-1]
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
    in_order = cmp_to_key(compare)
    lower = max((_with_epoch(bound, epoch) for bound in lowers), key=in_order, default=None)
    upper = min((_with_epoch(bound, epoch) for bound in uppers), key=in_order, default=None)
    gaps = {(_with_epoch(below, epoch), _with_epoch(above, epoch)) for below, above in holes}
    found = [
        f"{package} (>= {above}) | {package} (<< {below})"
        for below, above in sorted(gaps, key=lambda gap: (in_order(gap[0]), in_order(gap[1])))
        if not (lower and compare(above, lower) <= 0) and not (upper and compare(upper, below) <= 0)
    ]
    if lower:
        found.append(f"{package} (>= {lower})")
    if upper:
        found.append(f"{package} (<< {upper})")
    return tuple(found) or (package,)


def _sort_in(clause: Specifier, lowers: list[_Bound], uppers: list[_Bound], holes: list[tuple[_Bound, _Bound]]) -> None:
    """Add the bounds of one clause: a half-open range of Debian versions, or a hole in one."""
    prefix = clause.version.endswith(".*")
    version = _public(clause.version.removesuffix(".*"))

    def bound(text: str) -> _Bound:
        return _Bound(version.epoch, text)

    floor, ceiling = bound(_floor(version)), bound(_ceiling(version))
    start = floor if prefix else bound(_exact(version))
    end = bound(_next_series(version, len(version.release))) if prefix else ceiling
    match clause.operator:
        case "==" | "===":
            lowers.append(start)
            uppers.append(end)
        case "!=" if "+" not in clause.version:
            holes.append((start, end))
        case "~=":
            lowers.append(floor)
            uppers.append(bound(_next_series(version, len(version.release) - 1)))
        case ">=":
            lowers.append(floor)
        case ">":
            widened = not version.pre and (version.is_postrelease or version.is_devrelease)
            lowers.append(floor if widened else ceiling)
        case "<=":
            uppers.append(ceiling)
            if version.is_postrelease and not version.pre:
                holes.append(
                    (bound(_ceiling(Version(version.base_version))), bound(f"{_numbers(version.release)}.post~"))
                )
        case "<":
            uppers.append(floor)


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
    length = max(3, len(version.release))
    return f"{_numbers((*release, *(0,) * (length - len(release))))}.1~"


def _next_series(version: Version, length: int) -> str:
    """The end of the series of releases that share the first ``length`` numbers of ``version``."""
    return f"{_numbers((*version.release[: length - 1], version.release[length - 1] + 1))}~"


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
        epoch = str(bound.epoch or "")
    return f"{epoch}:{bound.text}" if epoch else bound.text
