"""The function calls of meson.build files that a build reaches, with their literal arguments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<long>'''.*?''')
      | (?P<string>'(?:[^'\\\n]|\\.)*')
      | (?P<name>[A-Za-z_]\w*)
      | (?P<newline>\n)
      | (?P<mark>[()\[\]{},:])
      | (?P<other>[^\s])""",
    re.VERBOSE | re.DOTALL,
)
_ASIDE = {"test", "tests", "doc", "docs", "examples", "benchmarks"}


@dataclass(frozen=True, slots=True)
class MesonCall:
    """One call: ``words`` are the positional arguments (empty for one that is no literal), ``keywords`` as written."""

    name: str
    words: tuple[str, ...]
    keywords: Mapping[str, str]
    evidence: str
    conditional: bool


def meson_calls(texts: Mapping[str, str], root: str = "meson.build") -> Iterator[MesonCall]:
    """The calls of ``root`` and of the folders that it descends into by subdir()."""
    seen: set[str] = set()
    waiting = [(root, False)]
    while waiting:
        path, conditional = waiting.pop(0)
        if path in seen or path not in texts:
            continue
        seen.add(path)
        for call in parse_meson(texts[path], path, conditional):
            yield call
            if call.name == "subdir" and call.words and not _ASIDE.intersection(call.words[0].lower().split("/")):
                below = posixpath.normpath(posixpath.join(posixpath.dirname(path), call.words[0], "meson.build"))
                waiting.append((below, call.conditional))


def parse_meson(text: str, path: str, conditional: bool = False) -> Iterator[MesonCall]:
    """The calls of one file; those of a branch that is for another system are left out."""
    tokens = []
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "comment":
            tokens.append((match.lastgroup, match[0], line))
        line += match[0].count("\n")
    blocks: list[bool | None] = []
    position = 0
    while position < len(tokens):
        kind, value, line = tokens[position]
        if kind == "name" and value in ("if", "elif", "else", "endif"):
            end = next((i for i in range(position, len(tokens)) if tokens[i][0] == "newline"), len(tokens))
            if value == "if":
                blocks.append(_holds(" ".join(t[1] for t in tokens[position + 1 : end])))
            elif value == "endif":
                del blocks[-1:]
            elif blocks:
                other = _holds(" ".join(t[1] for t in tokens[position + 1 : end])) if value == "elif" else None
                blocks[-1] = (
                    True if blocks[-1] is False and value == "else" else other if blocks[-1] is not True else False
                )
        elif kind == "name" and position + 1 < len(tokens) and tokens[position + 1][1] == "(" and False not in blocks:
            words, keywords = _arguments(tokens, position + 2)
            yield MesonCall(value, words, keywords, f"{path}:{line}", conditional or None in blocks)
        position += 1


def _arguments(tokens: list[tuple[str | None, str, int]], start: int) -> tuple[tuple[str, ...], dict[str, str]]:
    depth = 1
    parts: list[list[tuple[str | None, str, int]]] = [[]]
    for token in tokens[start : start + 4000]:
        depth += (token[1] in "([{") - (token[1] in ")]}") if token[0] == "mark" else 0
        if depth == 0:
            break
        if token[1] == "," and depth == 1 and token[0] == "mark":
            parts.append([])
        elif token[0] != "newline":
            parts[-1].append(token)
    words: list[str] = []
    keywords: dict[str, str] = {}
    for part in parts:
        if len(part) > 2 and part[0][0] == "name" and part[1][1] == ":":
            keywords[part[0][1]] = " ".join(t[1] for t in part[2:])
        elif part:
            words.append(part[0][1].strip("'") if len(part) == 1 and part[0][0] == "string" else "")
    return tuple(words), keywords


def _holds(condition: str) -> bool | None:
    """Whether a condition on the system holds on Linux, None where it is about something else."""
    if "system" not in condition or re.search(r"\b(and|or)\b", condition):
        return None
    systems = re.findall(r"'([^']*)'", condition)
    if not systems:
        return None
    linux = "linux" in systems
    return not linux if re.search(r"! ?=|\bnot\b", condition) else linux
