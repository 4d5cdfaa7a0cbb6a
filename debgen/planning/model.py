"""What a plan consists of: plain frozen data; :mod:`debgen.planning.plan` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from debgen.archive.model import Match
from debgen.planning.verdict import Verdict


class Decision(Enum):
    """What becomes of a distribution; every node of a plan has exactly one."""

    USE = "use"
    """The suite's package does."""
    RELAX = "relax"
    """The suite has another version than asked for; the bound of those who ask is loosened by a patch."""
    UPDATE = "update"
    """The suite's package is too old: a newer release has to be packaged."""
    PACKAGE = "package"
    """The suite has none: it has to be packaged."""
    DROP = "drop"
    """Those who ask do without it."""
    BLOCKED = "blocked"
    """Nothing of this can be done in this suite."""


class Kind(StrEnum):
    """When a requirement holds."""

    RUN = "run"
    BUILD = "build"


class Topic(StrEnum):
    """What a finding is about."""

    EXTRA = "extra"
    """The suite's package doesn't pull in what an extra asks for."""
    INSTALL = "install"
    """A package is in the suite's index and can't be installed."""
    BREAKS = "breaks"
    """Updating a package breaks the bounds of others in the archive."""
    DEVICE = "device"
    """The suite has a package for other devices than the plan's."""
    COMPONENT = "component"
    """A package is outside main."""
    SOURCE = "source"
    """There is no source distribution to package."""
    PYTHON = "python"
    """The release doesn't name the suite's Python as supported."""
    CRATE = "crate"
    LIBRARY = "library"
    PIN = "pin"
    """A build requirement allows one version only."""


@dataclass(frozen=True, order=True)
class Finding:
    """A remark on a node, with the chain of packages that leads to it where there is one."""

    topic: Topic
    text: str
    chain: tuple[str, ...] = ()
    blocking: bool = False


class Supply(Enum):
    """What the suite has for a crate or a system library."""

    SATISFIED = "satisfied"
    RELAXABLE = "relaxable"
    """It has another version, or lacks a feature: a patch may do."""
    MISSING = "missing"
    UNINSTALLABLE = "uninstallable"


@dataclass(frozen=True, order=True)
class CrateToPackage:
    """A crate that the suite lacks, in the ``version`` of upstream's Cargo.lock (a requirement where there is none).

    ``suite`` is the version of another series that the suite has, which whoever packages it may have to make do with;
    empty where it has none. ``asked_by`` is the crate that needs it, empty for the one that the build asks for.
    """

    name: str
    version: str
    suite: str = ""
    asked_by: str = ""


@dataclass(frozen=True, order=True)
class BuildNeed:
    """A crate, library or program that building a node takes, and the suite's package for it.

    ``name`` is upstream's word for it, ``requirement`` its bound in upstream's notation, ``package`` the Debian
    package (empty where there is none) with its ``version``. ``reason`` is a sentence. ``features`` are those of a
    crate that the build takes, in Cargo's spelling, "default" among them.

    Of a crate, ``loosened`` is the requirement that a patch has to write in the place of ``requirement`` (empty where
    that can stay), ``replaced`` the features that the suite lacks with what takes their place (empty: nothing does),
    ``optional`` says that no feature of the build switches it on, ``askers`` are the Cargo.toml files that ask for it,
    ``locked`` is the version in upstream's Cargo.lock, and ``borrowed`` the suite that the package is borrowed from.
    ``ways`` lead from a Cargo.toml that the build starts with over others to the crate, and ``switches`` are the
    features that bring it in, each after the Cargo.toml that has it (``Cargo.toml#cli``); empty where it is always
    needed. ``first`` are the crates that have to be packaged where the suite lacks it, in order, itself last, and
    ``remarks`` say what else is known of that.
    """

    topic: Topic
    name: str
    requirement: str
    package: str
    version: str
    supply: Supply
    reason: str
    chain: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    loosened: str = ""
    replaced: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    askers: tuple[str, ...] = ()
    locked: str = ""
    borrowed: str = ""
    ways: tuple[tuple[str, ...], ...] = ()
    switches: tuple[str, ...] = ()
    first: tuple[CrateToPackage, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """One requirement on a distribution, and what the suite's version makes of it.

    ``parent`` is None for what the user asks. ``extra`` is the parent's extra that brings it in. ``decision`` is
    USE, RELAX or DROP where this requirement needs no newer package, None where the suite fails it; ``reason`` says
    why a bound is relaxed or dropped. ``counts`` is false where only a package that the suite has asks.
    """

    parent: str | None
    specifier: str
    extras: tuple[str, ...]
    verdict: Verdict
    kind: Kind = Kind.RUN
    extra: str = ""
    decision: Decision | None = None
    reason: str = ""
    counts: bool = True


@dataclass(frozen=True)
class Node:
    """One distribution of the tree: who asks for it, what the suite has, and what becomes of it.

    ``version`` is the release that resolution chose, ``chain`` the shortest way from the root to it, its own name
    last. ``needed`` says that the work reaches it: others are asked for only by what the suite has.
    ``alternatives`` are the suite's other packages of the same distribution. ``build`` is empty unless it is to be
    packaged.
    """

    name: str
    version: str
    asked: tuple[Asked, ...]
    match: Match | None
    alternatives: tuple[Match, ...]
    verdict: Verdict
    decision: Decision
    reason: str
    chain: tuple[str, ...]
    needed: bool
    findings: tuple[Finding, ...] = ()
    build: tuple[BuildNeed, ...] = ()

    @property
    def to_package(self) -> bool:
        """Whether a source package has to be made."""
        return self.decision in (Decision.PACKAGE, Decision.UPDATE)


@dataclass(frozen=True)
class Variant:
    """The variant that a plan is for ("cpu", "cuda" or "rocm"), why, and what was detected where."""

    name: str
    reason: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All distributions in sorted order, and the order in which to package those that the suite lacks.

    ``order`` is in stages: what stands in one stage needs only earlier ones. A cycle stands in ``cycles`` as
    the names along it, the first again at the end; the order leaves out its last step. ``suite_date`` is the date of
    the suite's Release file in ISO 8601. ``borrow`` is what builds take from other suites, as ``SUITE:PATTERN``.
    """

    root: str
    requirement: str
    variant: Variant
    suite: str
    suite_date: str
    python_version: str
    architecture: str
    nodes: tuple[Node, ...]
    order: tuple[tuple[str, ...], ...]
    cycles: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    borrow: tuple[str, ...] = ()

    def node(self, name: str) -> Node | None:
        """The node of a normalised name."""
        return next((n for n in self.nodes if n.name == name), None)

    def totals(self) -> Mapping[Decision, int]:
        """How many of the distributions that the work reaches have each decision."""
        return {d: sum(n.needed and n.decision is d for n in self.nodes) for d in Decision}
