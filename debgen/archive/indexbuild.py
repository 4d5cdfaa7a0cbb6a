"""Building a suite's index: one SQLite file, made once for each Release and read in a blink afterwards."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

from debian.debian_support import NativeVersion

from debgen.archive.listfiles import read_contents, read_packages
from debgen.archive.model import Binary, ListFile, ListKind, Release
from debgen.errors import IntegrityError, WorkspaceError
from debgen.workspace import disk_errors, make_directory

FORMAT = 1
"""To be raised when the tables or what fills them change, so that older files are built anew."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE binary (
  name TEXT PRIMARY KEY, version TEXT, architecture TEXT, source TEXT, source_version TEXT, component TEXT,
  section TEXT, provides TEXT, depends TEXT, recommends TEXT
) WITHOUT ROWID;
CREATE TABLE provided (virtual TEXT, version TEXT, package TEXT);
CREATE TABLE shipped (distribution TEXT, version TEXT, package TEXT, kind TEXT, path TEXT);
CREATE INDEX binary_source ON binary (source);
CREATE INDEX provided_virtual ON provided (virtual);
CREATE INDEX shipped_distribution ON shipped (distribution);
CREATE INDEX shipped_package ON shipped (package);
"""

_row = attrgetter(*(field.name for field in fields(Binary)))
_PROVIDED = re.compile(r"\s*([^\s(:]+)(?::\w+)?\s*(?:\(=\s*([^)\s]+)\s*\))?\s*")


def build_index(target: Path, *, key: str, release: Release, architecture: str, lists: Iterable[ListFile]) -> None:
    """Write the index of ``lists`` to ``target`` in one step: a reader sees the old file or the new one.

    ``key`` names what it was made from. Raises IntegrityError where the lists are broken or have no package,
    and WorkspaceError where the disk is full.
    """
    make_directory(target.parent)
    with disk_errors(target):
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        try:
            _fill(Path(name), key=key, release=release, architecture=architecture, lists=tuple(lists))
            os.chmod(name, 0o644)
            os.replace(name, target)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
                raise
            raise WorkspaceError(
                f"the disk is full while writing {target}", hint="Free some space and run the command again."
            ) from None
        finally:
            Path(name).unlink(missing_ok=True)


def _fill(path: Path, *, key: str, release: Release, architecture: str, lists: tuple[ListFile, ...]) -> None:
    packages = _newest(
        binary
        for file in lists
        if file.kind is ListKind.PACKAGES
        for binary in read_packages(file.path, file.component)
    )
    if not packages:
        raise IntegrityError(f"the index of {release.codename} has no packages for {architecture}")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # The file is thrown away when anything goes wrong, so SQLite need not guard it.
        database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {SCHEMA}")
        database.executemany("INSERT INTO binary VALUES (?,?,?,?,?,?,?,?,?,?)", map(_row, packages.values()))
        database.executemany("INSERT INTO provided VALUES (?,?,?)", _provided(packages.values()))
        database.executemany(
            "INSERT INTO shipped VALUES (?,?,?,?,?)",
            (
                (row.distribution, row.version, row.package, row.kind.value, row.path)
                for file in lists
                if file.kind is ListKind.CONTENTS
                for row in read_contents(file.path)
            ),
        )
        database.executemany(
            "INSERT INTO meta VALUES (?,?)",
            {
                "key": key,
                "suite": release.suite,
                "codename": release.codename,
                "date": release.date.isoformat(),
                "architecture": architecture,
            }.items(),
        )
        database.execute("COMMIT")


def _newest(binaries: Iterable[Binary]) -> dict[str, Binary]:
    """The highest version of each package: unstable keeps old ones while something still needs them."""
    chosen: dict[str, Binary] = {}
    for binary in binaries:
        other = chosen.get(binary.name)
        if other is None or NativeVersion(binary.version) > NativeVersion(other.version):
            chosen[binary.name] = binary
    return chosen


def _provided(binaries: Iterable[Binary]) -> Iterator[tuple[str, str, str]]:
    for binary in binaries:
        for relation in binary.provides.split(",") if binary.provides else ():
            if found := _PROVIDED.fullmatch(relation):
                yield found[1], found[2] or "", binary.name
