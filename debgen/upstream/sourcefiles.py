"""What the Python files of a distribution import, read without parsing them: there may be thousands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debgen.upstream.testdevices import compiles_for_torch

_OWN_IMPORT = re.compile(
    r"^([ \t]*)(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)|import[ \t]+([\w., \t]+))", re.M
)
#: More modules than any package has that a smoke test would want to import.
_OWN_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file outside of the tests: what it imports at its top level, and which absolute names anywhere.

    ``compiles`` where it has torch compile functions.
    """

    path: str
    top: tuple[str, ...]
    anywhere: tuple[str, ...]
    compiles: bool = False


def own_files(root: Path, python: list[Path]) -> Iterator[SourceFile]:
    """Read the files ``python`` below ``root``; of very many, the first ones."""
    for path in python[:_OWN_LIMIT]:
        text = path.read_text("utf-8-sig", "replace")
        top: dict[str, None] = {}
        anywhere: dict[str, None] = {}
        for indent, module, names, modules in _OWN_IMPORT.findall(text):
            if module.strip("."):
                found = [module]
            elif module:  # "from . import a, b": those may be modules
                found = [f"{module}{word}" for word in re.findall(r"(?:^|[,(])\s*(\w+)", names)]
            else:
                found = [part.split()[0] for part in modules.split(",") if part.split()]
            anywhere |= dict.fromkeys(name for name in found if not name.startswith("."))
            if not indent:
                top |= dict.fromkeys(found)
        yield SourceFile(path.relative_to(root).as_posix(), tuple(top), tuple(anywhere), compiles_for_torch(text))
