"""Chosen text files of an sdist, read from its stream: nothing is unpacked to disk, nothing is run."""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from debgen.errors import HostileArchiveError, NetworkError
from debgen.upstream.index import IndexClient
from debgen.upstream.model import ReleaseFile
from debgen.upstream.remote import bounded_tar

#: How much of one text file is read; what is longer is no file that people wrote.
TEXT_LIMIT = 512 << 10


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
    is malformed or absurdly large, NetworkError where it can't be fetched.
    """
    names: list[str] = []
    texts: dict[str, str] = {}
    try:
        if file.filename.endswith(".zip"):
            with tempfile.TemporaryDirectory(prefix="debgen-members-") as folder:
                path = client.download(file, Path(folder) / "sdist.zip")
                with zipfile.ZipFile(path) as bundle:
                    for info in bundle.infolist():
                        if not info.is_dir():
                            names.append(_without_top(info.filename))
                            if wanted(names[-1]):
                                with bundle.open(info) as stream:
                                    texts[names[-1]] = _text(stream.read(limit))
            return Members(tuple(names), texts)
        with client.transport.stream(file.url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status != 200:
                raise NetworkError(f"{file.filename} can't be fetched: HTTP {response.status}")
            with bounded_tar(response, file.filename) as archive:
                for member in archive:
                    if not member.isreg():
                        continue
                    names.append(_without_top(member.name))
                    if wanted(names[-1]) and (content := archive.extractfile(member)) is not None:
                        texts[names[-1]] = _text(content.read(limit))
                        if enough is not None and enough(texts):
                            break
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, ValueError, OverflowError) as error:
        raise HostileArchiveError(f"{file.filename} is malformed: {type(error).__name__}") from None
    return Members(tuple(names), texts)


def _without_top(name: str) -> str:
    return name.removeprefix("./").partition("/")[2]


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")
