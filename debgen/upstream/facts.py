"""The facts of an unpacked sdist that packaging needs, read without running any of it.

PKG-INFO and pyproject.toml come first (PEP 517, 621, 639, 643), then ``*.egg-info``, setup.cfg, and the literal
arguments in setup.py's syntax tree. What only running the code could tell is left empty.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import Parser
from email.policy import compat32
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from debgen.errors import UnsupportedSourceError
from debgen.upstream.testfacts import TestFacts, read_tests, table

#: What setuptools means when there is no [build-system] table (PEP 517).
_LEGACY_BACKEND = ("setuptools.build_meta:__legacy__", ["setuptools"])

_COMPILED = {
    ".c": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".pyx": "Cython", ".pxd": "Cython",
    ".rs": "Rust", ".cu": "CUDA", ".hip": "HIP", ".f": "Fortran", ".f90": "Fortran",
}  # fmt: skip
_PREBUILT = {".so", ".dll", ".dylib", ".pyd", ".exe", ".o", ".a", ".class", ".jar", ".pyc"}
_NOT_SHIPPED = {
    "tests",
    "test",
    "testing",
    "docs",
    "doc",
    "examples",
    "example",
    "benchmarks",
    "scripts",
    "tools",
}
_GENERIC_NAMES = _NOT_SHIPPED | {"build", "dist", "setup", "conftest", "src", "lib", "utils"}


@dataclass(frozen=True)
class EntryPoint:
    """A console script: its command and the ``module:function`` behind it."""

    command: str
    target: str


@dataclass(frozen=True)
class SdistFacts:
    """What the sdist says of itself; every tuple is in a fixed order."""

    name: str
    version: str
    summary: str
    description: str
    homepage: str
    urls: tuple[tuple[str, str], ...]
    author: str
    licence: str
    classifiers: tuple[str, ...]
    requires_python: str
    requirements: tuple[Requirement, ...]
    backend: str
    build_requirements: tuple[Requirement, ...]
    modules: tuple[str, ...]
    #: Those of ``modules`` that are namespace packages (PEP 420), shared with other distributions.
    namespaces: tuple[str, ...]
    scripts: tuple[EntryPoint, ...]
    compiled: tuple[str, ...]
    prebuilt: tuple[str, ...]
    licence_files: tuple[str, ...]
    tests: TestFacts

    @property
    def normalised(self) -> str:
        """The distribution's name in PEP 503 form."""
        return str(canonicalize_name(self.name))

    @property
    def base_requirements(self) -> tuple[Requirement, ...]:
        """The run-time requirements that no extra asks for."""
        return tuple(r for r in self.requirements if not asks_extra(r))

    def extra_requirements(self, extra: str, environment: Mapping[str, str]) -> tuple[Requirement, ...]:
        """The requirements of one extra on the target that ``environment`` describes."""
        markers = {**environment, "extra": str(canonicalize_name(extra))}
        return tuple(
            r for r in self.requirements
            if r.marker is not None and asks_extra(r) and r.marker.evaluate(markers)
        )  # fmt: skip


def asks_extra(requirement: Requirement) -> bool:
    """Whether the requirement is there for an extra only."""
    return requirement.marker is not None and "extra" in str(requirement.marker)


