"""Caches, and writing so that nothing is ever half there."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from debgen.errors import WorkspaceError
from debgen.workspace import (
    cache_directory,
    cache_root,
    disk_errors,
    fresh_directory,
    locked,
    make_directory,
    sweep_unfinished,
    write_atomically,
)


def test_where_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_root() == tmp_path / "own"
    assert cache_directory("a", "b") == tmp_path / "own/a/b"
    assert (tmp_path / "own/a/b").is_dir()
    monkeypatch.setenv("DEBGEN_CACHE", "")
    assert cache_root() == tmp_path / "xdg/debgen"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_root() == tmp_path / "home/.cache/debgen"
    monkeypatch.setenv("DEBGEN_CACHE", "relative")
    monkeypatch.chdir(tmp_path)
    assert cache_root() == tmp_path / "relative"


def test_atomic_writes(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.ENOSPC, "full"), (errno.EDQUOT, "full"), (errno.EACCES, "can't write"), (errno.EROFS, "can't write")],
)
def test_disk_errors_name_the_path(tmp_path: Path, number: int, word: str) -> None:
    with pytest.raises(WorkspaceError, match=word) as caught, disk_errors(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "x") in str(caught.value)
    assert caught.value.hint


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        (tmp_path / "absent").read_text()


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for action in (
        lambda: make_directory(tmp_path / "file" / "sub"),
        lambda: make_directory(tmp_path / "file"),
        lambda: write_atomically(tmp_path / "file" / "sub", b""),
        lambda: fresh_directory(tmp_path / "file" / "sub").__enter__(),
    ):
        with pytest.raises(WorkspaceError):
            action()


def test_fresh_directories_replace_the_old(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    for name in ("one", "two"):
        with fresh_directory(target) as work:
            assert work.parent == target.parent  # the same file system, so that a rename will do
            (work / name).touch()
        assert os.listdir(target) == [name]
    assert os.listdir(target.parent) == ["target"]
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_fresh_directories_leave_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "target"

    def fail() -> None:
        with fresh_directory(target) as work:
            (work / "half").touch()
            raise error

    with pytest.raises(error):
        fail()
    assert os.listdir(tmp_path) == []
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(error):
        fail()
    assert os.listdir(tmp_path) == ["target"]
    assert os.listdir(target) == ["old"]


def test_an_interrupt_between_the_two_renames_puts_the_old_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").touch()
    rename, calls = os.rename, []

    def interrupted(old: Path, new: Path) -> None:
        calls.append(new)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(old, new)

    with pytest.raises(KeyboardInterrupt), fresh_directory(target):
        monkeypatch.setattr(os, "rename", interrupted)
    assert os.listdir(tmp_path) == ["target"]
    assert os.listdir(target) == ["old"]


def test_locks_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "sub" / "lock"):
            order.append("second")

    with locked(tmp_path / "sub" / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_a_killed_run_left_is_swept_and_what_it_had_moved_aside_comes_back(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / ".generated").mkdir()
    (tmp_path / ".lock").touch()
    (tmp_path / ".file.json.ab12_x9z").write_text("half")
    (tmp_path / ".a_1.0-1_all.deb.4711").write_text("half")
    (tmp_path / ".kept.q1w2e3r4").mkdir()
    # killed between the two renames: the old one is aside, the new one has not taken its place
    (tmp_path / ".source.old.abcdefgh/gone/debian").mkdir(parents=True)
    (tmp_path / ".source.abcdefg1/debian").mkdir(parents=True)
    # killed after both: the old one goes
    (tmp_path / ".kept.old.abcdefgh/gone").mkdir(parents=True)
    sweep_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".generated", ".lock", "kept", "source"]
    assert (tmp_path / "source/debian").is_dir()
    sweep_unfinished(tmp_path / "nowhere")


def test_who_waits_for_a_lock_is_told_and_notices_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with locked(tmp_path / "lock"):
        monkeypatch.setattr("debgen.workspace.ending", lambda: True)
        with pytest.raises(KeyboardInterrupt), locked(tmp_path / "lock", lambda: told.append("waiting")):
            pass
    assert told == ["waiting"]
    with locked(tmp_path / "lock", lambda: told.append("again")):
        pass
    assert told == ["waiting"]


def test_a_disk_that_fills_while_a_tree_is_copied_is_told_in_one_line(tmp_path: Path) -> None:
    full = [("a", "b", str(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a")))] * 9
    with pytest.raises(WorkspaceError, match=r"the disk is full while writing \S+$"), disk_errors(tmp_path / "x"):
        raise shutil.Error(full)
