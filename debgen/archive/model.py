"""What the archive's stage hands on: plain frozen facts about a suite's packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from pathlib import Path


@dataclass(frozen=True)
class Binary:
    """A binary package of the suite; relation fields are as Debian writes them, empty where it has none."""

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    component: str
    section: str
    provides: str
    depends: str
    recommends: str
    pre_depends: str = ""
    breaks: str = ""
    conflicts: str = ""


class RelationField(StrEnum):
    """The fields of a binary package (Debian Policy 7) that the index keeps, as control files name them."""

    PRE_DEPENDS = "Pre-Depends"
    DEPENDS = "Depends"
    RECOMMENDS = "Recommends"
    BREAKS = "Breaks"
    CONFLICTS = "Conflicts"

    def of(self, binary: Binary) -> str:
        """The field's text in ``binary``."""
        text: str = getattr(binary, self.name.lower())
        return text


@dataclass(frozen=True)
class Provided:
    """A package that a name stands for, and the version that relations on that name are compared with.

    ``version`` is the package's own where it bears the name itself, else the one in its Provides: empty where that
    has none, and then no versioned relation is satisfied (Debian Policy 7.5).
    """

    package: str
    version: str


@dataclass(frozen=True)
class Dependant:
    """One clause of a package that names another: ``relation`` has all its alternatives, as Debian writes them."""

    package: str
    source: str
    field: RelationField
    relation: str


class FileKind(StrEnum):
    """Files that tell a build where something is."""

    PKG_CONFIG = "pkg-config"
    CMAKE = "cmake"
    PROGRAM = "program"
    LINK = "link"
    HEADER = "header"


@dataclass(frozen=True)
class Located:
    """A file of a package, by the name that builds ask for it: ``zlib`` for zlib.pc, ``z`` for libz.so.

    CMake's names are in lower case, since FooConfig.cmake and foo-config.cmake answer the same question.
    """

    kind: FileKind
    name: str
    package: str
    path: str


class MetadataKind(Enum):
    """How a package describes the distribution that it ships."""

    DIST_INFO = "dist-info"
    EGG_INFO = "egg-info"


@dataclass(frozen=True)
class Shipped:
    """One distribution's metadata in one binary package, as the suite's Contents index lists it.

    ``distribution`` is normalised (PEP 503); ``version`` is as written in the path, empty where it has none.
    """

    distribution: str
    version: str
    package: str
    kind: MetadataKind
    path: str


class Origin(Enum):
    """Where the mapping of a distribution to a package comes from, most trusted first."""

    CONTENTS = "contents"
    PROVIDES = "provides"
    PYDIST = "pydist"
    ALIAS = "alias"
    NAME = "name"


@dataclass(frozen=True)
class Match:
    """A Debian package that ships a distribution.

    ``upstream_version`` is a PEP 440 version: the one of the metadata that the package ships where Contents
    tells it, else ``debian_version`` translated. ``evidence`` is a sentence for people.
    """

    distribution: str
    package: str
    source: str
    debian_version: str
    upstream_version: str
    component: str
    origin: Origin
    evidence: str


@dataclass(frozen=True)
class Release:
    """The head of a suite's (verified) Release file."""

    suite: str
    codename: str
    date: datetime
    components: tuple[str, ...]


class ListKind(Enum):
    """Which index a list file is."""

    PACKAGES = "Packages"
    CONTENTS = "Contents"


@dataclass(frozen=True)
class ListFile:
    """An index file that apt fetched and verified."""

    kind: ListKind
    component: str
    path: Path
