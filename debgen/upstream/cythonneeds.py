"""Cython, where setup.py compiles sources of its language and build-system.requires doesn't name it.

Upstream's sdist then has the C that some release of Cython made of them. Debian builds from the source itself, and C
of an older Cython seldom compiles for a newer Python; with Cython at hand setuptools goes by the source, as it does
where setup.py tries to import Cython.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildsetup import Script
from debgen.upstream.optin import asked_for_only


def cython_requires(files: BuildFiles) -> tuple[str, ...]:
    """The requirement on Cython that is missing, else nothing."""
    if not files.setuptools or files.requires_any("cython"):
        return ()
    return ("Cython",) if any(_asks(script, files) for script in files.scripts) else ()


def _asks(script: Script, files: BuildFiles) -> bool:
    """Whether a script can't do without Cython, or could make anew what the sdist has made with it.

    What is built with Cython only where that is at hand by chance is left alone: upstream's wheels lack it, too.
    """
    aside = asked_for_only(script)
    made = any(
        name.endswith(".pyx") and not {f"{name[:-4]}.c", f"{name[:-4]}.cpp"}.isdisjoint(files.names)
        for name in files.names
    )
    lines = (*_sources(script), *(_imports(script) if made else ()))
    return any(line not in aside for line in lines)


def _imports(script: Script) -> Iterator[int]:
    for node in ast.walk(script.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] == "Cython" for name in names):
            yield node.lineno  # type: ignore[attr-defined]


def _sources(script: Script) -> Iterator[int]:
    for call in script.calls:
        if call.function.endswith("Extension") and not call.conditional:
            given = (*call.words, *call.keywords.get("sources", ()))
            if any(word.endswith(".pyx") for word in given):
                yield call.node.lineno
