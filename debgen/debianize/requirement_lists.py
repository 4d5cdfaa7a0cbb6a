"""Requirements in other places than the standard ones: Poetry's own table, and files that setup.py reads.

Poetry (before its release 2) writes a table with a line for each requirement, in which ``^1.2`` and ``~1.2`` mean
ranges; PEP 440's operators are taken there as well. pbr reads requirements.txt, and many a setup.py or pyproject.toml
names such a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

_TABLE = re.compile(r"^[ \t]*\[[ \t]*tool\.poetry\.dependencies[ \t]*\][ \t]*(?:#.*)?$", re.MULTILINE)
_ENTRY = re.compile(r"""^[ \t]*["']?(?P<name>[\w.-]+)["']?[ \t]*=[ \t]*(?P<value>[^\n]*)$""", re.MULTILINE)
_VERSION = re.compile(r"""(?P<key>\bversion[ \t]*=[ \t]*)(?P<quote>["'])[^"'\n]*(?P=quote)""")
_STRING = re.compile(r"""(?P<quote>["'])[^"'\n]*(?P=quote)""")


def poetry_line(text: str, distribution: str) -> int:
    r"""The line of pyproject.toml at which Poetry's own table has ``distribution``; 0 where it hasn't.

    >>> poetry_line('[tool.poetry.dependencies]\nFoo = "^1.2"\n', "foo")
    2
    """
    table = _TABLE.search(text)
    following = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, table.end()) if table else None
    end = following.start() if following else len(text)
    for entry in _ENTRY.finditer(text, table.end(), end) if table else ():
        if canonicalize_name(entry["name"]) == distribution:
            return text.count("\n", 0, entry.start("name")) + 1
    return 0


def with_poetry_change(text: str, distribution: str, specifier: str | None) -> str | None:
    r"""pyproject.toml with the bound of ``distribution`` made ``specifier``, or without it where that is None.

    None where Poetry's table doesn't have it on a line of its own.

    >>> with_poetry_change('[tool.poetry.dependencies]\nFoo = "^1.2"  # why\n', "foo", ">=1.2")
    '[tool.poetry.dependencies]\nFoo = ">=1.2"  # why\n'
    """
    table = _TABLE.search(text)
    if table is None:
        return None
    following = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, table.end())
    end = following.start() if following else len(text)
    for entry in _ENTRY.finditer(text, table.end(), end):
        if canonicalize_name(entry["name"]) != distribution:
            continue
        if specifier is None:
            new = text[: entry.start()] + text[entry.end() + 1 :]
        else:
            bound = specifier or "*"
            if entry["value"].startswith("{"):
                value = _VERSION.sub(rf"\g<key>\g<quote>{bound}\g<quote>", entry["value"], count=1)
            else:
                value = _STRING.sub(rf"\g<quote>{bound}\g<quote>", entry["value"], count=1)
            new = text[: entry.start("value")] + value + text[entry.end("value") :]
        return new if new != text and _is_toml(new) else None
    return None


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # the entry went on in the next line
        return False
    return True


def requirement_files(texts: Mapping[str, str]) -> Iterator[str]:
    """The files of ``texts`` that hold requirements, one a line, and that the build reads: others name them, or pbr.

    >>> list(requirement_files({"setup.py": "open('requirements.txt')", "requirements.txt": "", "NEWS.txt": ""}))
    ['requirements.txt']
    """
    build = "\n".join(texts.get(name, "") for name in ("setup.py", "setup.cfg", "pyproject.toml"))
    pbr = re.search(r"\bpbr\b", build) is not None
    for path in sorted(texts):
        base = path.rpartition("/")[2]
        listing = "require" in path and re.fullmatch(r"(?:[^/]*require[^/]*/)?[^/]*\.(?:txt|in|pip)", path)
        if listing and (base in build or (pbr and path == "requirements.txt")):
            yield path


def requirement_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and text of each line's requirement, without comment and options."""
    for line in re.finditer(r"^[ \t]*([A-Za-z][^#\n]*?)[ \t]*(?:#[^\n]*)?$", text, re.MULTILINE):
        yield line.start(1), line.end(1), line[1]
