"""What an sdist's tests are and need, read from their syntax trees and from upstream's declarations."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Unimportable:
    """A test file that can't be imported from this sdist, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class TestFacts:
    """The tests of an sdist: where they are, what runs them, and which modules they import."""

    __test__ = False  # not a test class, whatever its name says

    directory: str = ""
    runner: str = ""
    imports: tuple[str, ...] = ()
    unimportable: tuple[Unimportable, ...] = ()
    #: Whether tests talk to servers of their own on the loopback interface.
    loopback: bool = False
    #: Options in upstream's pytest settings that belong to plug-ins not worth a Build-Depends.
    addopts: str = ""
    #: Groups of PEP 735 and their requirement strings, flattened.
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()


def read_tests(root: Path, pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser) -> TestFacts:
    """Read the tests of the sdist at ``root``; empty facts where it ships none."""
    groups = _dependency_groups(table(pyproject, "dependency-groups"))
    directory = next((d for d in ("tests", "test") if any((root / d).rglob("*.py"))), "")
    if not directory:
        return TestFacts(groups=groups)
    files = sorted((root / directory).rglob("*.py"))
    trees = {path.relative_to(root).as_posix(): _parse(path) for path in files}
    unimportable = tuple(
        problem for path, tree in trees.items() if tree is not None and (problem := _broken_import(root, path, tree))
    )
    broken = {problem.path for problem in unimportable}
    imports = {m for path, tree in trees.items() if tree and path not in broken for m in _imports(tree)}
    local = {path.stem for path in files} | {directory}
    return TestFacts(
        directory=directory,
        # unittest finds nothing in a folder that is no package; pytest runs such tests all the same
        runner="pytest"
        if _uses_pytest(root, imports, pyproject, setup_cfg) or not (root / directory / "__init__.py").is_file()
        else "unittest",
        imports=tuple(sorted(imports - local)),
        unimportable=unimportable,
        loopback=any(b"127.0.0.1" in path.read_bytes() for path in files),
        addopts=_addopts(root, pyproject, setup_cfg),
        groups=groups,
    )


def table(data: object, *keys: str) -> Mapping[str, Any]:
    """The table at ``keys`` of a TOML file; an empty one where there is none, or upstream wrote something else."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _parse(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text("utf-8", "replace"))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _broken_import(root: Path, path: str, tree: ast.Module) -> Unimportable | None:
    """A test module with relative imports can't be imported where its folder is no package."""
    name = path.rsplit("/", 1)[-1]
    if not (name.startswith("test_") or name.endswith("_test.py")):
        return None
    folder = path.rsplit("/", 1)[0]
    relative = any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in tree.body)
    if relative and not (root / folder / "__init__.py").is_file():
        return Unimportable(path, f"imports its siblings relatively, but the sdist lacks {folder}/__init__.py")
    return None


def _imports(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def _uses_pytest(
    root: Path, imports: set[str], pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser
) -> bool:
    configured = "pytest" in table(pyproject, "tool") or setup_cfg.has_section("tool:pytest")
    return "pytest" in imports or configured or (root / "pytest.ini").is_file() or "unittest" not in imports


def _addopts(root: Path, pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser) -> str:
    pytest = table(pyproject, "tool", "pytest")
    options = (table(pytest, "ini_options") or pytest).get("addopts", "")
    if not options:
        options = setup_cfg.get("tool:pytest", "addopts", fallback="")
    if not options and (root / "pytest.ini").is_file():
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string((root / "pytest.ini").read_text("utf-8", "replace"))
        except configparser.Error:
            return ""
        options = parser.get("pytest", "addopts", fallback="")
    return " ".join(options) if isinstance(options, list) else str(options).replace("\n", " ").strip()


def _dependency_groups(groups: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """PEP 735 groups with their includes followed; a cycle or an unknown include adds nothing."""

    def flatten(name: str, seen: frozenset[str]) -> tuple[str, ...]:
        lines: list[str] = []
        group = groups.get(name)
        for item in group if isinstance(group, list) and name not in seen else []:
            if isinstance(item, str):
                lines.append(item)
            elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
                lines += flatten(item["include-group"], seen | {name})
        return tuple(dict.fromkeys(lines))

    return tuple((name, flatten(name, frozenset())) for name in sorted(groups))
