"""dh-python's table of distributions and packages, as the suite's own dh-python has it.

It is what dh_python3 turns requirements into Debian dependencies with where it finds nothing better. dh-python's
makers draw it from the archive now and then, so it is older than Contents and knows less of versions, but it has
packages that ship no metadata. What single packages add to it for dh_python3 (``/usr/share/python3/dist``) is
not fetched: each such file names its own package, whose metadata Contents has.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from debgen.archive.aptroot import AptRoot
from debgen.archive.extracted import extracted
from debgen.errors import DebgenError, IntegrityError
from debgen.run import Runner, run
from debgen.workspace import cache_directory, write_atomically

PACKAGE = "dh-python"
_FILE = Path("usr/share/dh-python/dist/cpython3_fallback")
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"
    r"(?:\s+(?P<range>-?\d\.\d+(?:-(?:\d\.\d+)?)?))?"
    r"\s+(?P<package>(?=[0-9.+-]*[a-z])[a-z0-9][a-z0-9.+-]+)"
)
_CACHED = re.compile(r"[A-Za-z0-9.+~-]+")


@dataclass(frozen=True)
class Pydist:
    """The table, package by normalised distribution name; ``note`` says why it is empty, where it couldn't be read."""

    packages: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def pydist_table(root: AptRoot, version: str | None, *, run: Runner = run) -> Pydist:
    """The table of the suite's dh-python, whose Debian version is ``version`` (None where the suite has none).

    The package is fetched and verified by apt in ``root`` once for each version, and nothing of it is run. A table
    that can't be had is no failure: it is empty then, with a note.
    """
    if version is None:
        return Pydist(note=f"{root.suite} has no {PACKAGE}, so its table of names was not used")
    kept = cache_directory("pydist") / f"{version.replace(':', '%3a')}.txt"
    try:
        if not kept.is_file():
            write_atomically(kept, _fetched(root, version, run))
        return Pydist(parse_table(kept.read_text(encoding="utf-8", errors="replace")))
    except DebgenError as error:
        reason = str(error).partition("\n")[0]
        return Pydist(note=f"{PACKAGE}'s table of names was not used: {reason}")


def parse_table(text: str) -> dict[str, str]:
    """The packages by normalised distribution name, of lines in the format of dh-python's README.PyDist.

    Of several packages for a distribution the first counts. Lines for other versions of Python than all, and lines
    that name no package, say nothing.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        entry = _LINE.match(line.strip())
        if entry and not entry["range"]:
            found.setdefault(canonicalize_name(entry["name"]), entry["package"])
    return found


def _fetched(root: AptRoot, version: str, run: Runner) -> bytes:
    """The table's file out of the package. DebgenError where apt can't fetch it, or it has no such file."""
    if not _CACHED.fullmatch(version.replace(":", "")):
        raise IntegrityError(f"not a Debian version: {version!r}")
    with tempfile.TemporaryDirectory(prefix="pydist-", dir=cache_directory("pydist")) as folder:
        table = extracted(root, PACKAGE, version, Path(folder), run) / _FILE
        if table.is_symlink() or not table.is_file():
            raise IntegrityError(f"{PACKAGE} {version} has no file {_FILE}")
        return table.read_bytes()
