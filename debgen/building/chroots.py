"""Chroot tarballs of a suite: made by mmdebstrap, kept fresh, entered as throw-away copies.

They are uncompressed: measured with sid, zstd saves two thirds of 500 MB but makes creating and unpacking a
third slower, and a tarball is unpacked at least three times per package built.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import Enum
from hashlib import sha256
from pathlib import Path

from debgen.archive.apterrors import check_suite_name
from debgen.archive.mirror import MirrorSettings
from debgen.building.mmdebstrap import creation_error, mirror_options
from debgen.building.namespace import run_inside
from debgen.building.scratch import GIB, ends_with_us, scratch
from debgen.building.source import KEY_INSIDE, LIST_INSIDE, ExtraSource
from debgen.errors import ChrootError, CommandError, UsageError
from debgen.narrate import say
from debgen.run import Completed, Runner, run
from debgen.workspace import disk_errors, locked, make_directory, write_atomically

MAX_AGE = timedelta(days=7)
_FORMAT = 1
#: The repository besides the mirror, as it stands in /in.
_KEY, _LIST = "debgen.asc", "debgen.list"
_WITH_SOURCE = f'cp /in/{_KEY} {KEY_INSIDE} && cp /in/{_LIST} {LIST_INSIDE} && exec "$@"'


class Flavour(Enum):
    """What a chroot is for."""

    BUILD = "build"
    """build-essential: what sbuild starts from."""
    CLEAN = "clean"
    """apt and the essential packages only: where a result is installed, so that nothing hides a missing
    dependency."""
    CHECKS = "checks"
    """The suite's own tools that look at a result: lintian, blhc, devscripts (debdiff, uscan), diffoscope, piuparts."""


_MMDEBSTRAP_OPTIONS = {
    # Package lists stay inside, so that apt-get update in a copy fetches only what has changed since.
    Flavour.BUILD: ("--variant=buildd", "--skip=cleanup/apt/lists"),
    Flavour.CLEAN: ("--variant=apt", "--skip=cleanup/apt/lists"),
    # uscan only recommends what it reads https with.
    Flavour.CHECKS: (
        "--variant=apt",
        "--skip=cleanup/apt/lists",
        "--include=lintian,blhc,devscripts,diffoscope-minimal,piuparts",
        "--include=libwww-perl,liblwp-protocol-https-perl,ca-certificates,gpgv,libdistro-info-perl",
    ),
}


@dataclass(frozen=True)
class Chroot:
    """One tarball and how it was made.

    ``made`` is in seconds since the epoch, ``packages_hash`` identifies the set of installed packages and versions,
    ``index_key`` the state of the mirror as the caller names it.
    """

    suite: str
    flavour: Flavour
    architecture: str
    path: Path
    made: float
    mirror: str
    options: tuple[str, ...]
    packages: int
    packages_hash: str
    index_key: str

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size


