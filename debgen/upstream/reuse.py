"""What a source declares about licences beside its files: REUSE.toml and .reuse/dep5 (REUSE specification 3.3)."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822

_PREFIX = re.compile(r"^(?:copyright\b|©|\(c\)|\s)+", re.I)
_LIMIT = 1 << 20


@dataclass(frozen=True)
class Annotation:
    """The files whose path matches ``pattern`` are under ``tag``, an SPDX expression, and held by ``holders``.

    With ``override`` this counts more than what the files say themselves.
    """

    pattern: re.Pattern[str]
    tag: str
    holders: tuple[str, ...]
    override: bool = False


def read_annotations(root: Path) -> tuple[Annotation, ...]:
    """The annotations of the tree, later ones counting more: .reuse/dep5, then REUSE.toml from the top down.

    What can't be read says nothing.
    """
    found = list(_dep5(root / ".reuse/dep5"))
    tables = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        if "REUSE.toml" in names:
            tables.append(Path(folder))
    for place in sorted(tables, key=lambda path: (len(path.parts), path)):
        found += _toml(place / "REUSE.toml", place.relative_to(root).as_posix())
    return tuple(found)


def without_mark(holder: str) -> str:
    """A copyright line without the word or sign at its beginning."""
    return _PREFIX.sub("", holder)


def _dep5(path: Path) -> Iterator[Annotation]:
    """The Files paragraphs of the older form, which is that of debian/copyright: ``*`` matches slashes too."""
    for fields in Deb822.iter_paragraphs(_text(path).splitlines(), use_apt_pkg=False):
        if "Files" not in fields or "License" not in fields:
            continue
        holders = tuple(filter(None, (line.strip() for line in str(fields.get("Copyright", "")).splitlines())))
        tag = str(fields["License"]).partition("\n")[0].strip()
        for pattern in str(fields["Files"]).split():
            parts = re.split(r"([*?])", pattern)
            yield Annotation(_joined("", ({"*": ".*", "?": "."}.get(p, re.escape(p)) for p in parts)), tag, holders)


def _toml(path: Path, folder: str) -> Iterator[Annotation]:
    try:
        tables = tomllib.loads(_text(path)).get("annotations", [])
    except tomllib.TOMLDecodeError:
        return
    prefix = "" if folder == "." else f"{folder}/"
    for table in tables if isinstance(tables, list) else []:
        if not isinstance(table, dict):
            continue
        tag = " AND ".join(_strings(table.get("SPDX-License-Identifier")))
        holders = tuple(without_mark(line) for line in _strings(table.get("SPDX-FileCopyrightText")))
        for pattern in _strings(table.get("path")):
            # ``*`` stays in its folder, ``**`` does not, and a backslash makes a star one of the name
            pieces = re.split(r"(\\.|\*\*|\*)", pattern)
            expressions = ({"**": ".*", "*": "[^/]*"}.get(p, re.escape(p.removeprefix("\\"))) for p in pieces)
            yield Annotation(_joined(prefix, expressions), tag, holders, table.get("precedence") == "override")


def _joined(prefix: str, expressions: Iterator[str]) -> re.Pattern[str]:
    return re.compile(re.escape(prefix) + "".join(expressions), re.DOTALL)


def _strings(value: object) -> Iterator[str]:
    yield from ([value] if isinstance(value, str) else [v for v in value if isinstance(v, str)]
                if isinstance(value, list) else [])  # fmt: skip


def _text(path: Path) -> str:
    if not path.is_file() or path.is_symlink():
        return ""
    with path.open("rb") as stream:
        return stream.read(_LIMIT).decode("utf-8", "replace")
