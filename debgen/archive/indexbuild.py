"""Building a suite's index: one SQLite file, made once for each Release and read in a blink afterwards."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields
from functools import partial
from operator import attrgetter
from pathlib import Path

from debian.debian_support import NativeVersion

from debgen.archive.listfiles import read_contents, read_contents_apart, read_packages
from debgen.archive.model import Binary, ListFile, ListKind, Located, Release, Shipped
from debgen.archive.sqlitefile import replacing
from debgen.errors import IntegrityError
from debgen.run import Runner, run

FORMAT = 3
"""To be raised when the tables or what fills them change, so that older files are built anew."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE binary (
  name TEXT, version TEXT, architecture TEXT, source TEXT, source_version TEXT, component TEXT, section TEXT,
  provides TEXT, depends TEXT, recommends TEXT, pre_depends TEXT, breaks TEXT, conflicts TEXT
);
CREATE TABLE provided (virtual TEXT, package INTEGER, version TEXT, PRIMARY KEY (virtual, package, version))
  WITHOUT ROWID;
CREATE TABLE dependants (name TEXT PRIMARY KEY, packages TEXT NOT NULL, wanted INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE shipped (distribution TEXT, version TEXT, package TEXT, kind TEXT, path TEXT);
CREATE TABLE located (kind TEXT, name TEXT, package TEXT, path TEXT, PRIMARY KEY (kind, name, package, path))
  WITHOUT ROWID;
"""
INDEXES = (
    "CREATE UNIQUE INDEX binary_name ON binary (name)",
    "CREATE INDEX binary_source ON binary (source)",
    "CREATE INDEX shipped_distribution ON shipped (distribution)",
    "CREATE INDEX shipped_package ON shipped (package)",
)
"""Made when the tables are full, which is faster.

``provided.package`` is a rowid of ``binary``, ``dependants.packages`` a JSON list of them: a row for each relation
would make the file twice as large.
"""

#: A Contents file of this size, in bytes, takes seconds to read, and is worth a process of its own.
_LARGE = 8 << 20
_row = attrgetter(*(field.name for field in fields(Binary)))
_PROVIDED = re.compile(r"\s*([^\s(:]+)(?::\w+)?\s*(?:\(=\s*([^)\s]+)\s*\))?\s*")
_NAMED = re.compile(r"(?:^|[,|])\s*([^\s,|:(]+)")
_WANTING = attrgetter("pre_depends", "depends", "recommends")
_REFUSING = attrgetter("breaks", "conflicts")


def build_index(
    target: Path, *, key: str, release: Release, architecture: str, lists: Iterable[ListFile], run: Runner = run
) -> None:
    """Write the index of ``lists`` to ``target`` in one step: a reader sees the old file or the new one.

    ``key`` names what it was made from. Raises IntegrityError where the lists are broken or have no package,
    and WorkspaceError where the disk is full.
    """
    lists = tuple(lists)
    with replacing(target) as path, ThreadPoolExecutor() as pool:
        contents = _contents(lists, pool, run)
        _fill(path, key=key, release=release, architecture=architecture, lists=lists, contents=contents)


def _fill(
    path: Path, *, key: str, release: Release, architecture: str, lists: tuple[ListFile, ...],
    contents: Iterable[Callable[[], Iterable[Shipped | Located]]],
) -> None:  # fmt: skip
    chosen = _newest(
        binary
        for file in lists
        if file.kind is ListKind.PACKAGES
        for binary in read_packages(file.path, file.component)
    )
    if not chosen:
        raise IntegrityError(f"the index of {release.codename} has no packages for {architecture}")
    packages = sorted(chosen.values(), key=attrgetter("name"))
    del chosen
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # The file is thrown away when anything goes wrong, so SQLite need not guard it.
        database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {SCHEMA}")
        database.executemany("INSERT INTO binary VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", map(_row, packages))
        database.executemany("INSERT OR IGNORE INTO provided VALUES (?,?,?)", sorted(_provided(packages)))
        database.executemany("INSERT INTO dependants VALUES (?,?,?)", sorted(_dependants(packages)))
        del packages
        for rows in contents:
            _fill_contents(database, rows())
        for statement in INDEXES:
            database.execute(statement)
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


def _contents(
    lists: Iterable[ListFile], pool: Executor, run: Runner
) -> list[Callable[[], Iterable[Shipped | Located]]]:
    """What gives the rows of each Contents file, the largest last; the large ones are read beside all the rest."""
    sizes = {file.path: file.path.stat().st_size for file in lists if file.kind is ListKind.CONTENTS}
    return [
        pool.submit(read_contents_apart, path, run).result if size >= _LARGE else partial(read_contents, path)
        for path, size in sorted(sizes.items(), key=lambda entry: entry[1])
    ]


def _newest(binaries: Iterable[Binary]) -> dict[str, Binary]:
    """The highest version of each package: unstable keeps old ones while something still needs them."""
    chosen: dict[str, Binary] = {}
    for binary in binaries:
        other = chosen.get(binary.name)
        if other is None or NativeVersion(binary.version) > NativeVersion(other.version):
            chosen[binary.name] = binary
    return chosen


def _provided(packages: Sequence[Binary]) -> Iterator[tuple[str, int, str]]:
    for number, binary in enumerate(packages, start=1):
        for relation in binary.provides.split(",") if binary.provides else ():
            if found := _PROVIDED.fullmatch(relation):
                yield found[1], number, found[2] or ""


def _dependants(packages: Sequence[Binary]) -> Iterator[tuple[str, str, int]]:
    """For each name in relations: the rowids of the packages that have it there, and how many of them want it."""
    naming: defaultdict[str, list[int]] = defaultdict(list)
    wanted: Counter[str] = Counter()
    for number, binary in enumerate(packages, start=1):
        wants = _names(_WANTING(binary))
        wanted.update(wants)
        for name in wants | _names(_REFUSING(binary)):
            naming[name].append(number)
    for name, numbers in naming.items():
        yield name, f"[{','.join(map(str, numbers))}]", wanted[name]


def _names(fields: Iterable[str]) -> set[str]:
    return set(_NAMED.findall(",".join(fields)))


def _fill_contents(database: sqlite3.Connection, rows: Iterable[Shipped | Located]) -> None:
    located: list[tuple[str, str, str, str]] = []
    for row in rows:
        if isinstance(row, Located):
            located.append((row.kind.value, row.name, row.package, row.path))
        else:
            values = (row.distribution, row.version, row.package, row.kind.value, row.path)
            database.execute("INSERT INTO shipped VALUES (?,?,?,?,?)", values)
    # Sorted, each goes where the last one went; the lists of two architectures can have the same line.
    database.executemany("INSERT OR IGNORE INTO located VALUES (?,?,?,?)", sorted(located))
