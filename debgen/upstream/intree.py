"""What a back end inside the source tree (PEP 517's backend-path) asks for beyond build-system.requires.

The hook get_requires_for_build_wheel() returns it; pybuild doesn't call the hook, and neither do we: the literal
requirements in its body are read. One on which a condition stands is taken where the back end's own code imports the
distribution, which a build then comes to; of others only running the code would tell.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildsetup import Script, read_script
from debgen.upstream.optin import asked_for_only
from debgen.upstream.testfacts import table

_HOOK = "get_requires_for_build_wheel"


def intree_requires(files: BuildFiles) -> tuple[str, ...]:
    """The requirement strings, in the order of the code; none for a back end that isn't in the tree."""
    scripts = list(_backend(files))
    imported = {str(canonicalize_name(name)) for script in scripts for name in _imported(script.tree)}
    found: list[str] = []
    for script in scripts:
        aside = asked_for_only(script)
        for node in ast.walk(script.tree):
            if isinstance(node, ast.FunctionDef) and node.name == _HOOK:
                for text, line, conditional in _literals(node):
                    name = _distribution(text)
                    if name and line not in aside and (not conditional or name in imported):
                        found.append(text)
    return tuple(dict.fromkeys(found))


def _backend(files: BuildFiles) -> Iterator[Script]:
    """The files of the back end: its module, and those of the package that it is in."""
    listed = table(files.pyproject, "build-system").get("backend-path")
    top = files.backend.partition(":")[0].partition(".")[0]
    for folder in listed if isinstance(listed, list) else ():
        start = posixpath.normpath(posixpath.join(str(folder), top))
        for path in sorted(files.texts):
            if path == f"{start}.py" or (path.startswith(f"{start}/") and path.endswith(".py")):
                script = read_script(path, files.texts[path])
                if script is not None:
                    yield script


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _literals(node: ast.AST, conditional: bool = False) -> Iterator[tuple[str, int, bool]]:
    """The strings in lists, each with its line and whether a condition stands around it."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for item in node.elts:
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                yield item.value, item.lineno, conditional
    for child in ast.iter_child_nodes(node):
        yield from _literals(child, conditional or isinstance(node, ast.If | ast.IfExp | ast.Try))


def _distribution(text: str) -> str:
    """The normal name in a requirement, empty for what is none."""
    try:
        return str(canonicalize_name(Requirement(text).name))
    except InvalidRequirement:
        return ""
