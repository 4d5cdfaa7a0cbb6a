"""A folder of upstream's files, read as data: their paths, their heads, and the texts of a few."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from debgen.errors import UnsupportedSourceError

TEXT_LIMIT = 512 << 10
_HEAD = 4096
_VERSION_CONTROL = {".git", ".hg", ".svn", ".bzr"}
#: One of these makes a folder the source of a Python distribution.
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO")


class SourceTree:
    """The regular files below ``root``; links, version control and virtual environments are left out.

    UnsupportedSourceError where it isn't the source of a Python distribution, unless ``strict`` is false.
    """

    def __init__(self, root: Path, *, strict: bool = True) -> None:
        self.root = root
        if strict and not any((root / mark).is_file() for mark in _MARKS):
            raise UnsupportedSourceError(
                f"{root} is not the source of a Python distribution",
                hint="It has no pyproject.toml, setup.py, setup.cfg or PKG-INFO; give the folder that has.",
            )
        self._sizes = dict(self._walk())

    def __contains__(self, name: object) -> bool:
        return name in self._sizes

    def _walk(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for folder, folders, files in os.walk(self.root):
            if "pyvenv.cfg" in files:
                folders.clear()
                continue
            folders[:] = sorted(f for f in folders if f not in _VERSION_CONTROL)
            base = os.path.relpath(folder, self.root)
            for name in files:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    member = name if base == "." else f"{base}/{name}"
                    found.append((member.encode("utf-8", "replace").decode(), os.path.getsize(path)))
        return sorted(found)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Paths relative to the root, sorted."""
        return tuple(self._sizes)

    def below(self, folder: str) -> tuple[str, ...]:
        """The files in ``folder`` and below it; all of them for an empty name."""
        if not folder:
            return self.names
        return self.names[bisect_left(self.names, f"{folder}/") : bisect_left(self.names, f"{folder}0")]

    def size(self, name: str) -> int:
        """Bytes of one file."""
        return self._sizes[name]

    def text(self, name: str, limit: int = TEXT_LIMIT) -> str:
        """The first ``limit`` bytes as UTF-8, empty where there is no such file."""
        return self.head(name, limit).decode("utf-8-sig", "replace") if name in self._sizes else ""

    def head(self, name: str, size: int = _HEAD) -> bytes:
        """The first ``size`` bytes; nothing of a file that can't be read."""
        try:
            with (self.root / name).open("rb") as stream:
                return stream.read(size)
        except OSError:
            return b""

    def texts(self, wanted: Callable[[str], bool]) -> dict[str, str]:
        """The texts of the files for which ``wanted`` is true."""
        return {name: self.text(name) for name in self.names if wanted(name)}
