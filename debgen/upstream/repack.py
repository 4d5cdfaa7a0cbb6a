"""An orig tarball made anew: of an archive that dpkg-source doesn't take, or without what Debian can't distribute.

The bytes depend on the archive, the patterns and the date only: members are in the order of their names, belong to
root, have the one date, and are readable.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from debgen.errors import UnsupportedSourceError
from debgen.upstream.sdist import is_litter, unpack
from debgen.workspace import disk_errors

#: What dpkg-source(1) takes as an upstream tarball; zip and zstd are not among them.
_TAKEN = (".tar.gz", ".tar.xz", ".tar.bz2", ".tar.lzma")
#: An sdist is built from one of these (PEP 517, and what came before it).
_BUILD_FILES = ("pyproject.toml", "setup.py")


def repack_reason(archive: Path) -> str:
    """Why dpkg-source can't take the archive as it is, as a sentence; empty where it can."""
    if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
        return "upstream's archive is a zip file, which source packages can't have"
    if not archive.name.endswith((*_TAKEN, ".tgz")):
        return f"upstream's archive {archive.name} is of a kind that source packages can't have"
    with archive.open("rb") as stream:
        head = stream.read(2)
    kinds = {b"\x1f\x8b": (".tar.gz", ".tgz"), b"BZ": (".tar.bz2",), b"\xfd7": (".tar.xz",), b"]\0": (".tar.lzma",)}
    if not archive.name.endswith(kinds.get(head, ())):
        return f"upstream's archive {archive.name} isn't what its name says"
    with tarfile.open(archive) as tar:
        tops = {name.removeprefix("./").partition("/")[0] for name in tar.getnames()} - {"", "."}
    if litter := sorted(top for top in tops if is_litter(top)):
        return f"upstream's archive has {', '.join(litter)} beside the folder with the source"
    return ""


def repacked(archive: Path, excluded: Collection[str], target: Path, *, top: str, date: datetime) -> Path:
    """Write the tarball ``target`` (a ``.tar.xz``) of ``archive`` without what ``excluded`` names, and return it.

    ``excluded`` are patterns of the copyright format's Files-Excluded: ``*`` matches slashes too, and a folder stands
    for all that is in it. All members lie in the folder ``top`` and have the ``date``. HostileArchiveError where the
    archive is unsound; UnsupportedSourceError where a pattern matches nothing, or nothing would be left.
    """
    with tempfile.TemporaryDirectory(prefix="debgen-repack-") as scratch:
        tree = Path(scratch) / "tree"
        unpack(archive, tree)
        kept = list(_kept(tree, excluded, archive.name))
        if not any(path.is_file() for path in kept):
            raise UnsupportedSourceError(f"nothing of {archive.name} would be left", hint="Exclude less.")
        return _packed(tree, kept, target, top=top, date=date)


def packed_folder(folder: Path, target: Path, *, date: datetime) -> Path:
    """Write the tarball ``target`` of all files in ``folder``, below its own name, and return it.

    Its name tells how it is compressed: ``.tar.gz``, ``.tar.bz2`` or ``.tar.xz``.
    """
    return _packed(folder, _sorted(folder), target, top=folder.name, date=date)


def _packed(tree: Path, kept: list[Path], target: Path, *, top: str, date: datetime) -> Path:
    """The tarball ``target``, which appears complete or not at all."""
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        try:
            _write(partial, tree, kept, top, int(date.timestamp()), target.suffix)
            partial.replace(target)
        finally:
            with suppress(OSError):
                partial.unlink()
    return target


def applicable(tree: Path, patterns: Collection[str]) -> tuple[str, ...]:
    """Those of the ``patterns`` (of Files-Excluded) that match something in the unpacked ``tree``.

    A pattern that takes the sdist's own build files is meant for another tarball, such as upstream's repository with
    more than this distribution in it; it doesn't apply here.
    """
    names = [path.relative_to(tree).as_posix() for path in tree.rglob("*")] if patterns else []
    own = [name for name in _BUILD_FILES if (tree / name).is_file()]
    compiled = {pattern: _compiled(pattern) for pattern in patterns}
    return tuple(
        pattern for pattern, one in compiled.items() if any(map(one.match, names)) and not any(map(one.match, own))
    )


def _kept(tree: Path, excluded: Collection[str], archive: str) -> Iterator[Path]:
    patterns = {pattern: _compiled(pattern) for pattern in excluded}
    unused = set(patterns)
    for path in _sorted(tree):
        name = path.relative_to(tree).as_posix()
        matching = {pattern for pattern, compiled in patterns.items() if compiled.match(name)}
        unused -= matching
        if not matching:
            yield path
    if unused:
        raise UnsupportedSourceError(
            f"Files-Excluded {', '.join(sorted(unused))} matches nothing in {archive}",
            hint="Correct the pattern, or remove it: this release may not have the file any more.",
        )


def _sorted(tree: Path) -> list[Path]:
    """All that is in a folder, in the order of the bytes of the names."""
    return sorted(tree.rglob("*"), key=lambda p: p.relative_to(tree).as_posix().encode("utf-8", "surrogateescape"))


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the copyright format (policy's copyright-format 1.0, Files), which matches folders as a whole."""
    body = ""
    for part in re.findall(r"\\.|\*|\?|[^\\*?]+|\\", pattern.removeprefix("./").rstrip("/")):
        body += {"*": ".*", "?": "."}.get(part, re.escape(part[1:] if part[0] == "\\" and len(part) > 1 else part))
    return re.compile(f"{body}(?:/|$)", re.DOTALL)


@contextmanager
def _compressed(packed: Path, kind: str) -> Iterator[IO[bytes]]:
    """The file ``packed`` to write to, compressed as names that end in ``kind`` have it; nothing of the clock in it."""
    # One thread and a fixed preset: liblzma's threads would cut the stream in pieces by the number of cores. The preset
    # is the fastest: xz's own choice takes four to ten times as long, and makes the file a tenth to a fifth smaller.
    # pristine-tar knows how to make it again, as it does 6 and 9, and none between.
    with ExitStack() as stack:
        opened: object
        if kind == ".gz":
            raw = stack.enter_context(packed.open("wb"))
            opened = stack.enter_context(gzip.GzipFile("", "wb", 9, raw, mtime=0))
        elif kind == ".bz2":
            opened = stack.enter_context(bz2.open(packed, "wb"))
        else:
            opened = stack.enter_context(lzma.open(packed, "wb", preset=0))
        yield cast(IO[bytes], opened)


def _write(packed: Path, tree: Path, kept: list[Path], top: str, mtime: int, kind: str) -> None:
    with (
        _compressed(packed, kind) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        tar.addfile(_member(tarfile.TarInfo(top), tarfile.DIRTYPE, 0o755, mtime))
        for path in kept:
            info = tarfile.TarInfo(f"{top}/{path.relative_to(tree).as_posix()}")
            if path.is_symlink():
                info.linkname = str(path.readlink())
                tar.addfile(_member(info, tarfile.SYMTYPE, 0o777, mtime))
            elif path.is_dir():
                tar.addfile(_member(info, tarfile.DIRTYPE, 0o755, mtime))
            else:
                info.size = path.stat().st_size
                with path.open("rb") as content:
                    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                    tar.addfile(_member(info, tarfile.REGTYPE, mode, mtime), content)


def _member(info: tarfile.TarInfo, kind: bytes, mode: int, mtime: int) -> tarfile.TarInfo:
    info.type, info.mode, info.mtime = kind, mode, mtime
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info
