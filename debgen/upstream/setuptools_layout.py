"""What setuptools installs from a tree: by setup.py, setup.cfg, pyproject.toml, its automatic discovery, or egg-info.

The order is setuptools' own. Where setup.py computes what it installs, the ``top_level.txt`` that upstream's own run
of it left in the sdist says the names.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from packaging.utils import canonicalize_name

from debgen.upstream.builders import BuildFiles
from debgen.upstream.layout import DataFile, Layout, Placed, find_package
from debgen.upstream.setupvalues import UnknownValueError, Values, find_packages, matching
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

#: Folders that setuptools' discovery in a flat layout passes over.
_FLAT_EXCLUDED = frozenset({
    "ci", "bin", "debian", "doc", "docs", "documentation", "manpages", "news", "newsfragments", "changelog",
    "test", "tests", "unit_test", "unit_tests", "example", "examples", "scripts", "tools", "util", "utils",
    "python", "build", "benchmark", "benchmarks", "exercise", "exercises", "htmlcov", "tasks", "fabfile",
    "site_scons",
})  # fmt: skip
_FLAT_MODULES = frozenset({
    "setup", "conftest", "test", "tests", "example", "examples", "build", "toxfile", "noxfile", "pavement",
    "dodo", "tasks", "fabfile",
})  # fmt: skip


@dataclass
class _Settings:
    """What the configuration says; None for what it leaves to discovery."""

    package_dir: dict[str, str] = field(default_factory=dict)
    packages: list[str] | None = None
    modules: list[str] | None = None
    data: list[DataFile] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    extensions: bool = False
    #: Whether only running setup.py would tell the packages or modules.
    computed: bool = False
    evidence: str = ""


def setuptools_layout(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    """The layout of a tree that setuptools (or distutils, or pbr) builds; ``name`` is the distribution's."""
    settings = _Settings()
    _from_setup_cfg(tree, files, settings)
    _from_setup_py(tree, files, settings)
    _from_pyproject(tree, files, settings)
    listed = top_level(tree, name)
    nothing = settings.packages is None and settings.modules is None
    if nothing and not settings.computed and not settings.extensions:
        placed = list(_discovered(tree, settings))
        settings.evidence = "setuptools' automatic discovery"
    else:
        placed = list(_placed(tree, settings))
    names: list[str] = []
    if listed and (settings.computed or settings.extensions or {_top(p.target) for p in placed} != set(listed)):
        settings.evidence = "top_level.txt"
        placed = [entry for entry in placed if _top(entry.target) in listed]
        for module in listed:
            if all(_top(entry.target) != module for entry in placed):
                found = find_package(tree, module, _folders(settings, module))
                placed += [found] if found else []
                names.append(module)
    elif settings.computed and not placed:
        found = find_package(tree, str(canonicalize_name(name)).replace("-", "_"), _folders(settings, name))
        placed = [found] if found else list(_discovered(tree, settings))
        settings.evidence = "setup.py computes it; the module is named like the distribution"
    return Layout(
        tuple(sorted(set(placed))), tuple(names), (), tuple(sorted(settings.data)), tuple(settings.scripts),
        settings.evidence,
    )  # fmt: skip


def top_level(tree: SourceTree, name: str) -> tuple[str, ...]:
    """The names in the distribution's own top_level.txt; none where the tree has no such file."""
    for path in egg_info(tree, name):
        names = [
            line.strip().replace("\\", "/").partition("/")[0]
            for line in tree.text(f"{path}/top_level.txt").splitlines()
        ]
        if found := tuple(dict.fromkeys(n for n in names if n.isidentifier() or n.endswith("-stubs"))):
            return found
    return ()


def egg_info(tree: SourceTree, name: str = "") -> list[str]:
    """The folders of metadata that setuptools left in the tree, the one of the distribution ``name`` first."""
    found = {n.rpartition("/")[0] for n in tree.names if n.count("/") <= 3 and ".egg-info/" in n}
    found = {path for path in found if path.endswith(".egg-info")}

    def rank(path: str) -> tuple[bool, int, str]:
        stem = path.rsplit("/", 1)[-1].removesuffix(".egg-info").partition("-")[0]
        return canonicalize_name(stem) != canonicalize_name(name), path.count("/"), path

    ranked = sorted(found, key=rank)
    own = [path for path in ranked if not rank(path)[0]]
    return own or [path for path in ranked if path.count("/") <= 1]


