"""Where debgen keeps things, and how it writes them so that nothing is ever half there.

Caches follow the XDG base directory specification: ``$XDG_CACHE_HOME/debgen`` (``~/.cache/debgen``), or
``$DEBGEN_CACHE``. All of it may be deleted at any time; it is made anew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from debgen.errors import WorkspaceError
from debgen.run import ending

#: Seconds between two looks at a lock that another run holds.
_PATIENCE = 0.2
#: What is being written here, as tempfile names it, or with the number of a process.
_UNFINISHED = re.compile(r"\.(?P<name>.+?)(?P<old>\.old)?\.(?:[a-z0-9_]{8}|\d+)")


def cache_root() -> Path:
    """The folder of all caches; made on first use."""
    chosen = os.environ.get("DEBGEN_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return make_directory(Path(chosen or base / "debgen").absolute())


def cache_directory(*parts: str) -> Path:
    """A folder below the cache, made on first use."""
    return make_directory(cache_root().joinpath(*parts))


def make_directory(path: Path) -> Path:
    """Make ``path`` and its parents; a WorkspaceError says why it can't be."""
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


_REFUSED = (
    errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR,
)  # fmt: skip


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a refused write below ``path`` into a WorkspaceError."""
    try:
        yield
    except OSError as error:
        # What copies a whole tree gathers what went wrong with each file, as text.
        told = str(error) if isinstance(error, shutil.Error) else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in told:
            raise WorkspaceError(
                f"the disk is full while writing {path}", hint="Free some space and run the command again."
            ) from None
        if error.errno in _REFUSED:
            raise WorkspaceError(
                f"can't write {path}: {error.strerror}",
                hint="Choose another place with the option that names it, or another cache with DEBGEN_CACHE.",
            ) from None
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``, or leave it as it was."""
    make_directory(path.parent)
    with disk_errors(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def fresh_directory(target: Path) -> Iterator[Path]:
    """Fill a new directory beside ``target`` and put it in ``target``'s place when the block succeeds.

    If the block fails, the new directory is removed and ``target`` is untouched.
    """
    make_directory(target.parent)
    with disk_errors(target):
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            work.chmod(0o755)
            yield work
            if target.exists():
                old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
                os.rename(target, old / "gone")
                try:
                    os.rename(work, target)
                except BaseException:
                    os.rename(old / "gone", target)
                    raise
                finally:
                    shutil.rmtree(old)
            else:
                os.rename(work, target)
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on the file ``path``; a second run waits its turn, and is told so by ``waiting``.

    A thread that waits notices when debgen is interrupted.
    """
    make_directory(path.parent)
    with disk_errors(path), path.open("a") as handle:
        if not _taken(handle):
            waiting()
            while not _taken(handle):
                if ending():
                    raise KeyboardInterrupt
                time.sleep(_PATIENCE)
        yield


def _taken(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def held_open(folder: Path) -> Iterator[None]:
    """Keep ``folder`` from being swept away, for as long as this process lives or the block lasts."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Whether a process holds ``folder``."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def sweep_unfinished(directory: Path) -> None:
    """Remove what runs that were killed left half-written in ``directory``; only for who holds its lock.

    What :func:`fresh_directory` had moved aside and not yet replaced comes back.
    """
    for path in sorted(directory.glob(".*")):
        found = _UNFINISHED.fullmatch(path.name)
        if found is None:
            continue
        if not path.is_dir():
            path.unlink()
            continue
        if found["old"] and not (target := directory / found["name"]).exists() and (path / "gone").is_dir():
            os.rename(path / "gone", target)
        shutil.rmtree(path, ignore_errors=True)
