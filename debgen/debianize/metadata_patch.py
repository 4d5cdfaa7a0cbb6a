"""Patches to upstream's own list of requirements, so that the installed metadata tells the truth (DEP-3).

The list is found where upstream wrote it: ``[project] dependencies`` of pyproject.toml, ``install_requires`` of
setup.cfg, or ``install_requires`` in setup.py's syntax tree (a list, directly or through one name; strings and
f-strings of names that hold strings). One requirement is one change in one patch.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from debgen.debianize.requirement_lists import poetry_line, requirement_files, requirement_lines, with_poetry_change

#: Columns of a line in a header, without the space that it begins with (DEP-3 follows deb822).
_WIDTH = 79


@dataclass(frozen=True)
class Change:
    """Make the bound of ``distribution`` ``specifier``, or remove the requirement where that is None."""

    distribution: str
    specifier: str | None
    reason: str


@dataclass(frozen=True)
class _Place:
    """Where one requirement stands: character span of the whole literal, and its value."""

    start: int
    end: int
    value: str
    literal: bool


def apply_change(texts: Mapping[str, str], change: Change) -> tuple[str, str] | None:
    """The path and new text of the file that lists the requirement, or None where none is found."""
    for path, find in _finders(texts):
        text = texts.get(path, "")
        for place in find(text):
            if _name(place.value) != change.distribution:
                continue
            if change.specifier is None:
                return path, _without(text, place)
            old = text[place.start : place.end]
            if place.literal and (rebound := _rebound(old, place.value, change.specifier)) != old:
                return path, text[: place.start] + rebound + text[place.end :]
    project = texts.get("pyproject.toml", "")
    poetry = with_poetry_change(project, change.distribution, change.specifier)
    return ("pyproject.toml", poetry) if poetry is not None else None


def listed_at(texts: Mapping[str, str], distribution: str) -> str:
    """The ``path:line`` that lists a run-time requirement, by its normalised name; empty where none is found."""
    for path, find in _finders(texts):
        for place in find(texts.get(path, "")):
            if _name(place.value) == distribution:
                return f"{path}:{texts[path].count(chr(10), 0, place.start) + 1}"
    line = poetry_line(texts.get("pyproject.toml", ""), distribution)
    return f"pyproject.toml:{line}" if line else ""


def _finders(texts: Mapping[str, str]) -> list[tuple[str, Callable[[str], Iterator[_Place]]]]:
    return [
        ("pyproject.toml", _in_pyproject),
        ("setup.cfg", _in_setup_cfg),
        ("setup.py", _in_setup_py),
        *((path, _in_requirements) for path in requirement_files(texts)),
    ]


def _in_requirements(text: str) -> Iterator[_Place]:
    for start, end, value in requirement_lines(text):
        yield _Place(start, end, value, literal=True)


def dep3_patch(path: str, old: str, new: str, change: Change, author: str, date: str) -> str:
    """A quilt patch of one requirement with its DEP-3 header."""
    verb = "Relax the bound on" if change.specifier is not None else "Don't require"
    return quilt_patch(path, old, new, (f"{verb} {change.distribution}", change.reason), author, date)


def quilt_patch(path: str, old: str, new: str, told: tuple[str, str], author: str, date: str) -> str:
    """A quilt patch of one file; ``told`` are its title and the reason (DEP-3)."""
    return quilt_patches({path: (old, new)}, told, author, date)


def quilt_patches(changes: Mapping[str, tuple[str, str]], told: tuple[str, str], author: str, date: str) -> str:
    """A quilt patch of several files: the text of each before and after, by path."""
    diff = (
        line
        for path, (old, new) in sorted(changes.items())
        for line in difflib.unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}", n=2)
    )
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)
    title, text = told
    reason = "\n ".join(part for line in text.split("\n") for part in _wrapped(line.strip()) or ["."])
    return f"Description: {title}\n {reason}\nAuthor: {author}\nForwarded: not-needed\nLast-Update: {date}\n---\n{body}"


def _wrapped(line: str) -> list[str]:
    """A line of a header in parts that fit a terminal of 80 columns; what has no spaces stays whole."""
    return textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _lines(text: str) -> list[str]:
    """The lines as patch and Python see them; str.splitlines would end one at a form feed as well."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _name(value: str) -> str:
    try:
        return str(canonicalize_name(Requirement(value).name))
    except InvalidRequirement:
        return ""