def read_facts(root: Path) -> SdistFacts:
    """Read the facts of the sdist unpacked at ``root``.

    Raises UnsupportedSourceError where the tree has no readable PKG-INFO, which every sdist must have.
    """
    info = root / "PKG-INFO"
    if not info.is_file():
        raise UnsupportedSourceError(
            "the sdist has no PKG-INFO, so its name and version can't be read without running it",
            hint="It is not an sdist as PEP 643 has it; ask upstream for one.",
        )
    # Core metadata is UTF-8, which the parser of mail messages would not expect of bytes.
    metadata = Parser(policy=compat32).parsestr(info.read_text("utf-8-sig", "replace"))
    pyproject = _toml(root / "pyproject.toml")
    setup_cfg = _config(root / "setup.cfg")
    build_system = table(pyproject, "build-system")
    backend = build_system.get("build-backend", _LEGACY_BACKEND[0])
    requires = build_system.get("requires", _LEGACY_BACKEND[1])
    modules = tuple(sorted(_top_modules(root, pyproject)))
    return SdistFacts(
        name=_line(metadata["Name"]),
        version=_line(metadata["Version"]),
        summary=_line(metadata["Summary"]),
        description=_text(metadata["Description"]) or _body(metadata),
        homepage=_line(metadata["Home-page"]),
        urls=tuple(_urls([_line(u) for u in metadata.get_all("Project-URL", [])])),
        author=_line(metadata["Author"]) or _line(metadata["Author-email"]) or _line(metadata["Maintainer"]),
        licence=_line(metadata["License-Expression"]) or _text(metadata["License"]),
        classifiers=tuple(sorted(_line(c) for c in metadata.get_all("Classifier", []))),
        requires_python=_line(metadata["Requires-Python"]),
        requirements=_requirements(metadata.get_all("Requires-Dist", []) or _egg_requirements(root)),
        backend=str(backend),
        build_requirements=_requirements(requires if isinstance(requires, list) else ()),
        modules=modules,
        namespaces=tuple(name for name in modules if _is_namespace(root, name)),
        scripts=console_scripts(root, pyproject, setup_cfg),
        compiled=_with_suffix(root, _COMPILED),
        prebuilt=tuple(p.relative_to(root).as_posix() for p in _files(root) if p.suffix in _PREBUILT),
        licence_files=tuple(_licence_files(root)),
        tests=read_tests(root, pyproject, setup_cfg),
    )


def _text(value: object) -> str:
    text = "" if value is None else str(value).strip()
    return "" if text in ("UNKNOWN", "None") else text


def _line(value: object) -> str:
    """A field that has to fit on one line, whatever upstream folded into it."""
    return " ".join(_text(value).split())


def _body(metadata: Any) -> str:
    payload = metadata.get_payload()
    return payload.strip() if isinstance(payload, str) else ""


