"""What the calls in setup.py and its helpers say literally, read from their syntax trees; nothing is run."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Folders in which helpers of setup.py lie.
_HELPER = re.compile(
    r"(?:[^/]+/){0,2}[^/]*(?:build|setup|rust|ext|compile|config|tool|util|cython|version|backend)[^/]*\.py", re.I
)


@dataclass(frozen=True)
class Call:
    """One call: its dotted name, its literal arguments, and whether a condition stands around it.

    ``words`` are the literal strings among the positional arguments, those in lists too; ``keywords`` are the
    literal strings of each keyword argument.
    """

    name: str
    node: ast.Call
    path: str
    words: tuple[str, ...]
    keywords: Mapping[str, tuple[str, ...]]
    conditional: bool

    @property
    def evidence(self) -> str:
        return f"{self.path}:{self.node.lineno}"

    @property
    def function(self) -> str:
        """The last part of the name."""
        return self.name.rsplit(".", 1)[-1]


@dataclass(frozen=True, slots=True)
class Assigned:
    """Literal strings that a name is bound to or added to."""

    name: str
    words: tuple[str, ...]
    evidence: str
    conditional: bool


@dataclass(frozen=True)
class Script:
    """A Python file of the build: its tree, its calls and assignments on Linux, and its module-level strings."""

    path: str
    text: str
    tree: ast.Module
    constants: Mapping[str, str]
    calls: tuple[Call, ...]
    assigned: tuple[Assigned, ...]


def may_help(path: str) -> bool:
    """Whether a file may be a helper that setup.py loads; which it is shows only when setup.py is read."""
    return _HELPER.fullmatch(path) is not None


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree, or None where there is none; upstream's odd escapes are no concern of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def read_script(path: str, text: str) -> Script | None:
    """Read one file; None where it can't be parsed."""
    tree = parse_python(text)
    if tree is None:
        return None
    constants = _constants(tree)
    calls: list[Call] = []
    assigned: list[Assigned] = []
    try:
        for node, conditional in _on_linux(tree):
            if isinstance(node, ast.Call):
                calls.append(_call(node, path, constants, conditional))
            elif isinstance(node, ast.Assign | ast.AugAssign):
                words = literals(node.value, constants)
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                places = (name for target in targets if words and (name := dotted(target)))
                assigned += [Assigned(name, words, f"{path}:{node.lineno}", conditional) for name in places]
    except RecursionError:
        return None
    return Script(path, text, tree, constants, tuple(calls), tuple(assigned))


def build_scripts(texts: Mapping[str, str]) -> tuple[tuple[Script, ...], tuple[str, ...]]:
    """setup.py and the helpers that it names, and notes on those that can't be parsed.

    A helper is named by an import or by the end of a path in a string.
    """
    found: list[Script] = []
    notes: list[str] = []
    waiting = [path for path in ("setup.py",) if path in texts]
    seen: set[str] = set(waiting)
    while waiting:
        path = waiting.pop(0)
        script = read_script(path, texts[path])
        if script is None:
            notes.append(f"{path} is not Python 3")
            continue
        found.append(script)
        named = _named(script)
        for other in sorted(texts):
            if other not in seen and other.endswith(".py") and named & _spellings(other):
                seen.add(other)
                waiting.append(other)
    return tuple(found), tuple(notes)


def literal(node: ast.AST | None, constants: Mapping[str, str]) -> str | None:
    """The string that an expression stands for, None where it takes running the code to know.

    An unknown first part of a path is the folder of the file itself, which is how such paths are made.
    """
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.JoinedStr):
        parts = [literal(v.value if isinstance(v, ast.FormattedValue) else v, constants) for v in node.values]
        return "".join(p for p in parts if p is not None) if None not in parts else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = literal(node.left, constants), literal(node.right, constants)
        return left + right if left is not None and right is not None else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        right = literal(node.right, constants)
        return None if right is None else posixpath.join(literal(node.left, constants) or "", right)
    if isinstance(node, ast.Call):
        name = dotted(node.func)
        if name.endswith("path.join") and node.args:
            parts = [literal(arg, constants) for arg in node.args]
            rest = [p for p in parts[1:] if p is not None]
            return posixpath.join(parts[0] or "", *rest) if len(rest) == len(parts) - 1 else None
        if name in ("str", "Path", "pathlib.Path", "os.fspath", "os.path.abspath") and len(node.args) == 1:
            return literal(node.args[0], constants)
    return None


