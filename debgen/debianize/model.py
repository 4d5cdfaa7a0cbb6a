"""What goes into the generator and what comes out: plain frozen data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from packaging.requirements import Requirement

from debgen.archive.model import Match
from debgen.debianize.continued import Continued
from debgen.debianize.fixmes import Fixme
from debgen.debianize.provenance import Provenance
from debgen.identity import Identity
from debgen.planning.model import BuildNeed
from debgen.recipes import Recipe
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.facts import SdistFacts
from debgen.upstream.licences import LicenceScan
from debgen.upstream.vendored import VendoredCrate

#: Finds the package of the suite that ships a distribution, or None.
Lookup = Callable[[str], Match | None]


@dataclass(frozen=True)
class SuiteFacts:
    """What the target suite decides about the form of a source package."""

    codename: str
    changelog_distribution: str
    version_suffix: str
    compat: int
    standards_version: str
    watch_version: int
    #: Whether dpkg already defaults to ``Rules-Requires-Root: no``.
    implied_rules_requires_root: bool
    #: Whether policy (and so lintian) already takes ``Priority: optional`` as understood.
    implied_priority: bool
    python_version: str
    architecture: str
    #: Whether dh-cargo's helper gives Static-Built-Using (policy 7.8); older ones give a field of their own.
    static_built_using: bool = True


@dataclass(frozen=True)
class Team:
    """Who maintains the package, where not a single person: configuration, never invented."""

    maintainer: str = ""
    vcs: str = ""


@dataclass(frozen=True)
class Repack:
    """How the orig tarball differs from upstream's archive: nothing is empty where it is the same.

    ``reason`` says why the archive can't be taken as it is, ``excluded`` are the lines of Files-Excluded, ``suffix``
    what the version gets for them (``+dfsg``, ``+ds``).
    """

    reason: str = ""
    excluded: tuple[str, ...] = ()
    suffix: str = ""


@dataclass(frozen=True)
class Inputs:
    """Everything that decides the bytes of debian/."""

    facts: SdistFacts
    scan: LicenceScan
    #: Text of the sdist's files that the generator reads: build files and licence files, by path.
    texts: Mapping[str, str]
    sdist_name: str
    suite: SuiteFacts
    lookup: Lookup
    #: The packages of the suite by name, to see which names are taken.
    taken: Callable[[str], bool]
    marker_environment: Mapping[str, str]
    recipe: Recipe
    identity: Identity
    team: Team
    date: datetime
    #: Whether the sdist has a file of that path.
    has: Callable[[str], bool] = lambda path: False
    #: What the build takes, and the suite's packages of its libraries and programs.
    build: BuildFacts = field(default_factory=BuildFacts)
    libraries: tuple[BuildNeed, ...] = ()
    #: The crates that the build takes, judged against the suite.
    crates: tuple[BuildNeed, ...] = ()
    #: Those that the recipe has from other sources, in ``vendor/`` of this one.
    vendored: tuple[VendoredCrate, ...] = ()
    #: Debian's relations for one of them, as the patched Cargo.toml asks for it.
    crate_relations: Callable[[BuildNeed], tuple[str, ...]] = lambda need: ()
    #: The suite's packages of the programs that the tests call.
    test_programs: tuple[str, ...] = ()
    #: What the extras of a requirement ask for and the suite's package of it doesn't bring along.
    beyond: Callable[[Requirement], tuple[Requirement, ...]] = lambda requirement: ()
    #: The packages that are the one of a distribution built for accelerators.
    siblings: Callable[[str], tuple[str, ...]] = lambda name: ()
    #: The package that dh_python3 takes a distribution for where it goes by names only.
    derived: Callable[[str], str] = lambda name: f"python3-{name}"
    #: Whether a package can be imported by the suite's default Python only, of several that it supports.
    default_only: Callable[[str], bool] = lambda package: False
    #: The archive's section of the package, where it has one.
    section: str = "python"
    itp: int | None = None
    repack: Repack = Repack()
    #: The archive's source of the same name, which this one continues.
    continued: Continued | None = None


@dataclass(frozen=True)
class Unmet:
    """A run-time requirement that the suite can't meet and no recipe line answers."""

    requirement: Requirement
    package: str
    version: str

    def __str__(self) -> str:
        have = f"the suite has {self.package} {self.version}" if self.package else "the suite has no package of it"
        return f"{self.requirement.name}{self.requirement.specifier}: {have}"


@dataclass(frozen=True)
class SourcePackage:
    """A generated debian/: its files by path, which of them are executable, and what is still open."""

    source: str
    version: str
    distribution: str
    binary: str
    files: Mapping[str, str]
    executable: frozenset[str]
    fixmes: tuple[Fixme, ...]
    notes: tuple[str, ...]
    unmet: tuple[Unmet, ...]
    #: What was generated in the place of files that the recipe brings, by path.
    replaced: Mapping[str, str] = field(default_factory=dict)
    #: Why each line is there, and what else a reviewer should know.
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def upstream_version(self) -> str:
        """The version without epoch and Debian revision, as in the name of the orig tarball."""
        return self.version.partition(":")[2].rpartition("-")[0] or self.version.rpartition("-")[0]
