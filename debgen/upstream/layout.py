"""Where a source tree's files end up in dist-packages: the model, and what follows from it by itself.

A back end's rules (:mod:`debgen.upstream.backends`, :mod:`debgen.upstream.setuptools_layout`) say which folders and
files are installed under which dotted name; from that come the modules, the namespaces and what has no business at
the top of dist-packages.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from debgen.upstream.buildsetup import parse_python
from debgen.upstream.sourcetree import SourceTree

#: Names that say nothing about a distribution: Debian's Python Policy wants none of them at the top of dist-packages.
GENERIC = frozenset({
    "test", "tests", "testing", "testsuite", "unittests", "unit_tests", "integration_tests", "conftest", "doc",
    "docs", "documentation", "example", "examples", "sample", "samples", "demo", "demos", "tutorial",
    "tutorials", "notebook", "notebooks", "benchmark", "benchmarks", "bench", "perf", "scripts", "script",
    "tools", "tool", "util", "utils", "helpers", "common", "src", "source", "lib", "build", "dist", "setup",
    "ci", "bin", "data", "extras", "fixtures", "assets", "resources", "images", "contrib", "vendor",
    "third_party", "dev", "tasks", "noxfile", "fabfile", "release", "stubs", "typings",
})  # fmt: skip
_PYTHON = re.compile(r"\.(?:py|pyi)$")
_BINARY = re.compile(r"\.(?:so|pyd)$")
_NAMESPACE = re.compile(r"declare_namespace\s*\(|\bextend_path\s*\(")


@dataclass(frozen=True, slots=True, order=True)
class Placed:
    """A folder or file of the tree, and its place below dist-packages (both with ``/``, without a last one).

    ``whole`` is false for a folder of which only the files directly in it are meant.
    """

    target: str
    source: str
    whole: bool = True


@dataclass(frozen=True, slots=True, order=True)
class DataFile:
    """A file, or a whole folder, that is installed outside of dist-packages; ``target`` is relative to the prefix."""

    target: str
    source: str


@dataclass(frozen=True, slots=True, order=True)
class ExtensionModule:
    """A compiled module by its dotted name, the language of its source, and the file and line that say so."""

    name: str
    language: str
    evidence: str


@dataclass(frozen=True)
class Layout:
    """What the build installs, as far as the tree's files tell; ``evidence`` says which rule told it.

    ``names`` are top-level names that are known though no file of the tree is found for them.
    """

    placed: tuple[Placed, ...] = ()
    names: tuple[str, ...] = ()
    extensions: tuple[ExtensionModule, ...] = ()
    data: tuple[DataFile, ...] = ()
    scripts: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Modules:
    """The importable names of a layout.

    ``top`` are the distribution's top-level modules. ``namespaces`` are those of them that other distributions share,
    and ``own`` the dotted names of the first modules that are its own, which is ``top`` where nothing is shared.
    ``unwanted`` are paths at the top of dist-packages that would be installed by mistake; ``needed`` are generic
    names that the distribution's own modules import, so that leaving them out would break it.
    """

    top: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    pth: tuple[str, ...] = ()
    typed: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


def installed_files(tree: SourceTree, placed: Iterable[Placed]) -> dict[str, str]:
    """The paths below dist-packages of everything that is placed, each with the path in the tree."""
    found: dict[str, str] = {}
    for entry in sorted(set(placed)):
        if entry.source in tree:
            found[entry.target] = entry.source
            continue
        start = f"{entry.source}/" if entry.source else ""
        for name in tree.below(entry.source):
            rest = name[len(start) :]
            if (entry.whole or "/" not in rest) and "__pycache__/" not in rest:
                found[f"{entry.target}/{rest}" if entry.target else rest] = name
    return found


def modules_of(tree: SourceTree, layout: Layout, distribution: str) -> Modules:
    """The modules of ``layout``; ``distribution`` is the name that tells an own folder from a shared namespace."""
    files = installed_files(tree, layout.placed)
    stubs = {
        path.partition("/")[0] for path in files if "-stubs/" in path and path.partition("/")[0].endswith("-stubs")
    }
    tops = {top for path in files if (top := _top_module(path))} - stubs
    tops |= {name.partition(".")[0] for name in layout.names if name.partition(".")[0].isidentifier()}
    tops |= {extension.name.partition(".")[0] for extension in layout.extensions}
    unwanted, needed = _generic(tree, files, tops, distribution)
    kept = tops - {name.removesuffix(".py") for name in unwanted}
    shared = {top for top in kept if _shared(tree, files, layout.extensions, top, distribution)}
    own = {name for top in kept for name in _own(tree, files, layout.extensions, top, top in shared)}
    own |= {distribution for top in shared if not any(path.startswith(f"{top}/") for path in files)}
    return Modules(
        top=tuple(sorted(kept)),
        namespaces=tuple(sorted(shared)),
        own=tuple(sorted(own)),
        unwanted=tuple(sorted(unwanted)),
        needed=tuple(sorted(needed)),
        stubs=tuple(sorted(stubs)),
        pth=tuple(sorted(path for path in files if "/" not in path and path.endswith(".pth"))),
        typed=any(path.endswith("/py.typed") for path in files),
        files=files,
    )


def _top_module(path: str) -> str:
    """The top-level module that an installed file belongs to; empty for what can't be imported."""
    top, slash, _ = path.partition("/")
    if slash:
        return top if top.isidentifier() and (_PYTHON.search(path) or _BINARY.search(path)) else ""
    stem = top.partition(".")[0]
    return stem if stem.isidentifier() and (top.endswith(".py") or _BINARY.search(top)) else ""


