"""A private apt root for one suite: its own state, lists and cache, but the machine's mirror and proxies.

apt fetches, and apt verifies signatures, hashes and dates; nothing here does. New lists are fetched into a
copy of the lists' folder that takes its place when all went well, so that a failed or interrupted update
leaves the previous lists, or none.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from debgen.archive.apterrors import check_suite_name, update_error
from debgen.archive.mirror import MirrorSettings
from debgen.archive.model import ListFile, ListKind, Release
from debgen.errors import CommandError, IntegrityError, NetworkError, UnknownSuiteError, WorkspaceError
from debgen.narrate import say
from debgen.run import Runner, run
from debgen.workspace import cache_directory, fresh_directory, locked, make_directory, write_atomically

COMPONENTS = ("main", "contrib", "non-free")
DAY = 24 * 60 * 60

_LIST_NAME = re.compile(
    r"_(?P<component>[^_]+)_(?:binary-[^_]+_)?(?P<kind>Packages|Contents)(?:-[^_.]+)?(?:\.[a-z0-9]+)?$"
)
_CONTENTS = """\
Acquire::IndexTargets::deb::Contents-deb {
  MetaKey "$(COMPONENT)/Contents-$(ARCHITECTURE)";
  ShortDescription "Contents-$(ARCHITECTURE)";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents (deb)";
  KeepCompressed "true";
  KeepCompressedAs "gz xz";
};
"""
_SOURCES = """\
Acquire::IndexTargets::deb-src::Sources { KeepCompressed "true"; KeepCompressedAs "xz gz"; };
"""
_SOURCES_LIST = re.compile(r"_(?P<component>[^_]+)_source_Sources(?:\.[a-z0-9]+)?$")
_NO_TARGETS = 'Acquire::IndexTargets::deb::Packages::DefaultEnabled "false";\n'


@dataclass(frozen=True)
class AptRoot:
    """The root of ``suite``, below debgen's cache.

    With ``release_only`` nothing but the Release file is fetched, which is enough to learn what a name such
    as ``unstable`` stands for. With ``sources_only`` it is the Sources files, which few questions need: they have a
    root of their own, so that the others stay as small and fast as they are. Raises UnknownSuiteError for what
    can't be a suite's name; nothing is written before :meth:`update`.
    """

    suite: str
    settings: MirrorSettings
    release_only: bool = False
    run: Runner = run
    sources_only: bool = False

    def __post_init__(self) -> None:
        check_suite_name(self.suite)

    @property
    def directory(self) -> Path:
        """The root's folder, made on first use."""
        kind = "release" if self.release_only else "sources" if self.sources_only else "apt"
        return cache_directory(kind, f"{self.suite}-{self.settings.architecture}")

    @property
    def conf(self) -> Path:
        """The root's apt.conf; written by :meth:`update`."""
        return self.directory / "apt.conf"

    def apt_env(self) -> dict[str, str]:
        """The environment in which apt's programs use this root, and speak English."""
        return {"APT_CONFIG": str(self.conf), "LC_ALL": "C.UTF-8"}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the root, so that no other run changes its lists meanwhile. Not to be nested."""
        with locked(self.directory.with_suffix(".lock")):
            yield

    def update(self, *, max_age_seconds: float = DAY, refresh: bool = False) -> bool:
        """Fetch the lists if the last success is older than ``max_age_seconds``, or always with ``refresh``.

        Returns whether the mirror was asked. If it can't be reached, lists that it gave earlier are kept in
        use, with a line of warning, unless ``refresh`` was asked for.

        Raises UnknownSuiteError, NetworkError, IntegrityError (bad signature, hash or date), WorkspaceError
        (disk full), or CommandError for a failure of apt that has no such meaning.
        """
        with self.locked():
            same = self._write_configuration()
            if same and not refresh and 0 <= self._age() < max_age_seconds:
                return False
            say(f"Updating the package index of {self.suite} ({self.settings.architecture})")
            try:
                self._fetch()
            except UnknownSuiteError:
                if not self._lists.is_dir():
                    shutil.rmtree(self.directory)
                raise
            except NetworkError as error:
                if refresh or not same or not self._lists.is_dir():
                    raise
                say(f"warning: {error}; the index of {self.release().date:%Y-%m-%d} stays in use")
            else:
                write_atomically(self._stamp, b"")
        return True

    def release(self) -> Release:
        """The head of the Release file. Raises IntegrityError where the root has none, or a broken one."""
        fields: dict[str, str] = {}
        with self.release_file().open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if line.startswith(("MD5Sum:", "SHA1:", "SHA256:")):
                    break
                key, colon, value = line.partition(":")
                if colon and not line.startswith(" "):
                    fields.setdefault(key, value.strip())
        try:
            return Release(
                suite=fields["Suite"],
                codename=fields["Codename"],
                date=parsedate_to_datetime(fields["Date"]),
                components=tuple(fields.get("Components", "").split()),
            )
        except (KeyError, ValueError) as error:
            raise IntegrityError(f"the Release file of {self.suite} is incomplete: {error}") from None

    def release_file(self) -> Path:
        """The Release file that apt verified (InRelease, or Release where the mirror has only that)."""
        for pattern in ("*_InRelease", "*_Release"):
            for path in sorted(self._lists.glob(pattern)):
                return path
        raise IntegrityError(f"the mirror {self.settings.uri} gave no Release file for {self.suite}")

    def state(self) -> str:
        """What apt's answers depend on, as a hash: that of the Release file."""
        return hashlib.sha256(self.release_file().read_bytes()).hexdigest()

    def lists(self) -> tuple[ListFile, ...]:
        """The Packages and Contents files that were fetched."""
        return tuple(
            ListFile(ListKind(name["kind"]), name["component"], path)
            for path in sorted(self._lists.glob("*_dists_*"))
            if (name := _LIST_NAME.search(path.name))
        )

    def source_lists(self) -> tuple[tuple[str, Path], ...]:
        """The Sources files that were fetched, each after its component."""
        return tuple(
            (found["component"], path)
            for path in sorted(self._lists.glob("*_dists_*"))
            if (found := _SOURCES_LIST.search(path.name))
        )

    def discard(self) -> None:
        """Throw the lists away, because they turned out broken; to be called while :meth:`locked`."""
        self._stamp.unlink(missing_ok=True)
        shutil.rmtree(self._lists, ignore_errors=True)

    @property
    def _lists(self) -> Path:
        return self.directory / "lists"

    @property
    def _stamp(self) -> Path:
        return self.directory / "updated"

    def _age(self) -> float:
        """Seconds since the last successful update; infinite where there was none."""
        if not (self._stamp.exists() and self._lists.is_dir()):
            return float("inf")
        return time.time() - self._stamp.stat().st_mtime

    def _fetch(self) -> None:
        for left in self.directory.glob(".lists.*"):  # by a run that was killed; the lock says it is none's
            shutil.rmtree(left)
        with fresh_directory(self._lists) as work:
            for old in self._lists.glob("*_*"):
                os.link(old, work / old.name, follow_symlinks=False)
            options = (f"Dir::State::lists={work}", "pkgCacheFile::Generate=false")
            argv = ["apt-get", "update", *(word for option in options for word in ("-o", option))]
            try:
                self.run(argv, env=self.apt_env())
            except CommandError as error:
                raise update_error(self.suite, self.settings.uri, error) from None
            # apt could otherwise be content with less: a mirror that is a plain folder, say.
            if not any(work.glob("*Release")):
                raise IntegrityError(f"the mirror {self.settings.uri} gave no Release file for {self.suite}")

    def _write_configuration(self) -> bool:
        """Write apt.conf and the source; true where the last successful update was made with the same."""
        root = self.directory
        text = configuration(root, self.settings)
        text += _NO_TARGETS if self.release_only else _SOURCES if self.sources_only else _CONTENTS
        kind = "deb-src" if self.sources_only else "deb"
        wanted = {
            self.conf: text,
            root / "sources" / "debgen.sources": source_entry(self.suite, self.settings, COMPONENTS, kind),
            root / "status": "",
        }
        stale = [path for path, content in wanted.items() if not _holds(path, content)]
        if stale:
            self._stamp.unlink(missing_ok=True)
        for path in stale:
            write_atomically(path, wanted[path].encode())
        return self._stamp.exists()


