"""Sources that CMake would download although the sdist has them: the download is taken out of the call.

FetchContent takes what is in ``SOURCE_DIR`` as it stands where the call names nothing to download (the manual of
CMake's ExternalProject, "Download Step Options"); a Debian build has no network (policy 4.9).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_CALL = re.compile(r"\bFetchContent_(?:Declare|Populate)\s*\(\s*(?P<name>[\w.+-]+)(?P<args>[^()]*)\)", re.IGNORECASE)
_SOURCE_DIR = re.compile(r"\bSOURCE_DIR\s+\"?(?P<value>[^\s\"]+)\"?")
_DOWNLOAD = (
    "DOWNLOAD_COMMAND", "DOWNLOAD_EXTRACT_TIMESTAMP", "DOWNLOAD_NAME", "DOWNLOAD_NO_EXTRACT", "DOWNLOAD_NO_PROGRESS",
    "GIT_CONFIG", "GIT_PROGRESS", "GIT_REMOTE_NAME", "GIT_REPOSITORY", "GIT_SHALLOW", "GIT_SUBMODULES",
    "GIT_SUBMODULES_RECURSE", "GIT_TAG", "HG_REPOSITORY", "HG_TAG", "SVN_REPOSITORY", "SVN_REVISION", "TLS_VERIFY",
    "URL", "URL_HASH", "URL_MD5",
)  # fmt: skip
_OPTION = re.compile(
    rf"[ \t]*\n?[ \t]*\b(?:{'|'.join(_DOWNLOAD)})(?=\s)(?:\s+(?!(?:[A-Z]+_)+[A-Z]+\b|QUIET\b|SYSTEM\b)[^\s#)]+)*"
)
#: The folder of the file itself; the last two are that only in the topmost file, so a wrong guess finds nothing.
_HERE = ("${CMAKE_CURRENT_SOURCE_DIR}", "${CMAKE_CURRENT_LIST_DIR}", "${CMAKE_SOURCE_DIR}", "${PROJECT_SOURCE_DIR}")

REASON = """\
The sdist has the source that this call would download. Without something to
download, CMake takes what is there."""


def without_downloads(text: str, path: str, has: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    """The CMake file without the downloads of what is bundled, and the names of those sources.

    ``path`` is the file's in the sdist, ``has`` tells whether the sdist has a file. A source counts as there with a
    CMakeLists.txt in its folder.
    """
    names: list[str] = []

    def mended(call: re.Match[str]) -> str:
        found = _SOURCE_DIR.search(call["args"])
        if found is None or not _is_here(found["value"], path, has):
            return call[0]
        args = _OPTION.sub("", call["args"])
        if args == call["args"]:
            return call[0]
        names.append(call["name"])
        return call[0].replace(call["args"], args)

    return _CALL.sub(mended, text), tuple(names)


def _is_here(source_dir: str, path: str, has: Callable[[str], bool]) -> bool:
    variable, _, below = source_dir.partition("/")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(path), below, "CMakeLists.txt"))
    return variable in _HERE and "$" not in below and has(file)
