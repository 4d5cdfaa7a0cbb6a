"""Where chroots are unpacked, and what runs that are under way have reserved there.

Each scratch directory holds a lock for as long as its process lives (:mod:`debgen.building.scratch`), and the file of
the lock says how many bytes that process may come to need.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - measured: a chroot unpacks there ten times faster than on a disk
DISKS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - the places the FHS has for this
LOCK = "lock"


def free(path: Path) -> int:
    """Bytes free at ``path``; none where programs can't be run from."""
    try:
        facts = os.statvfs(path)
    except OSError:
        return 0
    return 0 if facts.f_flag & os.ST_NOEXEC else facts.f_bavail * facts.f_frsize


def used(path: Path) -> int:
    """Bytes used on the file system of ``path``."""
    try:
        facts = os.statvfs(path)
    except OSError:
        return 0
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


def promised() -> int:
    """Bytes of memory that living processes have reserved for their scratch directories and not taken yet.

    Next to nothing else of size is kept there, so what is used counts as theirs.
    """
    return max(0, reserved(MEMORY) - used(MEMORY))


def reserved(base: Path) -> int:
    """Bytes that scratch directories of living processes, of whatever user, may come to need at ``base`` in all."""
    total = 0
    for path in base.glob(f"debgen-*/{LOCK}"):
        with suppress(OSError, ValueError), path.open("r", encoding="ascii") as lock:
            text = lock.read(32)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                total += max(0, int(text))
    return total