def _rebound(literal: str, value: str, specifier: str) -> str:
    """The literal with the requirement's bound replaced, its quotes and marker kept."""
    requirement = Requirement(value)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    _, semicolon, marker = value.partition(";")
    changed = f"{requirement.name}{extras}{specifier}{semicolon}{marker}"
    return literal.replace(value, changed)


def _without(text: str, place: _Place) -> str:
    """The text without the list item: its whole lines where it stands alone on them."""
    after = re.compile(r"[ \t]*,?[ \t]*(#[^\n]*)?").match(text, place.end)
    end = after.end() if after else place.end
    start = text.rfind("\n", 0, place.start) + 1
    alone = not text[start : place.start].strip() and (end == len(text) or text[end] == "\n")
    if alone:
        return text[:start] + text[end + 1 :]
    item = re.compile(r"[ \t]*,?[ \t]*").match(text, place.end)
    return text[: place.start] + text[item.end() if item else place.end :]


def _in_pyproject(text: str) -> Iterator[_Place]:
    try:
        listed = tomllib.loads(text).get("project", {}).get("dependencies", []) if text else []
    except tomllib.TOMLDecodeError:
        return
    table = re.search(r"^[ \t]*\[[ \t]*project[ \t]*\]", text, re.M)
    begin = re.compile(r"^[ \t]*dependencies\s*=\s*\[", re.M).search(text, table.end()) if table else None
    position = begin.end() if begin else 0
    for value in listed if begin else []:
        for quoted in (f'"{value}"', f"'{value}'", '"' + value.replace('"', '\\"') + '"'):
            if (start := text.find(quoted, position)) >= 0:
                yield _Place(start, start + len(quoted), value, literal=True)
                position = start + len(quoted)
                break


def _in_setup_cfg(text: str) -> Iterator[_Place]:
    begin = re.search(r"^install_requires\s*=", text, re.M)
    if begin is None:
        return
    for line in re.compile(r"^[ \t]+(\S.*?)[ \t]*$|^\S", re.M).finditer(text, begin.end()):
        if line[1] is None:
            return
        yield _Place(line.start(1), line.end(1), line[1], literal=True)


def _in_setup_py(text: str) -> Iterator[_Place]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    assigned = {
        target.id: node.value
        for node in tree.body if isinstance(node, ast.Assign)
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip
    strings = {n: v.value for n, v in assigned.items() if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    starts = [0]
    for line in _lines(text):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        # ast counts columns in UTF-8 bytes
        row = text[starts[line - 1] : starts[line]]
        return starts[line - 1] + len(row.encode()[:column].decode())

    for call in ast.walk(tree):
        if not (isinstance(call, ast.keyword) and call.arg == "install_requires"):
            continue
        value = assigned.get(call.value.id) if isinstance(call.value, ast.Name) else call.value
        for item in value.elts if isinstance(value, ast.List | ast.Tuple) else []:
            text_of = _string(item, strings)
            if text_of is not None and item.end_lineno is not None and item.end_col_offset is not None:
                yield _Place(
                    offset(item.lineno, item.col_offset),
                    offset(item.end_lineno, item.end_col_offset),
                    text_of,
                    literal=isinstance(item, ast.Constant),
                )


def _string(node: ast.expr, names: Mapping[str, str]) -> str | None:
    """The value of a string, a name that holds one, or an f-string of such names."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.FormattedValue):
        return _string(node.value, names)
    if isinstance(node, ast.JoinedStr):
        parts = [_string(part, names) for part in node.values]
        return None if None in parts else "".join(p for p in parts if p is not None)
    return None
