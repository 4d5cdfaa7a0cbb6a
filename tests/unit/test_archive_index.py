"""The readers of list files and the index that is built from them, on small files of the true formats."""

from __future__ import annotations

import gzip
import lzma
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.archive import listfiles
from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.listfiles import read_contents, read_packages
from debgen.archive.model import (
    Binary,
    FileKind,
    ListFile,
    ListKind,
    Located,
    MetadataKind,
    Provided,
    RelationField,
    Release,
    Shipped,
)
from debgen.errors import IntegrityError, UnknownSuiteError

PACKAGES = """\
Package: python3
Source: python3-defaults
Version: 3.14.2-1
Architecture: amd64
Section: python
Depends: python3.14 (>= 3.14.2-1~), libpython3-stdlib (= 3.14.2-1)
Provides: python3-supported-max (= 3.14)
Description: interactive high-level object-oriented language
 with a second line
 Version: 9 is not a field

Package: libc6
Source: glibc
Version: 2.43-2
Architecture: amd64
Section: libs
Depends: libgcc-s1

Package: python3-pil
Source: pillow (13.0.0-1)
Version: 13.0.0-1+b1
Architecture: amd64
Section: python
Provides: python3-pillow (= 13.0.0-1), python3.14-pil:any
Pre-Depends: dpkg (>= 1.17.14)
Depends: python3 (>= 3.14~), libjpeg62-turbo | libjpeg8
Recommends: python3-olefile
Breaks: python3-old (<< 1.9)
Conflicts: python3-pillow

Package: python3-old
Version: 1.9-1
Architecture: all
Section: contrib/python

Package: python3-old
Version: 1.10-1
Architecture: amd64
Section: contrib/python
"""

CONTENTS = """\
usr/bin/hf                                              python/python3-huggingface-hub
usr/lib/python3.14/dist-packages/transformers-5.1.egg-info/PKG-INFO\tpython/python3-transformers
usr/lib/python3/dist-packages/PyYAML-6.0.2.dist-info/METADATA   python/python3-yaml
usr/lib/python3/dist-packages/PyYAML-6.0.2.dist-info/RECORD     python/python3-yaml
usr/lib/python3/dist-packages/SCons-4.10.1-py3.13.egg-info      devel/scons
usr/lib/python3/dist-packages/a b/foo_bar-1.0.dist-info/METADATA python/python3-nested
usr/lib/python3/dist-packages/foo-bar-2baz-1.5rc1.egg-info/dir/with spaces.txt python/python3-foobar
usr/lib/python3/dist-packages/furo.egg-info/PKG-INFO            python/furo,contrib/python/furo-extra
usr/lib/python3/dist-packages/setuptools/_vendor/wheel-0.45.dist-info/METADATA python/python3-setuptools
usr/share/solaar/lib/solaar-1.1.egg-info/PKG-INFO               misc/solaar
usr/lib/python2.7/dist-packages/old-1.0.egg-info                python/python-old
./usr/lib/python3/dist-packages/zope.interface-8.0.dist-info/METADATA python/python3-zope.interface
"""

