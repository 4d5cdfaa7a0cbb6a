"""CMake's files as lists of commands, and those of them that a build reaches; nothing is evaluated by CMake.

The grammar is that of the cmake-language manual: commands, quoted, unquoted and bracket arguments, comments. Of
conditions only the platform is judged, as Linux has it; what depends on anything else is kept with its condition.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\\\n)
      | (?P<newline>\n)
      | \#\[(?P<ceq>=*)\[.*?\](?P=ceq)\]
      | (?P<comment>\#[^\n]*)
      | \[(?P<eq>=*)\[(?P<bracket>.*?)\](?P=eq)\]
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<paren>[()])
      | (?P<word>(?:[^\s()#"\\]|\\.|"(?:[^"\\]|\\.)*")+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_./+-]+)\}")
_ELSEWHERE = {
    "win32", "msvc", "apple", "android", "ios", "cygwin", "mingw", "msys", "emscripten", "bsd", "xcode", "borland",
    "cmake_cross_compiling", "cmake_crosscompiling",
}  # fmt: skip
_HERE = {"unix", "linux", "on", "true", "1"}
#: Folders of which nothing is built for users; a build that descends into them does so for its own tests.
_ASIDE = {
    "test", "tests", "testing", "unittests", "googletest", "doc", "docs", "docs_sphinx", "example", "examples",
    "sample", "samples", "demo", "demos", "benchmark", "benchmarks",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a CMake file; ``when`` are the conditions around it that Linux alone doesn't decide."""

    name: str
    args: tuple[str, ...]
    path: str
    line: int
    when: tuple[str, ...] = ()

    @property
    def evidence(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class _Block:
    """An if() while it is read: whether its present branch holds, and what the branches before it say."""

    holds: bool | None
    words: tuple[str, ...]
    decided: bool = False
    doubted: bool = False

    def branch(self, words: tuple[str, ...] | None) -> None:
        """Go on to an elseif() with ``words``, or with None to the else()."""
        self.decided = self.decided or self.holds is True
        self.doubted = self.doubted or self.holds is None
        holds = True if words is None else _holds(words)
        # After a branch that nobody can judge, no later one is certain.
        self.holds = False if self.decided else None if holds is True and self.doubted else holds
        self.words = ("NOT", "(", *self.words, ")") if words is None else words


def parse_cmake(text: str, path: str) -> tuple[Command, ...]:
    """The commands of one file that may run on Linux, in order; what is malformed is skipped."""
    found: list[Command] = []
    blocks: list[_Block] = []
    inside = 0  # functions and macros, which a return() leaves instead of the file
    left: list[tuple[str, ...]] = []
    for command in _commands(text, path):
        inside += (command.name in ("function", "macro")) - (command.name in ("endfunction", "endmacro"))
        if command.name == "if":
            blocks.append(_Block(_holds(command.args), command.args))
        elif command.name in ("elseif", "else"):
            if blocks:
                blocks[-1].branch(command.args if command.name == "elseif" else None)
        elif command.name == "endif":
            if blocks:
                blocks.pop()
        elif not any(block.holds is False for block in blocks):
            unsure = [block.words for block in blocks if block.holds is None]
            found.append(replace(command, when=tuple(map(_spelled, (*left, *unsure)))))
            if command.name != "return" or inside > 0:
                continue
            if not unsure:
                break
            if len(unsure) == 1 and _is_switch(unsure[0]):
                left.append(unsure[0][1:] if unsure[0][0] == "NOT" else ("NOT", *unsure[0]))
    return tuple(found)


def _is_switch(words: tuple[str, ...]) -> bool:
    """Whether a condition is a variable or its negation, as options of a build are; not whether something was found."""
    name = words[-1].upper()
    return words[:-1] in ((), ("NOT",)) and not name.endswith(("_FOUND", "_INCLUDED", "_LOADED", "_GUARD"))


def reached(names: Collection[str], texts: Mapping[str, str], start: str) -> tuple[Command, ...]:
    """The commands of the file ``start`` and of those that it includes or descends into, with their conditions.

    A path with a variable in it is found by its end; a file that isn't there, or was seen before, adds nothing.
    """
    found: list[Command] = []
    seen: set[str] = set()
    top = posixpath.dirname(start)

    def visit(path: str, when: tuple[str, ...]) -> None:
        if path in seen or path not in texts or len(seen) > 2000:
            return
        seen.add(path)
        for command in parse_cmake(texts[path], path):
            command = replace(command, when=when + command.when)
            found.append(command)
            target = _target(command, names, top)
            if target and len(command.when) < 40:
                visit(target, command.when)

    visit(start, ())
    return tuple(found)


def _target(command: Command, names: Collection[str], top: str) -> str:
    """The file that the command goes on with, empty for none."""
    if not command.args:
        return ""
    first = command.args[0]
    here = posixpath.dirname(command.path)
    if command.name == "add_subdirectory":
        if _ASIDE.intersection(first.lower().split("/")):
            return ""
        return _locate(f"{first}/CMakeLists.txt", names, here, top)
    if command.name == "include":
        wanted = first if first.endswith((".cmake", ".txt", ".in")) else f"{first}.cmake"
        return _locate(wanted, names, here, top)
    if command.name == "find_package":
        return _locate(f"Find{first}.cmake", names, here, top)
    return ""


def _locate(wanted: str, names: Collection[str], here: str, top: str) -> str:
    fixed = wanted
    for variable in ("CMAKE_CURRENT_LIST_DIR", "CMAKE_CURRENT_SOURCE_DIR"):
        fixed = fixed.replace("${" + variable + "}", here or ".")
    for variable in ("CMAKE_SOURCE_DIR", "PROJECT_SOURCE_DIR"):
        fixed = fixed.replace("${" + variable + "}", top or ".")
    for base in ("", here, top):
        path = posixpath.normpath(posixpath.join(base, fixed))
        if path in names and not path.startswith(".."):
            return path
    end = "/" + re.sub(r"^.*\$\{[^}]*\}/?", "", wanted).lstrip("./")
    if end == "/CMakeLists.txt" or "$" in end:
        return ""
    near = sorted((n for n in names if f"/{n}".endswith(end)), key=lambda n: (n.count("/"), n))
    inside = [n for n in near if n.startswith(f"{top}/") or not top]
    return inside[0] if inside and not _ASIDE.intersection(inside[0].lower().split("/")[:-1]) else ""


class Variables:
    """What ``set``, ``option`` and ``project`` say of variables, every value that they may have."""

    def __init__(self, commands: Collection[Command]) -> None:
        self._values: dict[str, list[str]] = {}
        for command in commands:
            if command.name == "set" and len(command.args) >= 2:
                end = next((i for i, a in enumerate(command.args) if a in ("CACHE", "PARENT_SCOPE")), None)
                value = " ".join(command.args[1:end])
                known = self._values.setdefault(command.args[0], [])
                if value and value not in known:
                    known.append(value)

    def expand(self, text: str) -> tuple[str, ...]:
        """Every text that ``text`` may stand for, at most four; a variable that nothing sets stays as it is."""
        done = [text]
        for _ in range(5):
            new: list[str] = []
            for item in done:
                match = next((m for m in _REFERENCE.finditer(item) if m[1] in self._values), None)
                if match is None:
                    new.append(item)
                else:
                    new += [item.replace(match[0], value) for value in self._values[match[1]] if match[0] not in value]
            if new == done:
                break
            done = list(dict.fromkeys(new))[:4] or done
        return tuple(done)


def keyword_values(args: tuple[str, ...], keywords: Collection[str]) -> dict[str, str]:
    """The argument after each of the ``keywords`` that is there."""
    return {key: value for key, value in itertools.pairwise(args) if key in keywords}


def _commands(text: str, path: str) -> Iterator[Command]:
    line = 1
    word, word_line = "", 0
    depth = 0
    args: list[str] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        value = match[0]
        if kind == "paren" and value == "(" and depth == 0:
            depth, args = (1, []) if word else (0, [])
        elif kind == "paren" and depth:
            depth += 1 if value == "(" else -1
            if depth == 0:
                yield Command(word.lower(), tuple(args), path, word_line)
                word = ""
            else:
                args.append(value)
        elif depth and match["quoted"] is not None:
            args.append(re.sub(r"\\(.)", r"\1", match["quoted"].replace("\\\n", "")))
        elif depth and match["bracket"] is not None:
            args.append(match["bracket"])
        elif match["word"] is not None:
            if depth:
                args.append(value)
            else:
                word, word_line = value, line
        line += value.count("\n")


def _holds(words: tuple[str, ...]) -> bool | None:
    """Whether a condition holds on Linux: true, false, or None where something else decides."""
    if "(" in words or ")" in words:
        return None
    for joint, decisive in (("OR", True), ("AND", False)):
        if joint in words:
            at = words.index(joint)
            sides = (_holds(words[:at]), _holds(words[at + 1 :]))
            if decisive in sides:
                return decisive
            return None if None in sides else not decisive
    if words[:1] == ("NOT",):
        inner = _holds(words[1:])
        return None if inner is None else not inner
    if len(words) == 3 and words[1] in ("STREQUAL", "MATCHES") and "CMAKE_SYSTEM_NAME" in words[0]:
        return "linux" in words[2].lower()
    if len(words) == 1:
        name = words[0].strip("${}").lower()
        return False if name in _ELSEWHERE else True if name in _HERE else None
    return None


def _spelled(words: tuple[str, ...]) -> str:
    text = " ".join(words).replace("( ", "(").replace(" )", ")")
    return text if len(text) <= 120 else text[:119] + "…"