def _holds(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def configuration(root: Path, settings: MirrorSettings) -> str:
    """The apt.conf of a root at ``root``, whose folders are made; WorkspaceError where apt couldn't work there."""
    if re.search(r'["\s]', str(root)):
        raise WorkspaceError(
            f"apt can't work in a folder with quotes or spaces in its path: {root}",
            hint="Choose another cache with DEBGEN_CACHE.",
        )
    for part in ("sources", "cache/archives/partial", "preferences", "trusted"):
        make_directory(root / part)
    options = [
        ("Dir::State", root),
        ("Dir::State::lists", root / "lists"),
        ("Dir::State::status", root / "status"),
        ("Dir::Cache", root / "cache"),
        ("Dir::Etc", root),
        ("Dir::Etc::main", "/dev/null"),
        ("Dir::Etc::parts", "/dev/null"),
        ("Dir::Etc::sourcelist", "/dev/null"),
        ("Dir::Etc::sourceparts", root / "sources"),
        ("Dir::Etc::preferences", "/dev/null"),
        ("Dir::Etc::preferencesparts", root / "preferences"),
        ("Dir::Etc::trusted", "/dev/null"),
        ("Dir::Etc::trustedparts", root / "trusted"),
        ("APT::Architecture", settings.architecture),
        ("APT::Update::Error-Mode", "any"),
        ("Acquire::Languages", "none"),
        ("Acquire::PDiffs", "false"),
        ("Acquire::Retries", "2"),
        ("Acquire::AllowReleaseInfoChange", "true"),
        ("Acquire::Check-Valid-Until", "false" if settings.ignore_valid_until else "true"),
        *settings.auth,
        *settings.acquire,
    ]
    text = "".join(f'{option} "{value}";\n' for option, value in options)
    return text + f'APT::Architectures {{ "{settings.architecture}"; }};\n'


def source_entry(suite: str, settings: MirrorSettings, components: Sequence[str], kind: str = "deb") -> str:
    """An entry of sources.list(5) in deb822 form."""
    return (
        f"Types: {kind}\nURIs: {settings.uri}\nSuites: {suite}\n"
        f"Components: {' '.join(components)}\nSigned-By: {settings.keyring}\n"
    )