BUILD_FILES = """\
bin/kmod                                                admin/kmod
usr/aarch64-linux-gnu/lib/libz.so                       libdevel/zlib-arm64-cross
usr/bin/hf                                              python/python3-huggingface-hub
usr/bin/protoc                                          devel/python3-old
usr/bin/protoc\tdevel/protoc
usr/bin/sub/tool                                        devel/tools
usr/include/boost/any.hpp                               libdevel/libeigen3-dev
usr/include/a/b/deep.h                                  libdevel/libeigen3-dev
usr/include/x86_64-linux-gnu/zlib.h                     libdevel/zlib1g-dev
usr/include/zlib.h                                      libdevel/zlib-cuda-dev
usr/lib/aarch64-linux-gnu/pkgconfig/zlib.pc             libdevel/zlib-arm64-dev
usr/lib/aarch64-linux-gnu/pkgconfig/kmod.pc             libdevel/zlib-arm64-dev
usr/lib/cmake/Trio/ZLIBConfig.cmake                     libdevel/trio-dev
usr/lib/gcc/x86_64-linux-gnu/16/32/libgomp.so           libdevel/lib32gcc-16-dev
usr/lib/gcc/x86_64-linux-gnu/16/libgomp.so              libdevel/libgcc-16-dev
usr/lib/jvm/lib/libz.so                                 java/jvm-dev
usr/lib/x86_64-linux-gnu/blas-x/libblas.so              libdevel/libblas-x-dev
usr/lib/x86_64-linux-gnu/cmake/ZLIB-1/ZLIBConfig.cmake  libdevel/zlib1g-dev
usr/lib/x86_64-linux-gnu/cmake/ZLIB-1/ZLIBConfigVersion.cmake libdevel/zlib1g-dev
usr/lib/x86_64-linux-gnu/libc.so                        libdevel/libc6-dev
usr/lib/x86_64-linux-gnu/libdl.a                        libdevel/libc6-dev
usr/lib/x86_64-linux-gnu/libz.a                         libdevel/zlib-static-dev
usr/lib/x86_64-linux-gnu/libz.so                        libdevel/zlib-cuda-dev,libdevel/zlib1g-dev
usr/lib/x86_64-linux-gnu/libz.so.1                      libs/zlib1g
usr/lib/x86_64-linux-gnu/pkgconfig/kmod.pc              admin/kmod
usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc              libdevel/zlib-cuda-dev,libdevel/zlib1g-dev
usr/lib/x86_64-linux-gnu/plug-ins/libplug.so            misc/plug
usr/lib/llvm-19/lib/cmake/llvm/LLVMConfig.cmake         devel/llvm-19-dev
usr/sbin/mkfs.x                                         admin/fs
usr/share/eigen3/cmake/Eigen3Config.cmake               libdevel/libeigen3-dev
usr/share/foo/pkgconfig/private.pc                      misc/foo-dev
usr/share/pkgconfig/zlib.pc                             libdevel/zlib-data-dev
usr/share/nb/cmake/nb-config.cmake                      libdevel/nb-dev
"""

HAVING_FILES = {
    "main": "kmod zlib-arm64-cross protoc tools zlib-arm64-dev trio-dev lib32gcc-16-dev libgcc-16-dev jvm-dev"
    " libblas-x-dev zlib1g-dev libc6-dev zlib-static-dev zlib1g plug llvm-19-dev fs libeigen3-dev foo-dev"
    " zlib-data-dev nb-dev",
    "contrib": "zlib-cuda-dev",
}

RELEASE = Release("unstable", "sid", datetime(2026, 10, 30, 8, 8, 1, tzinfo=UTC), ("main",))


def write_lists(folder: Path, packages: str = PACKAGES, contents: str = CONTENTS) -> tuple[ListFile, ...]:
    folder.mkdir(exist_ok=True)
    (folder / "Packages").write_text(packages)
    (folder / "Contents.gz").write_bytes(gzip.compress(contents.encode()))
    return (
        ListFile(ListKind.PACKAGES, "main", folder / "Packages"),
        ListFile(ListKind.CONTENTS, "main", folder / "Contents.gz"),
    )


def build(path: Path, lists: tuple[ListFile, ...]) -> None:
    build_index(path, key="k", release=RELEASE, architecture="amd64", lists=lists)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SuiteIndex]:
    path = tmp_path / "index.sqlite"
    build(path, write_lists(tmp_path / "lists"))
    with SuiteIndex(path) as opened:
        yield opened


def test_head(index: SuiteIndex) -> None:
    assert (index.suite, index.codename, index.architecture) == ("unstable", "sid", "amd64")
    assert (index.python_version, index.glibc, index.date) == ("3.14", "2.43", RELEASE.date)


def test_binary(index: SuiteIndex) -> None:
    assert index.binary("python3-pil") == Binary(
        name="python3-pil",
        version="13.0.0-1+b1",
        architecture="amd64",
        source="pillow",
        source_version="13.0.0-1",
        component="main",
        section="python",
        provides="python3-pillow (= 13.0.0-1), python3.14-pil:any",
        depends="python3 (>= 3.14~), libjpeg62-turbo | libjpeg8",
        recommends="python3-olefile",
        pre_depends="dpkg (>= 1.17.14)",
        breaks="python3-old (<< 1.9)",
        conflicts="python3-pillow",
    )
    assert index.binary("python3-pillow") is None
    libc = index.binary("libc6")
    assert libc is not None
    assert (libc.depends, libc.source, libc.source_version) == ("libgcc-s1", "glibc", "2.43-2")
    assert (libc.pre_depends, libc.breaks, libc.conflicts) == ("", "", "")


def test_the_highest_version_counts_by_debians_order(index: SuiteIndex) -> None:
    assert index.version_of("python3-old") == "1.10-1"
    assert index.version_of("nothing") is None


