"""pytest's settings in a source tree: which file has them (as pytest itself looks for it), and what they say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debgen.upstream.tables import ini_of, place, strings, table, text_of, toml_of, words

#: What pytest reads when the settings don't say otherwise.
_PYTHON_FILES = ("test_*.py", "*_test.py")


@dataclass(frozen=True)
class PytestSettings:
    """What the settings say; ``evidence`` is their place, empty where upstream has none."""

    evidence: str = ""
    addopts: str = ""
    testpaths: tuple[str, ...] = ()
    python_files: tuple[str, ...] = _PYTHON_FILES
    required_plugins: tuple[str, ...] = ()
    filterwarnings: tuple[str, ...] = ()
    #: Folders, from the settings' own, whose modules tests can import.
    pythonpath: tuple[str, ...] = ()
    #: The marks that upstream declares, each a line such as ``network: needs the network``.
    markers: tuple[str, ...] = ()
    #: The names of all settings: those of plug-ins tell which are in use.
    keys: tuple[str, ...] = ()


def read_settings(root: Path) -> PytestSettings:
    """The settings of the tree at ``root``: of the first file that pytest would take (its "rootdir" chapter)."""
    for name in ("pytest.toml", ".pytest.toml"):
        if (root / name).is_file():
            return _settings(name, "[pytest]", text_of(root / name), table(toml_of(root / name), "pytest"))
    for name in ("pytest.ini", ".pytest.ini"):
        if (root / name).is_file():
            return _from_ini(root, name, "pytest") or PytestSettings(name)
    tool = table(toml_of(root / "pyproject.toml"), "tool")
    if "pytest" in tool:
        native = table(tool, "pytest")
        values = table(native, "ini_options") or {k: v for k, v in native.items() if k != "ini_options"}
        return _settings("pyproject.toml", "[tool.pytest", text_of(root / "pyproject.toml"), values)
    return _from_ini(root, "tox.ini", "pytest") or _from_ini(root, "setup.cfg", "tool:pytest") or PytestSettings()


def _from_ini(root: Path, name: str, section: str) -> PytestSettings | None:
    text = text_of(root / name)
    parser = ini_of(text)
    return _settings(name, f"[{section}]", text, dict(parser[section])) if parser.has_section(section) else None


def _settings(name: str, header: str, text: str, values: Mapping[str, Any]) -> PytestSettings:
    """Lists are lists in TOML, and words or lines of one text in INI files."""

    def several(key: str) -> tuple[str, ...]:
        value = values.get(key, ())
        return words(value) if isinstance(value, str) else strings(value)

    def lines(key: str) -> tuple[str, ...]:
        value = values.get(key, ())
        found = value.splitlines() if isinstance(value, str) else strings(value)
        return tuple(line for line in map(str.strip, found) if line)

    addopts = values.get("addopts", "")
    joined = shlex.join(strings(addopts)) if isinstance(addopts, list) else str(addopts)
    return PytestSettings(
        evidence=place(name, text, header),
        addopts=" ".join(joined.split("\n")).strip(),
        testpaths=several("testpaths"),
        python_files=several("python_files") or _PYTHON_FILES,
        required_plugins=several("required_plugins"),
        filterwarnings=lines("filterwarnings"),
        pythonpath=several("pythonpath"),
        markers=lines("markers"),
        keys=tuple(sorted(str(key) for key in values)),
    )
