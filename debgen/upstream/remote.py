"""Parts of remote archives: members of a zip file by range requests, and tar streams with bounds."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, cast

from debgen.errors import HostileArchiveError, NetworkError
from debgen.gunzip import gunzip
from debgen.upstream.model import ReleaseFile
from debgen.upstream.transport import Transport

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

#: The end of a wheel, which nearly always holds its central directory and METADATA.
TAIL = 1 << 16
#: How much of one zip file is fetched at most; a server without ranges may send a whole file of this size.
ZIP_LIMIT = 32 << 20
ZIP_REQUESTS = 16
#: How much of one tar file is decompressed at most while looking for its metadata.
TAR_LIMIT = 512 << 20
_PIECE = 1 << 18
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class RemoteZip:
    """A zip file on the index, of which only the needed parts are fetched."""

    def __init__(self, transport: Transport, file: ReleaseFile) -> None:
        self._file = file
        self._ranges = _Ranges(transport, file)
        try:
            self._archive = zipfile.ZipFile(cast(IO[bytes], self._ranges))
        except _ZIP_ERRORS as error:
            raise self._malformed(error) from None

    def read(self, pattern: re.Pattern[str], limit: int) -> bytes:
        """Content of the first member, by name, that ``pattern`` matches in full.

        HostileArchiveError where there is none, it is malformed, or longer than ``limit``.
        """
        names = sorted(name for name in self._archive.namelist() if pattern.fullmatch(name))
        if not names:
            raise HostileArchiveError(f"{self._file.filename} has no metadata")
        try:
            if self._archive.getinfo(names[0]).file_size > limit:
                raise HostileArchiveError(f"the metadata of {self._file.filename} is absurdly large")
            with self._archive.open(names[0]) as member:
                return member.read(limit)
        except _ZIP_ERRORS as error:
            raise self._malformed(error) from None

    def _malformed(self, error: Exception) -> HostileArchiveError:
        return HostileArchiveError(f"{self._file.filename} is malformed: {type(error).__name__}: {error}")


_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,  # zipfile's word for an encrypted member; NotImplementedError is one too
    KeyError,
)


class _Ranges(io.RawIOBase):
    """A seekable file whose content is fetched where it is read."""

    def __init__(self, transport: Transport, file: ReleaseFile) -> None:
        super().__init__()
        self._transport = transport
        self._file = file
        self._parts: list[tuple[int, bytes]] = []
        self._fetched = 0
        self._requests = 0
        self._position = 0
        self._size = self._fetch(f"bytes=-{TAIL}")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the start of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        start = self._position
        if start >= end:
            return b""
        found = self._held(start, end)
        if found is None:
            self._fetch(f"bytes={start}-{min(max(end, start + TAIL), self._size) - 1}")
            found = self._held(start, end)
        if found is None:
            raise HostileArchiveError(f"the index sends other parts of {self._file.filename} than asked for")
        self._position = end
        return found

    def _held(self, start: int, end: int) -> bytes | None:
        for offset, data in self._parts:
            if offset <= start and end <= offset + len(data):
                return data[start - offset : end - offset]
        return None

    def _fetch(self, wanted: str) -> int:
        """Fetch one range and return the size of the whole file."""
        self._requests += 1
        if self._requests > ZIP_REQUESTS:
            raise HostileArchiveError(f"{self._file.filename} takes too many requests to read")
        answer = self._transport.get(
            self._file.url,
            limit=ZIP_LIMIT - self._fetched,
            headers={"Range": wanted, "Accept-Encoding": "identity"},
        )
        if answer.status in (416, 501):  # an index that knows no ranges counted from the end, or none at all
            answer = self._transport.get(
                self._file.url, limit=ZIP_LIMIT - self._fetched, headers={"Accept-Encoding": "identity"}
            )
        self._fetched += len(answer.body)
        if answer.status == 200:
            self._parts = [(0, answer.body)]
            return len(answer.body)
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if answer.status != 206 or match is None:
            raise NetworkError(
                f"{self._file.filename} can't be fetched: HTTP {answer.status}",
                hint="Try again later, or with another index.",
            )
        self._parts.append((int(match[1]), answer.body))
        return int(match[3])


class _Unpacked(io.RawIOBase):
    """The pieces of an unpacked stream as a file, which ends where it is far more than an sdist has."""

    def __init__(self, pieces: Iterator[bytes], filename: str) -> None:
        super().__init__()
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._filename = filename
        self._left = TAR_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left -= len(piece)
            if self._left < 0:
                raise HostileArchiveError(f"{self._filename} unpacks to more than {TAR_LIMIT >> 20} MiB")
            self._piece = memoryview(piece)
        with memoryview(buffer) as view:
            size = min(len(view), len(self._piece))
            view[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


@contextmanager
def bounded_tar(stream: object, filename: str) -> Iterator[tarfile.TarFile]:
    """The tar file in a compressed ``stream``, by the end of ``filename``; read forward only, and bounded."""
    unpacked = io.BufferedReader(_Unpacked(_pieces(cast(IO[bytes], stream), filename), filename), _PIECE)
    try:
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            yield archive
    except (zlib.error, lzma.LZMAError) as error:
        raise HostileArchiveError(f"{filename} is malformed: {error}") from None


def _pieces(stream: IO[bytes], filename: str) -> Iterator[bytes]:
    if filename.endswith((".tar.gz", ".tgz")):
        return gunzip(stream.read)
    bzip2 = filename.endswith(".tar.bz2")
    unpacking = bz2.BZ2File(stream) if bzip2 else lzma.LZMAFile(stream)  # noqa: SIM115 - the stream is closed elsewhere
    return iter(partial(unpacking.read, _PIECE), b"")
