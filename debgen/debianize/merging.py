"""Three-way merges of debian/: what was generated before, what is generated now, and what a human made of it.

A file that a human changed keeps every change of theirs; what the generator changed meanwhile joins it. Where both
changed the same lines the human's stand, and the conflict is reported with all three versions. Lines of relation
fields and of debhelper's one-per-line files are items of a set, so neighbours don't get in each other's way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

#: A line of a relation field: one clause and its comma, indented.
_RELATION = re.compile(r"[ \t]+(?P<name>[a-z0-9@$][^\s,:(\[<|]*)[^,\n]*,[ \t]*\n")
#: Files of paragraphs and fields.
_CONTROL = ("control", "tests/control")
#: debhelper's and dpkg's files in which each line stands for itself, in any order.
_LISTS = (
    "*.docs", "*.install", "*.manpages", "*.examples", "*.links", "*.dirs", "*.lintian-overrides", "docs", "install",
    "clean", "not-installed", "pybuild.testfiles", "source/lintian-overrides", "patches/series",
)  # fmt: skip
#: Files in which the first word of a line says what the line is about.
_KEYED = ("py3dist-overrides", "*.pydist")


@dataclass(frozen=True)
class Conflict:
    """Lines that both sides changed: what they were, what the human made of them, what is generated now.

    ``before``, ``human`` and ``generated`` are texts, None where that side has no such file at all.
    """

    path: str
    before: str | None
    human: str | None
    generated: str | None

    def __str__(self) -> str:
        def told(label: str, text: str | None) -> list[str]:
            if text is None:
                return [f"    {label}: no such file"]
            return [f"    {label}:", *(f"      {line}" for line in text.splitlines())] if text else [f"    {label}: —"]

        lines = [f"debian/{self.path}:"]
        for label, text in (("before", self.before), ("yours, kept", self.human), ("now generated", self.generated)):
            lines += told(label, text)
        return "\n".join(lines)


@dataclass(frozen=True)
class Merged:
    """The files of debian/ by path, what could not be put together, and the paths where a human's changes were kept."""

    files: Mapping[str, str]
    conflicts: tuple[Conflict, ...]
    kept: tuple[str, ...]


def merge_files(before: Mapping[str, str], human: Mapping[str, str], generated: Mapping[str, str]) -> Merged:
    """Merge all files of a debian/ folder; the keys are paths below it.

    A file that the human removed stays away, one that they added stays; a file that is no longer generated goes, unless
    they changed it.
    """
    files: dict[str, str] = {}
    conflicts: list[Conflict] = []
    kept: list[str] = []
    for path in sorted({*before, *human, *generated}):
        was, own, new = before.get(path), human.get(path), generated.get(path)
        if own == was:
            result = new
        elif new in (was, own):
            result = own
        elif own is None or new is None or was is None:
            result = own
            conflicts.append(Conflict(path, was, own, new))
        else:
            result, found = merge_text(was, own, new, path=path)
            conflicts += found
        if own != was:
            kept.append(path)
        if result is not None:
            files[path] = result
    return Merged(files, tuple(conflicts), tuple(kept))


def merge_text(before: str, human: str, generated: str, *, path: str) -> tuple[str, tuple[Conflict, ...]]:
    """Merge one file; ``path``, below debian/, says whether its lines are items of a set."""
    base, own, new = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (before, human, generated))
    key = _key_of(path)
    merged: list[str] = []
    conflicts: list[Conflict] = []
    for region in _regions(base, own, new):
        for was, mine, theirs in _fields(*region) if path in _CONTROL else [region]:
            if mine == was:
                merged += theirs
            elif theirs in (was, mine):
                merged += mine
            elif (items := _merged_items(was, mine, theirs, key)) is not None:
                merged += items
            else:
                merged += mine
                conflicts.append(Conflict(path, "".join(was), "".join(mine), "".join(theirs)))
    return "".join(merged), tuple(conflicts)


