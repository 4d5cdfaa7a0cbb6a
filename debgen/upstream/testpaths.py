"""What expressions in tests say of the surroundings: which folders they look in, which variables they insist on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

#: Calls that give the path that they are given, in another form.
_SAME = frozenset({
    "Path", "PurePath", "PosixPath", "PurePosixPath", "str", "fspath", "abspath", "realpath", "normpath", "resolve",
    "absolute", "as_posix", "expanduser", "UPath", "local",
})  # fmt: skip
#: More steps than any expression has; names can be bound to each other in a circle.
_DEPTH = 30


def climbed(node: ast.expr, bound: Mapping[str, ast.expr], depth: int = 0) -> int | None:
    """How many folders an expression goes up from ``__file__``; None where it isn't about that.

    ``bound`` are the expressions that names stand for. ``Path(__file__).parent`` goes up by one, to the folder that
    the file is in.
    """
    if depth > _DEPTH:
        return None
    if isinstance(node, ast.Name):
        if node.id == "__file__":
            return 0
        return climbed(bound[node.id], bound, depth + 1) if node.id in bound else None
    if isinstance(node, ast.Attribute):
        before = climbed(node.value, bound, depth + 1)
        return None if before is None else before + (node.attr == "parent")
    if isinstance(node, ast.Subscript):
        if not (isinstance(node.value, ast.Attribute) and node.value.attr == "parents"):
            return None
        before = climbed(node.value.value, bound, depth + 1)
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return before + index + 1 if before is not None and isinstance(index, int) and index >= 0 else None
    if isinstance(node, ast.BinOp):
        before = climbed(node.left, bound, depth + 1) if isinstance(node.op, ast.Div) else None
        return None if before is None else max(before + _up(node.right), 0)
    if isinstance(node, ast.Call):
        return _called(node, bound, depth)
    return None


def _called(node: ast.Call, bound: Mapping[str, ast.expr], depth: int) -> int | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if node.args and name in (*_SAME, "dirname", "join"):
        before = climbed(node.args[0], bound, depth + 1)
        if before is not None:
            return before + (name == "dirname") + (sum(map(_up, node.args[1:])) if name == "join" else 0)
    if isinstance(node.func, ast.Attribute) and name in (*_SAME, "joinpath"):
        before = climbed(node.func.value, bound, depth + 1)
        return None if before is None else before + sum(map(_up, node.args))
    return None


def _up(node: ast.expr) -> int:
    """By how many folders a part of a path goes up; what goes down again counts against it."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return 0
    parts = [part for part in node.value.split("/") if part not in ("", ".")]
    return parts.count("..") if parts[:1] == [".."] else 0


def wanted_variables(tree: ast.Module) -> Iterator[tuple[str, int, frozenset[str]]]:
    """The variables of the environment without which a module raises an exception, each with the line.

    And the names of the functions and classes at the module's top that come to it, directly or through others of the
    module; none where importing the module does.
    """
    bound = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    parts = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    uses = {node.name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} for node in parts}
    for part in tree.body:
        for node in ast.walk(part):
            if not (isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise)):
                continue
            if variable := _absent(node.test, bound):
                yield variable, node.lineno, _reaching(getattr(part, "name", ""), uses)


def _reaching(name: str, uses: Mapping[str, set[str]]) -> frozenset[str]:
    """Those of ``uses`` that come to ``name`` through each other, itself among them."""
    found = {name} & set(uses)
    while more := {user for user, used in uses.items() if used & found} - found:
        found |= more
    return frozenset(found)


def _absent(test: ast.expr, bound: Mapping[str, ast.expr]) -> str:
    """The variable of the environment whose absence a condition asks for; empty where it asks for something else.

    ``"X" not in os.environ``, and ``not os.environ.get("X")``; ``bound`` are the expressions that names stand for.
    """
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.NotIn):
        asked = re.fullmatch(r"(?:os\.)?environ", ast.unparse(test.comparators[0]))
        return _text(test.left, bound) if asked else ""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and isinstance(test.operand, ast.Call):
        call = test.operand
        if re.fullmatch(r"(?:os\.)?(?:environ\.get|getenv)", ast.unparse(call.func)) and len(call.args) == 1:
            return _text(call.args[0], bound)
    return ""


def _text(node: ast.expr, bound: Mapping[str, ast.expr]) -> str:
    if isinstance(node, ast.Name):
        node = bound.get(node.id, node)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
