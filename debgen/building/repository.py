"""A signed apt repository in a folder, for building and installing packages one upon the other.

Each state of it is a complete folder of its own, which never changes; the link ``current`` names the newest. A
process that dies in between leaves the link at a whole state, and who reads one may finish with it. apt-ftparchive
writes the indexes, gpg signs them with a key that is made on first use (``apt-ftparchive(1)``, ``apt-secure(8)``).

    REPOSITORY/current -> states/0007
    REPOSITORY/states/0007/key.asc              what apt trusts
    REPOSITORY/states/0007/dists/sid/{InRelease,Release,main/…}
    REPOSITORY/states/0007/pool/<source>/<version>/…
    REPOSITORY/key.secret
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from debian.deb822 import Packages, Sources

from debgen.building.intake import is_taken, take
from debgen.building.signing import CLOCKS_DIFFER, Signer, signer
from debgen.run import Runner, run
from debgen.workspace import disk_errors, fresh_directory, held_open, is_held, locked, make_directory

#: States that stay, besides those that somebody reads.
_KEPT = 3
_STATE = re.compile(r"\d{4,}")
_SECRET = "key.secret"  # noqa: S105 - the name of a file
_VIEW = "view-"
_PLAIN = re.compile(r"[^\s,\[\]\"%]+")


def entry(uri: str, suite: str, key: str) -> str:
    """The entry of sources.list(5) in the deb822 format; ``key`` is a path, or a key as apt wants it in there."""
    signed = key if key.startswith("\n") else f" {key}"
    return f"Types: deb deb-src\nURIs: {uri}\nSuites: {suite}\nComponents: main\nSigned-By:{signed}\n"


@dataclass(frozen=True)
class HeldBinary:
    """A binary package in the repository."""

    package: str
    version: str
    architecture: str


@dataclass(frozen=True)
class Held:
    """A source package in the repository, with its Debian version and what is built from it."""

    source: str
    version: str
    binaries: tuple[HeldBinary, ...]


@dataclass(frozen=True)
class Repository:
    """The repository of one suite in ``directory``, for ``architecture`` and ``all``."""

    directory: Path
    suite: str
    architecture: str

    @property
    def newest(self) -> Path:
        """The link to the newest state, under a name that stays the same."""
        return self.directory / "current"

    @property
    def key(self) -> Path:
        """The public key, ASCII-armoured; there once something has been added."""
        return self.newest / "key.asc"

    @property
    def current(self) -> Path | None:
        """The newest state, or None where nothing has been added yet."""
        return self.newest.resolve() if self.newest.exists() else None

    @property
    def line(self) -> str:
        """The entry of sources.list(5) for this machine; empty where apt can't take the path of the key.

        apt takes a path apart at white space, commas and brackets; there is no way to quote one.
        """
        if not _PLAIN.fullmatch(str(self.key)):
            return ""
        return f"deb [signed-by={self.key}] {self.newest.as_uri()} {self.suite} main"

    @property
    def stanza(self) -> str:
        """The same in the deb822 format, with the key itself in it where apt can't take its path."""
        key = str(self.key)
        if not _PLAIN.fullmatch(key):
            text = self.key.read_text(encoding="ascii")
            key = "".join(f"\n {line or '.'}" for line in text.rstrip().splitlines())
        return entry(self.newest.as_uri(), self.suite, key)

    def contents(self) -> dict[str, str]:
        """The Debian versions of the source packages in it, by name."""
        return {held.source: held.version for held in self.held()}

    def held(self) -> tuple[Held, ...]:
        """The source packages in it, by name."""
        state = self.current
        if state is None:
            return ()
        main = state / "dists" / self.suite / "main"
        versions: dict[str, str] = {}
        binaries: dict[str, list[HeldBinary]] = {}
        for entry in _paragraphs(main / f"binary-{self.architecture}" / "Packages", Packages):
            name, _, version = entry.get("Source", entry["Package"]).partition(" ")
            versions[name] = version.strip("()") or entry["Version"]
            binaries.setdefault(name, []).append(
                HeldBinary(entry["Package"], entry["Version"], entry["Architecture"]),
            )
        for entry in _paragraphs(main / "source" / "Sources", Sources):
            versions[entry["Package"]] = entry["Version"]
        return tuple(
            Held(name, version, tuple(sorted(binaries.get(name, ()), key=lambda binary: binary.package)))
            for name, version in sorted(versions.items())
        )

    def has(self, changes: Path) -> bool:
        """Whether what ``changes`` lists is in it, from this very build."""
        return self.current is not None and is_taken(changes, self.current / "pool")

    @contextmanager
    def only(self, sources: Iterable[str], run: Runner = run) -> Iterator[Repository]:
        """A repository with these source packages of this one and no others, until the block ends."""
        make_directory(self.directory)
        with ExitStack() as stack:
            with locked(self.directory / ".lock"), disk_errors(self.directory):  # nobody sweeps before it is held
                folder = Path(tempfile.mkdtemp(prefix=_VIEW, dir=self.directory))
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                stack.enter_context(held_open(folder))
            with self.reading() as state:
                view = Repository(folder / "view", self.suite, self.architecture)

                def taken(pool: Path) -> None:
                    for source in sources:
                        if state and (state / "pool" / source).is_dir():
                            _link_tree(state / "pool" / source, make_directory(pool / source))

                view._changed(taken, run, secret=self.directory / _SECRET)
                yield view

    def add(self, changes: Iterable[Path], run: Runner = run) -> Path:
        """Take in what each of ``changes`` lists, in the place of other versions of its source; the new state.

        All or nothing: whatever fails, the repository is as it was. A second process waits its turn. Raises
        MissingToolError, CommandError, IntegrityError where a file isn't what its .changes says, and WorkspaceError
        where one can't be read or the disk is full.
        """

        def taken(pool: Path) -> None:
            for path in changes:
                take(path, pool)

        return self._changed(taken, run)

    def remove(self, sources: Iterable[str], run: Runner = run) -> None:
        """Take source packages and their binaries out; those that aren't there are passed over."""
        here = [name for name in sources if name in self.contents()]

        def removed(pool: Path) -> None:
            for source in here:
                shutil.rmtree(pool / source, ignore_errors=True)

        if here:
            self._changed(removed, run)

    @contextmanager
    def reading(self) -> Iterator[Path | None]:
        """The newest state, which stays until the block ends; None where nothing has been added yet."""
        with ExitStack() as stack:
            while (state := self.current) is not None:
                with suppress(FileNotFoundError):
                    stack.enter_context(held_open(state))
                    if state.is_dir():  # else removed since it was looked up, so there are newer ones
                        break
            yield state

    def _changed(self, change: Callable[[Path], None], run: Runner, secret: Path | None = None) -> Path:
        """A new state, with the pool of the last one after ``change``, signed with the key in ``secret``."""
        make_directory(self.directory / "states")
        with locked(self.directory / ".lock"), disk_errors(self.directory):
            self._sweep()
            before = self.current
            number = 1 + max((int(path.name) for path in self.states()), default=0)
            target = self.directory / "states" / f"{number:04}"
            now = datetime.now(UTC)
            with fresh_directory(target) as state, signer(secret or self.directory / _SECRET, now, run) as gpg:
                pool = make_directory(state / "pool")
                if before:
                    _link_tree(before / "pool", pool)
                change(pool)
                self._index(state, now, gpg, run)
                _let_all_read(self.directory, state)
            _point(self.newest, Path("states") / target.name)
            self._sweep()
        return target

    def states(self) -> list[Path]:
        """All states there are, the oldest first."""
        return sorted(
            (path for path in (self.directory / "states").iterdir() if _STATE.fullmatch(path.name)),
            key=lambda path: int(path.name),
        )

    def _sweep(self) -> None:
        """Remove old states that nobody reads, and what a process that died has left."""
        current = self.current  # resolved, unlike the others: names can be compared
        keep = {*(path.name for path in self.states()[-_KEPT:]), *([current.name] if current else [])}
        for path in (self.directory / "states").iterdir():
            if path.name not in keep and not is_held(path):
                shutil.rmtree(path, ignore_errors=True)
        for path in self.directory.glob(f"{_VIEW}*"):
            if not is_held(path):
                shutil.rmtree(path, ignore_errors=True)
        for path in self.directory.glob(".*.*"):  # unfinished keys and links
            path.unlink(missing_ok=True)

    def _index(self, state: Path, now: datetime, gpg: Signer, run: Runner) -> None:
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
            # Who fetches the indexes while the state changes gets those that belong together.
            "Acquire-By-Hash": "yes", "Date": f"{now - CLOCKS_DIFFER:%a, %d %b %Y %H:%M:%S} UTC",
        }  # fmt: skip
        settings = {"APT::FTPArchive::DoByHash": "yes"}
        settings |= {f"APT::FTPArchive::Release::{name}": value for name, value in fields.items()}
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        release = run(["apt-ftparchive", *options, "release", f"dists/{self.suite}"], cwd=state).stdout
        (dists / "Release").write_text(release, encoding="utf-8")
        gpg.sign(dists / "Release")
        (state / "key.asc").write_text(gpg.public, encoding="ascii")


def _paragraphs(path: Path, kind: type[Packages] | type[Sources]) -> list[Packages | Sources]:
    with path.open(encoding="utf-8") as stream:
        return list(kind.iter_paragraphs(stream, use_apt_pkg=False))


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


def _let_all_read(directory: Path, state: Path) -> None:
    """Whatever this user's umask: apt fetches as a user of its own, also from a folder."""
    for path in (directory, directory / "states", state, *state.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _point(link: Path, target: Path) -> None:
    """Let ``link`` name ``target`` from one moment to the next."""
    unfinished = link.with_name(f".{link.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    os.replace(unfinished, link)