def _generic(
    tree: SourceTree, files: Mapping[str, str], tops: Collection[str], distribution: str
) -> tuple[set[str], set[str]]:
    """Top-level paths that are there by mistake, and generic names that own modules need all the same."""
    normal = canonicalize_name(distribution)
    generic = {top for top in tops if top.lower() in GENERIC and canonicalize_name(top) != normal}
    if generic == set(tops):  # a distribution of nothing else has no other name for it
        generic = set()
    own = [f for t, f in files.items() if f.endswith(".py") and _top_module(t) not in generic]
    needed = {top for top in generic if any(_imports(tree, path, top) for path in own)}
    unwanted = {top if any(t.startswith(f"{top}/") for t in files) else f"{top}.py" for top in generic - needed}
    for path in files:
        top, slash, rest = path.partition("/")
        if not slash:  # LICENSE, README.md, conf.toml: no module, and the next distribution has one too
            if not _PYTHON.search(top) and not top.endswith(".pth") and not _BINARY.search(top):
                unwanted.add(top)
        elif top not in tops and not top.endswith("-stubs") and rest:
            unwanted.add(top)  # a folder without any module
    return unwanted, needed


def _imports(tree: SourceTree, path: str, module: str) -> bool:
    return re.search(rf"^\s*(?:from|import)\s+{re.escape(module)}\b", tree.text(path), re.MULTILINE) is not None


def _initial(tree: SourceTree, files: Mapping[str, str], folder: str) -> str | None:
    """What the folder's ``__init__`` says: "own", "shared" for a namespace of the old kinds, None where it has none."""
    for name in (f"{folder}/__init__.py", f"{folder}/__init__.pyi"):
        if name in files:
            return "shared" if _only_a_namespace(tree.text(files[name])) else "own"
    return None


def _only_a_namespace(text: str) -> bool:
    """Whether an ``__init__`` of pkgutil's or pkg_resources' style does nothing else, as that of a namespace."""
    module = parse_python(text) if _NAMESPACE.search(text) else None
    if module is None:
        return False
    allowed = {"pkgutil", "pkg_resources"}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.level or node.module not in (*allowed, "__future__")):
            return False
        if isinstance(node, ast.Import) and not {alias.name for alias in node.names} <= allowed:
            return False
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return False
    return True


def _shared(
    tree: SourceTree, files: Mapping[str, str], extensions: Collection[ExtensionModule], top: str, distribution: str
) -> bool:
    """Whether a top-level folder is a namespace that other distributions may fill too."""
    normal = canonicalize_name(distribution)
    if not any(path.startswith(f"{top}/") for path in files):  # only its name is known: ruamel of ruamel.yaml
        alone = f"{top}.py" not in files and all(extension.name != top for extension in extensions)
        return alone and "." in distribution and normal.startswith(f"{canonicalize_name(top)}-")
    if _initial(tree, files, top) == "own" or any(extension.name == top for extension in extensions):
        return False
    return canonicalize_name(top) != normal


def _own(
    tree: SourceTree, files: Mapping[str, str], extensions: Collection[ExtensionModule], name: str, shared: bool
) -> Iterator[str]:
    """The first modules at or below ``name`` that are the distribution's own."""
    if not shared:
        yield name
        return
    folder = name.replace(".", "/")
    below = sorted(path[len(folder) + 1 :] for path in files if path.startswith(f"{folder}/"))
    for stem in sorted({path.removesuffix(".py") for path in below if re.fullmatch(r"(?!__)\w+\.py", path)}):
        yield f"{name}.{stem}"
    for extension in extensions:
        if extension.name.rpartition(".")[0] == name:
            yield extension.name
    for inner in sorted({path.partition("/")[0] for path in below if "/" in path and _PYTHON.search(path)}):
        if inner.isidentifier():
            yield from _own(
                tree, files, extensions, f"{name}.{inner}", _initial(tree, files, f"{folder}/{inner}") != "own"
            )


def find_package(tree: SourceTree, name: str, folders: Iterable[str] = ("src", "", "lib", "python")) -> Placed | None:
    """The package or module of that dotted name, in the first of ``folders`` that has it."""
    path = name.replace(".", "/")
    for folder in folders:
        base = f"{folder}/{path}" if folder not in ("", ".") else path
        if f"{base}/__init__.py" in tree or f"{base}/__init__.pyi" in tree:
            return Placed(path, base)
        if f"{base}.py" in tree:
            return Placed(f"{path}.py", f"{base}.py")
        if any(_PYTHON.search(n) or n.endswith((".pyx", ".so")) for n in tree.below(base)):
            return Placed(path, base)
    return None
