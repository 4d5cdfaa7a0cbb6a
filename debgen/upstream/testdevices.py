"""Test files that torch's accelerator has to be there for: they fail while they are imported where there is none.

Debian builds on machines without one. What a file asks for under a condition, or in its tests, is its own affair.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from debgen.upstream.buildsetup import dotted

#: None where there is no accelerator; what is asked of it then fails.
_CURRENT = "accelerator.current_accelerator"
_COMPILES = re.compile(r"^[^#\n]*\btorch\.(?:compile\b|_inductor\b)", re.MULTILINE)
#: These raise RuntimeError there.
_RAISING = frozenset({
    "torch.cuda.current_device", "torch.cuda.get_device_capability", "torch.cuda.get_device_name",
    "torch.cuda.get_device_properties", "torch.cuda.init", "torch.cuda.mem_get_info", "torch.cuda.set_device",
    "torch.accelerator.current_device_index",
})  # fmt: skip


def takes_accelerator(tree: ast.Module) -> int:
    r"""The line at which importing a module fails on a machine without an accelerator; 0 where it does not.

    >>> takes_accelerator(ast.parse("import torch\\nD = torch.accelerator.current_accelerator()\\nT = D.type"))
    3
    """
    current: set[str] = set()
    for statement in tree.body:
        for node in _run(statement):
            if isinstance(node, ast.Call) and dotted(node.func) in _RAISING:
                return node.lineno
            if isinstance(node, ast.Attribute) and (
                (isinstance(node.value, ast.Name) and node.value.id in current)
                or (isinstance(node.value, ast.Call) and dotted(node.value.func).endswith(_CURRENT))
            ):
                return node.lineno
        value = statement.value if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and dotted(value.func).endswith(_CURRENT):
            current |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return 0


def compiles_for_torch(text: str) -> bool:
    """Whether a source has torch compile functions, for which it calls the C++ compiler with its own headers.

    >>> compiles_for_torch("@torch.compile"), compiles_for_torch("torch.compiler.reset()")
    (True, False)
    """
    return "torch" in text and bool(_COMPILES.search(text))


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported, whatever the conditions: no bodies of functions, nothing behind a test."""
    if isinstance(node, ast.If | ast.IfExp | ast.Try | ast.BoolOp | ast.While | ast.Lambda | ast.With):
        return
    yield node
    inner = ast.iter_child_nodes(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = iter((*node.decorator_list, *node.args.defaults))
    for child in inner:
        yield from _run(child)
