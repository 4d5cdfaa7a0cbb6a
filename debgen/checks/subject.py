"""What a check may look at: the result of a build and all that it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from debgen.archive.borrow import BuildPackages
from debgen.archive.index import SuiteIndex
from debgen.building.borrowed import BorrowedSource
from debgen.building.changes import listed_files
from debgen.building.chroots import Chroot, ChrootStore, Flavour
from debgen.building.contents import Explained, Need
from debgen.building.debfiles import Deb, read_debs
from debgen.building.result import BuildResult
from debgen.building.source import ExtraSource
from debgen.run import Runner, run
from debgen.upstream.index import IndexClient
from debgen.upstream.model import ReleaseFile

#: The end of the name of a package with debugging symbols, which no human maintains.
DEBUG = "-dbgsym"


@dataclass(frozen=True)
class Upstream:
    """What the contents are compared with; the fields are those of :func:`debgen.building.contents.compare`."""

    client: IndexClient
    wheel: ReleaseFile | None
    lacks: Sequence[Explained] = ()
    need: Need | None = None


@dataclass(frozen=True)
class Subject:
    """The package to check, and its surroundings.

    ``tree`` is the generated source tree. ``source`` is the local repository, while it is served; ``local`` are the
    .debs in it, without which relations are judged by the archive alone. ``borrowed`` is what the build saw of other
    suites, and ``seen`` the packages that it saw with that; nothing but a build does. ``itp`` says whether the number
    of an ITP was given. ``inputs`` names whatever else decides a verdict (the release of debgen's code, the recipe):
    results that were kept with other inputs don't count. Logs stand beside the .changes, as
    ``<its stem>.<check>.log``.
    """

    built: BuildResult
    tree: Path
    store: ChrootStore
    index: SuiteIndex
    upstream: Upstream | None = None
    source: ExtraSource | None = None
    local: tuple[Path, ...] = ()
    itp: bool = False
    distribution: str = ""
    inputs: str = ""
    run: Runner = run
    borrowed: BorrowedSource | None = None
    seen: BuildPackages | None = None

    @property
    def changes(self) -> Path:
        """The .changes, which lists source and binaries."""
        return self.built.changes

    @property
    def stem(self) -> str:
        """The name that the logs begin with."""
        return self.changes.stem

    def log(self, name: str) -> Path:
        """Where the check ``name`` writes its log."""
        return self.changes.with_suffix(f".{name}.log")

    def chroot(self, flavour: Flavour) -> Chroot:
        """A fresh chroot of the suite; raises as :meth:`ChrootStore.ensure`."""
        return self.store.ensure(self.index.codename, flavour, index_key=self.index.date.isoformat())

    @cached_property
    def debs(self) -> tuple[Path, ...]:
        """The files of the binary packages, without those of debugging symbols."""
        return tuple(path for path in self.built.debs if f"{DEBUG}_" not in path.name)

    @cached_property
    def packages(self) -> tuple[Deb, ...]:
        """The binary packages, without those of debugging symbols."""
        return read_debs(self.debs).debs

    @property
    def compiled(self) -> bool:
        """Whether anything in it is for one architecture only."""
        return any(deb.architecture != "all" for deb in self.packages)

    def listed(self) -> tuple[Path, ...]:
        """The .changes and the files that it lists."""
        return (self.changes, *(self.changes.parent / name for name in listed_files(self.changes)))
