"""Borrowed packages in the chroot of a build: apt told where they are, and what of them a build has used."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Dsc

from debgen.archive.borrow import COMPONENT, BuildPackages, preferences, relation_names
from debgen.archive.index import SuiteIndex
from debgen.archive.mirror import MirrorSettings
from debgen.building.lent import Lent
from debgen.building.record import installed

_LIST, _PREFERENCES = "/etc/apt/sources.list.d/debgen-borrowed.list", "/etc/apt/preferences.d/debgen-borrowed"
_FIELDS = ("Build-Depends", "Build-Depends-Arch", "Build-Depends-Indep")


@dataclass(frozen=True)
class BorrowedSource:
    """Other suites that a chroot sees besides its own, and the preferences that say what of them is taken.

    ``lines`` are for sources.list(5); the chroot trusts their keys, which are the mirror's. ``state`` names what the
    suites have: as long as it is the same, so is that.
    """

    lines: tuple[str, ...]
    preferences: str
    state: str

    @property
    def command(self) -> str:
        """The command that tells apt in a chroot, for sbuild, to which a percent sign means something."""
        told = " && ".join(
            f"{{ {'; '.join(f'echo {shlex.quote(line)}' for line in lines)}; }} >{path}"
            for path, lines in ((_LIST, self.lines), (_PREFERENCES, self.preferences.splitlines()))
        )
        return told.replace("%", "%%")


def source_of(packages: BuildPackages, mirror: MirrorSettings) -> BorrowedSource | None:
    """What is borrowed, as a source for chroots; None where nothing is."""
    if not packages.lenders:
        return None
    text = preferences([lender.borrow for lender in packages.lenders])
    indexes = [lender.index for lender in packages.lenders]
    return BorrowedSource(
        tuple(f"deb {mirror.uri} {index.codename} {COMPONENT}" for index in indexes),
        text,
        "\n".join([text, *(f"{index.codename} {index.date.isoformat()}" for index in indexes)]),
    )


def uses(dsc: Path, packages: BuildPackages) -> bool:
    """Whether the Build-Depends of a source package name anything that is borrowed."""
    fields = Dsc(dsc.read_text(encoding="utf-8"))
    return packages.concerns(relation_names(*(fields.get(name, "") for name in _FIELDS)))


def lent_to(buildinfo: Path, packages: BuildPackages, index: SuiteIndex, own: Iterable[str]) -> tuple[Lent, ...]:
    """What was borrowed of all that was installed in a build, by name; ``own`` are packages that were built here.

    What the target suite has in the same version is its own: one archive has no two packages of one version.
    """
    local = frozenset(own)
    found = []
    for package, version in sorted(installed(buildinfo).items()):
        lender = packages.origin(package)
        if lender and package not in local and packages.version_of(package) == version:
            found.append(Lent(package, version, lender, index.version_of(package) or ""))
    return tuple(found)
