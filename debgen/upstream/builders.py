"""What compiles an sdist's extension modules, told by its build files: setuptools, CMake, meson, maturin and so on."""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from debgen.upstream.buildmodel import Manifest
from debgen.upstream.buildsetup import Call, Script, build_scripts, dotted, literals
from debgen.upstream.testfacts import table

#: What setuptools means when there is no [build-system] table (PEP 517).
LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools",)
_WRAPPED = re.compile(
    r"\b(?:from|import)\s+(setuptools|scikit_build_core|mesonpy|maturin|hatchling|flit_core|poetry\.core|pdm\.backend)\b"
)


@dataclass(frozen=True, slots=True, order=True)
class Builder:
    """One thing that compiles, and the file and line that say so."""

    name: str
    evidence: str


@dataclass(frozen=True)
class BuildFiles:
    """The build files of a source tree, parsed; ``notes`` tell what can't be."""

    names: Collection[str]
    texts: Mapping[str, str]
    pyproject: Mapping[str, Any]
    setup_cfg: configparser.ConfigParser
    scripts: tuple[Script, ...]
    notes: tuple[str, ...]

    @property
    def backend(self) -> str:
        """PEP 517's build-backend."""
        return str(table(self.pyproject, "build-system").get("build-backend") or LEGACY_BACKEND)

    @property
    def requires(self) -> tuple[str, ...]:
        """PEP 517's requires, then those that the backend's own tables and setup.py add to them."""
        listed = table(self.pyproject, "build-system").get("requires")
        lines = [str(line) for line in listed] if isinstance(listed, list) else list(LEGACY_REQUIRES)
        lines += _hatch_requires(table(self.pyproject, "tool", "hatch", "build"))
        if self.setuptools:
            lines += self.setup_cfg.get("options", "setup_requires", fallback="").replace(";\n", "\n").splitlines()
            for call in self.setup_calls():
                lines += call.keywords.get("setup_requires", ())
        return tuple(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))

    @property
    def effective_backend(self) -> str:
        """The backend that does the work: of one inside the tree (PEP 517's backend-path) the one that it wraps."""
        path = table(self.pyproject, "build-system").get("backend-path")
        if not isinstance(path, list):
            return self.backend
        module = self.backend.split(":")[0].replace(".", "/")
        for folder in path:
            for end in (".py", "/__init__.py"):
                text = self.texts.get(posixpath.normpath(posixpath.join(str(folder), module + end)), "")
                if match := _WRAPPED.search(text):
                    return match[1]
        return "setuptools.build_meta" if "setup.py" in self.texts else self.backend

    @property
    def setuptools(self) -> bool:
        """Whether the backend reads setup.py."""
        return self.effective_backend.startswith(("setuptools", "skbuild", "poetry.core", "pbr"))

    def setup_calls(self) -> Iterator[Call]:
        """The calls of setup() in the scripts of the build."""
        return (
            c
            for c in self.calls()
            if c.function == "setup" and c.name in ("setup", "setuptools.setup", "skbuild.setup")
        )

    def calls(self) -> Iterator[Call]:
        """All calls of the scripts of the build, where the backend reads setup.py."""
        for script in self.scripts if self.setuptools else ():
            yield from script.calls

    def requires_any(self, *names: str) -> bool:
        """Whether one of the distributions ``names`` (in normal form) is required for the build."""
        return bool(self.required_names & set(names))

    @property
    def required_names(self) -> set[str]:
        found = set()
        for line in self.requires:
            try:
                found.add(str(canonicalize_name(Requirement(line).name)))
            except InvalidRequirement:
                continue
        return found

    def line_of(self, path: str, pattern: str) -> str:
        """``path:line`` of the first line in which ``pattern`` is found, else the path alone."""
        for number, line in enumerate(self.texts.get(path, "").splitlines(), 1):
            if re.search(pattern, line):
                return f"{path}:{number}"
        return path


def read_build_files(names: Collection[str], texts: Mapping[str, str]) -> BuildFiles:
    """Parse pyproject.toml, setup.cfg, setup.py and its helpers; what is malformed becomes a note."""
    notes: list[str] = []
    pyproject: Mapping[str, Any] = {}
    try:
        pyproject = tomllib.loads(texts.get("pyproject.toml", ""))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        notes.append(f"pyproject.toml can't be read: {error}")
    setup_cfg = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        setup_cfg.read_string(texts.get("setup.cfg", ""))
    except configparser.Error as error:
        notes.append(f"setup.cfg can't be read: {str(error).splitlines()[0]}")
        setup_cfg = configparser.ConfigParser(interpolation=None, strict=False)
    scripts, problems = build_scripts(texts)
    return BuildFiles(names, texts, pyproject, setup_cfg, scripts, (*notes, *problems))


