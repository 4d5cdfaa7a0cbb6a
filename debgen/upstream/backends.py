"""What the back ends other than setuptools install, each by the rules of its own documentation."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from packaging.utils import canonicalize_name

from debgen.upstream.buildcmake import Command
from debgen.upstream.builders import BuildFiles
from debgen.upstream.extensions import crate_name, extension_modules, literal_path
from debgen.upstream.globs import files_matching
from debgen.upstream.hatch_layout import hatch_layout
from debgen.upstream.layout import DataFile, Layout, Placed, find_package
from debgen.upstream.mesonfiles import meson_calls
from debgen.upstream.setuptools_layout import setuptools_layout, top_level
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table


def read_layout(tree: SourceTree, files: BuildFiles, name: str, cmake: tuple[Command, ...] = ()) -> Layout:
    """What building the tree installs; ``name`` is the distribution's, ``cmake`` the commands that its build reaches.

    Where no rule of the back end finds anything, a package or module named like the distribution is taken.
    """
    backend = files.effective_backend.split(":")[0]
    rules = (
        ("flit", _flit), ("poetry", _poetry), ("hatchling", hatch_layout), ("pdm", _pdm), ("uv_build", _uv),
        ("maturin", _maturin), ("mesonpy", _meson), ("scikit_build_core", _scikit),
    )  # fmt: skip
    rule = next((rule for start, rule in rules if backend.startswith(start)), None)
    found = rule(tree, files, name) if rule else setuptools_layout(tree, files, name)
    extensions = extension_modules(tree, files, name, cmake, found.placed)
    if not found.placed and not found.names and not extensions:
        placed = find_package(tree, module_name(name)) or _alike(tree, name)
        listed = top_level(tree, name)
        found = Layout((placed,) if placed else (), listed, evidence="named like the distribution")
    # old versions of setuptools list the extensions of a package among the top-level names
    inner = {extension.name.rpartition(".")[2] for extension in extensions if "." in extension.name}
    names = tuple(name for name in found.names if name not in inner or _has(found.placed, name))
    return Layout(found.placed, names, extensions, found.data, found.scripts, found.evidence)


def _has(placed: Iterable[Placed], name: str) -> bool:
    return any(entry.target.partition("/")[0].removesuffix(".py") == name for entry in placed)


def module_name(name: str) -> str:
    """The module that a distribution of that name has by default."""
    return str(canonicalize_name(name)).replace("-", "_")


def _alike(tree: SourceTree, name: str) -> Placed | None:
    """A package or module whose name differs from the distribution's in case, or in a dash or dot."""
    wanted = str(canonicalize_name(name))
    for folder in ("src/", "", "lib/", "python/"):
        for path in tree.below(folder.rstrip("/")):
            rest = path[len(folder) :]
            top, slash, _ = rest.partition("/")
            if slash and top.isidentifier() and canonicalize_name(top) == wanted:
                return Placed(top, f"{folder}{top}")
            if not slash and rest.endswith(".py") and canonicalize_name(rest.removesuffix(".py")) == wanted:
                return Placed(rest, path)
    return find_package(tree, name.replace("-", ".")) if "-" in name else None


def _named(tree: SourceTree, name: str, folders: tuple[str, ...]) -> tuple[Placed, ...]:
    found = find_package(tree, name, folders)
    return (found,) if found else ()


