"""What building a source takes, as its own files say it: plain frozen facts, read without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Crate:
    """One dependency of a Cargo.toml that the build of the extension needs (not dev-dependencies).

    ``requirement`` is Cargo's (``^1.2``, ``0.13``, ``>=1, <2``; empty for any version). ``locked`` is the version in
    the sdist's Cargo.lock, empty where there is none. ``source`` is "registry", or "git" or "path" with what it
    names. ``manifest`` is the Cargo.toml that asks, relative to the sdist; ``via`` are the Cargo.toml files on the way
    to it from one that the build starts with, itself last. ``switches`` are the features without which it isn't
    needed, each after its Cargo.toml (``Cargo.toml#cli``); empty where it always is.
    """

    name: str
    requirement: str = ""
    features: tuple[str, ...] = ()
    default_features: bool = True
    optional: bool = False
    build_only: bool = False
    target: str = ""
    locked: str = ""
    source: str = "registry"
    manifest: str = "Cargo.toml"
    via: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Cargo.toml that builds a module or program of the distribution, and the features that it is built with."""

    path: str
    features: tuple[str, ...] = ()
    default_features: bool = True


@dataclass(frozen=True, slots=True)
class CargoSource:
    """What a build by Cargo starts from, and the text of every Cargo.toml and Cargo.lock of the sdist, by path.

    It is kept whole, since what a recipe switches off or adds changes which crates the build takes.
    """

    manifests: tuple[Manifest, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


class LibraryKind(StrEnum):
    """How a source names a system library."""

    PKG_CONFIG = "pkg-config"
    CMAKE = "cmake"
    LINK = "link"
    PROGRAM = "program"
    HEADER = "header"


@dataclass(frozen=True, slots=True, order=True)
class Library:
    """A system library or program that the sdist names: ``zlib`` by pkg-config, ``ZLIB`` by CMake's find_package.

    ``evidence`` is the file and line that names it; ``required`` is false where the build goes on without it.
    """

    kind: LibraryKind
    name: str
    evidence: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """What an sdist says of its build.

    ``requires`` are PEP 517's requirement strings, ``backend`` PEP 517's build-backend. ``languages`` are those of
    sources that the build compiles: "C", "C++", "Cython", "Rust", "CUDA", "HIP", "Fortran". ``pins`` are those of
    ``requires`` that allow one version only, which Debian can't honour. ``notes`` tell which files can't be read.
    """

    requires: tuple[str, ...] = ()
    backend: str = ""
    languages: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    crates: tuple[Crate, ...] = ()
    libraries: tuple[Library, ...] = ()
    notes: tuple[str, ...] = ()
    cargo: CargoSource = field(default_factory=CargoSource)