def test_providers_and_sources(index: SuiteIndex) -> None:
    assert [b.name for b in index.providers("python3-pillow")] == ["python3-pil"]
    assert [b.name for b in index.providers("python3.14-pil")] == ["python3-pil"]
    assert index.providers("python3-pil") == ()
    assert [b.name for b in index.source_binaries("pillow")] == ["python3-pil"]


def test_what_a_name_stands_for(index: SuiteIndex) -> None:
    assert index.provided("python3-pillow") == (Provided("python3-pil", "13.0.0-1"),)
    assert index.provided("python3.14-pil") == (Provided("python3-pil", ""),)
    assert index.provided("python3-pil") == (Provided("python3-pil", "13.0.0-1+b1"),)
    assert index.provided("nothing") == ()


def test_a_real_package_comes_before_those_that_provide_its_name(tmp_path: Path) -> None:
    more = PACKAGES + "\nPackage: a-python3-pil\nVersion: 1\nProvides: python3-pil (= 12), python3-pil\n"
    build(tmp_path / "i", write_lists(tmp_path / "lists", more))
    with SuiteIndex(tmp_path / "i") as index:
        assert index.provided("python3-pil") == (
            Provided("python3-pil", "13.0.0-1+b1"),
            Provided("a-python3-pil", ""),
            Provided("a-python3-pil", "12"),
        )
        assert [b.name for b in index.providers("python3-pil")] == ["a-python3-pil"]


def test_dependants_are_told_with_the_clause_that_names_the_package(index: SuiteIndex) -> None:
    def told(name: str) -> list[tuple[str, RelationField, str]]:
        return [(found.package, found.field, found.relation) for found in index.dependants(name)]

    assert told("libjpeg8") == [("python3-pil", RelationField.DEPENDS, "libjpeg62-turbo | libjpeg8")]
    assert told("dpkg") == [("python3-pil", RelationField.PRE_DEPENDS, "dpkg (>= 1.17.14)")]
    assert told("python3-olefile") == [("python3-pil", RelationField.RECOMMENDS, "python3-olefile")]
    assert told("python3-old") == [("python3-pil", RelationField.BREAKS, "python3-old (<< 1.9)")]
    assert told("python3-pillow") == [("python3-pil", RelationField.CONFLICTS, "python3-pillow")]
    assert told("python3-pil") == told("jpeg") == []
    assert index.dependants("python3")[0].source == "pillow"


def test_only_the_highest_versions_relations_count(tmp_path: Path) -> None:
    old = PACKAGES.replace("Version: 1.9-1\n", "Version: 1.9-1\nDepends: dropped\n")
    build(tmp_path / "i", write_lists(tmp_path / "lists", old))
    with SuiteIndex(tmp_path / "i") as index:
        assert index.dependants("dropped") == ()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[SuiteIndex]:
    """An index of BUILD_FILES, all of whose packages are in the suite."""
    lists = write_lists(tmp_path / "lists", contents=CONTENTS + BUILD_FILES)
    listed = [lists[0], lists[1]]
    for component, names in HAVING_FILES.items():
        path = tmp_path / component
        path.write_text("\n".join(f"Package: {name}\nVersion: 1\n" for name in names.split()))
        listed.append(ListFile(ListKind.PACKAGES, component, path))
    build(tmp_path / "index.sqlite", tuple(listed))
    with SuiteIndex(tmp_path / "index.sqlite") as opened:
        yield opened


def test_pkg_config_files_of_this_architecture_and_of_main_come_first(files: SuiteIndex) -> None:
    assert files.pkg_config("zlib") == ("zlib1g-dev", "zlib-data-dev", "zlib-arm64-dev", "zlib-cuda-dev")
    assert files.pkg_config("kmod") == ("kmod", "zlib-arm64-dev")
    assert files.pkg_config("private") == files.pkg_config("ZLIB") == ()


def test_cmake_configurations_are_found_where_cmake_looks(files: SuiteIndex) -> None:
    assert files.cmake_config("ZLIB") == files.cmake_config("zlib") == ("zlib1g-dev",)
    assert files.cmake_config("Eigen3") == ("libeigen3-dev",)
    assert files.cmake_config("nb") == ("nb-dev",)
    assert files.cmake_config("LLVM") == ("llvm-19-dev",)
    assert files.cmake_config("ZLIBConfigVersion") == files.cmake_config("ZLIBVersion") == ()


