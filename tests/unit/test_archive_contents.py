"""A large Contents file is read by a process of its own, here a fake one; the rows are the same."""

from __future__ import annotations

import gzip
import runpy
import sqlite3
import sys
import warnings
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from debgen.archive import indexbuild
from debgen.archive.indexbuild import build_index
from debgen.archive.listfiles import read_contents, read_contents_apart
from debgen.archive.model import FileKind, ListFile, ListKind, Release
from debgen.errors import CommandError, IntegrityError
from debgen.run import Completed

CONTENTS = """\
usr/bin/tool                                            devel/tool,libs/libfoo-dev
usr/lib/python3/dist-packages/foo_b\u00e4r-1.0.dist-info/METADATA python/python3-foo
usr/lib/x86_64-linux-gnu/libfoo.so                      libs/libfoo-dev
"""
SHARED = """\
usr/share/Foo/FooConfig.cmake                           libs/libfoo-dev
usr/share/Foo/bin/tool                                  libs/libfoo-dev
usr/share/Foo/doc.txt                                   libs/libfoo-dev
"""
PACKAGES = "Package: libfoo-dev\nVersion: 1.0-1\nArchitecture: amd64\n"


def contents(folder: Path, text: str = CONTENTS) -> Path:
    path = folder / "Contents.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def python(argv: Sequence[str | Path], **_: Any) -> Completed:
    """What `python -m MODULE FILE` does, in this process."""
    program, option, module, *rest = map(str, argv)
    assert (program, option) == (sys.executable, "-m")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the module is loaded already
        lines: list[str] = []
        patch.setattr(sys, "argv", [module, *rest])
        patch.setattr("builtins.print", lines.append)
        runpy.run_module(module, run_name="__main__")
    return Completed(tuple(map(str, argv)), 0, "".join(f"{line}\n" for line in lines), "")


def test_a_process_of_its_own_gives_the_same_rows(tmp_path: Path) -> None:
    path = contents(tmp_path)
    rows = list(read_contents(path))
    assert len(rows) == 4
    assert read_contents_apart(path, python) == rows


def test_where_the_process_fails_the_file_is_read_here(tmp_path: Path) -> None:
    def failing(argv: Sequence[str | Path], **_: Any) -> Completed:
        raise CommandError("failed", returncode=1, output="")

    path = contents(tmp_path)
    assert read_contents_apart(path, failing) == list(read_contents(path))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match=r"Contents\.gz is broken"):
        read_contents_apart(path, failing)


def test_an_index_of_a_large_file_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def built(name: str) -> list[tuple[Any, ...]]:
        target = tmp_path / name
        release = Release("unstable", "sid", datetime(2026, 10, 30, tzinfo=UTC), ("main",))
        (tmp_path / "Packages").write_text(PACKAGES)
        lists = (
            ListFile(ListKind.PACKAGES, "main", tmp_path / "Packages"),
            ListFile(ListKind.CONTENTS, "main", contents(tmp_path)),
        )
        build_index(target, key="k", release=release, architecture="amd64", lists=lists, run=python)
        with closing(sqlite3.connect(target)) as database:
            return [*database.execute("SELECT * FROM shipped"), *database.execute("SELECT * FROM located")]

    small = built("small")
    assert len(small) == 4
    monkeypatch.setattr(indexbuild, "_LARGE", 1)
    assert built("large") == small


@pytest.mark.parametrize("text", [SHARED, SHARED.replace("usr/share", "./usr/share")])
def test_a_folder_below_share_is_looked_at_for_cmake_only(tmp_path: Path, text: str) -> None:
    (row,) = read_contents(contents(tmp_path, text))
    assert (row.kind, row.package) == (FileKind.CMAKE, "libfoo-dev")


@pytest.mark.parametrize("line", ["usr/bin/tool x/y\n", "usr/share/pkgconfig/foo.pc x/y\n", "usr/lib/libfoo.a x/y\n"])
def test_what_lies_elsewhere_among_its_lines_is_found_wherever_it_stands(tmp_path: Path, line: str) -> None:
    first, second, third = SHARED.splitlines(keepends=True)
    for text in (line + SHARED, first + line + second + third, SHARED + line):
        assert len(list(read_contents(contents(tmp_path, text)))) == 2
