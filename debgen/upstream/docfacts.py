"""The documentation in a source tree, and what building it takes: read from conf.py's syntax tree, never run."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass

from debgen.upstream.buildsetup import read_script
from debgen.upstream.setupvalues import UnknownValueError, Values
from debgen.upstream.sourcetree import SourceTree

_FOLDERS = re.compile(r"(?:docs?|documentation|doc[-_]src|sphinx|manual)(?:/(?:source|src|en|sphinx|content))?")


@dataclass(frozen=True, slots=True)
class DocFacts:
    """``folder`` has the sources, ``builder`` is "sphinx" or "mkdocs".

    ``extensions`` are modules (Sphinx) or plug-ins (MkDocs), ``theme`` is empty for the default. ``complete`` is
    false where the configuration computes a part of them; ``online`` says what would fetch something while building.
    """

    folder: str
    builder: str
    extensions: tuple[str, ...] = ()
    theme: str = ""
    complete: bool = True
    online: tuple[str, ...] = ()


def read_docs(tree: SourceTree) -> DocFacts | None:
    """The documentation of the tree, Sphinx before MkDocs; None where it has neither."""
    confs = [n for n in tree.names if n.endswith("/conf.py") and _FOLDERS.fullmatch(posixpath.dirname(n).lower())]
    for path in sorted(confs, key=lambda n: (n.count("/"), n)):
        folder = posixpath.dirname(path)
        if any(n.endswith((".rst", ".md", ".txt", ".ipynb")) for n in tree.below(folder)):
            return _sphinx(tree, path, folder)
    for path in ("mkdocs.yml", "mkdocs.yaml", "docs/mkdocs.yml"):
        if path in tree:
            return _mkdocs(tree.text(path), posixpath.join(posixpath.dirname(path), "docs"), tree)
    return None


def _sphinx(tree: SourceTree, path: str, folder: str) -> DocFacts:
    script = read_script(path, tree.text(path))
    if script is None:
        return DocFacts(folder, "sphinx", complete=False)
    values = Values(script, tree)
    extensions: list[str] = []
    theme, complete, intersphinx = "", True, False
    for node in sorted(ast.walk(script.tree), key=lambda n: getattr(n, "lineno", 0)):
        value: ast.expr | None = None
        target = ""
        match node:
            case ast.Assign(targets=[ast.Name(id=target)]) | ast.AugAssign(target=ast.Name(id=target)):
                value = node.value
            case ast.Call(func=ast.Attribute(value=ast.Name(id="extensions"), attr="append" | "extend"), args=[value]):
                target = "extensions"
        if target == "extensions" and value is not None:
            try:
                extensions += values.words(value)
            except UnknownValueError:
                complete = False
        elif target == "html_theme" and value is not None:
            try:
                theme = str(values.value(value))
            except UnknownValueError:
                complete = False
        elif target == "intersphinx_mapping":
            intersphinx = not isinstance(value, ast.Dict) or bool(value.keys)
    online = ("intersphinx fetches inventories",) if intersphinx and "sphinx.ext.intersphinx" in extensions else ()
    return DocFacts(folder, "sphinx", tuple(dict.fromkeys(extensions)), theme, complete, online)


def _mkdocs(text: str, folder: str, tree: SourceTree) -> DocFacts | None:
    """MkDocs' YAML, by its lines: a list of plug-ins with one each, and the theme's name."""
    if not tree.below(folder):
        return None
    block = re.search(r"^plugins:[^\n]*\n((?:[ \t]+[^\n]*\n?|-[^\n]*\n?|#[^\n]*\n|\n)*)", text, re.MULTILINE)
    entries = re.findall(r"^([ \t]*)-\s+[\"']?([\w/.-]+)", block[1], re.MULTILINE) if block else []
    plugins = [name for indent, name in entries if indent == entries[0][0]]  # what is deeper are their settings
    theme = re.search(
        r"^theme:\s*(?:[\"']?([\w-]+)[\"']?\s*$|\n(?:[ \t][^\n]*\n)*?[ \t]+name:\s*[\"']?([\w-]+))", text, re.M
    )
    return DocFacts(folder, "mkdocs", tuple(dict.fromkeys(plugins)), (theme[1] or theme[2]) if theme else "")
