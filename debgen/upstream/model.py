"""What the index and the dependency tree consist of: plain frozen data, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from packaging.specifiers import SpecifierSet

from debgen.errors import UsageError

#: What ``platform.machine()`` says on each Debian architecture.
MACHINE_OF_ARCHITECTURE = MappingProxyType(
    {
        "amd64": "x86_64",
        "arm64": "aarch64",
        "armel": "armv5tel",
        "armhf": "armv7l",
        "i386": "i686",
        "loong64": "loongarch64",
        "mips64el": "mips64",
        "ppc64el": "ppc64le",
        "riscv64": "riscv64",
        "s390x": "s390x",
    }
)


class FileKind(StrEnum):
    """The two kinds of release file that matter; installers and eggs don't."""

    SDIST = "sdist"
    WHEEL = "wheel"


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of one release, as the index lists it.

    ``version`` is in PEP 440's normal form. ``sha256`` is None where the index names no such hash.
    ``core_metadata`` says that the index serves the file's metadata at ``url + '.metadata'`` (PEP 658).
    ``uploaded`` is the time of upload in ISO 8601 (PEP 700), empty where the index doesn't tell.
    """

    filename: str
    url: str
    version: str
    kind: FileKind
    sha256: str | None = None
    requires_python: str = ""
    yanked: bool = False
    core_metadata: bool = False
    uploaded: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One requirement that holds on the target: ``parent`` asks for ``child``.

    Names are in PEP 503's normal form. ``parent`` is None for what the user asked for. ``specifier`` is a PEP
    440 specifier set or empty, ``extras`` are the child's extras that are asked for, ``marker`` is the marker
    in the parent's metadata, and ``via_extra`` is the parent's own extra that brings the edge in.
    """

    parent: str | None
    child: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    via_extra: str | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """One release of the tree with what it asks for; edges are sorted.

    ``requires_python`` is as upstream wrote it; ``sdist`` is the release's source distribution, None where it has
    wheels only.
    """

    name: str
    display_name: str
    version: str
    edges: tuple[Edge, ...] = ()
    requires_python: str = ""
    sdist: ReleaseFile | None = None


@dataclass(frozen=True, slots=True)
class DependencyTree:
    """A resolved set of releases and who asks for whom; cycles and self-dependencies are possible.

    ``request`` is the edge from the user to ``root``. ``distributions`` are keyed by normal name, in sorted
    order, and are all reachable from ``root``. ``notes`` tell what in upstream's metadata was not understood.
    """

    root: str
    requirement: str
    request: Edge
    python_version: str
    architecture: str
    distributions: Mapping[str, Distribution]
    notes: tuple[str, ...] = ()

    def edges_to(self, name: str) -> tuple[Edge, ...]:
        """Every edge that asks for ``name``, the user's own first, then sorted by parent."""
        found = [self.request] if name == self.root else []
        for distribution in self.distributions.values():
            found.extend(edge for edge in distribution.edges if edge.child == name)
        return tuple(found)

    def parents_of(self, name: str) -> tuple[str, ...]:
        """Names of the distributions that ask for ``name``, sorted; it may ask for itself."""
        return tuple(sorted({edge.parent for edge in self.edges_to(name) if edge.parent is not None}))

    def constraints_on(self, name: str) -> SpecifierSet:
        """Every bound that the tree's members and the user put on ``name``, in one specifier set."""
        bounds = SpecifierSet()
        for edge in self.edges_to(name):
            bounds &= SpecifierSet(edge.specifier)
        return bounds


@dataclass(frozen=True, slots=True)
class Target:
    """The Python and the machine that the packages are for, never the host's.

    ``python_version`` is ``3.14`` or ``3.14.2``; ``architecture`` is Debian's name. UsageError where either
    is unknown.
    """

    python_version: str
    architecture: str

    def __post_init__(self) -> None:
        parts = self.python_version.split(".")
        if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() for part in parts):
            raise UsageError(f"{self.python_version!r} is not a Python version", hint="Give it as 3.14.")
        if self.architecture not in MACHINE_OF_ARCHITECTURE:
            raise UsageError(
                f"unknown architecture {self.architecture!r}",
                hint="Known are: " + ", ".join(MACHINE_OF_ARCHITECTURE) + ".",
            )

    @property
    def machine(self) -> str:
        """The kernel's name of the architecture, as markers and wheel tags have it."""
        return MACHINE_OF_ARCHITECTURE[self.architecture]

    def marker_environment(self) -> dict[str, str]:
        """The environment of PEP 508's markers; kernel release and version are left empty, as uv does."""
        major, minor, *micro = self.python_version.split(".")
        full = ".".join((major, minor, *(micro or ["0"])))
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": f"{major}.{minor}",
            "sys_platform": "linux",
        }
