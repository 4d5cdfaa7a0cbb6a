"""A client of the package index: which files a project has, and their bytes, hash-checked."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from packaging.utils import InvalidName, canonicalize_name

from debgen.errors import (
    HostileArchiveError,
    IntegrityError,
    NetworkError,
    NoSdistError,
    UnknownDistributionError,
    UsageError,
)
from debgen.narrate import say
from debgen.upstream.configuration import IndexSettings, index_settings
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.pages import ACCEPT, normal_version, parse_page, parsed
from debgen.upstream.transport import ATTEMPTS, InterruptedAnswerError, Transport
from debgen.workspace import cache_directory, disk_errors, make_directory, write_atomically

PAGE_LIMIT = 64 << 20
DOWNLOAD_LIMIT = 4 << 30
PAGE_SECONDS = 600
_SDIST_PREFERENCE = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip")
_BLOCK = 1 << 18


def normal_name(text: str) -> str:
    """PEP 503's normal form of a distribution's name; UsageError where it isn't one."""
    try:
        return canonicalize_name(text, validate=True)
    except InvalidName:
        raise UsageError(
            f"{text!r} is not the name of a distribution", hint="Names are letters, digits, '-', '_' and '.'."
        ) from None


class IndexClient:
    """Reads one package index; may be used by several threads.

    Lists of files are kept for ten minutes in the cache, unless ``refresh``, and for good in this object.
    """

    def __init__(self, settings: IndexSettings | None = None, *, refresh: bool = False) -> None:
        self.settings = settings or index_settings()
        self.transport = Transport(self.settings)
        self.refresh = refresh
        self._pages = cache_directory("simple", hashlib.sha256(self.settings.url.encode()).hexdigest()[:16])
        self._known: dict[str, tuple[ReleaseFile, ...]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        """All sdists and wheels of a distribution.

        UnknownDistributionError where the index has no such project, NetworkError where it doesn't answer.
        """
        normal = normal_name(name)
        with self._locks[normal]:
            if normal not in self._known:
                self._known[normal] = tuple(self._cached_page(normal) or self._fetch_page(normal))
            return self._known[normal]

    def versions(self, name: str, *, yanked: bool = False) -> tuple[str, ...]:
        """Versions of a distribution, newest first, pre-releases included; yanked ones only if asked for."""
        return _newest_first(file.version for file in self.files(name) if yanked or not file.yanked)

    def sdist_of(self, name: str, version: str) -> ReleaseFile:
        """The source distribution of a release, ``.tar.gz`` preferred.

        UnknownDistributionError where there is no such release, NoSdistError where it has wheels only.
        """
        files = self.files(name)
        wanted = normal_version(version)
        # 1.0 and 1.0.0 are the same release; which of them the file names say is upstream's whim.
        release = [file for file in files if wanted and parsed(file.version) == parsed(wanted)]
        if not release:
            newest = _newest_first(file.version for file in files)[:5]
            raise UnknownDistributionError(
                f"{normal_name(name)} has no release {version}",
                hint=f"The newest releases are {', '.join(newest)}." if newest else "It has no release at all.",
            )
        sdists = [file for file in release if file.kind is FileKind.SDIST]
        if not sdists:
            near = _newest_first(file.version for file in files if file.kind is FileKind.SDIST)
            near = tuple(sorted(near, key=lambda other: _distance(near, other, wanted))[:3])
            raise NoSdistError(
                f"{normal_name(name)} {wanted} has no source distribution, only wheels",
                hint=f"Releases that have one: {', '.join(_newest_first(near))}."
                if near
                else "No release of it has one; its upstream repository may have a tarball.",
            )
        return min(sdists, key=lambda file: (_sdist_rank(file.filename), file.filename))

    def download(self, file: ReleaseFile, target: Path) -> Path:
        """Fetch a release file to ``target``, checking its SHA-256 on the way, and return ``target``.

        A ``target`` that has the right hash already is left alone. IntegrityError where the hash differs;
        then, as after a NetworkError or an interruption, ``target`` is as it was before.
        """
        if file.sha256 and target.is_file() and _hash_of(target) == file.sha256:
            return target
        make_directory(target.parent)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                digest = self._download_once(file, target)
            except InterruptedAnswerError:
                if attempt == ATTEMPTS:
                    raise
            else:
                if not file.sha256:
                    say(f"{file.filename}: the index names no SHA-256; got {digest}")
                break
        return target

    def _download_once(self, file: ReleaseFile, target: Path) -> str:
        digest = hashlib.sha256()
        total = 0
        with disk_errors(target):
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as sink, self.transport.stream(file.url) as response:
                    if response.status != 200:
                        raise _failed(file.url, response.status)
                    while block := response.read(_BLOCK, decode_content=False):
                        total += len(block)
                        if total > DOWNLOAD_LIMIT:
                            raise HostileArchiveError(f"{file.filename} is larger than {DOWNLOAD_LIMIT >> 30} GiB")
                        digest.update(block)
                        sink.write(block)
                if file.sha256 and digest.hexdigest() != file.sha256:
                    raise IntegrityError(
                        f"{file.filename} has SHA-256 {digest.hexdigest()}, the index says {file.sha256}",
                        hint="Try again; if it stays so, the index is broken or what it sends is changed.",
                    )
                os.chmod(name, 0o644)
                os.replace(name, target)
            finally:
                Path(name).unlink(missing_ok=True)
        return digest.hexdigest()

    def _cached_page(self, name: str) -> list[ReleaseFile] | None:
        """The page as it was fetched some minutes ago: two lines with its URL and type, then the page."""
        path = self._pages / name
        if self.refresh:
            return None
        with suppress(OSError, NetworkError, ValueError):
            if 0 <= time.time() - path.stat().st_mtime < PAGE_SECONDS:
                url, content_type, body = path.read_bytes().split(b"\n", 2)
                return parse_page(name, url.decode(), content_type.decode(), body)
        return None

    def _fetch_page(self, name: str) -> list[ReleaseFile]:
        url = f"{self.settings.url}{quote(name)}/"
        answer = self.transport.get(url, limit=PAGE_LIMIT, headers={"Accept": ACCEPT, "Accept-Encoding": "gzip"})
        if answer.status in (404, 410):
            raise UnknownDistributionError(
                f"the package index has no distribution named {name}",
                hint="Check the spelling; the name is the one that `pip install` takes.",
            )
        if answer.status != 200:
            raise _failed(url, answer.status)
        content_type = answer.headers.get("content-type", "")
        files = parse_page(name, answer.url, content_type, answer.body)
        write_atomically(self._pages / name, f"{answer.url}\n{content_type}\n".encode() + answer.body)
        return files


def _failed(url: str, status: int) -> NetworkError:
    host = urlsplit(url).hostname
    if status in (401, 403, 407):
        return NetworkError(
            f"{host} refuses access (HTTP {status})", hint="Check the user and password in the index URL."
        )
    return NetworkError(f"{host} answers with HTTP {status}", hint="Try again later, or check the index URL.")


def _newest_first(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(versions), key=parsed, reverse=True))


def _distance(known: tuple[str, ...], version: str, wanted: str) -> int:
    """How many of the ``known`` versions (newest first) lie between the two."""
    newer = sum(1 for other in known if parsed(other) > parsed(wanted))
    place = known.index(version)
    return newer - place if place < newer else place - newer + 1


def _sdist_rank(filename: str) -> int:
    return next(rank for rank, end in enumerate(_SDIST_PREFERENCE) if filename.endswith(end))


def _hash_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
