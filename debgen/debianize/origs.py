"""Whether the orig tarball is the one that the archive has.

The archive keeps one tarball for an upstream version for good: an upload that brings other bytes under its name is
rejected (policy 5.6.21, dak's checks). So a further revision of a release that the archive has must take its tarball.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from debgen.archive.versions import split_debian
from debgen.debianize.continued import Continued, is_same_release

_ORIG = re.compile(r"\.orig\.tar\.[a-z0-9]+$")


class OrigState(StrEnum):
    """How the orig tarball relates to the archive's of the same upstream version."""

    NEW = "new"
    SAME = "same"
    TAKEN = "taken"
    DIFFERS = "differs"


@dataclass(frozen=True)
class ArchiveOrig:
    """The archive's orig tarball of a source: its file name, and its SHA-256 in hexadecimal digits."""

    source: str
    version: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Orig:
    """What is known of the orig tarball; ``archive`` is None where the archive has none of this upstream version.

    ``why`` says why the archive's was not taken, where it differs.
    """

    state: OrigState = OrigState.NEW
    archive: ArchiveOrig | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.archive is None:
            return "the archive has none of this upstream version"
        name = self.archive.name
        match self.state:
            case OrigState.SAME:
                return f"the same bytes as the archive's {name}"
            case OrigState.TAKEN:
                return f"the archive's own {name}"
        return (
            f"not the bytes of the archive's {name} (SHA-256 {self.archive.sha256}), so this can't be uploaded as it is"
            f"{f' ({self.why})' if self.why else ''}: fetch that one with `apt-get source --download-only"
            f" {self.archive.source}={self.archive.version}` or `origtargz`, put it in the place of the generated one,"
            " and build again with dpkg-buildpackage; or package a newer release"
        )

    def as_json(self) -> dict[str, str | None]:
        """Plain data: ``state``, ``archive`` (a file name, or null), its ``sha256``, and ``text``, the sentence."""
        archive = self.archive
        return {
            "state": self.state.value,
            "archive": archive.name if archive else None,
            "sha256": archive.sha256 if archive else None,
            "text": str(self),
        }


def archive_orig(continued: Continued | None, upstream: str) -> ArchiveOrig | None:
    """The archive's orig tarball of the release ``upstream`` (Debian's spelling); None where it has another or none."""
    record = continued.record if continued else None
    if continued is None or record is None or not is_same_release(record.version, upstream):
        return None
    words = record.checksums_sha256.split()
    files = zip(words[::3], words[2::3], strict=False)
    stem = f"{continued.held.source}_{split_debian(record.version)[1]}"
    found = (
        ArchiveOrig(continued.held.source, record.version, name, digest)
        for digest, name in files
        if name.startswith(f"{stem}.orig.tar.") and _ORIG.search(name)
    )
    return next(found, None)


def judge_orig(archive: ArchiveOrig | None, sha256: str, *, why: str = "") -> Orig:
    """What is to be said of a tarball with this SHA-256, that is to be the orig of the release of ``archive``."""
    if archive is None:
        return Orig()
    same = archive.sha256 == sha256
    return Orig(OrigState.SAME if same else OrigState.DIFFERS, archive, "" if same else why)