def literals(node: ast.AST | None, constants: Mapping[str, str]) -> tuple[str, ...]:
    """The strings of an expression: itself, or those in a list, a tuple, a set or a sum of them."""
    single = literal(node, constants)
    if single is not None:
        return (single,)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return tuple(word for item in node.elts for word in literals(item, constants))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        if literal(node.left, constants) is not None or literal(node.right, constants) is not None:
            return ()  # a string put together from an unknown part
        return literals(node.left, constants) + literals(node.right, constants)
    if isinstance(node, ast.Starred):
        return literals(node.value, constants)
    if isinstance(node, ast.IfExp):
        holds = _holds(node.test)
        chosen = [] if holds is False else list(literals(node.body, constants))
        return (*chosen, *(() if holds is True else literals(node.orelse, constants)))
    return ()


def dotted(node: ast.AST) -> str:
    """The dotted name of a function, as far as it is one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return ""


def _constants(tree: ast.Module) -> dict[str, str]:
    """Module-level names that are bound once, to a literal string."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                value = literal(node.value, found) if isinstance(node, ast.Assign | ast.AnnAssign) else None
                if target.id in found or value is None:
                    several.add(target.id)
                else:
                    found[target.id] = value
    return {name: value for name, value in found.items() if name not in several}


def _call(node: ast.Call, path: str, constants: Mapping[str, str], conditional: bool) -> Call:
    words = tuple(word for arg in node.args for word in literals(arg, constants))
    return Call(
        dotted(node.func), node, path, words,
        {k.arg: literals(k.value, constants) for k in node.keywords if k.arg}, conditional,
    )  # fmt: skip


def _on_linux(node: ast.AST, conditional: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes in the order of the text, and whether a condition stands around them; not what is for other systems."""
    yield node, conditional
    if isinstance(node, ast.If):
        yield from _on_linux(node.test, conditional)
        holds = _holds(node.test)
        for branch, out in ((node.body, holds is False), (node.orelse, holds is True)):
            for statement in () if out else branch:
                yield from _on_linux(statement, conditional or holds is None)
        return
    for child in ast.iter_child_nodes(node):
        yield from _on_linux(child, conditional)


def _holds(test: ast.expr) -> bool | None:
    """Whether a condition on the platform holds on Linux, None where it is about something else."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _holds(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        sides = [_holds(value) for value in test.values]
        decisive = isinstance(test.op, ast.Or)
        return decisive if decisive in sides else None if None in sides else not decisive
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        subject, words = _spelling(test.left), literals(test.comparators[0], {})
        if isinstance(test.ops[0], ast.In | ast.NotIn) and not words:  # "win" in sys.platform
            subject, words = _spelling(test.comparators[0]), literals(test.left, {})
        if words and subject in _SUBJECTS:
            linux = any(w.lower().startswith(("linux", "posix")) for w in words)
            if isinstance(test.ops[0], ast.Eq | ast.In):
                return linux
            if isinstance(test.ops[0], ast.NotEq | ast.NotIn):
                return not linux
    if isinstance(test, ast.Call) and _spelling(test.func) == "sys.platform.startswith" and test.args:
        words = literals(test.args[0], {})
        return any(w.startswith("linux") for w in words) if words else None
    name = _spelling(test).lower().rsplit(".", 1)[-1].lstrip("_").removeprefix("is_").removeprefix("on_")
    if name in _ELSEWHERE:
        return False
    return True if name == "linux" else None


_ELSEWHERE = {
    "windows", "win32", "win", "macos", "mac", "darwin", "osx", "msvc", "mingw", "cygwin", "apple", "freebsd",
    "openbsd", "netbsd", "bsd", "sunos", "solaris", "aix",
}  # fmt: skip
_SUBJECTS = (
    "sys.platform",
    "os.name",
    "platform.system",
    "sysconfig.get_platform",
    "get_platform",
    "PLATFORM",
    "system",
)


def _spelling(node: ast.AST) -> str:
    return dotted(node.func) if isinstance(node, ast.Call) else dotted(node)


def _named(script: Script) -> set[str]:
    """What the script imports and the ends of the paths that it names."""
    found: set[str] = set()
    for node in ast.walk(script.tree):
        if isinstance(node, ast.Import):
            found |= {f"import {alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(f"import {node.module}")
            found |= {f"import {node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".py"):
            found.add(f"file {posixpath.basename(node.value)}")
    return found


def _spellings(path: str) -> set[str]:
    module = path.removesuffix(".py").replace("/", ".")
    parts = module.split(".")
    # tools/x.py is `tools.x`, and `x` once its folder is on sys.path
    return {f"import {module}", f"import {parts[-1]}", f"file {posixpath.basename(path)}"}
