"""A private apt root that sees what a build with borrowed packages sees.

Its lists are those of the suites' own roots, linked: the same state of the archive, fetched and verified once. So
what apt says here belongs to the very indexes that a plan is made with, and the suites' own roots stay as they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from debgen.archive.aptroot import COMPONENTS, AptRoot, configuration, source_entry
from debgen.archive.borrow import COMPONENT, Borrow, Lender, preferences
from debgen.archive.model import ListKind
from debgen.workspace import cache_directory, disk_errors, fresh_directory, locked, write_atomically


@dataclass(frozen=True)
class BuildRoot:
    """The root of ``target``'s suite with what ``borrows`` name; both have been updated, as open_suite does.

    ``lenders`` are the roots of the suites that are borrowed from, in the same order.
    """

    target: AptRoot
    borrows: tuple[Borrow, ...]
    lenders: tuple[AptRoot, ...]

    @classmethod
    def of(cls, target: AptRoot, lenders: Sequence[Lender]) -> Self:
        """The root for what ``lenders`` lend."""
        roots = tuple(replace(target, suite=lender.index.codename) for lender in lenders)
        return cls(target, tuple(lender.borrow for lender in lenders), roots)

    @property
    def directory(self) -> Path:
        """The root's folder, made on first use: one for each combination."""
        key = hashlib.sha256(preferences(self.borrows).encode()).hexdigest()[:12]
        suites = "+".join((self.target.suite, *(borrow.suite for borrow in self.borrows)))
        return cache_directory("borrowed", f"{suites}-{self.target.settings.architecture}-{key}")

    def apt_env(self) -> dict[str, str]:
        """As that of :class:`AptRoot`."""
        return {"APT_CONFIG": str(self.directory / "apt.conf"), "LC_ALL": "C.UTF-8"}

    def state(self) -> str:
        """What apt's answers depend on, as a hash."""
        parts = [preferences(self.borrows), *(root.state() for root in self._roots)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the root, whose lists are those of its suites' roots then. Not to be nested."""
        with locked(self.directory.with_suffix(".lock")):
            self._follow()
            yield

    @property
    def _roots(self) -> Sequence[AptRoot]:
        return (self.target, *self.lenders)

    def _follow(self) -> None:
        """Bring configuration and lists in line with the suites' roots."""
        stamp, state = self.directory / "state", self.state()
        lists = self.directory / "lists"
        if stamp.is_file() and stamp.read_text(encoding="ascii") == state and lists.is_dir():
            return
        stamp.unlink(missing_ok=True)
        settings = self.target.settings
        text = configuration(self.directory, settings)
        sources = [source_entry(self.target.suite, settings, COMPONENTS)]
        sources += [source_entry(root.suite, settings, (COMPONENT,)) for root in self.lenders]
        for path, content in {
            "apt.conf": text,
            "status": "",
            "sources/debgen.sources": "\n".join(sources),
            "preferences/debgen": preferences(self.borrows),
        }.items():
            write_atomically(self.directory / path, content.encode())
        with fresh_directory(lists) as work:
            for root in self._roots:
                with root.locked():
                    packages = (file.path for file in root.lists() if file.kind is ListKind.PACKAGES)
                    for file in (root.release_file(), *packages):
                        _linked(file, work / file.name)
        write_atomically(stamp, state.encode())


def _linked(path: Path, target: Path) -> None:
    with disk_errors(target):
        try:
            os.link(path, target, follow_symlinks=False)
        except OSError:  # another file system
            shutil.copyfile(path, target)
