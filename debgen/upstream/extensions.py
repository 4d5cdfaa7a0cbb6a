"""The extension modules that a build compiles, by dotted name, read from its build files."""

from __future__ import annotations

import ast
import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from packaging.utils import canonicalize_name

from debgen.upstream.buildcmake import Command
from debgen.upstream.builders import BuildFiles, builders
from debgen.upstream.buildfacts import SUFFIXES, is_aside
from debgen.upstream.buildsetup import Call, Script, literals, read_script
from debgen.upstream.layout import ExtensionModule, Placed, installed_files
from debgen.upstream.mesonfiles import meson_calls
from debgen.upstream.optin import left_out
from debgen.upstream.setupvalues import UnknownValueError, Values, matching
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_ADDS = {
    "pybind11_add_module": "C++", "nanobind_add_module": "C++", "python_add_library": "C", "python3_add_library": "C",
    "swig_add_library": "C", "cython_transpile": "", "cppyy_add_bindings": "C++",
}  # fmt: skip
#: Of classes of extensions, those that say nothing literal about a module.
_NO_MODULE = {"RustBin"}


def extension_modules(
    tree: SourceTree, files: BuildFiles, name: str, cmake: tuple[Command, ...], placed: Iterable[Placed]
) -> tuple[ExtensionModule, ...]:
    """The extension modules of a tree, sorted and without repeats; none where nothing compiles.

    ``name`` is the distribution's, ``cmake`` the commands that the build reaches, ``placed`` what is installed as it
    is. A module of which only running the build would tell the name is left out.
    """
    aside = left_out(files)
    kinds = {builder.name for builder in builders(files) if builder.evidence not in aside}
    targets = {source: target for target, source in installed_files(tree, placed).items()}
    if not kinds and table(files.pyproject, "build-system").get("backend-path"):
        # a back end inside the tree (PEP 517) that wraps another one is there to call Cython
        return tuple(_cython(tree, targets))
    if not kinds:
        return ()
    found = [
        *(_setuptools(tree, files, targets) if files.setuptools else ()),
        *(_maturin(tree, files, name) if "maturin" in kinds else ()),
        *(_cmake(cmake, name) if cmake else ()),
        *(_meson(files) if "meson-python" in kinds else ()),
    ]
    named = {extension.name for extension in found}
    if not named or kinds & {"Cython", "hatch hook cython", "poetry build script"}:
        found += [e for e in _cython(tree, targets) if e.name not in named]
    found = [extension for extension in found if extension.evidence not in aside]
    best: dict[str, ExtensionModule] = {}
    for extension in found:
        if _DOTTED.fullmatch(extension.name):
            best.setdefault(extension.name, extension)
    return tuple(sorted(best.values()))


def _setuptools(tree: SourceTree, files: BuildFiles, targets: Mapping[str, str]) -> Iterator[ExtensionModule]:
    tool = table(files.pyproject, "tool")
    for entry in _entries(table(tool, "setuptools").get("ext-modules")):
        line = files.line_of("pyproject.toml", r"ext-modules")
        yield ExtensionModule(str(entry.get("name", "")), _language(_strings(entry.get("sources"))), line)
    for entry in _entries(table(tool, "setuptools-rust").get("ext-modules")):
        yield ExtensionModule(str(entry.get("target", "")), "Rust", files.line_of("pyproject.toml", "setuptools-rust"))
    # setup(ext_package="a") puts the extensions _x into a
    prefix = [p for c in files.setup_calls() for p in c.keywords.get("ext_package", ())][:1]
    for call in files.calls():
        script = next(s for s in files.scripts if s.path == call.path)
        if call.function.endswith(("Extension", "ExtensionModule")) and call.function not in _NO_MODULE:
            for extension in _extension(call, script, tree):
                yield replace(extension, name=".".join([*prefix, extension.name]))
        elif call.function == "cythonize" and call.node.args:
            yield from _cythonized(call, script, tree, targets)
        elif call.function == "setup":
            for extension in _cffi(call, script, tree):
                yield replace(extension, name=".".join([*prefix, extension.name]))


def _extension(call: Call, script: Script, tree: SourceTree) -> Iterator[ExtensionModule]:
    values = Values(script, tree)
    given = values.keywords(call.node)
    place = given.get("name") or given.get("target") or (call.node.args[0] if call.node.args else None)
    sources = given.get("sources") or (call.node.args[1] if len(call.node.args) > 1 else None)
    with suppress(UnknownValueError):
        name = values.value(place)
        names = [str(key) for key in name] if isinstance(name, dict) else [str(name)]
        listed = list(literals(sources, script.constants))
        with suppress(UnknownValueError):
            listed = values.words(sources) if sources is not None else listed
        language = (
            "Rust" if "Rust" in call.function else "C++" if "pybind" in call.function.lower() else _language(listed)
        )
        for one in names:
            yield ExtensionModule(one.replace("/", "."), language, call.evidence)


def _cythonized(call: Call, script: Script, tree: SourceTree, targets: Mapping[str, str]) -> Iterator[ExtensionModule]:
    with suppress(UnknownValueError):
        for pattern in Values(script, tree).words(call.node.args[0]):
            for path in [pattern] if pattern in tree else matching(tree, pattern) if "*" in pattern else ():
                if path.endswith((".pyx", ".py")):
                    yield ExtensionModule(_dotted(targets.get(path, path)), "Cython", call.evidence)