def _urls(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        label, _, url = line.partition(",")
        if url.strip().startswith(("http://", "https://")):
            yield label.strip(), url.strip()


def _requirements(lines: Iterable[str]) -> tuple[Requirement, ...]:
    """Parse what parses; a malformed line of an old sdist is not worth refusing the package."""
    parsed = {}
    for line in lines:
        try:
            requirement = Requirement(str(line))
        except InvalidRequirement:
            continue
        parsed[str(requirement)] = requirement
    return tuple(parsed.values())


def _egg_requirements(root: Path) -> list[str]:
    """Requirements from ``*.egg-info/requires.txt``, for metadata that predates Requires-Dist in sdists."""
    lines: list[str] = []
    for path in sorted(root.glob("*.egg-info/requires.txt")) + sorted(root.glob("src/*.egg-info/requires.txt")):
        marker = ""
        for line in path.read_text("utf-8", "replace").splitlines():
            line = line.strip()
            if line.startswith("["):
                extra, _, condition = line.strip("[]").partition(":")
                parts = [f'extra == "{extra}"'] if extra else []
                marker = " and ".join(parts + ([f"({condition})"] if condition else []))
            elif line:
                lines.append(f"{line} ; {marker}" if marker else line)
        break
    return lines


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnsupportedSourceError(f"{path.name} can't be read: {error}", hint="Tell upstream.") from None


def _config(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    if path.is_file():
        try:
            parser.read_string(path.read_text("utf-8", "replace"))
        except configparser.Error:
            parser.clear()
    return parser


def _files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())


def _top_modules(root: Path, pyproject: Mapping[str, Any]) -> set[str]:
    """The importable top-level names that the sdist installs, by its own lists or by its layout."""
    if declared := _declared_modules(table(pyproject, "tool")):
        return declared
    for listing in [*root.glob("*.egg-info/top_level.txt"), *root.glob("src/*.egg-info/top_level.txt")]:
        names = {n.strip() for n in listing.read_text("utf-8", "replace").splitlines() if n.strip()}
        if names:
            return {n.split("/")[0] for n in names} - _NOT_SHIPPED or names
    base = root / "src" if (root / "src").is_dir() else root
    packages = {
        p.name for p in base.iterdir()
        if p.is_dir() and p.name.isidentifier() and p.name not in _GENERIC_NAMES and any(p.rglob("*.py"))
    }  # fmt: skip
    modules = {p.stem for p in base.glob("*.py") if p.stem.isidentifier() and p.stem not in _GENERIC_NAMES}
    # In a flat layout stray scripts lie beside the package; they count only where there is no package.
    return packages or modules


def _declared_modules(tool: Mapping[str, Any]) -> set[str]:
    """The top-level names that the backend's own table lists: flit's module, hatch's and poetry's packages."""
    listed = [str(table(tool, "flit", "module").get("name", "")).split(".")[0]]
    hatch = table(tool, "hatch", "build", "targets", "wheel").get("packages")
    listed += [str(path).rstrip("/").rsplit("/", 1)[-1] for path in hatch] if isinstance(hatch, list) else []
    poetry = table(tool, "poetry").get("packages")
    entries = [p for p in poetry if isinstance(p, dict)] if isinstance(poetry, list) else []
    listed += [str(entry.get("include", "")).split("/")[0] for entry in entries]
    return {name.removesuffix(".py") for name in listed if name.removesuffix(".py").isidentifier()}


def _is_namespace(root: Path, name: str) -> bool:
    folders = [folder for folder in (root / "src" / name, root / name) if folder.is_dir()]
    return bool(folders) and not any((folder / "__init__.py").exists() for folder in folders)


def console_scripts(
    root: Path, pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser
) -> tuple[EntryPoint, ...]:
    """The console scripts of the source tree at ``root``, by whichever file declares them, sorted by command."""
    return tuple(sorted(_named(_scripts(root, pyproject, setup_cfg)), key=lambda s: s.command))


def _scripts(root: Path, pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser) -> Iterator[EntryPoint]:
    listed = table(pyproject, "project", "scripts") or table(pyproject, "tool", "poetry", "scripts")
    if listed:
        yield from (EntryPoint(k, v) for k, v in listed.items() if isinstance(v, str))
        return
    for path in [*root.glob("*.egg-info/entry_points.txt"), *root.glob("src/*.egg-info/entry_points.txt")]:
        entry_points = _config(path)
        if entry_points.has_section("console_scripts"):
            yield from (EntryPoint(k, v) for k, v in _case_kept(path, "console_scripts"))
        return
    if setup_cfg.has_option("options.entry_points", "console_scripts"):
        yield from _entry_lines(setup_cfg["options.entry_points"]["console_scripts"].splitlines())
        return
    yield from _entry_lines(_setup_py_scripts(root / "setup.py"))


def _named(scripts: Iterable[EntryPoint]) -> Iterator[EntryPoint]:
    """Those whose name is one that the entry points specification recommends; others can't be commands in Debian."""
    return (script for script in scripts if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", script.command))


def _case_kept(path: Path, section: str) -> Iterator[tuple[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # command names keep their case
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except configparser.Error:
        return
    yield from parser.items(section)


def _entry_lines(lines: list[str]) -> Iterator[EntryPoint]:
    for line in lines:
        command, equals, target = line.partition("=")
        if equals:
            yield EntryPoint(command.strip(), target.strip())


def _setup_py_scripts(path: Path) -> list[str]:
    if not path.is_file():
        return []
    try:
        tree = ast.parse(path.read_text("utf-8", "replace"))
    except (SyntaxError, ValueError, RecursionError):
        return []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "entry_points" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "console_scripts":
                    try:
                        return [str(line) for line in ast.literal_eval(value)]
                    except ValueError:
                        return []
    return []


def _with_suffix(root: Path, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The languages of compiled sources that the build would use, with one example each."""
    found: dict[str, str] = {}
    for path in _files(root):
        kind = kinds.get(path.suffix)
        parts = path.relative_to(root).parts
        if kind and not any(part in _NOT_SHIPPED for part in parts[:-1]):
            found.setdefault(kind, "/".join(parts))
    return tuple(f"{kind} ({example})" for kind, example in sorted(found.items()))


def _licence_files(root: Path) -> Iterator[str]:
    for path in sorted(root.iterdir()):
        stem = path.name.upper()
        if path.is_file() and stem.startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")):
            yield path.name