def _regions(
    base: Sequence[str], own: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], Sequence[str]]]:
    """The three texts cut into parts that belong together: those alike in all three, and those between them."""
    at = (0, 0, 0)
    for start, first, second, size in _common(base, own, new):
        yield base[at[0] : start], own[at[1] : first], new[at[2] : second]
        yield base[start : start + size], own[first : first + size], new[second : second + size]
        at = (start + size, first + size, second + size)
    yield base[at[0] :], own[at[1] :], new[at[2] :]


def _fields(*sides: Sequence[str]) -> list[tuple[Sequence[str], Sequence[str], Sequence[str]]]:
    """A part of a control file cut into its fields; left whole where the sides don't have the same ones, in order."""
    cut: list[dict[str, list[str]]] = []
    for side in sides:
        pieces: dict[str, list[str]] = {"": []}
        last = ""
        for line in side:
            if found := re.match(r"[^\s:#]+:", line):
                last = found[0].lower()
                if last in pieces:
                    return [(sides[0], sides[1], sides[2])]
                pieces[last] = []
            pieces[last].append(line)
        cut.append(pieces)
    if not list(cut[0]) == list(cut[1]) == list(cut[2]):
        return [(sides[0], sides[1], sides[2])]
    return [(cut[0][name], cut[1][name], cut[2][name]) for name in cut[0]]


def _common(base: Sequence[str], own: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines that all three have, in order: their places in each, and how many lines."""
    ours = SequenceMatcher(None, base, own, autojunk=False).get_matching_blocks()
    theirs = SequenceMatcher(None, base, new, autojunk=False).get_matching_blocks()
    i = j = 0
    while i < len(ours) and j < len(theirs):
        (a, first, n), (b, second, m) = ours[i], theirs[j]
        start, end = max(a, b), min(a + n, b + m)
        if start < end:
            yield start, first + start - a, second + start - b, end - start
        if a + n < b + m:
            i += 1
        else:
            j += 1


def _key_of(path: str) -> Callable[[str], str | None]:
    """What an item's line is about, by the kind of file; None for a line that is no item."""
    if path in _CONTROL:
        return lambda line: found["name"] if (found := _RELATION.fullmatch(line)) else None
    if any(fnmatchcase(path, pattern) for pattern in _KEYED):
        return lambda line: next(iter(line.split()), None)
    if any(fnmatchcase(path, pattern) for pattern in _LISTS):
        return lambda line: line.strip() or None
    return lambda line: None


def _merged_items(
    was: Sequence[str], mine: Sequence[str], theirs: Sequence[str], key: Callable[[str], str | None]
) -> list[str] | None:
    """The items of three lists put together, each in the human's place and indentation; None where that can't be."""
    lists = [_items(lines, key) for lines in (was, mine, theirs)]
    if any(items is None for items in lists):
        return None
    old, own, new = (items or {} for items in lists)
    indent = next((line[: len(line) - len(line.lstrip())] for lines in own.values() for line in lines), None)
    result: dict[str, list[str]] = {}
    for name in own:
        before, human, generated = (_bare(side.get(name)) for side in (old, own, new))
        if human == before:
            result[name] = own[name] if generated == human else new.get(name, [])
        elif generated in (before, human):
            result[name] = own[name]
        else:
            return None
    order = list(own)
    previous = ""
    for name in new:
        if name not in own:
            if name in old and _bare(new[name]) == _bare(old[name]):
                continue  # the human took it out
            if name in old:
                return None
            order.insert(order.index(previous) + 1 if previous else 0, name)
            result[name] = new[name]
        previous = name
    lines = [line for name in order for line in result[name]]
    return [line if indent is None else indent + line.lstrip() for line in lines]


def _items(lines: Sequence[str], key: Callable[[str], str | None]) -> dict[str, list[str]] | None:
    found: dict[str, list[str]] = {}
    for line in lines:
        name = key(line)
        if name is None:
            return None
        found.setdefault(name, []).append(line)
    return found


def _bare(lines: Sequence[str] | None) -> list[str]:
    return [line.strip() for line in lines or ()]