def _top(target: str) -> str:
    return target.partition("/")[0].partition(".")[0]


def _folders(settings: _Settings, module: str) -> list[str]:
    base = settings.package_dir.get("", "")
    own = settings.package_dir.get(module)
    return [
        *([posixpath.dirname(own)] if own and posixpath.basename(own) == module else []),
        base,
        "src",
        "lib",
        "",
        "python",
    ]


def _placed(tree: SourceTree, settings: _Settings) -> Iterator[Placed]:
    for package in settings.packages or ():
        target = package.replace(".", "/")
        folder = _folder_of(package, settings.package_dir)
        if any(posixpath.dirname(n) == folder for n in tree.below(folder)) or not folder:
            yield Placed(target, folder, whole=False)
        yield from _package_data(tree, target, folder)
    base = settings.package_dir.get("", "")
    for module in settings.modules or ():
        path = f"{module.replace('.', '/')}.py"
        yield Placed(path, posixpath.join(base, path))


def _package_data(tree: SourceTree, target: str, folder: str) -> Iterator[Placed]:
    """Data folders below a package are its own: those that have no module of their own."""
    if not folder:
        return
    for inner in sorted(
        {n[len(folder) + 1 :].partition("/")[0] for n in tree.below(folder) if "/" in n[len(folder) + 1 :]}
    ):
        if not any(n.endswith((".py", ".pyx", ".pyi")) for n in tree.below(f"{folder}/{inner}")):
            yield Placed(f"{target}/{inner}", f"{folder}/{inner}")


def _folder_of(package: str, package_dir: Mapping[str, str]) -> str:
    """As distutils has it: the longest prefix in package_dir decides, the empty one for all others."""
    parts = package.split(".")
    for end in range(len(parts), 0, -1):
        if (base := package_dir.get(".".join(parts[:end]))) is not None:
            return posixpath.normpath(posixpath.join(base, *parts[end:])).removeprefix("./").removesuffix(".")
    base = package_dir.get("", "")
    return posixpath.normpath(posixpath.join(base, *parts))


def _discovered(tree: SourceTree, settings: _Settings) -> Iterator[Placed]:
    """Automatic discovery as of setuptools 61: package-dir, then src, then the flat layout."""
    base = settings.package_dir.get("") or ("src" if tree.below("src") else "")
    if base and base != ".":
        for package in find_packages(tree, base, namespaces=True):
            if "." not in package and any(n.endswith((".py", ".pyx", ".pyi")) for n in tree.below(f"{base}/{package}")):
                yield Placed(package, f"{base}/{package}")
        for path in tree.below(base):
            file = path[len(base) + 1 :]
            if "/" not in file and file.endswith(".py"):
                yield Placed(file, path)
        return
    found = False
    for package in find_packages(tree, "", namespaces=True):
        stem = package.partition(".")[0]
        if "." in package or stem in _FLAT_EXCLUDED or stem.startswith(("_", ".")) or not stem.isidentifier():
            continue
        if any(n.endswith((".py", ".pyx")) for n in tree.below(package)):
            found = True
            yield Placed(package, package)
    for path in tree.names if not found else ():
        stem = path.removesuffix(".py")
        module = "/" not in path and path.endswith(".py") and stem.isidentifier() and not stem.startswith("_")
        if module and stem not in _FLAT_MODULES:
            yield Placed(path, path)


def _from_setup_cfg(tree: SourceTree, files: BuildFiles, settings: _Settings) -> None:
    cfg = files.setup_cfg
    for line in cfg.get("options", "package_dir", fallback="").replace(",", "\n").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            settings.package_dir[key.strip()] = _clean(value)
    given = cfg.get("options", "packages", fallback="").strip()
    if given.startswith("find"):
        where = _clean(cfg.get("options.packages.find", "where", fallback=""))
        include = _lines(cfg.get("options.packages.find", "include", fallback=""))
        exclude = _lines(cfg.get("options.packages.find", "exclude", fallback=""))
        settings.packages = find_packages(
            tree, where, tuple(include) or ("*",), tuple(exclude), namespaces="namespace" in given
        )
        if where:
            settings.package_dir.setdefault("", where)
    elif given:
        settings.packages = _lines(given)
    if modules := _lines(cfg.get("options", "py_modules", fallback="")):
        settings.modules = modules
    settings.scripts += _lines(cfg.get("options", "scripts", fallback=""))
    if cfg.has_section("options.data_files"):
        for target, text in cfg.items("options.data_files"):
            settings.data += _data(tree, target, _lines(text))
    if cfg.has_section("files"):  # pbr's
        listed = _lines(cfg.get("files", "packages", fallback="")) or [cfg.get("metadata", "name", fallback="")]
        everything = find_packages(tree)
        settings.packages = [p for p in everything if any(p == one or p.startswith(f"{one}.") for one in listed)]
        settings.modules = _lines(cfg.get("files", "modules", fallback="")) or settings.modules
        settings.scripts += _lines(cfg.get("files", "scripts", fallback=""))
        for line in cfg.get("files", "data_files", fallback="").splitlines():
            target, equals, sources = line.partition("=")
            if equals:
                settings.data += _data(tree, target.strip(), sources.split())
    settings.evidence = "setup.cfg" if settings.packages or settings.modules else settings.evidence


