"""From what a build asks for, such as ``zlib`` of pkg-config or CMake's ``ZLIB``, to the Debian package that has it.

pkg-config's, the linker's and programs' names are file names, and the suite's Contents index tells whose files they
are. A CMake name may mean a package's own config file, or a module that comes with CMake (FindZLIB.cmake) and looks
for the library by itself; then the name is close to that of pkg-config or the linker. Some big packages carry config
files of libraries that they bundle (trilinos-dev has one for ZLIB), so these are believed last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from debgen.archive.model import Binary, FileKind


class LibraryPackages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    def binary(self, name: str) -> Binary | None: ...
    def pkg_config(self, name: str) -> tuple[str, ...]: ...
    def cmake_config(self, name: str) -> tuple[str, ...]: ...
    def link_library(self, name: str) -> tuple[str, ...]: ...
    def program(self, name: str) -> tuple[str, ...]: ...
    def header(self, name: str) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class LibraryMatch:
    """The packages that have what is asked for, best first; ``evidence`` is a clause for people.

    No packages: every build has it already.
    """

    packages: tuple[str, ...]
    evidence: str


@dataclass(frozen=True)
class _Meaning:
    """What a CMake name stands for where no rule finds it: a package, or a file of another kind."""

    reason: str
    package: str = ""
    kind: FileKind = FileKind.CMAKE
    name: str = ""


_PYTHON = _Meaning("the build has the suite's Python and its headers")
_COMPILER = _Meaning("the compiler has it")
_C_LIBRARY = _Meaning("it is part of the C library")
_CUDA = _Meaning("CMake looks for CUDA by its compiler", kind=FileKind.PROGRAM, name="nvcc")
_MPI = _Meaning("Debian lets this package choose the MPI of each architecture", package="mpi-default-dev")
_JAVA = _Meaning("Debian lets this package choose the Java of each architecture", package="default-jdk")

#: By the CMake name in small letters.
_CMAKE: Mapping[str, _Meaning] = {
    "threads": _C_LIBRARY,
    "openmp": _COMPILER,
    "python": _PYTHON,
    "python3": _PYTHON,
    "pythoninterp": _PYTHON,
    "pythonlibs": _PYTHON,
    "pythonextensions": _PYTHON,
    "cuda": _CUDA,
    "cudatoolkit": _CUDA,
    "hip": _Meaning("HIP's code is compiled by it", kind=FileKind.PROGRAM, name="hipcc"),
    "mpi": _MPI,
    "boost": _Meaning("it depends on the suite's default Boost", package="libboost-dev"),
    "icu": _Meaning("its files are named by its parts", kind=FileKind.PKG_CONFIG, name="icu-uc"),
    "java": _JAVA,
    "jni": _JAVA,
    "zeromq": _Meaning("its config isn't shipped", kind=FileKind.PKG_CONFIG, name="libzmq"),
    "curses": _Meaning("FindCurses looks for ncurses", kind=FileKind.PKG_CONFIG, name="ncurses"),
    "freetype": _Meaning("its file counts the interface", kind=FileKind.PKG_CONFIG, name="freetype2"),
    "libxml2": _Meaning("its file counts the interface", kind=FileKind.PKG_CONFIG, name="libxml-2.0"),
    "tiff": _Meaning("its file counts the interface", kind=FileKind.PKG_CONFIG, name="libtiff-4"),
    "opengl": _Meaning("FindOpenGL looks for libGL", kind=FileKind.PKG_CONFIG, name="gl"),
    "opencl": _Meaning("FindOpenCL looks for the loader", kind=FileKind.LINK, name="OpenCL"),
    "pkgconfig": _Meaning("FindPkgConfig looks for the program", kind=FileKind.PROGRAM, name="pkg-config"),
    **{
        name: _Meaning("the module of CMake looks for the program", kind=FileKind.PROGRAM, name=name)
        for name in ("bison", "doxygen", "flex", "git", "perl", "swig")
    },
}

#: What ``-l`` finds in the packages that build-essential brings.
_LINKED = frozenset(
    {"anl", "atomic", "c", "c++", "dl", "gcc", "gcc_s", "gomp", "m", "pthread", "resolv", "rt", "stdc++", "util"}
)
#: Packages with libraries of other systems: a source that links with Wine's dbghelp means Windows.
_FOREIGN = frozenset({"libwine-dev"})
#: Programs that alternatives make links to, so that Contents doesn't have them.
_CALLED = frozenset({"awk", "c++", "c89", "c99", "cc", "ld", "sh"})
#: Packages that are there in every build: those marked Essential, and build-essential's (Debian Policy 4.2).
_ALWAYS = re.compile(
    r"base-files|bash|binutils|bzip2|coreutils|dash|debianutils|diffutils|dpkg(-dev)?|findutils|g\+\+|gcc|grep|gzip"
    r"|hostname|libc6-dev|linux-libc-dev|libcrypt-dev|libc-bin|libc-dev-bin|make|mawk|ncurses-bin|patch|perl(-base)?|sed|tar|util-linux|xz-utils"
    r"|(libstdc\+\+|libgcc)-\d+-dev|(lib)?python3(\.\d+)?(-minimal|-dev)?"
)


def find_library(packages: LibraryPackages, kind: FileKind, name: str) -> LibraryMatch | None:
    """What has ``name``, as builds ask for it by means of ``kind``; None where the suite has nothing."""
    match = _by_cmake(packages, name) if kind is FileKind.CMAKE else _by_file(packages, kind, name)
    if match is None and kind is FileKind.PKG_CONFIG and (meaning := _CMAKE.get(name)):
        match = _by_meaning(packages, meaning)  # meson has methods of its own for some, as CMake has modules
    if match and match.packages and _ALWAYS.fullmatch(match.packages[0]):
        return LibraryMatch((), f"{match.packages[0]} is there in every build")
    return match


def _by_file(packages: LibraryPackages, kind: FileKind, name: str) -> LibraryMatch | None:
    """By the name of a file; people write one kind's name for another's, with a "lib" too many or too few."""
    match kind:
        case FileKind.PKG_CONFIG:
            found, file = packages.pkg_config(name), f"{name}.pc"
            if not found:
                found, file = packages.pkg_config(f"lib{name}"), f"lib{name}.pc"
        case FileKind.LINK:
            if name in _LINKED:
                return LibraryMatch((), "every build has it")
            found, file = packages.link_library(name), f"lib{name}.so"
            if not found and name.startswith("lib"):
                found, file = packages.link_library(name.removeprefix("lib")), f"{name}.so"
            found = tuple(package for package in found if package not in _FOREIGN)
        case FileKind.HEADER:
            found, file = packages.header(name), f"the header {name}"
        case _:
            if name in _CALLED:
                return LibraryMatch((), "every build has it")
            found, file = packages.program(name), f"the program {name}"
    return LibraryMatch(found, f"it has {file}") if found else None


def _by_cmake(packages: LibraryPackages, name: str) -> LibraryMatch | None:
    if meaning := _CMAKE.get(name.lower()):
        return _by_meaning(packages, meaning)
    configs = packages.cmake_config(name)
    config = f"it has the CMake config of {name}"
    if own := tuple(package for package in configs if _plain(name) in _plain(package)):
        return LibraryMatch(own, config)
    spellings = tuple(dict.fromkeys((name, name.lower(), f"lib{name.lower()}")))
    for kind, spelled in [
        *((FileKind.PKG_CONFIG, s) for s in spellings),
        *((FileKind.LINK, s) for s in spellings[:-1]),
    ]:
        if found := _by_file(packages, kind, spelled):
            return found
    return LibraryMatch(configs, config) if configs else None


def _by_meaning(packages: LibraryPackages, meaning: _Meaning) -> LibraryMatch | None:
    if meaning.package:
        return LibraryMatch((meaning.package,), meaning.reason) if packages.binary(meaning.package) else None
    if not meaning.name:
        return LibraryMatch((), meaning.reason)
    found = _by_file(packages, meaning.kind, meaning.name)
    return LibraryMatch(found.packages, f"{found.evidence}: {meaning.reason}") if found else None


def _plain(name: str) -> str:
    """Letters and digits only, small."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
