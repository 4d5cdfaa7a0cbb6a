"""A throw-away directory that the root of a user namespace can work in.

Files made in a user namespace belong to the user's subordinate ids, so an ordinary user can't delete them
without entering such a namespace again. A scratch directory is therefore held by a lock for as long as its
process lives, and whatever a killed run left behind is swept away by the next one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from debgen.building.capacity import available_memory
from debgen.building.places import DISKS, LOCK, MEMORY, free, promised, reserved
from debgen.errors import WorkspaceError
from debgen.run import Runner, run
from debgen.workspace import cache_root, disk_errors, locked

GIB = 1024**3
_free, _available_memory, _reserved, _promised = free, available_memory, reserved, promised
NOT_FOUND = 127
"""What a shell exits with where a program isn't there."""


def as_owner(*argv: str | Path) -> list[str | Path]:
    """``argv`` as root of a namespace in which this user is uid 0 and its subordinate ids follow from 1 on."""
    return ["unshare", "--map-auto", "--map-root-user", "--", *argv]


def at_work(work: Path, *argv: str | Path) -> list[str | Path]:
    """``argv`` as a program that holds the scratch directory ``work`` for as long as any of its processes lives.

    So the directory isn't swept away below a program whose debgen was killed.
    """
    return ["flock", "--shared", "--no-fork", work / LOCK, *argv]


def ends_with_us(work: Path, *argv: str | Path) -> list[str | Path]:
    """``argv`` as a program at work in ``work`` that is told to end when this process ends, even by SIGKILL.

    For programs that clean up after themselves when told so, and that make files which other users inside a
    chroot must be able to read, whatever this user's umask is (sbuild, mmdebstrap, autopkgtest). The exit code is
    NOT_FOUND where there is no such program.
    """
    return ["setpriv", "--pdeathsig=TERM", "--", *at_work(work, "sh", "-c", 'umask 022; exec "$@"', "sh", *argv)]


def scratch_base(
    space: int,
    *,
    env: Mapping[str, str] = os.environ,
    memory: Path = MEMORY,
    disks: tuple[Path, ...] = DISKS,
) -> Path:
    """Choose where to unpack chroots, with ``space`` bytes free besides what others have reserved.

    $TMPDIR if it is set; else memory, if a lot is free; else /tmp or /var/tmp, and one that is reserved but still
    free where there is no better: most need far less than they reserve. Raises WorkspaceError where no place is large
    enough, or where $TMPDIR can't be entered by other users (a namespace's root is one).
    """
    if env.get("TMPDIR"):
        chosen = Path(env["TMPDIR"]).absolute()
        if re.search(r"\s", str(chosen)):
            raise WorkspaceError(
                f"TMPDIR={str(chosen)!r} has a blank in it, which autopkgtest can't work with",
                hint="Choose a directory without one, or unset TMPDIR.",
            )
        closed = [p for p in (chosen, *chosen.parents) if not _open_to_all(p)]
        if closed:
            raise WorkspaceError(
                f"TMPDIR={chosen} can't be used to unpack chroots: {closed[-1]} is closed to other users",
                hint="Choose a directory whose parents all have the permission o+x, or unset TMPDIR.",
            )
        return chosen
    taken = _promised()
    if _free(memory) - taken >= space and _available_memory() - taken >= 2 * space:
        return memory
    for disk in disks:
        if _free(disk) - _reserved(disk) >= space:
            return disk
    for disk in disks:
        if _free(disk) >= space:
            return disk
    raise WorkspaceError(
        f"no place with {space // GIB} GiB free to unpack a chroot in: tried {', '.join(map(str, disks))}",
        hint="Free some space, or set TMPDIR to a directory on a larger disk.",
    )


@contextmanager
def scratch(space: int = 6 * GIB, *, base: Path | None = None, run: Runner = run) -> Iterator[Path]:
    """A new directory, gone with everything in it when the block ends, however it ends.

    ``space`` bytes are reserved for it meanwhile.
    """
    prefix = f"debgen-{os.getuid()}."
    sweep(scratch_base(space) if base is None else base, prefix, run)
    # One after the other, so that each sees what the one before has reserved.
    with locked(cache_root() / ".scratch.lock"):
        base = scratch_base(space) if base is None else base
        with disk_errors(base):
            path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
            lock = (path / LOCK).open("w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            lock.write(f"{space}\n")
            lock.flush()
        except BaseException:
            lock.close()
            remove_tree(path, run)
            raise
    try:
        with lock:
            path.chmod(0o711)
            yield path
    finally:
        remove_tree(path, run)


def sweep(base: Path, prefix: str, run: Runner = run) -> None:
    """Remove the scratch directories of this user's processes that are no more."""
    for path in base.glob(f"{prefix}*"):
        with suppress(OSError):
            if path.stat().st_uid != os.getuid():
                continue
            with (path / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(path, run)


def remove_tree(path: Path, run: Runner = run) -> None:
    """Remove a directory although parts of it may belong to subordinate ids."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        run(as_owner("rm", "-rf", "--one-file-system", path), check=False)


def _open_to_all(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and bool(mode & stat.S_IXOTH)
