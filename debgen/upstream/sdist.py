"""Unpacking an sdist without trusting it.

Nothing is executed. Only regular files, directories and links that stay inside are written; anything else, and
anything absurdly large, is refused before the target appears.
"""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import os
import posixpath
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from debgen.errors import HostileArchiveError
from debgen.workspace import fresh_directory

MAX_MEMBERS = 100_000
MAX_BYTES = 4 * 1024**3
_LINK_LIMIT = 4096

#: What broken archives make the decompressors raise; the OSErrors are those of members in each other's way.
_UNSOUND = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError,
    EOFError, ValueError, OverflowError, RuntimeError,
    FileExistsError, IsADirectoryError, NotADirectoryError,
)  # fmt: skip
_HINT = "Nothing was unpacked. If the archive is really upstream's, report it to them."


def unpack(archive: Path, target: Path) -> None:
    """Unpack ``archive`` (tar in any compression, or zip) into ``target``, its single top folder left out.

    Raises HostileArchiveError for a broken archive, a path or link that leaves the folder, a device, more
    than MAX_MEMBERS members or more than MAX_BYTES bytes. ``target`` appears complete or not at all.
    """
    with fresh_directory(target) as work:
        try:
            if zipfile.is_zipfile(archive):
                _unpack_zip(archive, work)
            else:
                _unpack_tar(archive, work)
        except _UNSOUND as error:
            raise HostileArchiveError(f"{archive.name} is not a sound archive: {error}", hint=_HINT) from None
        except OSError as error:
            if error.errno not in (errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ):
                raise
            raise HostileArchiveError(f"{archive.name} has a bad member name: {error.strerror}", hint=_HINT) from None
        _hoist_single_folder(work)
        _check_links(work, archive)
        if not any(work.iterdir()):
            raise HostileArchiveError(f"{archive.name} is empty", hint=_HINT)


def _unpack_tar(archive: Path, work: Path) -> None:
    budget = _Budget(archive)
    with tarfile.open(archive) as tar:
        links: list[tuple[Path, str]] = []
        for member in tar:
            budget.take(member.size if member.isreg() else 0)
            path = _inside(work, member.name, archive)
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.isreg():
                stream = tar.extractfile(member)
                _write(path, stream or io.BytesIO(), executable=bool(member.mode & 0o100), mtime=member.mtime)
            elif member.issym():
                _inside(work, posixpath.join(posixpath.dirname(member.name), member.linkname), archive)
                links.append((path, member.linkname))
            elif member.islnk():
                source = _inside(work, member.linkname, archive)
                if not source.is_file():
                    raise HostileArchiveError(f"{archive.name}: {member.name} is a hard link to nothing", hint=_HINT)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, path)
            else:
                raise HostileArchiveError(
                    f"{archive.name}: {member.name} is neither a file, a folder nor a link", hint=_HINT
                )
        # The checksum of compressed data comes after the end of the tar archive in it.
        while rest := tar.fileobj.read(1 << 20) if tar.fileobj else b"":
            budget.take(len(rest), members=0)
    _make_links(work, links, archive)


def _make_links(work: Path, links: list[tuple[Path, str]], archive: Path) -> None:
    """Links come last, so that no file was ever written through one; nor is another link."""
    for path, destination in links:
        if any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(work)):
            raise HostileArchiveError(f"{archive.name}: {path.name!r} lies below a link", hint=_HINT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(destination)


def _unpack_zip(archive: Path, work: Path) -> None:
    budget = _Budget(archive)
    links: list[tuple[Path, str]] = []
    with zipfile.ZipFile(archive) as bundle:
        for info in bundle.infolist():
            budget.take(info.file_size)
            mode = info.external_attr >> 16
            path = _inside(work, info.filename, archive)
            if stat.S_ISLNK(mode):
                if info.file_size > _LINK_LIMIT:
                    raise HostileArchiveError(f"{archive.name}: the link {info.filename!r} is too long", hint=_HINT)
                destination = os.fsdecode(bundle.read(info))
                _inside(work, posixpath.join(posixpath.dirname(info.filename), destination), archive)
                links.append((path, destination))
            elif mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise HostileArchiveError(
                    f"{archive.name}: {info.filename} is neither a file, a folder nor a link", hint=_HINT
                )
            elif info.is_dir():
                path.mkdir(parents=True, exist_ok=True)
            else:
                with bundle.open(info) as stream:
                    _write(path, stream, executable=bool(mode & 0o100), mtime=_zip_time(info))
    _make_links(work, links, archive)


def _zip_time(info: zipfile.ZipInfo) -> float | None:
    """When a member was changed. Zip files name no time zone; UTC, so that it is the same everywhere."""
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return None


class _Budget:
    """Counts members and bytes, and stops an archive that has too many."""

    def __init__(self, archive: Path) -> None:
        self.name = archive.name
        self.members = 0
        self.bytes = 0

    def take(self, size: int, members: int = 1) -> None:
        self.members += members
        self.bytes += size
        if self.members > MAX_MEMBERS or self.bytes > MAX_BYTES:
            raise HostileArchiveError(
                f"{self.name} holds more than {MAX_MEMBERS:,} members or {MAX_BYTES // 1024**3} GiB",
                hint=_HINT,
            )


def _inside(work: Path, name: str, archive: Path) -> Path:
    """The path of a member below ``work``, refused where it would leave it."""
    if "\\" in name:
        raise HostileArchiveError(f"{archive.name}: {name!r} has a backslash in its name", hint=_HINT)
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise HostileArchiveError(f"{archive.name}: {name!r} has a control character in its name", hint=_HINT)
    if any(unicodedata.category(c) == "Cs" for c in name):  # how Python spells bytes that it can't decode
        raise HostileArchiveError(f"{archive.name}: {name!r} is no UTF-8, as names in packages are", hint=_HINT)
    clean = PurePosixPath(posixpath.normpath(name))
    if clean.is_absolute() or ".." in clean.parts:
        raise HostileArchiveError(f"{archive.name}: {name!r} would leave its folder", hint=_HINT)
    return work / clean


def _check_links(work: Path, archive: Path) -> None:
    """Every link leads to a place inside, also where it passes through other links."""
    inside = work.resolve()
    for path in work.rglob("*"):
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
            raise HostileArchiveError(f"{archive.name}: the link {path.name!r} would leave its folder", hint=_HINT)


def _write(path: Path, stream: IO[bytes], *, executable: bool, mtime: float | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    path.chmod(0o755 if executable else 0o644)
    if mtime is not None:
        os.utime(path, (mtime, mtime))


def is_litter(name: str) -> bool:
    """Whether an entry at the top of an archive is only what a tool left there: a Mac's ``._x``, headers of pax."""
    return name.startswith(("._", "PaxHeaders")) or name in ("pax_global_header", "__MACOSX", ".DS_Store")


def _hoist_single_folder(work: Path) -> None:
    """Move the content of a lone top folder up, as every sdist of PEP 625 has one; see :func:`is_litter`."""
    entries = [entry for entry in work.iterdir() if not is_litter(entry.name)]
    if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
        return
    for entry in list(work.iterdir()):
        if entry != entries[0]:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    top = entries[0].rename(work / ".top")
    for child in list(top.iterdir()):
        child.rename(work / child.name)
    top.rmdir()
