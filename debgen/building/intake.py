"""Taking what a .changes lists into the pool of a repository: only whole files, and only under plain names."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from debian.deb822 import Changes

from debgen.building.changes import listed_files
from debgen.errors import IntegrityError, WorkspaceError
from debgen.workspace import make_directory

_SOURCE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
#: Debian Policy 5.6.12, without the epoch.
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+~-]*")
_HINT = "Is it a .changes file of a finished build?"


def is_taken(changes: Path, pool: Path) -> bool:
    """Whether ``pool`` holds what ``changes`` lists, from the build that made this very .changes."""
    try:
        name, version = _identity(changes)[:2]
        return (pool / name / version / changes.name).read_bytes() == changes.read_bytes()
    except (OSError, WorkspaceError):
        return False


def take(changes: Path, pool: Path) -> None:
    """Copy what ``changes`` lists into ``pool``, in the place of other versions of its source.

    WorkspaceError where it is no .changes or a file is missing, IntegrityError where one differs from its checksum.
    """
    source, version, content = _identity(changes)
    sums = {entry["name"]: entry["sha256"] for entry in content.get("Checksums-Sha256", [])}
    shutil.rmtree(pool / source, ignore_errors=True)
    folder = make_directory(pool / source / version)
    for name in listed_files(changes):
        file = changes.parent / name
        if not file.is_file():
            raise WorkspaceError(f"{changes.name} lists {name}, which isn't beside it", hint="Build the package again.")
        shutil.copyfile(file, folder / name)
        with (folder / name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sums.get(name):
                raise IntegrityError(
                    f"{name} is not the file that {changes.name} lists: its checksum differs",
                    hint="Build the package again.",
                )
    shutil.copyfile(changes, folder / changes.name)


def _identity(changes: Path) -> tuple[str, str, Changes]:
    """Its source package, the version without epoch (a colon means something in apt's file names), and all of it."""
    try:
        content = Changes(changes.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{changes} can't be read: {error}", hint=_HINT) from None
    # The word behind the source's name is its version, where that differs from the binaries'.
    source = str(content.get("Source", "")).partition(" ")[0]
    version = str(content.get("Version", "")).rpartition(":")[2]
    if not _SOURCE.fullmatch(source) or not _VERSION.fullmatch(version):
        raise WorkspaceError(f"{changes} names the source package {source!r} in version {version!r}", hint=_HINT)
    return source, version, content
