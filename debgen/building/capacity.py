"""How many builds this machine carries at once: its processors, its memory, and where chroots are unpacked.

In a container, the limits of its control group count, not what the whole machine has (``cgroups(7)``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from debgen.building.places import DISKS, MEMORY, free, promised, reserved

GIB = 1024**3
_MEMINFO = Path("/proc/meminfo")
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


def capacity(
    space: int = 6 * GIB,
    memory_per_build: int = 2 * GIB,
    *,
    env: Mapping[str, str] = os.environ,
) -> int:
    """How many builds at once, at least one.

    ``space`` is what each may need to unpack its chroot and to build in, in bytes, ``memory_per_build`` the memory of
    its compilers and tests. Chroots are unpacked in memory as long as there is plenty of it and on a disk otherwise,
    as :func:`debgen.building.scratch.scratch_base` chooses.
    """
    most = processors()
    memory = available_memory() - promised()
    roomy = 0 if env.get("TMPDIR") else free(MEMORY) - promised()
    disk = (
        free(Path(env["TMPDIR"])) - reserved(Path(env["TMPDIR"]))
        if env.get("TMPDIR")
        else max(free(place) - reserved(place) for place in DISKS)
    )
    count = 0
    while count < most:
        if roomy >= space and memory >= 2 * space and memory - space >= memory_per_build:
            roomy -= space
            memory -= space
        elif disk >= space and memory >= memory_per_build:
            disk -= space
        else:
            break
        memory -= memory_per_build
        count += 1
    return max(1, count)


def processors() -> int:
    """Processors that this process may use."""
    count = float(len(os.sched_getaffinity(0)))
    for folder in _groups("cpu"):
        words = _words(folder / "cpu.max")
        if not words:
            words = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]) > 0:
            count = min(count, int(words[0]) / int(words[1]))
    return max(1, int(count))


def available_memory() -> int:
    """Bytes of memory that programs can still take, without swap."""
    found = 0
    for line in _MEMINFO.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            found = int(line.split()[1]) * 1024
    for folder in _groups("memory"):
        for limit, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            words = _words(folder / limit)
            if words and words[0].isdigit():
                # What files have in memory and nobody has asked for lately, is given back when others want it.
                statistics = dict(zip(*[iter(_words(folder / "memory.stat"))] * 2, strict=False))
                now = int((_words(folder / used) or ["0"])[0]) - int(statistics.get(cached, 0))
                found = min(found, max(0, int(words[0]) - max(0, now)))
    return found


def _groups(controller: str) -> list[Path]:
    """The folders of this process's control group of either version, and of those above it."""
    found = []
    try:
        lines = _OWN_GROUP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        number, controllers, name = line.split(":", 2)
        if number == "0":
            root = _CGROUPS
        elif controller in controllers.split(","):
            root = _CGROUPS / controllers
            root = root if root.is_dir() else _CGROUPS / controller
        else:
            continue
        path = root / name.lstrip("/")
        found += [path, *(parent for parent in path.parents if parent.is_relative_to(root))]
    return found


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
