"""SQLite files in one step."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from debgen.archive.sqlitefile import replacing
from debgen.errors import WorkspaceError


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "made" / "x.sqlite"
    for text in ("old", "new"):
        with replacing(target) as path:
            path.write_text(text)
            assert not target.exists() or target.read_text() == "old"
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.sqlite"
    target.write_text("old")
    with pytest.raises(ValueError, match="broken"), replacing(target):
        raise ValueError("broken")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    def fill() -> None:
        with replacing(tmp_path / "x.sqlite") as path, closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA max_page_count = 1")
            database.execute("CREATE TABLE a (b)")

    with pytest.raises(WorkspaceError, match="disk is full"):
        fill()
    assert list(tmp_path.iterdir()) == []
