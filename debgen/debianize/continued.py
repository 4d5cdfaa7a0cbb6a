"""Continuing a source package that the archive has: version, changelog, people, and what the archive's has besides.

Whose upload it is decides what stands in the changelog and which revision follows (developers-reference 5.11, and
lintian's ``nmu`` check): somebody in Maintainer or Uploaders uploads as such, anybody else makes a team upload of a
team's package, a QA upload of an orphaned one, and a non-maintainer upload of a person's. The archive's Maintainer,
Uploaders and Vcs fields stay, unless the human adopts the package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Protocol

from debian.deb822 import Deb822
from packaging.version import InvalidVersion, Version

from debgen.archive.held import HeldSource
from debgen.archive.relation import compare
from debgen.archive.versions import split_debian
from debgen.errors import UsageError
from debgen.identity import Identity

_REPACK = re.compile(r"(?P<sign>[+~.])(?P<word>dfsg|ds|repack|nodfsg)[0-9.]*$")
_TEAM = re.compile(r"@(?:lists\.|tracker\.|alioth-lists\.)|\b(?:team|group|maintainers|packagers|developers)\b", re.I)
_ORPHANED = "packages@qa.debian.org"
_MAIL = re.compile(r"<([^<>]*)>")


class SourceFields(Protocol):
    """What a suite's Sources index tells of a source package; each is empty where the package has no such field."""

    @property
    def version(self) -> str: ...
    @property
    def maintainer(self) -> str: ...
    @property
    def uploaders(self) -> str: ...
    @property
    def vcs_git(self) -> str: ...
    @property
    def vcs_browser(self) -> str: ...
    @property
    def build_depends(self) -> str: ...
    @property
    def build_depends_indep(self) -> str: ...
    @property
    def build_depends_arch(self) -> str: ...
    @property
    def testsuite(self) -> str: ...
    @property
    def checksums_sha256(self) -> str: ...


class Upload(Enum):
    """Whose upload it is; the value is the first line of the changelog entry, empty where none is due."""

    MAINTAINER = ""
    TEAM = "Team upload."
    QA = "QA upload."
    NMU = "Non-maintainer upload."
    ADOPTION = "New maintainer."
    JOINED = "Add myself to Uploaders; no human was named there."


@dataclass(frozen=True)
class Continued:
    """What the archive has of a source, and how the next upload of it continues that.

    ``maintainer`` and ``uploaders`` are those of the next upload; the Vcs fields are empty where they aren't known.
    ``notes`` are sentences for the human.
    """

    held: HeldSource
    record: SourceFields | None
    upload: Upload
    maintainer: str
    uploaders: str
    vcs_git: str = ""
    vcs_browser: str = ""
    notes: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The archive's newest version: that of the source, where its packages are not built yet on all machines."""
        newer = self.record is not None and compare(self.record.version, self.held.version) > 0
        return self.record.version if self.record and newer else self.held.version

    @property
    def files_excluded(self) -> tuple[str, ...]:
        """The patterns of upstream's files that the archive's tarball is without (Files-Excluded of uscan)."""
        head = Deb822(self.held.copyright.splitlines())
        return tuple(str(head.get("Files-Excluded", "")).split())

    @property
    def repack_suffix(self) -> str:
        """The suffix that a repacked tarball of the next release gets, such as ``+dfsg``; empty where none is due."""
        found = _REPACK.search(split_debian(self.version)[1])
        return f"{found['sign']}{found['word']}" if found else ""

    def section(self, binary: str) -> str:
        """The archive's section of ``binary`` with its area, such as ``contrib/python``; empty where it has none."""
        found = self.held.binary(binary)
        return found.section if found else ""


def continue_source(
    held: HeldSource,
    record: SourceFields | None,
    identity: Identity,
    *,
    adopt_as: tuple[str, str] | None = None,
) -> Continued:
    """Decide whose upload the next one is.

    ``record`` is the source's entry in the Sources index, None where that wasn't read. ``adopt_as`` has Maintainer and
    Uploaders where the human takes the package over.
    """
    maintainer = (record.maintainer if record else "") or held.maintainer
    uploaders = record.uploaders if record else ""
    notes = [f"the archive has {held.source} {held.version}; this is its next upload"]
    if held.note:
        notes.append(f"the archive's changelog could not be read, so this one begins anew: {held.note}")
    if record and compare(record.version, held.version) > 0:
        notes.append(
            f"the archive's source is at {record.version} already, whose packages are not built yet: take the newest"
            f" entries of its changelog over"
        )
    if record is None:
        notes.append("Uploaders and Vcs of the archive's source are not known; put them back into debian/control")
    vcs = (record.vcs_git, record.vcs_browser) if record else ("", "")
    if adopt_as:
        notes.append(f"Maintainer was {maintainer}; taking a package over needs their consent, or an orphaned package")
        return Continued(held, record, Upload.ADOPTION, *adopt_as, *vcs, tuple(notes))
    upload = _upload(maintainer, uploaders, identity)
    if record and upload is Upload.TEAM and not uploaders.strip():
        # Policy 3.3 wants a human beside a team, and lintian makes the lack of one an error.
        notes.append(f"Uploaders of the archive's source is empty, which policy doesn't allow: {identity} goes there")
        return Continued(held, record, Upload.JOINED, maintainer, str(identity), *vcs, tuple(notes))
    if upload is not Upload.MAINTAINER:
        notes.append(
            f"Maintainer stays {maintainer}, and {identity} is not among the uploaders: the changelog says"
            f" {upload.value!r}, which you should talk over with them"
        )
    return Continued(held, record, upload, maintainer, uploaders, *vcs, tuple(notes))