class ChrootStore:
    """The chroots in one directory, all made from one mirror."""

    def __init__(
        self,
        directory: Path,
        mirror: MirrorSettings,
        run: Runner = run,
        *,
        components: tuple[str, ...] = ("main",),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = make_directory(directory)
        self.mirror = mirror
        self.components = components
        self._run = run
        self._clock = clock

    def list(self) -> tuple[Chroot, ...]:
        """Every chroot there is, by suite and flavour."""
        found = (self._read(path) for path in sorted(self.directory.glob("*.json")))
        return tuple(sorted((c for c in found if c), key=lambda c: (c.suite, c.flavour.value)))

    def create(self, suite: str, flavour: Flavour = Flavour.BUILD, *, index_key: str = "") -> Chroot:
        """Make a chroot, in place of the one of the same name if there is one.

        Raises UnknownSuiteError, NetworkError, IntegrityError (expired or unverifiable Release) and ChrootError;
        whatever fails, the chroot that was there stays.
        """
        check_suite_name(suite)
        with locked(self._lock(suite, flavour)):
            return self._make(suite, flavour, index_key)

    def ensure(
        self,
        suite: str,
        flavour: Flavour = Flavour.BUILD,
        *,
        max_age: timedelta = MAX_AGE,
        index_key: str = "",
    ) -> Chroot:
        """The chroot of ``suite``: as it is when fresh, made when absent, made anew when stale.

        Stale is one that is older than ``max_age``, was made with other settings, or from another state of the
        mirror than ``index_key`` (where both are known). Raises as :meth:`create`.
        """
        check_suite_name(suite)
        with locked(self._lock(suite, flavour)):
            present = self._find(suite, flavour)
            reason = self._staleness(present, max_age, index_key)
            if present and not reason:
                return present
            if present:
                say(f"The {flavour.value} chroot of {suite} is made anew: {reason}")
            return self._make(suite, flavour, index_key)

    def update(self, suite: str) -> tuple[Chroot, ...]:
        """Make every chroot of ``suite`` anew. Raises ChrootError where there is none, else as :meth:`create`."""
        return tuple(self.create(suite, chroot.flavour) for chroot in self._of(suite))

    def remove(self, suite: str) -> tuple[Chroot, ...]:
        """Remove every chroot of ``suite`` and return what they were; ChrootError where there is none."""
        chroots = self._of(suite)
        for chroot in chroots:
            with locked(self._lock(suite, chroot.flavour)):
                _sidecar(chroot.path).unlink(missing_ok=True)
                chroot.path.unlink(missing_ok=True)
        return chroots

    def run_in(
        self,
        chroot: Chroot,
        argv: Sequence[str],
        *,
        inputs: Sequence[Path] = (),
        network: bool = False,
        source: ExtraSource | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run ``argv`` as root in a copy of ``chroot`` that is thrown away afterwards.

        Copies of the files ``inputs`` stand in /in; of the host there is nothing else to see, and no network
        unless asked for. apt knows ``source`` besides the mirror, after its next update. Exit codes are the caller's
        to judge. Raises ChrootError where the chroot can't be entered.
        """
        with scratch(2 * chroot.size + 2 * GIB, run=self._run) as work:
            staged = work / "in"
            staged.mkdir()
            for path in inputs:
                with disk_errors(staged):
                    shutil.copyfile(path, staged / path.name)
                    (staged / path.name).chmod(0o644)
            if source:
                with disk_errors(staged):
                    (staged / _KEY).write_bytes(source.key.read_bytes())
                    (staged / _LIST).write_text(f"{source.line}\n", encoding="utf-8")
                    for name in (_KEY, _LIST):
                        (staged / name).chmod(0o644)
                argv = ("sh", "-c", _WITH_SOURCE, "sh", *argv)
            staged.chmod(0o755)
            return run_inside(
                chroot.path,
                argv,
                work=work,
                inputs=staged,
                network=network,
                run=self._run,
                log=log,
                on_line=on_line,
            )

    def _of(self, suite: str) -> tuple[Chroot, ...]:
        chroots = tuple(c for c in self.list() if c.suite == suite)
        if not chroots:
            raise ChrootError(f"there is no chroot of {suite}", hint=f"Make one: debgen chroot create {suite}")
        return chroots

    def _path(self, suite: str, flavour: Flavour) -> Path:
        return chroot_path(self.directory, suite, self.mirror.architecture, flavour)

    def _lock(self, suite: str, flavour: Flavour) -> Path:
        return self.directory / f".{self._path(suite, flavour).name}.lock"

    def _find(self, suite: str, flavour: Flavour) -> Chroot | None:
        return self._read(_sidecar(self._path(suite, flavour)))

    def _read(self, sidecar: Path) -> Chroot | None:
        """The chroot that ``sidecar`` describes; none where either half is missing or of another format."""
        try:
            facts = json.loads(sidecar.read_text(encoding="utf-8"))
            if facts.pop("format") != _FORMAT:
                return None
            facts["flavour"] = Flavour(facts["flavour"])
            facts["options"] = tuple(facts["options"])
            chroot = Chroot(path=sidecar.with_suffix(".tar"), **facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return chroot if chroot.path.is_file() else None

    def _staleness(self, chroot: Chroot | None, max_age: timedelta, index_key: str) -> str:
        if chroot is None:
            return "there is none"
        if self._clock() - chroot.made > max_age.total_seconds():
            return f"it is older than {max_age.days} days"
        if (chroot.mirror, chroot.options) != (self.mirror.uri, self._options(chroot.flavour)):
            return "the mirror or its settings have changed"
        if index_key and chroot.index_key and index_key != chroot.index_key:
            return "the mirror has newer packages"
        return ""

    def _options(self, flavour: Flavour) -> tuple[str, ...]:
        return (*_MMDEBSTRAP_OPTIONS[flavour], *mirror_options(self.mirror))

    def _make(self, suite: str, flavour: Flavour, index_key: str) -> Chroot:
        if self.mirror.uri.startswith("file:"):
            raise UsageError(
                f"chroots can't use the mirror {self.mirror.uri}: it is not visible inside them",
                hint="Name one with http or https: --mirror URI",
            )
        path = self._path(suite, flavour)
        options = self._options(flavour)
        source = f"deb {self.mirror.uri} {suite} {' '.join(self.components)}"
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        made, began = self._clock(), time.monotonic()
        say(f"Making the {flavour.value} chroot of {suite} ({self.mirror.architecture}) …")
        with ExitStack() as cleanup:
            cleanup.callback(unfinished.unlink, missing_ok=True)
            work = cleanup.enter_context(scratch(2 * GIB, run=self._run))
            try:
                self._run(
                    ends_with_us(
                        work,
                        *("mmdebstrap", "--mode=unshare", "--format=tar"),
                        *(f"--architectures={self.mirror.architecture}", f"--keyring={self.mirror.keyring}"),
                        *options,
                        *(suite, unfinished, source),
                    ),
                    env={"TMPDIR": str(work)},
                )
            except CommandError as error:
                raise creation_error(suite, self.mirror.uri, error) from None
            with disk_errors(path):
                unfinished.chmod(0o600)  # it may hold the passwords of a private mirror
                packages = installed_packages(unfinished)
                chroot = Chroot(
                    suite=suite,
                    flavour=flavour,
                    architecture=self.mirror.architecture,
                    path=path,
                    made=made,
                    mirror=self.mirror.uri,
                    options=options,
                    packages=len(packages),
                    packages_hash=sha256("\n".join(packages).encode()).hexdigest(),
                    index_key=index_key,
                )
                _sidecar(path).unlink(missing_ok=True)  # never beside a tarball that it doesn't describe
                os.replace(unfinished, path)
                write_atomically(_sidecar(path), _as_json(chroot))
        say(f"Made it in {time.monotonic() - began:.0f} s: {chroot.packages} packages, {chroot.size >> 20} MiB")
        return chroot


def chroot_path(directory: Path, suite: str, architecture: str, flavour: Flavour = Flavour.BUILD) -> Path:
    """Where the tarball of a chroot is, or would be."""
    ending = "" if flavour is Flavour.BUILD else f"-{flavour.value}"
    return directory / f"{suite}-{architecture}{ending}.tar"


def installed_packages(tarball: Path) -> tuple[str, ...]:
    """``name architecture version`` of each package installed in a chroot tarball, sorted."""
    try:
        with tarfile.open(tarball, "r:") as archive:
            member = archive.extractfile("./var/lib/dpkg/status")
            status = member.read().decode("utf-8", "replace") if member else ""
    except (tarfile.TarError, KeyError) as error:
        raise ChrootError(f"mmdebstrap left a tarball that can't be read: {error}") from None
    packages = []
    for stanza in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            packages.append(f"{fields['Package']} {fields['Architecture']} {fields['Version']}")
    return tuple(sorted(packages))


def _sidecar(tarball: Path) -> Path:
    return tarball.with_suffix(".json")


def _as_json(chroot: Chroot) -> bytes:
    facts = asdict(chroot) | {"format": _FORMAT, "flavour": chroot.flavour.value}
    del facts["path"]
    return (json.dumps(facts, indent=2, sort_keys=True) + "\n").encode()
