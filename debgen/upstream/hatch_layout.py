"""What hatchling's wheel target installs: packages, only-include, include, sources, force-include and its defaults."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from debgen.upstream.builders import BuildFiles
from debgen.upstream.globs import files_matching
from debgen.upstream.layout import DataFile, Layout, Placed
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

#: Files that hatchling never takes into a wheel.
_NEVER = ("*.py[cdo]", "__pycache__", ".git", ".hg", ".DS_Store")


def hatch_layout(tree: SourceTree, files: BuildFiles, name: str) -> Layout:
    """The layout by [tool.hatch.build] and its target wheel (also hatch.toml's); the target's keys come first."""
    root = table(files.pyproject, "tool", "hatch", "build")
    target = table(root, "targets", "wheel")

    def option(key: str) -> Any:
        return target.get(key, root.get(key))

    packages = [_clean(p) for p in _strings(option("packages"))]
    chosen = [_clean(p) for p in _strings(option("only-include"))] or packages
    include, exclude = _strings(option("include")), _strings(option("exclude"))
    sources: Mapping[str, str] = _sources(option("sources"), packages)
    evidence = "tool.hatch.build"
    if not chosen and not include and target.get("bypass-selection") is not True and not target.get("force-include"):
        chosen, sources, evidence = _default(tree, files, name, sources)
    left_out = set(files_matching(tree, [*exclude, *_NEVER], anchored=False))
    found = files_matching(tree, chosen) if chosen else list(tree.names) if include else []
    if include:
        allowed = set(files_matching(tree, include, anchored=False))
        found = [path for path in found if path in allowed]
    found = [path for path in found if path not in left_out]
    artifacts = _strings(root.get("artifacts")) + _strings(target.get("artifacts"))
    found += [path for path in files_matching(tree, artifacts, anchored=False) if not chosen or _below(path, chosen)]
    placed = [Placed(_moved(path, sources), path) for path in dict.fromkeys(found)]
    forced = {**table(root, "force-include"), **table(target, "force-include")}
    for source, place in forced.items():
        if isinstance(place, str) and not source.startswith(("..", "/", "~")):
            placed += _forced(tree, _clean(source), _clean(place))
    data = [
        DataFile(posixpath.join(_clean(place), path[len(_clean(source)) :].strip("/")).rstrip("/"), path)
        for source, place in table(target, "shared-data").items() if isinstance(place, str)
        for path in ([_clean(source)] if _clean(source) in tree else tree.below(_clean(source)))
    ]  # fmt: skip
    scripts = tuple(_clean(source) for source in table(target, "shared-scripts"))
    return Layout(tuple(placed), data=tuple(sorted(data)), scripts=scripts, evidence=evidence)


def _default(
    tree: SourceTree, files: BuildFiles, name: str, sources: Mapping[str, str]
) -> tuple[list[str], Mapping[str, str], str]:
    """What hatchling guesses, in its order: NAME/, src/NAME/, NAME.py, and a namespace's */NAME/."""
    raw = str(table(files.pyproject, "project").get("name") or name)
    for spelled in dict.fromkeys(
        (re.sub(r"[^\w.]+", "_", raw).replace(".", "_"), str(canonicalize_name(raw)).replace("-", "_"))
    ):
        for package in (n for n in tree.names if n.lower().endswith(f"{spelled.lower()}/__init__.py")):
            folder = posixpath.dirname(package)
            if folder.lower() == spelled.lower():
                return [folder], sources, "hatchling's default: a package named like the distribution"
            if folder.lower() == f"src/{spelled.lower()}":
                return [folder], {"src": "", **sources}, "hatchling's default: a package in src"
        for module in (n for n in tree.names if n.lower() == f"{spelled.lower()}.py"):
            return [module], sources, "hatchling's default: a module named like the distribution"
        spaces = [n for n in tree.names if re.fullmatch(rf"[^/]+/{re.escape(spelled)}/__init__\.py", n)]
        if len(spaces) == 1:
            return [posixpath.dirname(spaces[0])], sources, "hatchling's default: a namespace"
    return [], sources, ""


def _sources(value: object, packages: Iterable[str]) -> dict[str, str]:
    """Prefixes of paths, each with what replaces it; ``packages`` is the same as naming their parents."""
    found = {posixpath.dirname(package): "" for package in packages if "/" in package}
    if isinstance(value, list):
        found |= {_clean(str(prefix)): "" for prefix in value}
    elif isinstance(value, dict):
        found |= {_clean(str(prefix)): _clean(str(place)) for prefix, place in value.items()}
    return found


def _moved(path: str, sources: Mapping[str, str]) -> str:
    for prefix in sorted(sources, key=len, reverse=True):
        if not prefix:
            return posixpath.join(sources[prefix], path)
        if path.startswith(f"{prefix}/"):
            return posixpath.join(sources[prefix], path[len(prefix) + 1 :])
    return path


def _forced(tree: SourceTree, source: str, place: str) -> Iterable[Placed]:
    if source in tree:
        yield Placed(place, source)
    for path in tree.below(source) if source else ():
        yield Placed(posixpath.join(place, path[len(source) + 1 :]), path)


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _clean(path: str) -> str:
    text = posixpath.normpath(path.strip("/")) if path.strip("/") else ""
    return "" if text == "." else text


def _strings(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else []
