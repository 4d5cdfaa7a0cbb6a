"""Chosen text files of an sdist, read from its stream: nothing is unpacked to disk, nothing is run."""

from __future__ import annotations

import errno
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from debgen.errors import HostileArchiveError, NetworkError
from debgen.upstream.index import IndexClient
from debgen.upstream.model import ReleaseFile
from debgen.upstream.remote import bounded_tar
from debgen.upstream.sdist import MAX_MEMBERS
from debgen.upstream.transport import ATTEMPTS, InterruptedAnswerError
from debgen.workspace import disk_errors

#: How much of one text file is read; what is longer is no file that people wrote.
TEXT_LIMIT = 512 << 10
#: How much of all text files together is kept, and of a zip file's directory.
TOTAL_LIMIT = 64 << 20
DIRECTORY_LIMIT = 16 << 20

#: What broken archives make the readers raise; RuntimeError is zipfile's word for an encrypted member.
_UNSOUND = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, ValueError, OverflowError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Members:
    """The paths of an sdist's files, its top folder left out, and the content of the chosen ones.

    Where reading stopped early, ``names`` are those seen up to there.
    """

    names: tuple[str, ...]
    texts: Mapping[str, str]


def read_members(
    client: IndexClient,
    file: ReleaseFile,
    wanted: Callable[[str], bool],
    *,
    limit: int = TEXT_LIMIT,
    enough: Callable[[Mapping[str, str]], bool] | None = None,
) -> Members:
    """Read the files of an sdist for which ``wanted`` is true, each up to ``limit`` bytes, as UTF-8.

    ``enough`` is asked after each of them whether the rest may be left unread. HostileArchiveError where the archive
    is malformed or absurdly large, NetworkError where it can't be fetched, WorkspaceError where the disk is full.
    """
    read = _from_zip if file.filename.endswith(".zip") else _from_tar
    for attempt in range(1, ATTEMPTS + 1):
        gathered = _Gathered(file.filename, wanted, limit, enough or (lambda texts: False))
        try:
            with _sound(file.filename):
                read(client, file, gathered)
        except InterruptedAnswerError:
            if attempt == ATTEMPTS:
                raise
        else:
            return Members(tuple(gathered.names), gathered.texts)
    raise AssertionError("unreachable")


@dataclass
class _Gathered:
    """What was read so far."""

    filename: str
    wanted: Callable[[str], bool]
    limit: int
    enough: Callable[[Mapping[str, str]], bool]
    names: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def takes(self, name: str) -> bool:
        """Note a member, and say whether its content is wanted."""
        self.names.append(name)
        if len(self.names) > MAX_MEMBERS:
            raise HostileArchiveError(f"{self.filename} holds more than {MAX_MEMBERS:,} members")
        return self.wanted(name)

    def keep(self, name: str, data: bytes) -> bool:
        """Keep the content of a member, and say whether that is enough."""
        self.size += len(data)
        if self.size > TOTAL_LIMIT:
            raise HostileArchiveError(f"the text files of {self.filename} are absurdly large")
        self.texts[name] = data.decode("utf-8-sig", "replace")
        return self.enough(self.texts)


def _from_tar(client: IndexClient, file: ReleaseFile, gathered: _Gathered) -> None:
    with client.transport.stream(file.url, headers={"Accept-Encoding": "identity"}) as response:
        if response.status != 200:
            raise NetworkError(
                f"{file.filename} can't be fetched: HTTP {response.status}",
                hint="Try again later, or with another index.",
            )
        with bounded_tar(response, file.filename) as archive:
            for member in archive:
                # What lies beside the one folder of PEP 625 is no file of the project.
                name = member.name.removeprefix("./").partition("/")[2]
                if not member.isreg() or not name:
                    continue
                content = archive.extractfile(member) if gathered.takes(name) else None
                if content is not None and gathered.keep(name, content.read(gathered.limit)):
                    return


def _from_zip(client: IndexClient, file: ReleaseFile, gathered: _Gathered) -> None:
    place = Path(tempfile.gettempdir())
    with disk_errors(place), tempfile.TemporaryDirectory(prefix="debgen-members-") as folder:
        path = client.download(file, Path(folder) / "sdist.zip")
        with _Bounded(path, file.filename) as stream, zipfile.ZipFile(stream) as bundle:
            found = [info for info in bundle.infolist() if not info.is_dir()]
            for info, name in zip(found, _without_top([info.filename for info in found]), strict=True):
                if gathered.takes(name):
                    with bundle.open(info) as content:
                        if gathered.keep(name, content.read(gathered.limit)):
                            return


class _Bounded(io.FileIO):
    """A zip file whose directory is small enough to be read, which zipfile does in one go."""

    def __init__(self, path: Path, filename: str) -> None:
        super().__init__(path)
        self.filename = filename

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size > DIRECTORY_LIMIT:
            size = DIRECTORY_LIMIT + 1
        data = super().read(size) or b""
        if len(data) > DIRECTORY_LIMIT:
            raise HostileArchiveError(f"{self.filename} has a directory of absurd size")
        return data


def _without_top(names: list[str]) -> list[str]:
    """The names without their folder, where they all lie in one and the same."""
    names = [name.removeprefix("./") for name in names]
    tops = {name.partition("/")[0] if "/" in name else "" for name in names}
    return names if "" in tops or len(tops) != 1 else [name.partition("/")[2] for name in names]


@contextmanager
def _sound(filename: str) -> Iterator[None]:
    """Turn what a broken archive makes the readers raise into a HostileArchiveError."""
    try:
        yield
    except _UNSOUND as error:
        raise HostileArchiveError(f"{filename} is malformed: {type(error).__name__}") from None
    except OSError as error:
        # The disk's have a number, the decompressors' own have none; a place before the start is the archive's fault.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise HostileArchiveError(f"{filename} is malformed: {type(error).__name__}") from None
