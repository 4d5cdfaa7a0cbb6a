"""What the files of a source tree can say about licences and copyright, cut down to what a scanner has to read.

Most files say nothing, and many say the same: a scanner of licences spends seconds on what these few lines answer.
Only the head of a file counts (and its tail, where the head says nothing), as with licensecheck; a file that is named
like a licence counts whole. SPDX tags and ``*.license`` files are read here, what is told of many files at once in
:mod:`debgen.upstream.reuse`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debgen.upstream.reuse import Annotation, read_annotations, without_mark

_HEAD, _TAIL, _HEAD_LINES = 16_384, 5_000, 80
#: A licence text; longer ones are collections, of which the beginning counts.
_WHOLE = 65_536
_TELLING = re.compile(
    r"copyri|\(c\)|©|&copy;|licen[cs]e|warrant|redistribut|public.domain|\bgnu\b|\bgpl|permission|all rights|spdx", re.I
)
_LICENCE_NAME = re.compile(
    r"(?:un)?licen[cs]es?(?:[-_.].*)?|copying(?:[-_.].*)?|.+[-_.]licen[cs]e(?:\.(?:txt|md|rst))?", re.I
)
_CODE = {".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".cc", ".cpp", ".hpp", ".cxx", ".hh", ".rs", ".js", ".ts", ".sh",
         ".toml", ".json", ".yml", ".yaml", ".css", ".html", ".cmake", ".go", ".java"}  # fmt: skip
#: Where Python's code begins, after comments, docstring and imports.
_PYTHON = re.compile(r"^(?:class|def|async def|@)\b|^\w[\w: ]*=\s*[rfbu]*(?:\"\"\"|''')", re.M)
_TAG = re.compile(r"SPDX-(License-Identifier|FileCopyrightText|SnippetBegin):?[ \t]*(.*)")
#: Folders that hold licence texts and nothing else (REUSE, PEP 639).
_STORES = {"licenses", "licences"}


@dataclass(frozen=True)
class Surveyed:
    """One file: ``excerpt`` is what a scanner should read (empty: it says nothing), ``text`` a licence's whole text.

    ``tag`` is the SPDX expression that the file is tagged with, ``holders`` the tagged copyright lines.
    """

    path: str
    excerpt: str = ""
    text: str = ""
    tag: str = ""
    holders: tuple[str, ...] = ()


def is_licence_file(path: str) -> bool:
    """Whether the file at ``path`` is named like the text of a licence, or lies in a folder of such texts."""
    *folders, name = path.split("/")
    if Path(name).suffix.casefold() in _CODE or name.endswith(".license"):
        return False
    return bool(_LICENCE_NAME.fullmatch(name)) or bool(folders and is_licence_store(folders[-1]))


def is_licence_store(folder: str) -> bool:
    """Whether a folder of that name holds licence texts of the whole, such as ``LICENSES``."""
    return folder.casefold() in _STORES


def survey(root: Path) -> tuple[Surveyed, ...]:
    """Every regular file below ``root``, sorted by path; binaries with their path only."""
    annotations = read_annotations(root)
    found = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in names:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                relative = path.relative_to(root).as_posix()
                found.append(_annotated(_surveyed(path, relative), path, annotations))
    return tuple(sorted(found, key=lambda f: f.path))


def excerpt(text: str) -> str:
    """From the first to the last paragraph of ``text`` that says something on licence or copyright."""
    lines = text.splitlines()
    telling = [number for number, line in enumerate(lines) if _TELLING.search(line)]
    if not telling:
        return ""
    first, last = telling[0], telling[-1]
    while first > 0 and _says_anything(lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and _says_anything(lines[last + 1]):
        last += 1
    return "\n".join(line[:1000] for line in lines[first : last + 1]) + "\n"


def _surveyed(path: Path, relative: str) -> Surveyed:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if b"\0" in head or path.suffix.casefold() in (".svg", ".ipynb"):
            return Surveyed(relative)
        whole = head + file.read(_WHOLE - _HEAD) if is_licence_file(relative) else b""
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    if whole:
        text = _decoded(whole)
        return Surveyed(relative, excerpt=text, text=text)
    top = "\n".join(_decoded(head).splitlines()[:_HEAD_LINES])
    if path.suffix in (".py", ".pyi", ".pyx") and (code := _PYTHON.search(top)):
        top = top[: code.start()]  # what the code quotes is about something else
    told = excerpt(top) or excerpt(_decoded(tail))
    if path.name in ("PKG-INFO", "METADATA"):
        return Surveyed(relative)  # they hold what upstream says of the whole, which is known from elsewhere
    tag, holders = _tags(told)
    return Surveyed(relative, excerpt=told, tag=tag, holders=holders)


def _tags(text: str) -> tuple[str, tuple[str, ...]]:
    expressions, holders = [], []
    for kind, value in _TAG.findall(text):
        bare = re.sub(r"\s*(?:\*/|-->|#\}|\*\)|\"\"\"|''')\s*$", "", value).strip().strip("\"'`")
        if kind == "SnippetBegin":
            break  # what follows is of a part only
        if kind == "License-Identifier" and re.fullmatch(r"[\w.+()\s-]{2,120}", bare):
            expressions.append(bare)
        elif kind == "FileCopyrightText" and bare:
            holders.append(without_mark(bare))
    distinct = list(dict.fromkeys(expressions))
    joined = distinct[0] if len(distinct) == 1 else " AND ".join(f"({e})" for e in distinct)
    return joined, tuple(dict.fromkeys(holders))


def _annotated(file: Surveyed, path: Path, annotations: Sequence[Annotation]) -> Surveyed:
    """The file with what is told elsewhere: a ``.license`` file beside it, or the last annotation that fits."""
    beside = path.with_name(f"{path.name}.license")
    tag, holders = file.tag, file.holders
    if beside.is_file() and not beside.is_symlink():
        own = _tags(_decoded(beside.read_bytes()[:_HEAD]))
        tag, holders = own[0] or tag, own[1] or holders
    for told in reversed(annotations):
        if (told.override or not tag) and told.pattern.fullmatch(file.path):
            return Surveyed(file.path, file.excerpt, file.text, told.tag or tag, told.holders or holders)
    return Surveyed(file.path, file.excerpt, file.text, tag, holders)


def _says_anything(line: str) -> bool:
    return re.search(r"\w", line) is not None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A cut through a character at either end is no other encoding.
        broken = error.start < len(data) - 4 and error.start > 4
        return data.decode("latin-1" if broken else "utf-8", "replace")