def _cffi(call: Call, script: Script, tree: SourceTree) -> Iterator[ExtensionModule]:
    """cffi_modules are ``path:object``; the file there names the module in a call of set_source()."""
    with suppress(UnknownValueError):
        values = Values(script, tree)
        for entry in values.words(values.keywords(call.node).get("cffi_modules")):
            path = posixpath.normpath(entry.partition(":")[0])
            builder = read_script(path, tree.text(path)) if path in tree else None
            for made in builder.calls if builder else ():
                if made.function == "set_source" and made.node.args and builder:
                    with suppress(UnknownValueError):
                        names = Values(builder, tree)
                        pure = len(made.node.args) > 1 and isinstance(made.node.args[1], ast.Constant)
                        if not (pure and made.node.args[1].value is None):  # type: ignore[attr-defined]
                            yield ExtensionModule(str(names.value(made.node.args[0])), "C", made.evidence)


def _maturin(tree: SourceTree, files: BuildFiles, name: str) -> Iterator[ExtensionModule]:
    maturin = table(files.pyproject, "tool", "maturin")
    if maturin.get("bindings") == "bin":
        return
    library = crate_name(tree, files)
    given = str(maturin.get("module-name") or library or canonicalize_name(name).replace("-", "_"))
    yield ExtensionModule(given, "Rust", files.line_of("pyproject.toml", r"module-name|build-backend"))


def crate_name(tree: SourceTree, files: BuildFiles) -> str:
    """The name of the library of the crate that maturin builds; empty where no file says it."""
    given = table(files.pyproject, "tool", "maturin").get("manifest-path")
    for path in (given, "Cargo.toml", "rust/Cargo.toml", "native/Cargo.toml"):
        if isinstance(path, str) and posixpath.normpath(path) in tree:
            try:
                crate = tomllib.loads(tree.text(posixpath.normpath(path)))
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
            return str(table(crate, "lib").get("name") or table(crate, "package").get("name", "")).replace("-", "_")
    return ""


def _cmake(commands: tuple[Command, ...], name: str) -> Iterator[ExtensionModule]:
    places: dict[str, str] = {}
    outputs: dict[str, str] = {}
    for command in commands:
        words = list(command.args)
        if command.name == "install" and "TARGETS" in words and "DESTINATION" in words:
            place = words[words.index("DESTINATION") + 1 : words.index("DESTINATION") + 2]
            first = words.index("TARGETS") + 1
            for target in words[first:]:
                if target.isupper() and target != name:
                    break
                places.setdefault(target, (place or [""])[0])
        elif command.name == "set_target_properties" and "OUTPUT_NAME" in words:
            outputs[words[0]] = (words[words.index("OUTPUT_NAME") + 1 :] or [""])[0]
    for command in commands:
        module = command.name == "add_library" and "MODULE" in command.args[1:2]
        if not command.args or not (command.name in _ADDS or module):
            continue
        target = command.args[0]
        if target not in places and (module or is_aside(command.path)):
            continue
        folder = _skbuild(places.get(target, "."), name)
        own = _skbuild(outputs.get(target, target), name)
        if folder is not None and own is not None:
            dotted = ".".join([*(p for p in folder.split("/") if p not in ("", ".")), own])
            yield ExtensionModule(dotted, _ADDS.get(command.name, "") or "C++", command.evidence)


def _skbuild(text: str, name: str) -> str | None:
    """A path with scikit-build-core's variables put in; None for one with others."""
    text = re.sub(r"\$\{SKBUILD_PROJECT_NAME\}", name.replace("-", "_"), text)
    text = re.sub(r"\$\{SKBUILD_PLATLIB_DIR\}/?", "", text)
    return None if "$" in text or text.startswith("/") else text


def _meson(files: BuildFiles) -> Iterator[ExtensionModule]:
    for call in meson_calls(files.texts):
        if call.name == "extension_module" and call.words and call.words[0]:
            if call.keywords.get("install", "true") == "false":
                continue
            subdir = call.keywords.get("subdir", "")
            folder = literal_path(subdir)
            if subdir and not folder:
                continue
            text = " ".join([*call.words, *call.keywords.values()])
            language = "Cython" if ".pyx" in text else "C++" if ".cpp" in text or ".cc" in text else "C"
            yield ExtensionModule(".".join([*folder.split("/"), call.words[0]]).strip("."), language, call.evidence)


def literal_path(expression: str) -> str:
    """The path of meson's ``'a' / 'b'``, empty for what isn't made of literals only."""
    parts = [part.strip() for part in expression.split(" / ")]
    if not expression or not all(len(p) > 1 and p[0] == p[-1] == "'" for p in parts):
        return ""
    return posixpath.join(*(p.strip("'") for p in parts)).strip("/")


def _cython(tree: SourceTree, targets: Mapping[str, str]) -> Iterator[ExtensionModule]:
    """Cython's sources among what is installed, where the build files name no module."""
    for path in tree.names:
        if path.endswith(".pyx") and path in targets and not is_aside(path):
            yield ExtensionModule(_dotted(targets[path]), "Cython", path)


def _dotted(path: str) -> str:
    stem = path.rpartition(".")[0]
    return stem.removesuffix("/__init__").replace("/", ".")


def _language(sources: Iterable[str]) -> str:
    found = {SUFFIXES.get(posixpath.splitext(source)[1], "") for source in sources}
    return next((one for one in ("Cython", "Rust", "CUDA", "C++", "Fortran") if one in found), "C")


def _entries(value: object) -> Iterator[Mapping[str, object]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            yield entry


def _strings(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else []
