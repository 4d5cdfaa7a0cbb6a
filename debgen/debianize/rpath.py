"""Builds that write the folder of the system's libraries into what they make, which Debian doesn't (policy 10.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: CMake's variables and properties, but for paths relative to the module, which are for libraries of its own.
_CMAKE = re.compile(r"^[^#\n]*INSTALL_RPATH(?!_USE_LINK_PATH[ \t]+(?:OFF|FALSE))(?![^\n]*ORIGIN)", re.MULTILINE)
#: Only what is written out: most often it is a list that stays empty, unless a user configures the build.
_PYTHON = re.compile(
    r"^[^#\n]*(?:\bruntime_library_dirs\s*=\s*\[\s*[\"']|-Wl,-R,?|-Wl,-rpath[,=])/usr/lib", re.MULTILINE
)


def sets_rpath(texts: Mapping[str, str]) -> str:
    """The first of the build files ``texts``, by path, that may set such a path; empty where none does."""
    for path, text in sorted(texts.items()):
        cmake = path.endswith(".cmake") or path.rpartition("/")[2] == "CMakeLists.txt"
        if (_CMAKE if cmake else _PYTHON).search(text) and (cmake or path == "setup.py"):
            return path
    return ""
