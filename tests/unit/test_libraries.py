"""Libraries of a build: by what its files name, and by what its sources include."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_archive_index import CONTENTS, build, write_lists
from test_debianize_package import FACTS

from debgen.archive.index import SuiteIndex
from debgen.archive.model import ListFile, ListKind
from debgen.libraries import build_libraries
from debgen.upstream.buildmodel import BuildFacts, Library, LibraryKind

PACKAGES = """\
Package: libjpeg-dev
Version: 1
Depends: libjpeg62-dev (= 1)

Package: libjpeg62-dev
Version: 1

Package: zlib1g-dev
Version: 1
"""
FILES = """\
usr/include/jpeglib.h                       libdevel/libjpeg62-dev
usr/include/stdio.h                         libdevel/libc6-dev
usr/include/zlib.h                          libdevel/zlib1g-dev
usr/lib/x86_64-linux-gnu/libjpeg.so         libdevel/libjpeg-dev
"""
COMPILED = replace(FACTS, compiled=("C (foo.c)",))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SuiteIndex]:
    lists = write_lists(tmp_path / "lists", contents=CONTENTS + FILES)
    packages = tmp_path / "more"
    packages.write_text(PACKAGES)
    build(tmp_path / "i", (*lists, ListFile(ListKind.PACKAGES, "main", packages)))
    with SuiteIndex(tmp_path / "i") as opened:
        yield opened


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/foo.c").write_text(
        "#include <stdio.h>\n#include <jpeglib.h>\n#include <zlib.h>\n#include <x.h>\n"
    )
    return tmp_path / "tree"


def test_headers_bring_their_packages(index: SuiteIndex, tree: Path) -> None:
    found = build_libraries(tree, COMPILED, BuildFacts(requires=("setuptools",)), index)
    assert [need.package for need in found] == ["libjpeg62-dev", "zlib1g-dev"]


def test_what_the_build_files_name_brings_headers_too(index: SuiteIndex, tree: Path) -> None:
    facts = BuildFacts(libraries=(Library(LibraryKind.LINK, "jpeg", "setup.py:1"),))
    assert [need.package for need in build_libraries(tree, COMPILED, facts, index)] == ["libjpeg-dev", "zlib1g-dev"]


@pytest.mark.parametrize("requires", [("meson-python",), ("scikit-build-core>=0.10",)])
def test_those_that_look_by_name_need_no_headers(index: SuiteIndex, tree: Path, requires: tuple[str, ...]) -> None:
    assert build_libraries(tree, COMPILED, BuildFacts(requires=requires), index) == ()


def test_nothing_is_compiled_nothing_is_included(index: SuiteIndex, tree: Path) -> None:
    assert build_libraries(tree, FACTS, BuildFacts(), index) == ()
