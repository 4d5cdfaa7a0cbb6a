"""Which package has what a build asks for; the files are those of sid."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from debgen.archive.libraries import find_library
from debgen.archive.model import Binary, FileKind

FILES: Mapping[tuple[FileKind, str], tuple[str, ...]] = {
    (FileKind.PKG_CONFIG, "zlib"): ("zlib1g-dev",),
    (FileKind.PKG_CONFIG, "libcurl"): ("libcurl4-gnutls-dev", "libcurl4-openssl-dev"),
    (FileKind.PKG_CONFIG, "libtiff-4"): ("libtiff-dev",),
    (FileKind.PKG_CONFIG, "python3"): ("libpython3-dev",),
    (FileKind.CMAKE, "zlib"): ("trilinos-dev",),
    (FileKind.CMAKE, "lapack"): ("trilinos-dev",),
    (FileKind.CMAKE, "nlohmann_json"): ("nlohmann-json3-dev",),
    (FileKind.CMAKE, "boost"): ("libboost1.90-dev", "trilinos-dev"),
    (FileKind.CMAKE, "torch"): ("libtorch-dev", "libtorch-cuda-dev"),
    (FileKind.CMAKE, "openssl"): ("libssl-dev",),
    (FileKind.CMAKE, "hip"): ("libamdhip64-dev",),
    (FileKind.LINK, "lapack"): ("liblapack-dev", "libopenblas-pthread-dev"),
    (FileKind.LINK, "m"): ("libc6-dev",),
    (FileKind.LINK, "stdc++fs"): ("libstdc++-16-dev",),
    (FileKind.LINK, "dbghelp"): ("libwine-dev",),
    (FileKind.PROGRAM, "nvcc"): ("nvidia-cuda-toolkit",),
    (FileKind.PROGRAM, "hipcc"): ("hipcc",),
    (FileKind.PROGRAM, "git"): ("git",),
    (FileKind.HEADER, "lz4.h"): ("liblz4-dev",),
    (FileKind.HEADER, "sys/types.h"): ("libc6-dev",),
    (FileKind.PROGRAM, "make"): ("make", "make-guile"),
    (FileKind.PROGRAM, "python3"): ("python3-minimal",),
    (FileKind.PROGRAM, "ninja"): ("ninja-build",),
}


class Suite:
    """Answers from FILES; a package is there if it is named in ``packages``."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages

    def binary(self, name: str) -> Binary | None:
        made = Binary(name, "1-1", "amd64", name, "1-1", "main", "libdevel", "", "", "")
        return made if name in self.packages else None

    def pkg_config(self, name: str) -> tuple[str, ...]:
        return FILES.get((FileKind.PKG_CONFIG, name), ())

    def cmake_config(self, name: str) -> tuple[str, ...]:
        return FILES.get((FileKind.CMAKE, name.lower()), ())

    def link_library(self, name: str) -> tuple[str, ...]:
        return FILES.get((FileKind.LINK, name), ())

    def program(self, name: str) -> tuple[str, ...]:
        return FILES.get((FileKind.PROGRAM, name), ())

    def header(self, name: str) -> tuple[str, ...]:
        return FILES.get((FileKind.HEADER, name), ())


SUITE = Suite("libboost-dev", "mpi-default-dev")


@pytest.mark.parametrize(
    ("kind", "name", "package"),
    [
        (FileKind.PKG_CONFIG, "zlib", "zlib1g-dev"),
        (FileKind.PKG_CONFIG, "curl", "libcurl4-gnutls-dev"),
        (FileKind.PKG_CONFIG, "boost", "libboost-dev"),
        (FileKind.PROGRAM, "ninja", "ninja-build"),
        (FileKind.HEADER, "lz4.h", "liblz4-dev"),
        (FileKind.LINK, "lapack", "liblapack-dev"),
        (FileKind.LINK, "liblapack", "liblapack-dev"),
        (FileKind.CMAKE, "ZLIB", "zlib1g-dev"),
        (FileKind.CMAKE, "CURL", "libcurl4-gnutls-dev"),
        (FileKind.CMAKE, "LAPACK", "liblapack-dev"),
        (FileKind.CMAKE, "nlohmann_json", "nlohmann-json3-dev"),
        (FileKind.CMAKE, "Torch", "libtorch-dev"),
        (FileKind.CMAKE, "OpenSSL", "libssl-dev"),
        (FileKind.CMAKE, "TIFF", "libtiff-dev"),
        (FileKind.CMAKE, "Boost", "libboost-dev"),
        (FileKind.CMAKE, "MPI", "mpi-default-dev"),
        (FileKind.CMAKE, "CUDAToolkit", "nvidia-cuda-toolkit"),
        (FileKind.CMAKE, "CUDA", "nvidia-cuda-toolkit"),
        (FileKind.CMAKE, "hip", "hipcc"),
        (FileKind.CMAKE, "Git", "git"),
    ],
)
def test_found(kind: FileKind, name: str, package: str) -> None:
    match = find_library(SUITE, kind, name)
    assert match is not None
    assert match.packages[0] == package
    assert match.evidence


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FileKind.CMAKE, "Threads"),
        (FileKind.CMAKE, "OpenMP"),
        (FileKind.CMAKE, "Python3"),
        (FileKind.CMAKE, "Python"),
        (FileKind.PKG_CONFIG, "python3"),
        (FileKind.LINK, "m"),
        (FileKind.LINK, "pthread"),
        (FileKind.LINK, "stdc++"),
        (FileKind.LINK, "stdc++fs"),
        (FileKind.PROGRAM, "cc"),
        (FileKind.PROGRAM, "make"),
        (FileKind.PROGRAM, "python3"),
    ],
)
def test_every_build_has_it(kind: FileKind, name: str) -> None:
    match = find_library(SUITE, kind, name)
    assert match is not None
    assert match.packages == ()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FileKind.PKG_CONFIG, "nothing"),
        (FileKind.PKG_CONFIG, "ZLIB"),
        (FileKind.LINK, "dbghelp"),
        (FileKind.LINK, "libdbghelp"),
        (FileKind.PROGRAM, "nothing"),
        (FileKind.CMAKE, "Nothing"),
        (FileKind.CMAKE, "Doxygen"),
    ],
)
def test_not_found(kind: FileKind, name: str) -> None:
    assert find_library(SUITE, kind, name) is None


def test_a_package_that_the_table_names_has_to_be_there() -> None:
    assert find_library(Suite(), FileKind.CMAKE, "Boost") is None


def test_a_config_in_a_package_of_another_name_counts_where_nothing_else_does() -> None:
    class Bundled(Suite):
        def cmake_config(self, name: str) -> tuple[str, ...]:
            return ("trilinos-dev",)

    match = find_library(Bundled(), FileKind.CMAKE, "Teuchos")
    assert match is not None
    assert match.packages == ("trilinos-dev",)