def _flit(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    flit = table(files.pyproject, "tool", "flit")
    module = table(flit, "module").get("name") or table(flit, "metadata").get("module")
    project = table(files.pyproject, "project").get("name", name)
    given = str(module or str(project).replace("-", "_"))
    placed = _named(tree, given, ("", "src")) or _named(tree, given.replace(".", "_"), ("", "src"))
    return Layout(placed, data=_folder(tree, table(flit, "external-data").get("directory")), evidence="flit's module")


def _poetry(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    poetry = table(files.pyproject, "tool", "poetry")
    placed: list[Placed] = []
    for entry in _entries(poetry.get("packages")):
        if not _for_wheel(entry.get("format")):
            continue
        base, include = _path(entry.get("from", "")), _path(entry.get("include", ""))
        target = _path(entry.get("to", ""))
        placed += [
            Placed(posixpath.join(target, path[len(base) + 1 :] if base else path), path)
            for path in files_matching(tree, [posixpath.join(base, include)])
        ]
    if not placed:
        given = str(poetry.get("name") or table(files.pyproject, "project").get("name") or name)
        placed += _named(tree, module_name(given), ("", "src"))
    for entry in _entries(poetry.get("include")):
        if "wheel" in _formats(entry.get("format")):
            placed += [Placed(path, path) for path in files_matching(tree, [_path(entry.get("path", ""))])]
    scripts = [
        str(script["reference"])
        for script in table(poetry, "scripts").values()
        if isinstance(script, dict) and script.get("type") == "file" and isinstance(script.get("reference"), str)
    ]
    return Layout(tuple(placed), scripts=tuple(scripts), evidence="tool.poetry.packages")


def _for_wheel(value: object) -> bool:
    return value is None or "wheel" in _formats(value)


def _formats(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(v) for v in value] if isinstance(value, list) else []


def _entries(value: object) -> Iterator[dict[str, Any]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            yield entry


def _pdm(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    build = table(files.pyproject, "tool", "pdm", "build")
    base = _path(build.get("package-dir", "src" if tree.below("src") else ""))
    includes = [str(p) for p in _list(build.get("includes"))]
    start = f"{base}/" if base else ""
    if not includes:
        inside = [n[len(start) :] for n in tree.below(base)]
        tops = sorted({n.partition("/")[0] for n in inside if n.endswith("/__init__.py") and n.count("/") == 1})
        modules = [n for n in inside if "/" not in n and n.endswith(".py")]
        includes = [start + top for top in tops or modules]
    excludes = [str(p) for p in _list(build.get("excludes"))] + [str(p) for p in _list(build.get("source-includes"))]
    left_out = set(files_matching(tree, [*excludes, "tests"] if not build.get("includes") else excludes))
    found = [path for path in files_matching(tree, includes) if path not in left_out]
    placed = tuple(Placed(path.removeprefix(start), path) for path in found)
    data = tuple(
        DataFile(posixpath.join({"scripts": "bin", "data": "", "headers": "include"}.get(kind, kind), path), path)
        for kind, entries in table(build, "wheel-data").items()
        for entry in _list(entries)
        for path in files_matching(tree, [str(entry.get("path", "")) if isinstance(entry, dict) else str(entry)])
    )
    return Layout(placed, data=data, evidence="tool.pdm.build")


def _uv(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    settings = table(files.pyproject, "tool", "uv", "build-backend")
    root = _path(settings.get("module-root", "src"))
    given = settings.get("module-name")
    project = str(table(files.pyproject, "project").get("name") or name)
    names = [str(n) for n in given] if isinstance(given, list) else [str(given or module_name(project))]
    placed = []
    for dotted in names:
        path = dotted.replace(".", "/")
        source = posixpath.join(root, path)
        if tree.below(source):
            placed.append(Placed(path, source))
        elif f"{source}.py" in tree:
            placed.append(Placed(f"{path}.py", f"{source}.py"))
    data = [
        entry
        for kind, folder in table(settings, "data").items()
        for entry in _folder(tree, folder, {"scripts": "bin", "headers": "include"}.get(kind, ""))
    ]
    return Layout(tuple(placed), data=tuple(data), evidence="uv's module-name and module-root")


def _maturin(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    maturin = table(files.pyproject, "tool", "maturin")
    given = str(maturin.get("module-name") or crate_name(tree, files) or module_name(name))
    base = maturin.get("python-source")
    folders = (_path(base),) if isinstance(base, str) else ("", "python", "src")
    packages = [str(p) for p in _list(maturin.get("python-packages"))] or [given.partition(".")[0]]
    placed = [
        Placed(found.target, found.source)
        for package in packages
        for found in _named(tree, package, folders)
        if any(n.endswith((".py", ".pyi")) for n in (*tree.below(found.source), found.source))
    ]
    return Layout(tuple(placed), data=_folder(tree, maturin.get("data")), evidence="tool.maturin")


def _meson(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    """install_sources and install_subdir of meson's python module, as far as their arguments are literal."""
    placed: list[Placed] = []
    for call in meson_calls(files.texts):
        here = posixpath.dirname(call.evidence.rpartition(":")[0])
        subdir = literal_path(call.keywords.get("subdir", ""))
        if call.name == "install_sources":
            top = subdir.partition("/")[0] if subdir else ""
            if top:
                placed += _named(tree, top, ("", here, posixpath.dirname(here), "src", "python", "lib"))
            if not subdir and "subdir" not in call.keywords:
                path = call.evidence.rpartition(":")[0]
                # where the argument is a variable or a list, its files are named elsewhere in the same build file
                words = call.words if all(call.words) else re.findall(r"'(\w+\.py)'", files.texts[path])
                placed += [Placed(w, posixpath.join(here, w)) for w in words if posixpath.join(here, w) in tree]
        elif call.name == "install_subdir" and call.words and "get_install_dir" in call.keywords.get("install_dir", ""):
            source = _path(posixpath.join(here, call.words[0]))
            if any(n.endswith(".py") for n in tree.below(source)):
                placed.append(Placed(posixpath.basename(source), source))
    if all(entry.target.endswith(".py") for entry in placed):
        # the arguments are variables: what lies beside the build files of a folder named like a package is one
        tops = [n.partition("/")[0] for n in tree.names if n.endswith("/meson.build")]
        placed += [
            Placed(top, top) for top in dict.fromkeys(tops)
            if f"{top}/__init__.py" in tree and top.lower() in (module_name(name), name.lower())
        ]  # fmt: skip
    return Layout(tuple(dict.fromkeys(placed)), evidence="meson.build")


def _scikit(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    wheel = table(files.pyproject, "tool", "scikit-build", "wheel")
    packages = wheel.get("packages")
    placed: list[Placed] = []
    # CMake puts files below this folder; a package that only CMake installs is found nowhere in the tree
    names = tuple(_path(wheel.get("install-dir", "")).split("/")[:1])
    if isinstance(packages, dict):
        placed = [Placed(_path(target), _path(str(source))) for target, source in packages.items()]
    elif isinstance(packages, list):
        placed = [Placed(posixpath.basename(_path(str(p))), _path(str(p))) for p in packages]
    else:
        module = module_name(name)
        for folder in (f"src/{module}", f"python/{module}", module):
            if f"{folder}/__init__.py" in tree or f"{folder}/__init__.pyi" in tree:
                placed = [Placed(module, folder)]
                break
    placed = [entry for entry in placed if tree.below(entry.source)]
    if not placed and not any(names):
        names = (module_name(name),)
    return Layout(tuple(placed), tuple(n for n in names if n), evidence="scikit-build-core's wheel.packages")


def _folder(tree: SourceTree, folder: object, target: str = "") -> tuple[DataFile, ...]:
    """All files of a folder, at the same places below the prefix."""
    if not isinstance(folder, str) or not _path(folder):
        return ()
    base = _path(folder)
    return tuple(DataFile(posixpath.join(target, n[len(base) + 1 :]), n) for n in tree.below(base))


def _path(path: object) -> str:
    """A path of a table in normal form; empty for the tree itself, or for what is no path inside of it."""
    text = posixpath.normpath(str(path)) if isinstance(path, str) and path.strip() else ""
    return "" if text in (".", "..") or text.startswith(("/", "../")) else text


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