def builders(files: BuildFiles) -> tuple[Builder, ...]:
    """What compiles in this build, sorted; nothing for a distribution of Python files only."""
    return tuple(sorted(set(_builders(files))))


def _builders(files: BuildFiles) -> Iterator[Builder]:
    backend = files.effective_backend.split(".")[0].split(":")[0].replace("_", "-")
    line = files.line_of("pyproject.toml", r"build-backend\s*=")
    if backend in ("maturin", "scikit-build-core", "mesonpy", "sipbuild"):
        yield Builder({"mesonpy": "meson-python", "sipbuild": "sip"}.get(backend, backend), line)
    if backend == "py-build-cmake":
        yield Builder("CMake", line)
    tool = table(files.pyproject, "tool")
    for table_path, name in (
        (("setuptools", "ext-modules"), "setuptools Extension"),
        (("setuptools-rust",), "setuptools-rust"),
    ):
        if _at(tool, table_path):
            yield Builder(name, files.line_of("pyproject.toml", rf"tool\.{table_path[0]}\b.*|ext-modules"))
    for hook in (
        table(tool, "hatch", "build", "hooks").keys()
        | table(tool, "hatch", "build", "targets", "wheel", "hooks").keys()
    ):
        if hook in ("cython", "mypyc", "rust", "scikit-build", "meson", "ziglang", "zig", "cargo"):
            yield Builder(f"hatch hook {hook}", files.line_of("pyproject.toml", rf"hooks\.{hook}"))
    script = _at(tool, ("poetry", "build"))
    if script and backend == "poetry":
        yield Builder("poetry build script", files.line_of("pyproject.toml", r"tool\.poetry\.build|^build\s*="))
    if backend == "setuptools" and files.requires_any("mesonpy", "meson-python"):
        yield Builder("meson-python", line)
    yield from _setup_builders(files)


def _setup_builders(files: BuildFiles) -> Iterator[Builder]:
    for script in files.scripts if files.setuptools else ():
        for node in ast.walk(script.tree):  # extension = CUDAExtension if cuda else CppExtension
            if isinstance(node, ast.Assign) and dotted(node.value).rsplit(".", 1)[-1] in _TORCH:
                name = dotted(node.value).rsplit(".", 1)[-1]
                yield Builder(f"torch {name}", f"{script.path}:{node.lineno}")
    for call in files.calls():
        name = call.function
        if name in ("Extension", "ExtensionModule") or (name.endswith("Extension") and _is_extension(name)):
            kind = "setuptools Extension"
            if "cmake" in name.lower():
                kind = "CMake"
            elif name == "RustExtension":
                kind = "setuptools-rust"
            elif name in _TORCH:
                kind = f"torch {name}"
            yield Builder(kind, call.evidence)
        elif name == "RustBin":
            yield Builder("setuptools-rust", call.evidence)
        elif name == "cythonize":
            yield Builder("Cython", call.evidence)
        elif name == "mypycify":
            yield Builder("mypyc", call.evidence)
        elif name == "setup":
            for keyword in ("cffi_modules",):
                if keyword in {k.arg for k in call.node.keywords}:
                    yield Builder("cffi", call.evidence)
            if call.name == "skbuild.setup" or (files.requires_any("scikit-build") and "skbuild" in _imports(files)):
                yield Builder("scikit-build", call.evidence)
        elif name in _RUNS and _runs(call, "cmake"):
            yield Builder("CMake", call.evidence)
        elif name in _RUNS and _runs(call, "cargo"):
            yield Builder("cargo", call.evidence)
        elif name in _RUNS and (_runs(call, "bazel") or _runs(call, "bazelisk")):
            yield Builder("bazel", call.evidence)
        elif name in _RUNS and (_runs(call, "make") or any("configure" in w for w in call.words[:1])):
            yield Builder("make", call.evidence)


_TORCH = {"CUDAExtension", "CppExtension", "SyclExtension", "MUSAExtension"}
_RUNS = {"check_call", "check_output", "call", "run", "Popen", "spawn", "system", "popen"}


