"""The programs that setup.py can't do without: those that it starts whatever the conditions, with no way out.

A call under a condition may never be made, and one whose failure to find the program is caught does without it.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildmodel import Library, LibraryKind
from debgen.upstream.buildsetup import dotted

_STARTS = {"check_call", "check_output", "call", "run", "popen", "getoutput"}
#: What catches that there is no such program (PEP 3151); CalledProcessError comes from one that was there.
_CATCHES = {"OSError", "IOError", "EnvironmentError", "FileNotFoundError", "Exception", "BaseException"}
#: Found in every build, or put there by other rules.
_LEFT_OUT = {
    "python",
    "python3",
    "cc",
    "gcc",
    "g++",
    "clang",
    "make",
    "sh",
    "bash",
    "env",
    "pkg-config",
    "pip",
    "cargo",
}


def setup_programs(files: BuildFiles) -> Iterator[Library]:
    """The programs, each required, with the line that starts it."""
    for script in files.scripts if files.setuptools else ():
        caught = _caught(script.tree)
        sought = {word for call in script.calls if call.function == "which" for word in call.words}
        for call in script.calls:
            words = call.words[0].split() if call.words else []
            started = call.function.lower() in _STARTS and call.name.partition(".")[0] in ("subprocess", call.function)
            if not started or not words or call.conditional or call.node in caught:
                continue
            literal = call.node.args[0] if call.node.args else None
            first = literal.elts[0] if isinstance(literal, ast.List | ast.Tuple) and literal.elts else literal
            if not isinstance(first, ast.Constant):  # the program itself is not a literal
                continue
            program = words[0]
            if program.endswith("config"):  # of a library, and found as such
                continue
            if program == posixpath.basename(program) and program not in _LEFT_OUT | sought:
                yield Library(LibraryKind.PROGRAM, program, call.evidence)


def _caught(tree: ast.AST) -> set[ast.AST]:
    """The nodes of which a missing program's error goes no further."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(map(_catches, node.handlers)):
            found |= {inner for statement in node.body for inner in ast.walk(statement)}
        elif isinstance(node, ast.With):
            suppressed = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
            if any(dotted(call.func).endswith("suppress") for call in suppressed):
                found |= {inner for statement in node.body for inner in ast.walk(statement)}
    return found


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or dotted(kind).rpartition(".")[2] in _CATCHES for kind in kinds)
