"""Rust code that names Python's objects by an alias which PyO3 no longer has.

PyO3 deprecated ``PyObject`` in release 0.26 in favour of ``Py<PyAny>``, which it always stood for, and then took it
out. The C type of the same name (``pyo3::ffi::PyObject``) stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from debgen.archive.crates import crate_version
from debgen.cargo.semver import Requirement, Semver
from debgen.errors import UnsupportedSourceError
from debgen.planning.model import BuildNeed

TITLE = "Name Python's objects as PyO3 does now"
REASON = """\
PyO3 had PyObject as another name of Py<PyAny>, deprecated it in release 0.26
and then took it out. Every release knows the name that it stands for."""

#: The first series without the alias.
_GONE_IN = Semver(0, 28)
_CALL = re.compile(r"(?<![\w:.])(?:pyo3::)?PyObject::(?=\w)")
_TYPE = re.compile(r"(?<![\w:.])(?:pyo3::)?PyObject(?![\w:!])")
#: In a list of imports, with the comma that belongs to it.
_IMPORTED = re.compile(r"(?<![\w:])PyObject\s*,\s*|,\s*PyObject(?=\s*\})")
_IMPORT = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))?[ \t]+)?use[ \t]+(?P<path>[^;]+);[ \t]*\n?", re.MULTILINE)
#: Files where the bare name is C's type, or somebody's own.
_ANOTHER = re.compile(
    r"(?:\b|_)ffi::(?:\*|\{[^}]*(?:\bPyObject\b|\*)|PyObject\s*[;,}])|\b(?:struct|enum|type|trait)\s+PyObject\b"
    r"|\bPyObject\s+as\b|\bas\s+PyObject\b"
)
_ASIDE = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|'(?:\\.|[^'\\])'|r(#+)\".*?(?:\"\1|\Z)|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


def names_alias(text: str) -> bool:
    """Whether a file of Rust code names the alias, so that :func:`without_alias` may change it."""
    return "PyObject" in text and without_alias(text) != text


def lacks_alias(needs: Iterable[BuildNeed]) -> bool:
    """Whether the suite's pyo3 has lost the alias since the release that upstream's code is for."""
    for need in needs:
        version = crate_version(need.version) if need.name == "pyo3" and need.version else None
        if version and version >= _GONE_IN and _asked(need.requirement) < _GONE_IN:
            return True
    return False


def _asked(requirement: str) -> Semver:
    try:
        return Requirement.parse(requirement).lower
    except UnsupportedSourceError:
        return _GONE_IN


def without_alias(text: str) -> str:
    """The Rust code ``text`` with ``Py<PyAny>`` in the place of the alias; comments and strings stay."""
    if _ANOTHER.search(text):
        return text
    parts, end = [], 0
    for aside in _ASIDE.finditer(text):
        parts += [_renamed(text[end : aside.start()]), aside[0]]
        end = aside.end()
    return "".join((*parts, _renamed(text[end:])))


def _renamed(code: str) -> str:
    code = _IMPORT.sub(_without_import, code)
    return _TYPE.sub("pyo3::Py<pyo3::PyAny>", _CALL.sub("pyo3::Py::<pyo3::PyAny>::", code))


def _without_import(line: re.Match[str]) -> str:
    if re.fullmatch(r"pyo3::PyObject", line["path"].strip()):
        return ""
    return line[0] if "PyObject" not in line["path"] else _IMPORTED.sub("", line[0])


def changes(texts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The files among ``texts`` that name the alias: their text before and after."""
    return {
        path: (text, new)
        for path, text in texts.items()
        if path.endswith(".rs") and (new := without_alias(text)) != text
    }