def test_headers_are_found_where_the_compiler_looks(files: SuiteIndex) -> None:
    assert files.header("boost/any.hpp") == ("libeigen3-dev",)
    assert files.header("zlib.h") == ("zlib1g-dev", "zlib-cuda-dev")
    assert files.header("any.hpp") == files.header("deep.h") == files.header("x86_64-linux-gnu/zlib.h") == ()


def test_programs(files: SuiteIndex) -> None:
    assert files.program("protoc") == ("protoc", "python3-old")
    assert files.program("mkfs.x") == ("fs",)
    assert files.program("kmod") == ("kmod",)
    assert files.program("tool") == files.program("sub/tool") == ()
    assert files.program("hf") == (), "its package is in Contents, but not in this architecture's Packages"


def test_libraries_to_link_with(files: SuiteIndex) -> None:
    assert files.link_library("z") == ("zlib1g-dev", "zlib-static-dev", "zlib-cuda-dev")
    assert files.link_library("dl") == ("libc6-dev",)
    assert files.link_library("gomp") == ("libgcc-16-dev",)
    assert files.link_library("blas") == ("libblas-x-dev",)
    assert files.link_library("plug") == ()


def test_of_equal_packages_the_one_that_more_want_comes_first(tmp_path: Path) -> None:
    names = {"a-dev": "", "b-dev": "", "c": "Depends: b-dev", "d": "Recommends: b-dev", "e": "Conflicts: a-dev"}
    names |= {"f": "Breaks: a-dev", "g": "Conflicts: a-dev"}
    packages = PACKAGES + "".join(f"\nPackage: {name}\nVersion: 1\n{line}\n" for name, line in names.items())
    contents = "usr/lib/libx.so  libdevel/a-dev,libdevel/b-dev\n"
    build(tmp_path / "i", write_lists(tmp_path / "lists", packages, contents))
    with SuiteIndex(tmp_path / "i") as index:
        assert index.link_library("x") == ("b-dev", "a-dev")


def test_of_equal_packages_the_one_whose_library_is_used_comes_first(tmp_path: Path) -> None:
    names = {
        "liba-dev": "Depends: liba0 (= 1)", "libb-dev": "Depends: libb0 (= 1), libc6-dev", "liba0": "", "libb0": "",
        "c": "Depends: liba-dev", "d": "Depends: libb0", "e": "Depends: libb0 | liba0", "f": "Depends: libb0 (>= 1)",
    }  # fmt: skip
    packages = PACKAGES + "".join(f"\nPackage: {name}\nVersion: 1\n{line}\n" for name, line in names.items())
    contents = "usr/lib/libx.so  libdevel/liba-dev,libdevel/libb-dev\n"
    build(tmp_path / "i", write_lists(tmp_path / "lists", packages, contents))
    with SuiteIndex(tmp_path / "i") as index:
        assert index.link_library("x") == ("libb-dev", "liba-dev")


@pytest.mark.parametrize(
    ("stand_in", "relation", "name", "chosen"),
    [
        ("default-libx-dev", "libx9-dev", "x", True),
        ("libx-dev", "libx9-dev (>= 1)", "x", True),
        ("libx-dev", "libx9-dev", "libx", True),
        ("libother-dev", "libx9-dev", "x", False),
    ],
)
def test_a_package_that_stands_for_the_one_with_the_library(
    tmp_path: Path, stand_in: str, relation: str, name: str, chosen: bool
) -> None:
    names = {"libx9-dev": "", stand_in: f"Depends: {relation}", "user": "Recommends: libx9-dev"}
    packages = PACKAGES + "".join(f"\nPackage: {name}\nVersion: 1\n{line}\n" for name, line in names.items())
    contents = f"usr/lib/lib{name}.so  libdevel/libx9-dev\n"
    build(tmp_path / "i", write_lists(tmp_path / "lists", packages, contents))
    with SuiteIndex(tmp_path / "i") as index:
        assert index.link_library(name) == ((stand_in, "libx9-dev") if chosen else ("libx9-dev",))


