"""Reading upstream's settings files, whatever upstream wrote into them: nonsense reads as nothing."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: No settings file that anybody wrote by hand is larger.
_LIMIT = 1 << 20


def table(data: object, *keys: str) -> Mapping[str, Any]:
    """The table at ``keys`` of a TOML file; an empty one where there is none, or upstream wrote something else."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list; none where the value is something else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def text_of(path: Path) -> str:
    """The text of a small file; empty where it is missing, a link, or too large to be what it is called."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LIMIT:
        return ""
    return path.read_text("utf-8-sig", "replace")


def toml_of(path: Path) -> Mapping[str, Any]:
    """The TOML file at ``path``; empty where it can't be read."""
    try:
        return tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError:
        return {}


def ini_of(text: str) -> configparser.ConfigParser:
    """The INI file with that text; empty where it can't be parsed."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.ConfigParser(interpolation=None)
    return parser


def words(text: str) -> tuple[str, ...]:
    """The words of a command line as the shell splits it; split at blanks where its quotes don't close."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def line_of(text: str, wanted: str) -> int:
    """The number of the first line that has ``wanted``; 0 where none has."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if wanted in line), 0)


def place(path: str, text: str, wanted: str) -> str:
    """``path:line`` of the first line that has ``wanted``; the path alone where none has."""
    number = line_of(text, wanted)
    return f"{path}:{number}" if number else path
