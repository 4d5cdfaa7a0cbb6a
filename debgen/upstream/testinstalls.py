"""Tests that install from a package index with pip: a build has no network (policy 4.9)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

#: With one of these pip may do with what is at hand.
_AT_HAND = frozenset({"--no-index", "--no-build-isolation", "--find-links", "-f", "--dry-run", "--help"})
_SET_UP = ("setUp", "setUpClass", "setup_method", "setup_class", "setup", "__init__")


def installing(tree: ast.Module) -> tuple[tuple[str, int], ...]:
    """The tests of a module that come to ``pip install``, as pytest selects them below the file, with its line.

    Through other functions of the module, its fixtures, and methods of the same class; a class where its set-up does.
    """
    units = dict(_units(tree))
    uses = {name: _used(node, name.partition("::")[0] if "::" in name else "") for name, node in units.items()}
    found = {name: line for name, node in units.items() if (line := _line(node))}
    while more := {
        user: found[cause] for user, used in uses.items() if user not in found for cause in used & found.keys()
    }:
        found |= more
    whole = {
        name.partition("::")[0]: line for name, line in found.items() if name.endswith(tuple(f"::{s}" for s in _SET_UP))
    }
    selected = {name: line for name, line in found.items() if name.rpartition("::")[2].startswith("test")}
    kept = {name: line for name, line in selected.items() if name.partition("::")[0] not in whole}
    return tuple(sorted({**kept, **{name: line for name, line in whole.items() if name.startswith("Test")}}.items()))


def _units(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}::{method.name}", method


def _used(node: ast.AST, owner: str) -> set[str]:
    """The functions, fixtures and methods that a function names."""
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.arg):
            found |= {inner.arg, f"{owner}::{inner.arg}"}
        elif (
            isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id in ("self", "cls")
        ):
            found.add(f"{owner}::{inner.attr}")
    return found


def _line(node: ast.AST) -> int:
    """Where a function has a command line that installs; 0 where it hasn't."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.List | ast.Tuple):
            said = [element.value if isinstance(element, ast.Constant) else None for element in inner.elts]
            if ("pip", "install") in pairwise(said) and _AT_HAND.isdisjoint(
                word for word in said if isinstance(word, str)
            ):
                return inner.lineno
    return 0
