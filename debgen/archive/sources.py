"""A suite's Sources index: what the maintainers of its source packages wrote (deb-src lists, dsc(5)).

The lists are fetched into a private apt root of their own, and only when this is asked for. They are read once for each
Release into one small SQLite file, which opens in a blink.

>>> with open_sources("sid", mirror_settings()) as sources:  # doctest: +SKIP
...     sources.record("python-cbor2").build_depends
"""

from __future__ import annotations

import hashlib
import lzma
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from debian.debian_support import NativeVersion

from debgen.archive.aptroot import DAY, AptRoot
from debgen.archive.index import resolve_suite
from debgen.archive.mirror import MirrorSettings
from debgen.archive.relation import clauses
from debgen.archive.sqlitefile import replacing
from debgen.errors import IntegrityError
from debgen.gunzip import gunzip
from debgen.narrate import say
from debgen.run import Runner, run

FORMAT = 2
"""To be raised when the table or what fills it changes, so that older files are built anew."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source package; fields are as its maintainers wrote them, unfolded, and empty where there are none.

    ``package_list`` has one line for each binary package: name, type, section, priority, and ``key=value`` words
    such as ``arch=all``. The archive overrides the section of sources, so those of the binaries are looked at.
    ``checksums_sha256`` has hash, size and name of each file, one after the other.
    """

    name: str
    version: str
    component: str
    binaries: str
    architecture: str
    format: str
    standards_version: str
    maintainer: str
    uploaders: str
    homepage: str
    vcs_git: str
    vcs_browser: str
    build_depends: str
    build_depends_indep: str
    build_depends_arch: str
    testsuite: str
    testsuite_triggers: str
    package_list: str
    directory: str
    checksums_sha256: str

    @property
    def binary_names(self) -> tuple[str, ...]:
        """The binary packages that it builds, in the maintainers' order."""
        return clauses(self.binaries)

    @property
    def all_build_depends(self) -> tuple[str, ...]:
        """The clauses of Build-Depends, Build-Depends-Arch and Build-Depends-Indep, each once."""
        joined = ",".join((self.build_depends, self.build_depends_arch, self.build_depends_indep))
        return tuple(dict.fromkeys(clauses(joined)))

    @property
    def tests(self) -> tuple[str, ...]:
        """The values of Testsuite: ``autopkgtest`` where it has a debian/tests/control, else what autodep8 makes."""
        return clauses(self.testsuite)

    def section_of(self, binary: str) -> str:
        """The section of a binary package, without the archive area; empty where it isn't listed."""
        for line in self.package_list.splitlines():
            match line.split():
                case [name, _, section, *_] if name == binary:
                    return section.rpartition("/")[2]
        return ""