def _runs(call: Call, program: str) -> bool:
    words = call.words[:1]
    return bool(words) and posixpath.basename(words[0].split(" ")[0]) == program


def _is_extension(name: str) -> bool:
    return any(
        part in name
        for part in ("CMake", "Rust", "CUDA", "Cpp", "Pybind11", "Cython", "Sycl", "Build", "Meson", "Bazel")
    )


def _imports(files: BuildFiles) -> set[str]:
    found: set[str] = set()
    for script in files.scripts:
        for node in ast.walk(script.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def cmake_root(files: BuildFiles, found: Collection[Builder]) -> str:
    """The CMakeLists.txt that the build starts with, empty where it doesn't use CMake."""
    kinds = {builder.name for builder in found}
    folder = ""
    if "scikit-build-core" in kinds:
        settings = table(files.pyproject, "tool", "scikit-build")
        folder = str(settings.get("cmake", {}).get("source-dir", "") if isinstance(settings.get("cmake"), dict) else "")
    elif "scikit-build" in kinds:
        folder = next(
            (c.keywords["cmake_source_dir"][0] for c in files.setup_calls() if c.keywords.get("cmake_source_dir")), ""
        )
    elif "CMake" not in kinds and "hatch hook scikit-build" not in kinds:
        return ""
    path = posixpath.normpath(posixpath.join(folder, "CMakeLists.txt"))
    if path in files.texts:
        return path
    near = sorted((n for n in files.texts if n.endswith("/CMakeLists.txt")), key=lambda n: (n.count("/"), n))
    return near[0] if near and near[0].count("/") == 1 else ""


def manifests(files: BuildFiles, found: Collection[Builder]) -> tuple[Manifest, ...]:
    """The Cargo.toml files that build the modules and programs, empty where no Rust is built."""
    kinds = {builder.name for builder in found}
    manifests: list[Manifest] = []
    if "maturin" in kinds:
        maturin = table(files.pyproject, "tool", "maturin")
        path = maturin.get("manifest-path") or next(
            (p for p in ("Cargo.toml", "rust/Cargo.toml", "native/Cargo.toml") if p in files.texts), "Cargo.toml"
        )
        features = (
            [str(f) for f in maturin.get("features", []) if isinstance(f, str)]
            if isinstance(maturin.get("features"), list)
            else []
        )
        manifests.append(
            Manifest(posixpath.normpath(str(path)), tuple(features), maturin.get("no-default-features") is not True)
        )
    if "setuptools-rust" in kinds:
        manifests += _setuptools_rust(files)
    if not manifests and kinds & {
        "setuptools-rust",
        "cargo",
        "poetry build script",
        "hatch hook rust",
        "hatch hook cargo",
    }:
        for path in ("Cargo.toml", "bindings/python/Cargo.toml", "rust/Cargo.toml"):
            if path in files.texts and "[package]" in files.texts[path]:
                manifests.append(Manifest(path))
                break
    return tuple(dict.fromkeys(manifests))


def _setuptools_rust(files: BuildFiles) -> Iterator[Manifest]:
    tool = table(files.pyproject, "tool", "setuptools-rust")
    for key in ("ext-modules", "bins"):
        entries = tool.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                features = entry.get("features", [])
                yield Manifest(
                    posixpath.normpath(str(entry.get("path", "Cargo.toml"))),
                    tuple(str(f) for f in features) if isinstance(features, list) else (),
                )
    for call in files.calls():
        if call.function in ("RustExtension", "RustBin"):
            paths = call.keywords.get("path") or _second(call) or ("Cargo.toml",)
            path = posixpath.normpath(paths[0])
            if path not in files.texts:  # relative to a folder that only running the code would tell
                path = next((n for n in sorted(files.texts) if n.endswith(f"/{path.lstrip('./')}")), path)
            yield Manifest(path, call.keywords.get("features", ()))


def _second(call: Call) -> tuple[str, ...]:
    return literals(call.node.args[1], {}) if len(call.node.args) > 1 else ()


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _hatch_requires(build: Mapping[str, Any]) -> Iterator[str]:
    """Hatchling's own build dependencies: of the build, of its targets, and of the hooks of both."""
    for part in (build, table(build, "targets", "wheel")):
        for settings in (part, *(hook for hook in table(part, "hooks").values() if isinstance(hook, dict))):
            listed = settings.get("dependencies")
            yield from (str(line) for line in listed if isinstance(line, str)) if isinstance(listed, list) else ()
