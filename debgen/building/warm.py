"""Chroots kept from one build to the next with the build dependencies installed in them.

What is kept is the chroot of a build as sbuild itself left it after it had installed the declared build dependencies
into a clean one, and before the build began. The next build of the same declarations, from the same clean chroot, the
same state of the local repository and the same state of the archive starts from a copy of it, so it sees what it
would see otherwise, only sooner. Whatever differs makes another key, and what is older than a day isn't used: the
indexes of the archive are as old at most.

Each chroot is one tarball, complete once it has its name. Who uses one holds a shared lock on it; who removes one has
the exclusive lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import IO

from debian.deb822 import Dsc

from debgen.archive.aptroot import DAY
from debgen.building.chroots import Chroot
from debgen.building.scratch import GIB, as_owner
from debgen.building.source import ExtraSource
from debgen.errors import CommandError, MissingToolError, WorkspaceError
from debgen.run import Runner, run
from debgen.workspace import disk_errors, make_directory

_FORMAT = 2
_FIELDS = tuple(
    f"Build-{kind}{part}" for kind in ("Depends", "Conflicts") for part in ("", "-Arch", "-Indep")
)  # deb-src-control(5)
#: What decides over build profiles and so over what is installed (dpkg-buildpackage(1)).
_PROFILES = ("DEB_BUILD_PROFILES", "DEB_BUILD_OPTIONS")
MAX_BYTES = 10 * GIB
#: Nothing is kept where less than this would stay free: a cache is not worth a full disk.
_STAYS_FREE = 4 * GIB

# What the build in hand has put there: its source, and sbuild's own repositories, devices and locks, which sbuild
# makes anew. apt's caches are as quickly made as copied.
_NOT_KEPT = (
    "./build/*", "./dev/*", "./proc/*", "./sys/*", "./tmp/*", "./var/tmp/*", "./run/lock/*", "./var/lock/*",
    "./debgen-*", "./etc/apt/sources.list.d/sbuild-*", "./etc/apt/trusted.gpg.d/sbuild-*",
    "./var/cache/apt/archives/*.deb", "./var/cache/apt/*.bin",
)  # fmt: skip

MARK = "debgen: the build dependencies are installed"
_GO, _LATE = "debgen-go", "debgen-late"
#: Run by sbuild in the chroot before the build: says that it is ready, and waits until it has been copied. Where that
#: takes too long, the build goes on, and the copy is none.
PAUSE = (
    f"echo '{MARK}'; n=0; until [ -e /{_GO} ] || [ $n = 3000 ]; do sleep 0.1; n=$((n+1)); done; "
    f"[ -e /{_GO} ] || : >/{_LATE}; rm -f /{_GO}"
)
_IN_TIME = f'root=$1; shift; "$@" && test ! -e "$root/{_LATE}"'


def key_of(
    dsc: Path,
    chroot: Chroot,
    source: ExtraSource | None,
    configuration: str,
    env: Mapping[str, str] = os.environ,
) -> str:
    """A hash over what decides which packages a build of ``dsc`` finds installed."""
    fields = Dsc(dsc.read_text(encoding="utf-8"))
    facts = {
        "format": _FORMAT,
        "chroot": [
            chroot.suite, chroot.flavour.value, chroot.architecture, chroot.made, chroot.mirror, chroot.options,
            chroot.packages_hash, chroot.index_key,
        ],
        "fields": {name: fields[name] for name in _FIELDS if name in fields},
        "profiles": {name: env.get(name, "") for name in _PROFILES},
        # Two repositories may both be in a first state, but each has a key of its own.
        "source": [source.suite, source.state, sha256(source.key.read_bytes()).hexdigest()] if source else [],
        "configuration": configuration,
    }  # fmt: skip
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class WarmChroots:
    """The kept chroots in ``directory``: ``limit`` bytes at most, and a quarter of what the disk could give."""

    directory: Path
    limit: int = MAX_BYTES
    max_age: float = DAY
    clock: Callable[[], float] = time.time

    @contextmanager
    def using(self, key: str) -> Iterator[Path | None]:
        """The tarball kept for ``key``, which isn't removed before the block ends; None where there is none."""
        self.sweep()
        path = self._path(key)
        stream = _opened(path, fcntl.LOCK_SH)
        if stream is None:
            yield None
            return
        with stream:
            if not self._fresh(os.fstat(stream.fileno())):  # another run still builds in it
                yield None
                return
            with suppress(OSError):  # used now, made then
                os.utime(path, (self.clock(), path.stat().st_mtime))
            yield path

    def keep(self, key: str, root: Path, run: Runner = run) -> bool:
        """Keep the unpacked chroot at ``root``, which nothing changes meanwhile; whether that was possible.

        A disk without much room is no error: then the next build is as slow as this one.
        """
        try:
            make_directory(self.directory)
            if shutil.disk_usage(self.directory).free < _STAYS_FREE:
                return False
            with disk_errors(self.directory):
                handle, name = mkstemp(prefix=f".{key}.", dir=self.directory)
        except WorkspaceError:
            return False
        unfinished = Path(name)
        with os.fdopen(handle, "wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH)
                excluded = [f"--exclude={pattern}" for pattern in _NOT_KEPT]
                # The shell opens the file, since it may lie where the namespace's root can't go.
                run(
                    [
                        *("sh", "-c", 'file=$1; shift; exec "$@" >"$file"', "sh", unfinished),
                        *("unshare", "--map-auto", "--setuid", "0", "--setgid", "0", "--"),
                        *("sh", "-c", _IN_TIME, "sh", root),
                        *("tar", "--create", "--file=-", f"--directory={root}", "--numeric-owner", "--xattrs"),
                        *("--one-file-system", "--anchored", "--sort=none", *excluded, "."),
                    ]
                )
                os.replace(unfinished, self._path(key))
            except (CommandError, MissingToolError, WorkspaceError, OSError):
                return False
            finally:
                unfinished.unlink(missing_ok=True)
        self.sweep()
        return True

    def drop(self, key: str) -> None:
        """Forget the chroot kept for ``key``; who uses it may finish with it."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what is too old, what a killed run has left, and the least recently used beyond the limit."""
        found = []
        for path in self.directory.glob("*.tar"):
            with suppress(OSError):
                found.append((path, path.stat()))
        total, limit = 0, self.limit
        if found:
            room = shutil.disk_usage(self.directory).free + sum(facts.st_size for _, facts in found)
            limit = min(limit, room // 4)
        for path, facts in sorted(found, key=lambda item: item[1].st_atime, reverse=True):
            total += facts.st_size
            if total > limit or not self._fresh(facts):
                _remove(path)
                total -= facts.st_size
        for path in self.directory.glob(".*"):
            _remove(path)

    def _fresh(self, facts: os.stat_result) -> bool:
        return -1 <= self.clock() - facts.st_mtime <= self.max_age

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.tar"


def paused(work: Path, warm: WarmChroots, key: str, run: Runner = run) -> bool:
    """Keep the chroot that sbuild has unpacked below ``work``, and let it go on; whether it was kept."""
    roots = [path for path in work.glob("tmp.sbuild.*") if path.is_dir()]
    kept = len(roots) == 1 and warm.keep(key, roots[0], run)
    for root in roots:
        run(as_owner("touch", root / _GO), check=False)
    return kept


def _opened(path: Path, lock: int) -> IO[bytes] | None:
    """``path`` open and locked, if it is there and stays there."""
    try:
        stream = path.open("rb")
    except OSError:
        return None
    try:
        fcntl.flock(stream, lock | fcntl.LOCK_NB)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
    except OSError:
        pass
    stream.close()
    return None


def _remove(path: Path) -> None:
    """Remove ``path`` unless somebody uses it."""
    stream = _opened(path, fcntl.LOCK_EX)
    if stream:
        with stream, suppress(OSError):
            path.unlink(missing_ok=True)
