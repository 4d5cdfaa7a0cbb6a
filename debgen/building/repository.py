"""A signed apt repository in a folder, for building and installing packages one upon the other.

Each state of it is a complete folder of its own, which never changes; the link ``current`` names the newest. A
process that dies in between leaves the link at a whole state, and who reads one may finish with it. apt-ftparchive
writes the indexes, gpg signs them with a key that is made on first use (``apt-ftparchive(1)``, ``apt-secure(8)``).

    REPOSITORY/current -> states/0007
    REPOSITORY/states/0007/dists/sid/{InRelease,Release,main/…}
    REPOSITORY/states/0007/pool/<source>/<version>/…
    REPOSITORY/key.asc              what apt trusts
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Changes

from debgen.building.changes import listed_files
from debgen.errors import WorkspaceError
from debgen.run import Runner, run
from debgen.workspace import disk_errors, fresh_directory, locked, make_directory, write_atomically

_KEY_NAME = "debgen local repository"
#: States that stay: who opened one a while ago may still read it.
_KEPT = 3
_STATE = re.compile(r"\d{4,}")


@dataclass(frozen=True)
class Repository:
    """The repository of one suite in ``directory``, for ``architecture`` and ``all``."""

    directory: Path
    suite: str
    architecture: str

    @property
    def key(self) -> Path:
        """The public key, ASCII-armoured; there once something has been added."""
        return self.directory / "key.asc"

    @property
    def current(self) -> Path | None:
        """The newest state, or None where nothing has been added yet."""
        link = self.directory / "current"
        return link.resolve() if link.exists() else None

    def line(self, uri: str) -> str:
        """The entry of sources.list(5) for the repository at ``uri``."""
        return f"deb [signed-by={self.key}] {uri} {self.suite} main"

    def contents(self) -> dict[str, str]:
        """The versions of the source packages in it, by name."""
        state = self.current
        folders = sorted((state / "pool").iterdir()) if state else []
        return {folder.name: version.name for folder in folders for version in folder.iterdir()}

    def add(self, changes: Iterable[Path], run: Runner = run) -> Path:
        """Take in what each of ``changes`` lists, in the place of other versions of its source; the new state.

        All or nothing: whatever fails, the repository is as it was. A second process waits its turn. Raises
        MissingToolError, CommandError, and WorkspaceError where the disk is full.
        """

        def taken(pool: Path) -> None:
            for path in changes:
                _take(path, pool)

        return self._changed(taken, run)

    def remove(self, sources: Iterable[str], run: Runner = run) -> None:
        """Take source packages and their binaries out; those that aren't there are passed over."""

        def removed(pool: Path) -> None:
            for source in sources:
                shutil.rmtree(pool / source, ignore_errors=True)

        if self.current is not None:
            self._changed(removed, run)

    def _changed(self, change: Callable[[Path], None], run: Runner) -> Path:
        """A new state, with the pool of the last one after ``change``."""
        make_directory(self.directory / "states")
        with locked(self.directory / ".lock"):
            self._sweep()
            self._ensure_key(run)
            before = self.current
            number = 1 + max((int(path.name) for path in self._states()), default=0)
            target = self.directory / "states" / f"{number:04}"
            with fresh_directory(target) as state, disk_errors(state):
                pool = make_directory(state / "pool")
                if before:
                    _link_tree(before / "pool", pool)
                change(pool)
                self._index(state, run)
            _point(self.directory / "current", Path("states") / target.name)
            self._sweep()
        return target

    def _states(self) -> list[Path]:
        return sorted(
            (path for path in (self.directory / "states").iterdir() if _STATE.fullmatch(path.name)),
            key=lambda path: int(path.name),
        )

    def _sweep(self) -> None:
        """Remove old states, and what a process that died has left."""
        states = self._states()
        current = self.current
        for path in (self.directory / "states").iterdir():
            if path not in states[-_KEPT:] and path != current:
                shutil.rmtree(path, ignore_errors=True)

    def _ensure_key(self, run: Runner) -> None:
        secret = self.directory / "key.secret"
        if secret.is_file() and self.key.is_file():
            return
        with _gnupg(run) as gpg:
            gpg(["--quick-generate-key", _KEY_NAME, "ed25519", "sign", "never"])
            private = gpg(["--armor", "--export-secret-keys"])
            public = gpg(["--armor", "--export"])
        # The public half last: where it is, the other is too.
        with disk_errors(secret):
            descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(private)
        write_atomically(self.key, public.encode("ascii"))

    def _index(self, state: Path, run: Runner) -> None:
        """Write and sign the indexes of a state."""
        dists = state / "dists" / self.suite
        binary = make_directory(dists / "main" / f"binary-{self.architecture}")
        source = make_directory(dists / "main" / "source")
        packages = run(["apt-ftparchive", "--arch", self.architecture, "packages", "pool"], cwd=state).stdout
        (binary / "Packages").write_text(packages, encoding="utf-8")
        (source / "Sources").write_text(run(["apt-ftparchive", "sources", "pool"], cwd=state).stdout, encoding="utf-8")
        fields = {
            "Origin": "debgen", "Label": "debgen", "Suite": self.suite, "Codename": self.suite,
            "Architectures": f"{self.architecture} all", "Components": "main",
        }  # fmt: skip
        options = [
            word for name, value in fields.items() for word in ("-o", f"APT::FTPArchive::Release::{name}={value}")
        ]
        release = run(["apt-ftparchive", *options, "release", f"dists/{self.suite}"], cwd=state).stdout
        (dists / "Release").write_text(release, encoding="utf-8")
        with _gnupg(run, (self.directory / "key.secret").read_text(encoding="ascii")) as gpg:
            gpg(["--clearsign", "--output", str(dists / "InRelease"), str(dists / "Release")])


def _take(changes: Path, pool: Path) -> None:
    """Copy what ``changes`` lists into the pool, in the place of other versions."""
    content = Changes(changes.read_text(encoding="utf-8"))
    source = str(content["Source"]).split()[0]
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", source):
        raise WorkspaceError(f"{changes.name} names the source package {source!r}", hint="Is it a .changes file?")
    shutil.rmtree(pool / source, ignore_errors=True)
    # A colon means something in the names of apt's own files; the epoch is in the control data.
    version = str(content["Version"]).partition(":")[2] or str(content["Version"])
    folder = make_directory(pool / source / version)
    for name in listed_files(changes):
        shutil.copyfile(changes.parent / name, folder / name)


def _link_tree(old: Path, new: Path) -> None:
    """The same files again, without a second copy where the file system can do that."""
    for path in sorted(old.rglob("*")):
        target = new / path.relative_to(old)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            try:
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)


def _point(link: Path, target: Path) -> None:
    """Let ``link`` name ``target`` from one moment to the next."""
    unfinished = link.with_name(f".{link.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    os.replace(unfinished, link)


@contextmanager
def _gnupg(run: Runner, secret: str = "") -> Iterator[_Gpg]:
    """Gpg with a home of its own, in a short path for its agent's socket; ``secret`` is a key to import."""
    home = Path(tempfile.mkdtemp(prefix="debgen-gpg-"))
    gpg = _Gpg(home, run)
    try:
        if secret:
            gpg(["--import"], stdin=secret)
        yield gpg
    finally:
        with suppress(Exception):  # an agent that isn't there needs no end
            run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class _Gpg:
    home: Path
    run: Runner

    def __call__(self, arguments: list[str], stdin: str | None = None) -> str:
        words = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
        return self.run([*words, *arguments], stdin=stdin).stdout
