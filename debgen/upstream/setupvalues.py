"""The values of expressions in setup.py, as far as its text alone tells them; nothing is run.

Literals, names that are bound, sums, comprehensions, and calls that only look at the tree: find_packages and glob.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from debgen.upstream.buildsetup import Script, dotted, literal
from debgen.upstream.sourcetree import SourceTree

#: How many names and containers are followed at most, so that a script that goes in circles ends.
_DEPTH = 24
#: How many expressions are read of one script: names that hold each other several times would take for ever.
_STEPS = 20_000
_FINDERS = ("find_packages", "find_namespace_packages", "find")
_METHODS = ("replace", "strip", "lstrip", "rstrip", "split", "splitlines", "lower", "removeprefix", "removesuffix")


class UnknownValueError(ValueError):
    """Only running the code would tell."""


def find_packages(
    tree: SourceTree,
    where: str = "",
    include: tuple[str, ...] = ("*",),
    exclude: tuple[str, ...] = (),
    *,
    namespaces: bool = False,
) -> list[str]:
    """What setuptools' function of that name finds below the folder ``where``: dotted names, sorted.

    ``namespaces`` takes folders without ``__init__.py`` too, as find_namespace_packages does.
    """
    where = "" if where in ("", ".") else posixpath.normpath(where)
    start = f"{where}/" if where else ""
    folders: set[str] = set()
    real: set[str] = set()
    for name in tree.below(where):
        parts = name[len(start) :].split("/")[:-1]
        folders |= {"/".join(parts[:end]) for end in range(1, len(parts) + 1)}
        if name.endswith("/__init__.py"):
            real.add("/".join(parts))
    found = []
    for folder in sorted(folders):
        parts = folder.split("/")
        chain = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        if any("." in part for part in parts) or not (namespaces or all(step in real for step in chain)):
            continue
        package = ".".join(parts)
        if any(fnmatchcase(package, p) for p in include) and not any(fnmatchcase(package, p) for p in exclude):
            found.append(package)
    return found


class Values:
    """The values in one script; every method raises UnknownValueError for what only running it would tell."""

    def __init__(self, script: Script, tree: SourceTree) -> None:
        self._script = script
        self._steps = 0
        self._tree = tree
        self._bound: dict[str, ast.expr] = {}
        self._imported: dict[str, str] = {}
        again: set[str] = set()
        for node in ast.walk(script.tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        again |= {target.id} & self._bound.keys()
                        self._bound[target.id] = node.value
            if isinstance(node, ast.ImportFrom):
                self._imported |= {alias.asname or alias.name: alias.name for alias in node.names}
        for name in again:
            del self._bound[name]

    def keywords(self, call: ast.Call) -> dict[str, ast.expr]:
        """The keyword arguments of a call, those of ``**`` mappings among them as far as they are known."""
        found: dict[str, ast.expr] = {}
        for keyword in call.keywords:
            if keyword.arg:
                found[keyword.arg] = keyword.value
            else:
                found |= self.items(keyword.value)
        return found

    def items(self, node: ast.expr, depth: int = 0) -> dict[str, ast.expr]:
        found: dict[str, ast.expr] = {}
        if depth > _DEPTH:
            return found
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:
                    found |= self.items(value, depth + 1)
                elif isinstance(key, ast.Constant):
                    found[str(key.value)] = value
        elif isinstance(node, ast.Call) and dotted(node.func) == "dict":
            found |= self.keywords(node)
        elif isinstance(node, ast.Name):
            if node.id in self._bound:
                found |= self.items(self._bound[node.id], depth + 1)
            for other in ast.walk(self._script.tree):  # arguments["packages"] = […]
                match other:
                    case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=at))]):
                        if name == node.id:
                            found[str(at)] = other.value
        return found

    def value(self, node: ast.expr | None, local: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
        """The value of an expression: a str, number, bool, None, list, tuple (as a list) or dict."""
        self._steps += 1
        if depth > _DEPTH or self._steps > _STEPS or node is None:
            raise UnknownValueError

        def inner(part: ast.expr) -> Any:
            return self.value(part, local, depth + 1)

        match node:
            case ast.Constant():
                return node.value
            case ast.Name(id=name):
                if local and name in local:
                    return local[name]
                if name in self._bound:
                    return inner(self._bound[name])
            case ast.List() | ast.Tuple() | ast.Set():
                return [item for part in node.elts for item in self._spread(part, inner)]
            case ast.Dict():
                if None in node.keys:
                    raise UnknownValueError
                return {inner(k): inner(v) for k, v in zip(node.keys, node.values, strict=True) if k is not None}
            case ast.BinOp(op=ast.Add()):
                return self._sum(inner(node.left), inner(node.right))
            case ast.BinOp(op=ast.Mod(), right=ast.Name() | ast.Constant()):
                return self._formatted(inner(node.left), inner(node.right))
            case ast.JoinedStr():
                return "".join(str(inner(v.value if isinstance(v, ast.FormattedValue) else v)) for v in node.values)
            case ast.ListComp(generators=[generator]) | ast.GeneratorExp(generators=[generator]):
                return self._comprehension(node.elt, generator, local or {}, depth)
            case ast.Call():
                return self._call(node, inner)
        text = literal(node, self._script.constants)
        if text is None:
            raise UnknownValueError
        return text

    def words(self, node: ast.expr | None) -> list[str]:
        """The value of an expression that has to be strings; a single one may be lines."""
        value = self.value(node)
        if isinstance(value, str):
            return [line.strip() for line in value.splitlines() if line.strip()]
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise UnknownValueError
        return value

    @staticmethod
    def _spread(part: ast.expr, inner: Callable[[ast.expr], Any]) -> Iterator[Any]:
        if isinstance(part, ast.Starred):
            value = inner(part.value)
            if not isinstance(value, list):
                raise UnknownValueError
            yield from value
        else:
            yield inner(part)

    @staticmethod
    def _sum(left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(left, list) and isinstance(right, list):
            return left + right
        raise UnknownValueError

    @staticmethod
    def _formatted(left: Any, right: Any) -> str:
        if isinstance(left, str) and isinstance(right, str) and left.count("%") == left.count("%s") == 1:
            return left.replace("%s", right)
        raise UnknownValueError

    def _comprehension(
        self, element: ast.expr, generator: ast.comprehension, local: Mapping[str, Any], depth: int
    ) -> list[Any]:
        items = self.value(generator.iter, local, depth + 1)
        if not isinstance(generator.target, ast.Name) or not isinstance(items, list):
            raise UnknownValueError
        found = []
        for item in items:
            names = {**local, generator.target.id: item}
            if all(self._test(condition, names, depth) for condition in generator.ifs):
                found.append(self.value(element, names, depth + 1))
        return found

    def _test(self, node: ast.expr, local: Mapping[str, Any], depth: int) -> bool:
        match node:
            case ast.UnaryOp(op=ast.Not()):
                return not self._test(node.operand, local, depth)
            case ast.BoolOp():
                results = [self._test(value, local, depth) for value in node.values]
                return any(results) if isinstance(node.op, ast.Or) else all(results)
            case ast.Compare(ops=[operator], comparators=[other]):
                left, right = self.value(node.left, local, depth + 1), self.value(other, local, depth + 1)
                match operator:
                    case ast.Eq() | ast.NotEq():
                        return bool(left == right) is isinstance(operator, ast.Eq)
                    case ast.In() | ast.NotIn() if isinstance(right, str | list):
                        return (left in right) is isinstance(operator, ast.In)
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" as method), args=[argument]):
                subject = self.value(node.func.value, local, depth + 1)  # type: ignore[attr-defined]
                ends = self.value(argument, local, depth + 1)
                if isinstance(subject, str) and isinstance(ends, str | list):
                    return bool(getattr(subject, method)(tuple(ends) if isinstance(ends, list) else ends))
        raise UnknownValueError

    def _call(self, node: ast.Call, inner: Callable[[ast.expr], Any]) -> Any:
        name = dotted(node.func)
        last = self._imported.get(name, name).rsplit(".", 1)[-1]
        arguments = [inner(part) for part in node.args] if last not in ("join",) else []
        keywords = {k.arg: inner(k.value) for k in node.keywords if k.arg}
        if last in _FINDERS and (last != "find" or "Finder" in name):
            options = dict(zip(("where", "exclude", "include"), arguments, strict=False)) | keywords
            return find_packages(
                self._tree,
                str(options.get("where", "")),
                tuple(_strings(options.get("include", ["*"]))) or ("*",),
                tuple(_strings(options.get("exclude", []))),
                namespaces="namespace" in last or "PEP420" in name,
            )
        if last in ("glob", "iglob") and arguments and isinstance(arguments[0], str):
            return matching(self._tree, arguments[0])
        if last == "join" and isinstance(node.func, ast.Attribute) and not name.endswith("path.join"):
            parts = inner(node.args[0]) if len(node.args) == 1 else None
            between = inner(node.func.value)
            if isinstance(between, str) and isinstance(parts, list):
                return between.join(map(str, parts))
        if last in _METHODS and isinstance(node.func, ast.Attribute):
            subject = inner(node.func.value)
            if isinstance(subject, str) and all(isinstance(a, str) for a in arguments):
                return getattr(subject, last)(*arguments)
        if name in ("list", "tuple", "set", "sorted") and len(arguments) == 1 and isinstance(arguments[0], list):
            return arguments[0]
        text = literal(node, self._script.constants)
        if text is None:
            raise UnknownValueError
        return text


def matching(tree: SourceTree, pattern: str) -> list[str]:
    """The files that a pattern of glob names: ``*`` stays in one folder, ``**`` is any number of them."""
    plain = re.escape(posixpath.normpath(pattern)).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    compiled = re.compile(plain.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))
    return [name for name in tree.names if compiled.fullmatch(name)]


def _strings(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(v) for v in value] if isinstance(value, list) else []