def _upload(maintainer: str, uploaders: str, identity: Identity) -> Upload:
    """Lintian compares whole names and addresses; only the host part of an address is free of case."""
    people = {_canonical(person) for person in (maintainer, *re.split(r"(?<=>)\s*,\s*", uploaders))}
    if _ORPHANED in maintainer:
        return Upload.QA
    if _canonical(str(identity)) in people:
        return Upload.MAINTAINER
    return Upload.TEAM if is_team(maintainer) else Upload.NMU


def is_team(maintainer: str) -> bool:
    """Whether a Maintainer field names a group: by its mail host, or by the words of its name.

    >>> is_team("Debian Python Team <team+python@tracker.debian.org>"), is_team("Jane Doe <jane@debian.org>")
    (True, False)
    """
    return bool(_TEAM.search(maintainer))


def _canonical(person: str) -> str:
    return re.sub(r"<([^>@]+@)([\w.-]+)>", lambda m: f"<{m[1]}{m[2].lower()}>", person.strip().rstrip(","))


def next_version(held: str, upstream: str, *, repack: str = "", suffix: str = "", nmu: bool = False) -> str:
    """The version of the next upload, above the archive's ``held``.

    ``upstream`` is the release in Debian's spelling, without repack suffix and revision; ``repack`` the suffix of the
    tarball where it is repacked; ``suffix`` that of a backport (``~bpo13+1``). The same release keeps the archive's
    upstream version, repack suffix included, since its tarball is in the archive already. An older one is written
    ``NEWER+reallyOLDER``, as Debian does. Raises UsageError where no version above the archive's can be made.

    >>> next_version("1:2.0+dfsg1-3", "2.0"), next_version("1:2.0+dfsg1-3", "2.1", repack="+dfsg")
    ('1:2.0+dfsg1-4', '1:2.1+dfsg-1')
    """
    epoch, have, revision = split_debian(held)
    own_epoch, _, upstream = upstream.rpartition(":")
    epoch = str(max(int(epoch or 0), int(own_epoch or 0)) or "")
    if is_same_release(held, upstream):
        part, number = have, _bumped(revision, nmu)
    else:
        part, number = f"{upstream}{repack}", "0.1" if nmu else "1"
        if compare(part, have) <= 0 and not (own_epoch and compare(f"{epoch}:0", held) > 0):
            part = f"{have.partition('+really')[0]}+really{upstream}{repack}"
    if nmu and suffix:
        number = number.partition(".")[0] if number != "0.1" else "1"
    version = f"{epoch}:{part}-{number}{suffix}" if epoch else f"{part}-{number}{suffix}"
    if compare(version, held) <= 0:
        raise UsageError(
            f"{version} would be lower than the archive's {held}", hint="Package a newer release, such as the newest."
        )
    return version


def is_same_release(held: str, upstream: str) -> bool:
    """Whether the Debian version ``held`` is of the release ``upstream`` (Debian's spelling, without a revision)."""
    plain = _REPACK.sub("", split_debian(held)[1])
    if compare(plain, upstream.rpartition(":")[2]) == 0:
        return True
    try:
        return Version(plain.replace("~", "")) == Version(upstream.rpartition(":")[2].replace("~", ""))
    except InvalidVersion:
        return False


def _bumped(revision: str, nmu: bool) -> str:
    """The revision after ``revision``: ``1`` → ``2``, or ``1.1`` for a non-maintainer upload (policy 5.6.12.2)."""
    found = re.match(r"(\d+)(?:\.(\d+))?(.*)", revision)
    if found is None:  # a native package, or a revision of letters
        return f"{revision}.1" if revision else "0.1" if nmu else "1"
    first, second, rest = int(found[1]), int(found[2] or 0), found[3]
    if rest.startswith("~"):  # 1~exp1 comes before 1
        return revision.partition("~")[0]
    return f"{first}.{second + 1}" if nmu else str(first + 1)


def changelog_with(entry: str, older: str) -> str:
    """A changelog with ``entry`` on top of the ``older`` one, which may be empty."""
    return f"{entry.rstrip()}\n\n{older.lstrip()}" if older.strip() else entry


def date_after(older: str, date: datetime) -> datetime:
    """``date``, or a second after the newest entry of the changelog ``older`` where that is not before it.

    Entries must have dates that rise; lintian calls anything else an error.
    """
    found = re.search(r"^ -- .*>  (.+)$", older, re.MULTILINE)
    try:
        last = parsedate_to_datetime(found[1]).astimezone(UTC) if found else None
    except ValueError:
        last = None
    return max(date, last + timedelta(seconds=1)) if last else date


def first_lines(upload: Upload, *, new_release: bool, closes: str = "") -> list[str]:
    """The lines of the changelog entry: whose upload it is, and what it is for.

    ``closes`` is put after the last, such as `` (Closes: #123456)``.
    """
    what = "New upstream release." if new_release else "Write the files of debian/ anew."
    return [*filter(None, [upload.value]), what + closes]
