"""Scratch directories: where they are, and that nothing stays behind."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import pytest

from debgen.building import scratch as module
from debgen.building.scratch import GIB, scratch, scratch_base, sweep
from debgen.errors import WorkspaceError
from debgen.run import Completed


class Recorder:
    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str | Path], **kwargs: Any) -> Completed:
        self.calls.append([str(a) for a in argv])
        return Completed((), 0, "", "")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[Path, int]:
    """How much is free where; the memory's is the machine's too."""
    table: dict[Path, int] = {}
    monkeypatch.setattr(module, "_free", lambda path: table.get(path, 0))
    monkeypatch.setattr(module, "_available_memory", lambda: table.get(Path("/ram"), 0))
    monkeypatch.setattr(module, "_reserved", lambda path: table.get(Path(f"/reserved{path}"), 0))
    monkeypatch.setattr(module, "_promised", lambda: table.get(Path("/reserved/shm"), 0))
    return table


class Places(TypedDict):
    memory: Path
    disks: tuple[Path, ...]


PLACES: Places = {"memory": Path("/shm"), "disks": (Path("/one"), Path("/two"))}


def test_memory_is_used_when_there_is_plenty(free: dict[Path, int]) -> None:
    free |= {Path("/shm"): 8 * GIB, Path("/ram"): 16 * GIB, Path("/one"): 99 * GIB}
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/shm")


def test_memory_is_left_alone_when_the_build_will_need_it(free: dict[Path, int]) -> None:
    free |= {Path("/shm"): 8 * GIB, Path("/ram"): 9 * GIB, Path("/one"): 99 * GIB}
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/one")


def test_the_first_disk_with_room_is_taken(free: dict[Path, int]) -> None:
    free |= {Path("/one"): GIB, Path("/two"): 99 * GIB}
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/two")


def test_what_other_builds_have_reserved_is_left_to_them(free: dict[Path, int]) -> None:
    free |= {Path("/shm"): 20 * GIB, Path("/ram"): 24 * GIB, Path("/one"): 10 * GIB, Path("/two"): 99 * GIB}
    free[Path("/reserved/shm")] = 12 * GIB
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/shm")
    free[Path("/reserved/shm")] = 13 * GIB  # the memory that is left would do for the chroot, but not for its build
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/one")
    free[Path("/reserved/one")] = 6 * GIB
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/two")
    free[Path("/reserved/two")] = 99 * GIB  # better there than not at all
    assert scratch_base(6 * GIB, env={}, **PLACES) == Path("/one")


def test_many_at_once_see_each_others_reservations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [tmp_path / name for name in ("shm", "one")]
    for place in places:
        place.mkdir()
    monkeypatch.setattr(module, "_free", lambda path: 100 * GIB)
    monkeypatch.setattr(module, "_available_memory", lambda: 20 * GIB)
    monkeypatch.setattr("debgen.building.places.MEMORY", places[0])
    monkeypatch.setattr("debgen.building.places.used", lambda path: 0)
    choose = scratch_base
    monkeypatch.setattr(
        module, "scratch_base", lambda space: choose(space, env={}, memory=places[0], disks=(places[1],))
    )
    barrier, found = threading.Barrier(4), list[Path]()

    def hold() -> None:
        with scratch(5 * GIB, run=Recorder()) as work:
            found.append(work.parent)
            barrier.wait(20)

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # 20 GiB, less 5 and 10 that the first ones hold, leave twice five to the first three.
    assert sorted(path.name for path in found) == ["one", "shm", "shm", "shm"]
    assert [list(place.iterdir()) for place in places] == [[], []]


def test_no_room_anywhere_is_an_error_that_names_the_places(free: dict[Path, int]) -> None:
    with pytest.raises(WorkspaceError, match=r"6 GiB.*/one, /two"):
        scratch_base(6 * GIB, env={}, **PLACES)


def test_tmpdir_wins_and_must_be_open_to_the_namespace(tmp_path: Path) -> None:
    open_place, closed = Path("/usr"), tmp_path / "home" / "tmp"
    closed.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    assert scratch_base(6 * GIB, env={"TMPDIR": str(open_place)}) == open_place
    with pytest.raises(WorkspaceError, match="closed to other users") as caught:
        scratch_base(6 * GIB, env={"TMPDIR": str(closed)})
    assert "o+x" in caught.value.hint
    with pytest.raises(WorkspaceError):
        scratch_base(6 * GIB, env={"TMPDIR": "/no/such/place"})
    with pytest.raises(WorkspaceError, match="blank"):
        scratch_base(6 * GIB, env={"TMPDIR": "/usr/my things"})


@pytest.mark.parametrize("error", [None, ValueError(), KeyboardInterrupt()])
def test_nothing_stays_however_the_block_ends(tmp_path: Path, error: BaseException | None) -> None:
    recorder, base = Recorder(), tmp_path / "base"
    base.mkdir()

    def block() -> None:
        with scratch(base=base, run=recorder) as work:
            assert work.stat().st_mode & 0o777 == 0o711
            (work / "root").mkdir()
            (work / "root" / "file").touch()
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            block()
    else:
        block()
    assert list(base.iterdir()) == []
    assert recorder.calls == []


def test_what_belongs_to_subordinate_ids_is_removed_in_a_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.rmtree", lambda path, ignore_errors: None)  # as for files of another user
    recorder = Recorder()
    with scratch(base=tmp_path, run=recorder) as work:
        pass
    assert recorder.calls == [
        ["unshare", "--map-auto", "--map-root-user", "--", "rm", "-rf", "--one-file-system", str(work)]
    ]


def test_only_what_a_dead_run_left_is_swept(tmp_path: Path) -> None:
    prefix = f"debgen-{os.getuid()}."
    for name in ("dead", "alive", "unknown"):
        (tmp_path / (prefix + name)).mkdir()
    for name in ("dead", "alive"):
        (tmp_path / (prefix + name) / "lock").touch()
    (tmp_path / "debgen-99999.other").mkdir()
    with (tmp_path / f"{prefix}alive" / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        sweep(tmp_path, prefix, Recorder())
    assert {path.name for path in tmp_path.iterdir()} == {prefix + "alive", prefix + "unknown", "debgen-99999.other"}