_KEYS = {
    b"Package": "name",
    b"Binary": "binaries",
    **{
        field.name.replace("_", "-").title().encode(): field.name
        for field in fields(SourceRecord)
        if field.name not in ("name", "binaries", "component")
    },
}
_FIELD = re.compile(rb"^(" + b"|".join(map(re.escape, _KEYS)) + rb"):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_FOLD = re.compile(r"\s*\n\s*")
_COLUMNS = ", ".join(f"{field.name} TEXT" for field in fields(SourceRecord))
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source ({_COLUMNS});
"""
_row = attrgetter(*(field.name for field in fields(SourceRecord)))


class Sources:
    """Read-only queries on the file of a suite's source packages; ``date`` is the Release file's."""

    def __init__(self, path: Path) -> None:
        """Open the file that :func:`build_sources` wrote."""
        self._database = _opened(path)
        try:
            meta: dict[str, str] = dict(self._database.execute("SELECT key, value FROM meta").fetchall())
            self.codename = meta["codename"]
            self.date = datetime.fromisoformat(meta["date"])
        except BaseException:
            self._database.close()
            raise

    def record(self, source: str) -> SourceRecord | None:
        """The source package of that name; where the suite has several versions, the highest."""
        row = self._database.execute("SELECT * FROM source WHERE name = ?", (source,)).fetchone()
        return SourceRecord(*row) if row else None

    def names(self) -> tuple[str, ...]:
        """The names of all source packages, sorted."""
        return tuple(row[0] for row in self._database.execute("SELECT name FROM source ORDER BY name"))

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_sources(
    suite: str, settings: MirrorSettings, *, max_age_seconds: float = DAY, refresh: bool = False, run: Runner = run
) -> Sources:
    """The source packages of ``suite`` (a codename, or an alias such as unstable), brought up to date and read.

    Raises what :meth:`debgen.archive.aptroot.AptRoot.update` raises, and IntegrityError for lists that are broken.
    """
    codename = resolve_suite(suite, settings, max_age_seconds=max_age_seconds, refresh=refresh, run=run)
    root = AptRoot(codename, settings, run=run, sources_only=True)
    root.update(max_age_seconds=max_age_seconds, refresh=refresh)
    path = root.directory / "sources.sqlite"
    with root.locked():
        key = f"{FORMAT} {hashlib.sha256(root.release_file().read_bytes()).hexdigest()}"
        if _key_of(path) != key:
            say(f"Reading the source packages of {codename}")
            release = root.release()
            meta = {"key": key, "codename": release.codename, "date": release.date.isoformat()}
            try:
                build_sources(path, meta, root.source_lists())
            except IntegrityError:
                root.discard()
                raise
        return Sources(path)


def build_sources(target: Path, meta: dict[str, str], lists: Iterable[tuple[str, Path]]) -> None:
    """Write the file of the Sources ``lists``, each after its component, in one step.

    ``meta`` has what it was made from (``key``), and ``codename`` and ``date`` of the suite. Raises IntegrityError
    where the lists are broken or empty, and WorkspaceError where the disk is full.
    """
    with replacing(target) as path:
        chosen = _newest(record for component, list_ in lists for record in read_sources(list_, component))
        if not chosen:
            raise IntegrityError(f"the index of {meta['codename']} has no source packages")
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            # The file is thrown away when anything goes wrong, so SQLite need not guard it.
            database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {_SCHEMA}")
            places = ",".join("?" * len(fields(SourceRecord)))
            rows = (_row(chosen[source]) for source in sorted(chosen))
            database.executemany(f"INSERT INTO source VALUES ({places})", rows)  # noqa: S608 - question marks
            database.execute("CREATE UNIQUE INDEX source_name ON source (name)")
            database.executemany("INSERT INTO meta VALUES (?,?)", meta.items())
            database.execute("COMMIT")


def read_sources(path: Path, component: str) -> Iterator[SourceRecord]:
    """The source packages of a Sources file. Raises IntegrityError where the file is broken."""
    rest = b""
    for chunk in _chunks(path):
        *complete, rest = (rest + chunk).split(b"\n\n")
        yield from _records(complete, component)
    yield from _records([rest], component)


def _records(paragraphs: Iterable[bytes], component: str) -> Iterator[SourceRecord]:
    for paragraph in paragraphs:
        found = {_KEYS[key]: value.decode("utf-8", "replace").strip() for key, value in _FIELD.findall(paragraph)}
        if found.get("name") and found.get("version"):
            folded = {key: _FOLD.sub(" ", value) for key, value in found.items() if key != "package_list"}
            yield SourceRecord(component=component, **{**_EMPTY, **found, **folded})


_EMPTY = dict.fromkeys(_KEYS.values(), "")


def _newest(records: Iterable[SourceRecord]) -> dict[str, SourceRecord]:
    """The highest version of each source: unstable keeps old ones while something still needs them."""
    chosen: dict[str, SourceRecord] = {}
    for record in records:
        other = chosen.get(record.name)
        if other is None or NativeVersion(record.version) > NativeVersion(other.version):
            chosen[record.name] = record
    return chosen


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        if path.suffix == ".xz":
            with lzma.open(path) as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        elif path.suffix == ".gz":
            with path.open("rb") as packed:
                yield from gunzip(packed.read)
        else:
            with path.open("rb") as plain:
                while chunk := plain.read(_CHUNK):
                    yield chunk
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise IntegrityError(
            f"the index file {path} is broken: {error}",
            hint="Run the command again; the file is then fetched anew.",
        ) from None


def _key_of(path: Path) -> str | None:
    """What the file was made from; None where there is none, or it can't be read."""
    if path.is_file():
        with suppress(sqlite3.DatabaseError), closing(_opened(path)) as database:
            row = database.execute("SELECT value FROM meta WHERE key = 'key'").fetchone()
            return str(row[0]) if row else None
    return None


def _opened(path: Path) -> sqlite3.Connection:
    """Read-only, and usable from any thread. The file never changes: a newer one is another file."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)
