"""The headers of others that the sources of extension modules include, whatever the conditions.

Only what stands in angle brackets outside of ``#if`` counts, and what Cython declares as ``cdef extern from``: under a
condition it may be for another system. The sdist's own headers are none of others, nor are those that the compiler and
Python have.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from debgen.upstream.buildmodel import Library, LibraryKind

_SOURCES = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".pyx", ".pxd", ".pxi")
#: Folders of what isn't compiled into the modules, or is another project's and has its own ways.
_ASIDE = frozenset({
    "test", "tests", "testing", "doc", "docs", "example", "examples", "demo", "demos", "bench", "benchmark",
    "benchmarks", "vendor", "vendored", "third_party", "thirdparty", "3rdparty", "extern", "external", "deps",
    "dependencies", "subprojects", "submodules", "bundled", "contrib", "tools", "windows", "win32", "macos", "osx",
    "debian", ".git",
})  # fmt: skip
_LINE = re.compile(
    r"^[ \t]*(?:#[ \t]*(?P<word>include|if|ifdef|ifndef|endif|else|elif)\b[ \t]*(?P<rest>[^\n]*)"
    r"|cdef[ \t]+extern[ \t]+from[ \t]+[\"']<?(?P<cython>[\w./+-]+)>?[\"'])",
    re.MULTILINE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
#: A condition that holds in every C++ file, or that keeps a header from being read twice.
_GUARD = re.compile(r"ifndef[ \t]+\w*(?:_H|_H_+|_HPP|_INCLUDED|_GUARD|_HH)\b|ifdef[ \t]+__cplusplus\b")
_HEADER = re.compile(r"<(?P<name>[\w+-]+(?:/[\w+-]+)?\.(?:h|hpp|hh|hxx))>")
_OURS = re.compile(r"(?:Python|structmember|numpy/\w+|pybind11/\w+|nanobind/\w+|cffi\w*)\.h")
_LIMIT = 3000
_SIZE = 2 << 20


def included(tree: Path) -> tuple[Library, ...]:
    """The headers, sorted, each with the first line that includes it; below ``tree``, an unpacked sdist."""
    names, sources = _files(tree)
    found: dict[str, Library] = {}
    for source in sources[:_LIMIT]:
        path = source.relative_to(tree).as_posix()
        if source.stat().st_size > _SIZE:
            continue
        text = source.read_text("utf-8", "replace")
        for header, line in _headers(text, cython=source.suffix in (".pyx", ".pxd", ".pxi")):
            if header not in found and header not in names and not _OURS.fullmatch(header):
                found[header] = Library(LibraryKind.HEADER, header, f"{path}:{line}", required=False)
    return tuple(found[name] for name in sorted(found))


def _files(tree: Path) -> tuple[set[str], list[Path]]:
    """The last one and the last two parts of the paths of all files, and the sources that count."""
    names: set[str] = set()
    sources: list[Path] = []
    for folder, below, files in os.walk(tree):
        below.sort()
        here = Path(folder)
        aside = any(part.lower() in _ASIDE for part in here.relative_to(tree).parts)
        for file in sorted(files):
            names |= {file, f"{here.name}/{file}"}
            if file.endswith(_SOURCES) and not aside:
                sources.append(here / file)
    return names, sources


def _headers(text: str, *, cython: bool) -> Iterator[tuple[str, int]]:
    """The headers that a source includes outside of conditions, with the line of each."""
    plain = text if cython else _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    inside: list[bool] = []
    for found in _LINE.finditer(plain):
        word = found["word"]
        if word in ("if", "ifdef", "ifndef"):
            inside.append(not _GUARD.match(f"{word} {found['rest']}"))
        elif word == "endif":
            del inside[-1:]
        elif word in ("else", "elif") and inside:
            inside[-1] = True
        elif not any(inside):
            header = _HEADER.match(found["rest"] or "") if word else _HEADER.match(f"<{found['cython']}>")
            if header:
                yield header["name"], plain.count("\n", 0, found.start()) + 1