def test_contents_lines(tmp_path: Path) -> None:
    rows = list(read_contents(write_lists(tmp_path)[1].path))
    found = [row for row in rows if isinstance(row, Shipped)]
    assert [row for row in rows if isinstance(row, Located)] == [
        Located(FileKind.PROGRAM, "hf", "python3-huggingface-hub", "usr/bin/hf")
    ]
    dist_packages = "usr/lib/python3/dist-packages"
    egg, dist = MetadataKind.EGG_INFO, MetadataKind.DIST_INFO
    assert found == [
        Shipped(
            "transformers",
            "5.1",
            "python3-transformers",
            egg,
            "usr/lib/python3.14/dist-packages/transformers-5.1.egg-info",
        ),
        Shipped("pyyaml", "6.0.2", "python3-yaml", dist, f"{dist_packages}/PyYAML-6.0.2.dist-info"),
        Shipped("scons", "4.10.1", "scons", egg, f"{dist_packages}/SCons-4.10.1-py3.13.egg-info"),
        Shipped("foo-bar-2baz", "1.5rc1", "python3-foobar", egg, f"{dist_packages}/foo-bar-2baz-1.5rc1.egg-info"),
        Shipped("furo", "", "furo", egg, f"{dist_packages}/furo.egg-info"),
        Shipped("furo", "", "furo-extra", egg, f"{dist_packages}/furo.egg-info"),
        Shipped(
            "zope-interface",
            "8.0",
            "python3-zope.interface",
            dist,
            f"{dist_packages}/zope.interface-8.0.dist-info",
        ),
    ]


def test_lines_are_whole_wherever_the_chunks_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages, contents = write_lists(tmp_path, contents=CONTENTS + BUILD_FILES)
    whole = Counter(read_contents(contents.path)), list(read_packages(packages.path, "main"))
    for size in (1, 7, 64):
        monkeypatch.setattr(listfiles, "_CHUNK", size)
        assert (Counter(read_contents(contents.path)), list(read_packages(packages.path, "main"))) == whole


def test_compressed_lists_of_any_kind(tmp_path: Path) -> None:
    members = tmp_path / "members.gz"
    half = len(CONTENTS) // 2
    members.write_bytes(b"".join(gzip.compress(part.encode()) for part in (CONTENTS[:half], CONTENTS[half:])))
    packed = tmp_path / "Contents.xz"
    packed.write_bytes(lzma.compress(CONTENTS.encode()))
    expected = Counter(read_contents(write_lists(tmp_path / "lists")[1].path))
    assert Counter(read_contents(members)) == Counter(read_contents(packed)) == expected


@pytest.mark.parametrize("broken", [lambda data: data[:-20], lambda data: b"\x1f\x8b" + data[9:], lambda _: b"junk"])
def test_a_broken_list_is_an_error(tmp_path: Path, broken: object) -> None:
    assert callable(broken)
    contents = write_lists(tmp_path)[1].path
    contents.write_bytes(broken(contents.read_bytes()))
    with pytest.raises(IntegrityError, match=r"Contents\.gz is broken"):
        list(read_contents(contents))


def test_a_failed_build_leaves_the_old_index(tmp_path: Path) -> None:
    path = tmp_path / "out" / "index.sqlite"
    lists = write_lists(tmp_path / "lists")
    build_index(path, key="old", release=RELEASE, architecture="amd64", lists=lists)
    before = path.read_bytes()
    lists[1].path.write_bytes(lists[1].path.read_bytes()[:-9])
    with pytest.raises(IntegrityError):
        build_index(path, key="new", release=RELEASE, architecture="amd64", lists=lists)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["index.sqlite"]


def test_an_index_stays_open_while_a_newer_one_takes_its_place(index: SuiteIndex, tmp_path: Path) -> None:
    newer = write_lists(tmp_path / "new", PACKAGES.replace("1.10-1", "1.11-1"))
    build_index(tmp_path / "index.sqlite", key="n", release=RELEASE, architecture="amd64", lists=newer)
    assert index.version_of("python3-old") == "1.10-1"
    with SuiteIndex(tmp_path / "index.sqlite") as opened:
        assert opened.version_of("python3-old") == "1.11-1"


def test_the_index_cant_be_written_through(index: SuiteIndex) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        index._database.execute("DELETE FROM binary")


def test_a_suite_without_packages_or_without_python(tmp_path: Path) -> None:
    empty = write_lists(tmp_path / "empty", packages="")
    with pytest.raises(IntegrityError, match="no packages for amd64"):
        build_index(tmp_path / "i", key="k", release=RELEASE, architecture="amd64", lists=empty)
    partial = write_lists(tmp_path / "partial", packages="Package: libc6\nVersion: 2.43-1\n")
    build_index(tmp_path / "i", key="k", release=RELEASE, architecture="amd64", lists=partial)
    with pytest.raises(UnknownSuiteError, match="no package python3"):
        SuiteIndex(tmp_path / "i")
