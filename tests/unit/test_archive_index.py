"""The readers of list files and the index that is built from them, on small files of the true formats."""

from __future__ import annotations

import gzip
import lzma
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.archive import listfiles
from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.listfiles import read_contents, read_packages
from debgen.archive.model import Binary, ListFile, ListKind, MetadataKind, Release, Shipped
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
Depends: python3 (>= 3.14~)
Recommends: python3-olefile

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

RELEASE = Release("unstable", "sid", datetime(2026, 10, 30, 8, 8, 1, tzinfo=UTC), ("main",))


def write_lists(folder: Path, packages: str = PACKAGES, contents: str = CONTENTS) -> tuple[ListFile, ...]:
    folder.mkdir(exist_ok=True)
    (folder / "Packages").write_text(packages)
    (folder / "Contents.gz").write_bytes(gzip.compress(contents.encode()))
    return (
        ListFile(ListKind.PACKAGES, "main", folder / "Packages"),
        ListFile(ListKind.CONTENTS, "main", folder / "Contents.gz"),
    )


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SuiteIndex]:
    path = tmp_path / "index.sqlite"
    build_index(path, key="k", release=RELEASE, architecture="amd64", lists=write_lists(tmp_path / "lists"))
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
        depends="python3 (>= 3.14~)",
        recommends="python3-olefile",
    )
    assert index.binary("python3-pillow") is None
    libc = index.binary("libc6")
    assert libc is not None
    assert (libc.depends, libc.source, libc.source_version) == ("", "glibc", "2.43-2")


def test_the_highest_version_counts_by_debians_order(index: SuiteIndex) -> None:
    assert index.version_of("python3-old") == "1.10-1"
    assert index.version_of("nothing") is None


def test_providers_and_sources(index: SuiteIndex) -> None:
    assert [b.name for b in index.providers("python3-pillow")] == ["python3-pil"]
    assert [b.name for b in index.providers("python3.14-pil")] == ["python3-pil"]
    assert index.providers("python3-pil") == ()
    assert [b.name for b in index.source_binaries("pillow")] == ["python3-pil"]


def test_contents_lines(tmp_path: Path) -> None:
    found = list(read_contents(write_lists(tmp_path)[1].path))
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
    packages, contents = write_lists(tmp_path)
    whole = list(read_contents(contents.path)), list(read_packages(packages.path, "main"))
    for size in (1, 7, 64):
        monkeypatch.setattr(listfiles, "_CHUNK", size)
        assert (list(read_contents(contents.path)), list(read_packages(packages.path, "main"))) == whole


def test_compressed_lists_of_any_kind(tmp_path: Path) -> None:
    members = tmp_path / "members.gz"
    half = len(CONTENTS) // 2
    members.write_bytes(b"".join(gzip.compress(part.encode()) for part in (CONTENTS[:half], CONTENTS[half:])))
    packed = tmp_path / "Contents.xz"
    packed.write_bytes(lzma.compress(CONTENTS.encode()))
    expected = list(read_contents(write_lists(tmp_path / "lists")[1].path))
    assert list(read_contents(members)) == list(read_contents(packed)) == expected


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
