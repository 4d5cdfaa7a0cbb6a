"""A suite's index: what its packages are, and which Python distributions they ship.

>>> with open_suite("sid", mirror_settings()) as index:  # doctest: +SKIP
...     index.version_of("python3-requests")
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from debgen.archive.apterrors import ALIASES, check_suite_name
from debgen.archive.aptroot import DAY, AptRoot
from debgen.archive.indexbuild import FORMAT, build_index
from debgen.archive.mirror import MirrorSettings
from debgen.archive.model import (
    Binary,
    Dependant,
    FileKind,
    MetadataKind,
    Provided,
    RelationField,
    Shipped,
)
from debgen.archive.relation import clauses, parse_clause
from debgen.errors import IntegrityError, UnknownSuiteError
from debgen.narrate import say
from debgen.run import Runner, run


class SuiteIndex:
    """Read-only queries on an index file. Opening it reads nothing but its head.

    ``python_version`` is the suite's default Python, such as "3.13"; ``glibc`` the version of its C library,
    such as "2.41"; ``date`` the Release file's.
    """

    suite: str
    codename: str
    architecture: str
    date: datetime
    python_version: str
    glibc: str

    def __init__(self, path: Path) -> None:
        """Open the file that :func:`debgen.archive.indexbuild.build_index` wrote."""
        self._database = _opened(path)
        self._lock = threading.Lock()
        try:
            meta: dict[str, str] = dict(self._rows("SELECT key, value FROM meta"))
            self.suite, self.codename = meta["suite"], meta["codename"]
            self.architecture = meta["architecture"]
            self.date = datetime.fromisoformat(meta["date"])
            self.python_version = self._upstream("python3", r"3\.\d+")
            self.glibc = self._upstream("libc6", r"\d+\.\d+")
        except BaseException:
            self._database.close()
            raise

    def binary(self, name: str) -> Binary | None:
        """The package of that name; where the suite has several versions, the highest."""
        row = self._row("SELECT * FROM binary WHERE name = ?", (name,))
        return Binary(*row) if row else None

    def version_of(self, package: str) -> str | None:
        """The Debian version of the binary package, or None where the suite has no such package."""
        row = self._row("SELECT version FROM binary WHERE name = ?", (package,))
        return str(row[0]) if row else None

    def providers(self, virtual: str) -> tuple[Binary, ...]:
        """The packages whose Provides name ``virtual``, by name."""
        rows = self._rows(
            "SELECT DISTINCT binary.* FROM provided JOIN binary ON binary.rowid = provided.package"
            " WHERE virtual = ? ORDER BY name",
            (virtual,),
        )
        return tuple(Binary(*row) for row in rows)

    def provided(self, virtual: str) -> tuple[Provided, ...]:
        """What ``virtual`` can mean in a relation: the package of that name first, then those that provide it."""
        rows = self._rows(
            "SELECT name, version, 0 AS rank FROM binary WHERE name = :name"
            " UNION ALL SELECT binary.name, provided.version, 1 FROM provided JOIN binary"
            " ON binary.rowid = provided.package WHERE virtual = :name ORDER BY rank, name",
            {"name": virtual},
        )
        return tuple(Provided(package, version) for package, version, _ in rows)

    def dependants(self, package: str) -> tuple[Dependant, ...]:
        """The clauses of other packages' relations that name ``package`` (not what it provides), by package."""
        rows = self._rows(
            "SELECT binary.* FROM binary JOIN json_each("
            "(SELECT packages FROM dependants WHERE dependants.name = ?)) AS number ON binary.rowid = number.value"
            " ORDER BY name",
            (package,),
        )
        return tuple(
            Dependant(binary.name, binary.source, field, clause)
            for binary in (Binary(*row) for row in rows)
            for field in RelationField
            for clause in clauses(field.of(binary))
            if any(relation.name == package for relation in parse_clause(clause))
        )

    def starting(self, prefix: str) -> tuple[Binary, ...]:
        """The packages whose own name, or a name that they provide, begins with ``prefix``; by name."""
        rows = self._rows(
            "SELECT * FROM binary WHERE name >= :first AND name < :end OR rowid IN"
            " (SELECT package FROM provided WHERE virtual >= :first AND virtual < :end) ORDER BY name",
            {"first": prefix, "end": f"{prefix}\U0010ffff"},
        )
        return tuple(Binary(*row) for row in rows)

    def source_binaries(self, source: str) -> tuple[Binary, ...]:
        """The binary packages that are built from ``source``, by name."""
        rows = self._rows("SELECT * FROM binary WHERE source = ? ORDER BY name", (source,))
        return tuple(Binary(*row) for row in rows)

    def pkg_config(self, name: str) -> tuple[str, ...]:
        """The packages with NAME.pc where pkg-config looks for it, best first."""
        return self._having(FileKind.PKG_CONFIG, name)

    def cmake_config(self, name: str) -> tuple[str, ...]:
        """The packages with the NAMEConfig.cmake or NAME-config.cmake of ``find_package(NAME)``, best first.

        Case doesn't count. The modules that come with CMake itself (FindZLIB.cmake) aren't looked at.
        """
        return self._having(FileKind.CMAKE, name.lower())

    def program(self, name: str) -> tuple[str, ...]:
        """The packages with that program on the PATH of root, best first; alternatives' links don't count."""
        return self._having(FileKind.PROGRAM, name)

    def link_library(self, name: str) -> tuple[str, ...]:
        """The packages with libNAME.so, which ``-lNAME`` links with, best first."""
        return self._having(FileKind.LINK, name)

    def header(self, name: str) -> tuple[str, ...]:
        """The packages with that file where the compiler looks for it, best first: ``zlib.h``, ``openssl/ssl.h``."""
        return self._having(FileKind.HEADER, name)

    def shipped(self, distribution: str) -> tuple[Shipped, ...]:
        """What ships ``distribution`` (its PEP 503 normalised name)."""
        return self._shipped("SELECT * FROM shipped WHERE distribution = ?", distribution)

    def shipped_by(self, package: str) -> tuple[Shipped, ...]:
        """The distributions that ``package`` ships."""
        return self._shipped("SELECT * FROM shipped WHERE package = ?", package)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _shipped(self, query: str, name: str) -> tuple[Shipped, ...]:
        rows = self._rows(f"{query} ORDER BY package, path", (name,))
        return tuple(
            Shipped(distribution, version, package, MetadataKind(kind), path)
            for distribution, version, package, kind, path in rows
        )

    def _having(self, kind: FileKind, name: str) -> tuple[str, ...]:
        """The packages that have the file, each once, best first."""
        rows = self._rows(
            "SELECT located.package, located.path, binary.component, dependants.wanted"
            " FROM located JOIN binary ON binary.name = located.package"
            " LEFT JOIN dependants ON dependants.name = located.package WHERE kind = ? AND located.name = ?",
            (kind.value, name),
        )
        names = {package for package, *_ in rows}
        users = self._users if len(names) > 1 and kind is not FileKind.PROGRAM else lambda package: 0
        ranked = sorted(
            (
                component != "main",
                _rank(kind, name, package, path, self._library_folder),
                -(wanted or 0) - users(package),
                package,
            )
            for package, path, component, wanted in rows
        )
        found = tuple(dict.fromkeys(entry[-1] for entry in ranked))
        return (*self._stand_ins(name, found), *found) if kind is not FileKind.PROGRAM else found

    def _users(self, package: str) -> int:
        """How many packages use the library for which ``package`` is there, by what is built with it.

        Of several packages with a file of the same name, that is the one that Debian's packages are built with.
        """
        binary = self.binary(package)
        exact = [relation for clause in clauses(binary.depends if binary else "") for relation in parse_clause(clause)]
        libraries = [relation.name for relation in exact if relation.operator == "=" and relation.name != package]
        rows = [self._row("SELECT wanted FROM dependants WHERE name = ?", (library,)) for library in libraries]
        return max((int(row[0]) for row in rows if row), default=0)

    def _stand_ins(self, name: str, found: Sequence[str]) -> tuple[str, ...]:
        """Packages without files that Debian has for builds, so that the one of several libraries can be exchanged.

        They are named ``default-...-dev``, or ``libNAME-dev`` where the one with the files has a number.
        """
        chosen = [
            dependant.package
            for package in found[:4]
            for dependant in self.dependants(package)
            if dependant.field is RelationField.DEPENDS and dependant.package not in found
            and (re.fullmatch(r"default-lib.*-dev", dependant.package)
                 or (dependant.package == f"lib{name.removeprefix('lib')}-dev" and package == found[0]))
        ]  # fmt: skip
        return tuple(dict.fromkeys(chosen))[:1]

    @cached_property
    def _library_folder(self) -> str:
        """Where the architecture's libraries are (``usr/lib/x86_64-linux-gnu/``): where its C library is."""
        row = self._row(
            "SELECT path FROM located WHERE kind = ? AND name = 'c' AND package = 'libc6-dev'", (FileKind.LINK.value,)
        )
        return str(row[0]).removesuffix("libc.so") if row else "usr/lib/"

    def _rows(self, query: str, values: Sequence[str] | Mapping[str, str] = ()) -> list[Any]:
        """All rows at once, one query after the other: the connection's statements are shared by all threads."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def _row(self, query: str, values: Sequence[str] | Mapping[str, str] = ()) -> Any:
        return next(iter(self._rows(query, values)), None)

    def _upstream(self, package: str, pattern: str) -> str:
        found = re.match(rf"(?:\d+:)?({pattern})", self.version_of(package) or "")
        if not found:
            raise UnknownSuiteError(
                f"{self.codename} ({self.architecture}) has no package {package}",
                hint="Choose a complete suite, such as sid or trixie.",
            )
        return found[1]


def _rank(kind: FileKind, name: str, package: str, path: str, folder: str) -> tuple[bool | int, ...]:
    """Sort key, best first, of the file ``path`` of ``package``; ``folder`` is the architecture's own for libraries.

    For this architecture, for development, where it is looked for first; a program in the package named like it.
    """
    places = (folder, "usr/lib/gcc/", "usr/share/", "usr/bin/")
    place = next((number for number, start in enumerate(places) if path.startswith(start)), len(places))
    if kind is FileKind.PROGRAM:
        return (package != name, place)
    foreign = "-gnu" in path and place > 1 and kind is not FileKind.HEADER
    return (foreign, not package.endswith("-dev"), path.endswith(".a"), place, path.count("/"))


def open_suite(
    suite: str,
    settings: MirrorSettings,
    *,
    max_age_seconds: float = DAY,
    refresh: bool = False,
    meanwhile: Callable[[], object] | None = None,
    run: Runner = run,
) -> SuiteIndex:
    """The index of ``suite`` (a codename, or an alias such as unstable), brought up to date and built.

    ``meanwhile`` is done in a thread of its own where there is no index yet, as apt takes seconds to fetch the lists;
    it has to end by itself. Raises what :meth:`debgen.archive.aptroot.AptRoot.update` raises.
    """
    codename = resolve_suite(suite, settings, max_age_seconds=max_age_seconds, refresh=refresh, run=run)
    root = AptRoot(codename, settings, run=run)
    path = root.directory / "index.sqlite"
    with ThreadPoolExecutor(1) as pool:
        if meanwhile and not path.is_file():
            pool.submit(meanwhile)
        root.update(max_age_seconds=max_age_seconds, refresh=refresh)
        return _built(root, path, run)


def _built(root: AptRoot, path: Path, run: Runner) -> SuiteIndex:
    """The index of the lists in ``root``, built if ``path`` isn't it."""
    with root.locked():
        digest = hashlib.sha256(root.release_file().read_bytes()).hexdigest()
        key = f"{FORMAT} {root.settings.architecture} {digest}"
        if _key_of(path) != key:
            say(f"Reading the package index of {root.suite}")
            try:
                build_index(
                    path,
                    key=key,
                    release=root.release(),
                    architecture=root.settings.architecture,
                    lists=root.lists(),
                    run=run,
                )
            except IntegrityError:
                root.discard()
                raise
        return SuiteIndex(path)


def resolve_suite(
    suite: str,
    settings: MirrorSettings,
    *,
    max_age_seconds: float = DAY,
    refresh: bool = False,
    run: Runner = run,
) -> str:
    """The codename that ``suite`` stands for, read from the alias's Release file; a codename is itself."""
    check_suite_name(suite)
    if suite not in ALIASES:
        return suite
    root = AptRoot(suite, settings, release_only=True, run=run)
    root.update(max_age_seconds=max_age_seconds, refresh=refresh)
    return root.release().codename


def _key_of(path: Path) -> str | None:
    """What the index file was made from; None where there is none, or it can't be read."""
    if not path.is_file():
        return None
    try:
        with closing(_opened(path)) as database:
            row = database.execute("SELECT value FROM meta WHERE key = 'key'").fetchone()
    except sqlite3.DatabaseError:
        return None
    return str(row[0]) if row else None


def _opened(path: Path) -> sqlite3.Connection:
    """Read-only, and usable from any thread. The file never changes: a newer index is another file."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)
