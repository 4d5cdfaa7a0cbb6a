"""Parts of setup.py that a build leaves out unless a variable of the environment asks for them; nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildsetup import Script, dotted

_FALSE = {"", "0", "false", "no", "off", "n"}
#: How many names are followed, and how large an expression may be, so that a script that goes in circles ends.
_DEPTH = 5
_SIZE = 40


class _UnknownError(ValueError):
    """Only running the code would tell."""


def left_out(files: BuildFiles) -> frozenset[str]:
    """``path:line`` of every line that only runs where the environment asks for it, or is for another case."""
    return frozenset(f"{script.path}:{line}" for script in files.scripts for line in asked_for_only(script))


def asked_for_only(script: Script) -> frozenset[int]:
    """The numbers of those lines in one script."""
    return frozenset(
        line
        for branch in _branches(script)
        for statement in branch
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    )


def _branches(script: Script) -> Iterator[list[ast.stmt]]:
    """The branches of conditions on the environment that don't hold where it is empty."""
    bound: dict[str, list[ast.expr]] = {}
    for node in ast.walk(script.tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    bound.setdefault(target.id, []).append(node.value)
    asking = _asking(bound)
    for node in ast.walk(script.tree):
        if isinstance(node, ast.If) and (_words(node.test) & asking):
            try:
                holds = _value(node.test, bound, 0)
            except _UnknownError:
                continue
            yield node.orelse if holds else node.body


def _asking(bound: Mapping[str, list[ast.expr]]) -> set[str]:
    """The names whose value depends on the environment, directly or by other names."""
    found = {"environ", "getenv"}
    words = {name: set().union(*map(_words, values)) for name, values in bound.items()}
    while more := {name for name, used in words.items() if name not in found and used & found}:
        found |= more
    return found


def _words(node: ast.AST) -> set[str]:
    """The names and attributes in an expression."""
    parts = (part for part in ast.walk(node) if isinstance(part, ast.Attribute | ast.Name))
    return {part.id if isinstance(part, ast.Name) else part.attr for part in parts}


def _value(node: ast.expr, bound: Mapping[str, list[ast.expr]], depth: int) -> Any:
    """The value of an expression in an empty environment."""
    if depth > _DEPTH or len(list(ast.walk(node))) > _SIZE:
        raise _UnknownError

    def inner(part: ast.expr) -> Any:
        return _value(part, bound, depth + 1)

    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            if len(values := bound.get(node.id, [])) == 1:
                return inner(values[0])
        case ast.UnaryOp(op=ast.Not()):
            return not inner(node.operand)
        case ast.BoolOp():
            return _decided(node, inner)
        case ast.Compare(ops=[operator], comparators=[other]):
            return _compared(node.left, operator, other, inner)
        case ast.Subscript() if dotted(node.value).endswith("environ"):
            raise _UnknownError  # it would fail, so something else stands around it
        case ast.Tuple() | ast.List() | ast.Set():
            return [inner(part) for part in node.elts]
        case ast.Call():
            return _called(node, inner)
    raise _UnknownError


def _decided(node: ast.BoolOp, inner: Any) -> Any:
    """``and`` and ``or``: one side that decides is enough."""
    decisive = isinstance(node.op, ast.Or)
    unknown, value = False, None
    for part in node.values:
        try:
            value = inner(part)
        except _UnknownError:
            unknown = True
            continue
        if bool(value) is decisive:
            return value
    if unknown:
        raise _UnknownError
    return value


def _compared(left: ast.expr, operator: ast.cmpop, right: ast.expr, inner: Any) -> bool:
    if isinstance(operator, ast.In | ast.NotIn) and dotted(right).endswith("environ"):
        return isinstance(operator, ast.NotIn)
    one, other = inner(left), inner(right)
    match operator:
        case ast.Eq() | ast.Is():
            return bool(one == other)
        case ast.NotEq() | ast.IsNot():
            return bool(one != other)
        case ast.In() | ast.NotIn() if isinstance(other, list | str) and one is not None:
            return (one in other) is isinstance(operator, ast.In)
        case ast.In() | ast.NotIn() if isinstance(other, list):
            return (None in other) is isinstance(operator, ast.In)
    raise _UnknownError


def _called(node: ast.Call, inner: Any) -> Any:
    name = dotted(node.func)
    if name.endswith(("environ.get", "getenv")):
        return inner(node.args[1]) if len(node.args) > 1 else None
    if name in ("bool", "int", "str") and len(node.args) == 1:
        value = inner(node.args[0])
        try:
            return {"bool": bool, "int": int, "str": str}[name](value)
        except (TypeError, ValueError):
            raise _UnknownError from None
    if name in ("strtobool", "distutils.util.strtobool") and len(node.args) == 1:
        return str(inner(node.args[0])).lower() not in _FALSE
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "upper", "strip", "casefold"):
        value = inner(node.func.value)
        if isinstance(value, str):
            return getattr(value, node.func.attr)()
    raise _UnknownError
