"""The examples of upstream's README that can run alone: what a package without tests is tried with.

Code is taken from fenced blocks marked as Python, from ``code-block`` directives, and from interpreter sessions
(``>>>``) wherever they stand. An example counts where it imports one of the distribution's own modules; what comes
after it may go on with its names.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*\{?\.?(?P<language>[\w+-]*)")
_DIRECTIVE = re.compile(
    r"^(?P<indent>[ \t]*)\.\.[ \t]+(?:code-block|code|sourcecode)::[ \t]*(?P<language>[\w+-]*)[ \t]*\n"
    r"(?:(?P=indent)[ \t]+:[^\n]*\n)*(?P<code>(?:[ \t]*\n|(?P=indent)[ \t]+[^\n]*(?:\n|\Z))+)",
    re.MULTILINE,
)
_SESSION = re.compile(
    r"^(?P<code>(?P<indent>[ \t]*)>>>[ \t][^\n]*\n(?:(?P=indent)[^\n]*\S[^\n]*(?:\n|\Z))*)", re.MULTILINE
)
_PYTHON = {"python", "python3", "py", "py3", "pycon", "ipython", "ipython3"}
#: What waits for somebody, needs the network, starts servers or programs, or touches the machine.
_ELSEWHERE = re.compile(
    r"\w+://|\binput\(|\bserve(?:_forever)?\b|\.run\(|\.listen\(|\bmainloop\b|\bwhile True\b|\bsubprocess\b"
    r"|\bos\.system\b|\brmtree\b|\bsys\.exit\b|\bexit\(|\bsleep\(|\bsocket\b|\bapi_key\b|\b(?:API_KEY|TOKEN|PASSWORD)\b|\bcuda\b"
)
#: More than these show nothing more.
_LIMIT = 12
_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Example:
    """One piece of code as upstream wrote it, and whether it is a session with the answers that it expects.

    ``calls`` where it does more than to import and to assign, so that its end without an error shows something.
    """

    code: str
    session: bool
    calls: bool = True

    @property
    def literal(self) -> str:
        """The code as Python's literals, one for each line: a JSON string is one of Python's as well."""
        return "\n     ".join(json.dumps(line, ensure_ascii=False) for line in self.code.splitlines(keepends=True))


def examples(text: str, modules: Collection[str]) -> tuple[Example, ...]:
    """The examples in ``text`` (Markdown or reStructuredText) of the distribution with these top-level modules.

    Nothing where none of them imports one of the modules and calls anything: what runs then shows nothing about them.
    """
    found = [example for example in _blocks(text.replace("\r\n", "\n")) if _is_usable(example)][:_LIMIT]
    while found and not _imports(found[0], modules):
        del found[0]
    return tuple(dict.fromkeys(found)) if any(example.calls for example in found) else ()


def _blocks(text: str) -> Iterator[Example]:
    """All code in the order of the text; a session inside a block is that block."""
    spans = list(_fenced(text))
    for pattern in (_DIRECTIVE, _SESSION):
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end, _, _ in spans):
                language = match.groupdict().get("language", "python") or ""
                spans.append((*match.span(), language.lower(), textwrap.dedent(match["code"])))
    for _, _, language, code in sorted(spans):
        session = code.lstrip().startswith(">>>")
        if session or language in _PYTHON:
            example = Example(code.strip("\n") + "\n", session)
            tree = _tree(example)
            yield replace(example, calls=tree is not None and any(isinstance(n, ast.Call) for n in ast.walk(tree)))


def _fenced(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Markdown's fenced blocks: where they begin and end, language and code. One without an end is none."""
    opened: re.Match[str] | None = None
    start = at = 0
    inside: list[str] = []
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if opened is None:
            opened, start, inside = found, at, []
        elif found and found["fence"].startswith(opened["fence"]) and not line[found.end("fence") :].strip():
            yield start, at + len(line), opened["language"].lower(), textwrap.dedent("".join(inside))
            opened = None
        else:
            inside.append(line)
        at += len(line)


def _source(example: Example) -> str:
    """The code alone; of a session, what was typed."""
    if not example.session:
        return example.code
    return "".join(f"{line[4:]}\n" for line in example.code.splitlines() if line.startswith((">>> ", "... ")))


def _tree(example: Example) -> ast.Module | None:
    try:
        return ast.parse(_source(example))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_usable(example: Example) -> bool:
    tree = _tree(example)
    if tree is None or len(example.code) > _LENGTH or _ELSEWHERE.search(_source(example)):
        return False
    # An ellipsis as a statement stands for code that the reader has to think up.
    return not any(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...
        for node in ast.walk(tree)
    )


def _imports(example: Example, modules: Collection[str]) -> bool:
    tree = _tree(example)
    names = [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names] if tree else []
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level] if tree else []
    return any(name.partition(".")[0] in modules for name in names)
