"""Tests that read from a folder of the name of their own, or from upstream's sources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from debgen.upstream.pytestsettings import PytestSettings
from debgen.upstream.testfiles import Read
from debgen.upstream.testplaces import TestPlace


def apart_from(
    root: Path,
    places: tuple[TestPlace, ...],
    beside: tuple[str, ...],
    reads: Iterable[Read],
    settings: PytestSettings,
) -> tuple[tuple[TestPlace, ...], tuple[str, ...]]:
    """Leave tests in upstream's folders where what they read lies in one of their own name: python/tests and tests.

    pybuild would copy only one of the two. ``beside`` is what is copied besides the places; the files around such
    tests that strings in them, as in ``reads``, name join it. So does ``src`` where they name a path in it, unless
    pytest has it on Python's path: the modules there are not the built ones.
    """
    said = {text for read in reads for text in read.strings}
    kept: list[TestPlace] = []
    lines = list(beside)
    for place in places:
        if place.module or place.copied_to not in beside or place.copied == place.copied_to:
            kept.append(place)
            continue
        kept.append(TestPlace(place.path, place.path, place.copied, place.copied))
        around = sorted(path.name for path in (root / place.copied).parent.iterdir() if path.is_file())
        folder = place.copied.rpartition("/")[0]
        lines += [f"{folder}/{name} {folder}/{name}" for name in around if name in said]
    if "src" not in settings.pythonpath and any(_in_sources(root, text) for text in said):
        lines.append("src")
    return tuple(kept), tuple(dict.fromkeys(lines))


def _in_sources(root: Path, text: str) -> bool:
    """Whether a string is the path of something below src/, maybe with the way there before it."""
    match = re.fullmatch(r"(?:\.{1,2}/)*(src/[\w./+-]{1,120})", text)
    if match is None or ".." in match[1] or match[1].strip("/") == "src" or (root / "src/__init__.py").exists():
        return False
    return (root / match[1]).exists()
