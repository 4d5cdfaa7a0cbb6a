"""What the archive's stage hands on: plain frozen facts about a suite's packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class Binary:
    """A binary package of the suite; relation fields are as Debian writes them.

    ``depends`` and ``recommends`` are kept for packages named ``python3*`` only and are empty otherwise.
    """

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