def _from_setup_py(tree: SourceTree, files: BuildFiles, settings: _Settings) -> None:
    for call in files.setup_calls():
        script = next(s for s in files.scripts if s.path == call.path)
        values = Values(script, tree)
        given = values.keywords(call.node)
        settings.extensions |= bool({"ext_modules", "cffi_modules", "rust_extensions"} & given.keys())
        settings.computed |= any(k.arg is None for k in call.node.keywords) and not given
        if "package_dir" in given:
            with suppress(UnknownValueError, AttributeError):
                settings.package_dir |= {str(k): _clean(str(v)) for k, v in values.value(given["package_dir"]).items()}
        for key in ("packages", "py_modules"):
            if key in given:
                try:
                    words = values.words(given[key])
                except UnknownValueError:
                    settings.computed = True
                    continue
                settings.evidence = call.evidence
                if key == "packages":
                    settings.packages = words
                else:
                    settings.modules = words
        if "scripts" in given:
            with suppress(UnknownValueError):
                settings.scripts += [_clean(word) for word in values.words(given["scripts"])]
        if "data_files" in given:
            with suppress(UnknownValueError, TypeError, ValueError):
                for entry in values.value(given["data_files"]):
                    target, sources = ("", [entry]) if isinstance(entry, str) else entry
                    settings.data += _data(tree, str(target), [str(s) for s in sources])
    if "setup.py" in tree and not any(files.setup_calls()) and files.setuptools:
        settings.computed |= not any(script.path == "setup.py" for script in files.scripts)


def _from_pyproject(tree: SourceTree, files: BuildFiles, settings: _Settings) -> None:
    tool = table(files.pyproject, "tool", "setuptools")
    for key, value in table(tool, "package-dir").items():
        if isinstance(value, str):
            settings.package_dir[key] = _clean(value)
    packages = tool.get("packages")
    find = table(tool, "packages", "find")
    if isinstance(packages, list):
        settings.packages, settings.evidence = [str(p) for p in packages], "pyproject.toml"
    elif isinstance(packages, dict) and "find" in packages:
        wheres = _strings(find.get("where")) or ["."]
        settings.packages, settings.evidence = [], "pyproject.toml"
        for where in wheres:
            found = find_packages(
                tree, where, tuple(_strings(find.get("include"))) or ("*",), tuple(_strings(find.get("exclude"))),
                namespaces=find.get("namespaces") is not False,
            )  # fmt: skip
            settings.packages += found
            if _clean(where):
                settings.package_dir |= {p: f"{_clean(where)}/{p}" for p in found if "." not in p}
    if isinstance(tool.get("py-modules"), list):
        settings.modules, settings.evidence = _strings(tool["py-modules"]), "pyproject.toml"
    settings.extensions |= bool(tool.get("ext-modules"))
    settings.scripts += _strings(tool.get("script-files"))
    for target, sources in table(tool, "data-files").items():
        settings.data += _data(tree, target, _strings(sources))


def _data(tree: SourceTree, target: str, sources: Iterable[str]) -> Iterator[DataFile]:
    for source in sources:
        path = _clean(source)
        for name in [path] if path in tree else matching(tree, path) if "*" in path else [*tree.below(path)][:1]:
            yield DataFile(posixpath.join(target, posixpath.basename(name)), name)


def _clean(path: str) -> str:
    path = posixpath.normpath(path.strip()) if path.strip() else ""
    return "" if path == "." else path


def _lines(text: str) -> list[str]:
    return [word.strip() for line in text.splitlines() for word in line.split(",") if word.strip()]


def _strings(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
