"""How many builds a machine carries."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from debgen.building import capacity as module
from debgen.building import places
from debgen.building.capacity import available_memory, capacity, processors
from debgen.building.places import MEMORY, reserved

GIB = 1024**3


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The facts of a machine, in GiB."""
    facts = {"processors": 16, "memory": 64, "shm": 32, "disk": 500, "reserved": 0}
    monkeypatch.setattr(module, "processors", lambda: facts["processors"])
    monkeypatch.setattr(module, "available_memory", lambda: facts["memory"] * GIB)
    monkeypatch.setattr(module, "free", lambda path: facts["shm" if path == MEMORY else "disk"] * GIB)
    monkeypatch.setattr(module, "promised", lambda: facts["reserved"] * GIB)
    monkeypatch.setattr(module, "reserved", lambda path: 0)
    return facts


@pytest.mark.parametrize(
    ("facts", "builds"),
    [
        ({"processors": 2}, 2),  # processors are the limit
        ({"memory": 9, "shm": 0}, 4),  # the memory of compilers
        ({"memory": 64, "disk": 0}, 5),  # five times six in 32 GiB, with no disk to turn to
        ({"processors": 99}, 17),  # first in memory, then on the disk
        ({"disk": 13, "shm": 0}, 2),
        ({"memory": 1}, 1),  # never none
        ({"memory": 30, "reserved": 18, "disk": 0}, 1),
    ],
)
def test_what_is_scarce_is_the_limit(machine: dict[str, int], facts: dict[str, int], builds: int) -> None:
    machine |= facts
    assert capacity(6 * GIB, 2 * GIB, env={}) == builds


def test_where_tmpdir_says_so_chroots_take_no_memory(machine: dict[str, int]) -> None:
    machine |= {"memory": 16, "disk": 100}
    assert capacity(6 * GIB, 2 * GIB, env={"TMPDIR": "/large"}) == 8


def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, **files: str) -> None:
    monkeypatch.setattr(module, "_CGROUPS", tmp_path)
    monkeypatch.setattr(module, "_OWN_GROUP", tmp_path / "own")
    (tmp_path / "own").write_text(lines)
    monkeypatch.setattr(module, "_MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {64 * 1024 * 1024} kB\n")
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_control_group_limits_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    group(
        tmp_path,
        monkeypatch,
        "0::/user/box\n",
        user__memory_DOT_max=f"{8 * GIB}\n",
        user__memory_DOT_current=f"{3 * GIB}\n",
        user__memory_DOT_stat=f"anon 7\ninactive_file {GIB}\n",
        user__box__memory_DOT_max="max\n",
        user__box__cpu_DOT_max="250000 100000\n",
    )
    assert processors() == 2
    assert available_memory() == 6 * GIB  # of the 3 GiB in use, one only caches files


def test_the_older_control_groups_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    group(
        tmp_path,
        monkeypatch,
        "9:name=systemd:/\n4:memory:/box\n2:cpu,cpuacct:/box\n0::/\n",
        memory__box__memory_DOT_limit_in_bytes=f"{4 * GIB}",
        memory__box__memory_DOT_usage_in_bytes=f"{GIB}",
        cpu__box__cpu_DOT_cfs_quota_us="-1",
        cpu__box__cpu_DOT_cfs_period_us="100000",
    )
    assert available_memory() == 3 * GIB
    assert processors() == 8


def test_without_control_groups_the_machine_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group(tmp_path, monkeypatch, "0::/\n")
    (tmp_path / "own").unlink()
    assert available_memory() == 64 * GIB


def test_what_is_promised_is_what_has_been_reserved_and_not_been_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "reserved", lambda path: 12 * GIB)
    monkeypatch.setattr(places, "used", lambda path: 3 * GIB)
    assert places.promised() == 9 * GIB
    monkeypatch.setattr(places, "used", lambda path: 30 * GIB)
    assert places.promised() == 0


def test_only_the_living_have_reserved(tmp_path: Path) -> None:
    for name, text in (("debgen-0.alive", f"{GIB}\n"), ("debgen-7.dead", f"{GIB}\n"), ("debgen-0.odd", "what\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").write_text(text)
    with (tmp_path / "debgen-0.alive/lock").open() as lock, (tmp_path / "debgen-0.odd/lock").open() as odd:
        fcntl.flock(lock, fcntl.LOCK_SH)
        fcntl.flock(odd, fcntl.LOCK_SH)
        assert reserved(tmp_path) == GIB
    assert reserved(tmp_path) == 0
