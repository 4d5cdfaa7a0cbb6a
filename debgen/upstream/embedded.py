"""Copies of other projects inside a source tree, minified scripts, and the licences that the tree states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from debgen.upstream.builders import BuildFiles
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

#: Folders whose name says that their content comes from elsewhere; each folder in them is one project.
_FOREIGN = re.compile(
    r"_?(?:vendor|vendored|vendors|vendored_packages|third[_-]?party|3rd[_-]?party|extern|externals?|external[_-]libs?|"
    r"bundled|deps|_deps|node_modules|bower_components|subprojects|submodules|contrib[_-]libs)|vendored-.*",
    re.IGNORECASE,
)
_MINIFIED = re.compile(r"[.-]min\.(?:js|mjs|css)$|\.bundle\.js$", re.IGNORECASE)
_LICENCE_FILE = re.compile(r"(?:licen[cs]e|copying|notice|copyright|unlicen[cs]e)(?:[._-].*)?", re.IGNORECASE)
#: Folders whose licence file is about upstream's own documents, or is there for the copies' sake.
_OWN = {"licenses", "licences", "license", "licence", "doc", "docs", "source", "tests", "test", ".spin"}
_CODE = re.compile(
    r"\.(?:py|pyx|[ch]|cc|cpp|cxx|hpp|hh|rs|js|ts|go|java|cu|cuh|f90|f|asm|s|S|m4|proto|in|inc|inl|ipp)$"
)


@dataclass(frozen=True, slots=True, order=True)
class Embedded:
    """A copy of something: its folder or file, how many files, and why it counts as one."""

    path: str
    files: int
    reason: str


@dataclass(frozen=True, slots=True)
class Licences:
    """What the tree states: the SPDX expression or the licence field, where, the classifiers, and the files."""

    expression: str = ""
    evidence: str = ""
    classifiers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def find_embedded(tree: SourceTree, submodules: Mapping[str, str]) -> tuple[Embedded, ...]:
    """Folders of other projects, then minified scripts and style sheets.

    ``submodules`` are the git submodules whose folders are in the tree, with the line that names each.
    """
    counts: dict[str, list[str]] = {}
    for name in tree.names:
        parts = name.split("/")
        at = next((i for i, part in enumerate(parts[:-1]) if _FOREIGN.fullmatch(part)), None)
        if at is None:
            continue
        deeper = at + 1 < len(parts) - 1
        counts.setdefault("/".join(parts[: at + 2] if deeper else parts[: at + 1]), []).append(name)
    found = [
        Embedded(path, sum(n.startswith(f"{path}/") for n in tree.names), f"a git submodule — {line}")
        for path, line in submodules.items()
    ]
    for name in tree.names:
        folder, _, last = name.rpartition("/")
        if last == ".cargo-checksum.json":
            number = sum(n.startswith(f"{folder}/") for n in tree.names)
            found.append(Embedded(folder, number, "a vendored crate, by its .cargo-checksum.json"))
    for path, names in sorted(counts.items()):
        if any(e.path.startswith(f"{path}/") or e.path == path for e in found):
            continue
        if any(_CODE.search(name) and not (name.endswith("/__init__.py") and len(names) == 1) for name in names):
            found.append(Embedded(path, len(names), _reason(path, names)))
    found += [
        e
        for e in _licensed_folders(tree)
        if not any(e.path.startswith(f"{o.path}/") or e.path == o.path for o in found)
    ]
    return (*sorted(found), *_minified(tree))


def _reason(path: str, names: list[str]) -> str:
    licences = [n for n in names if _is_licence(n)]
    folder = next(p for p in path.split("/") if _FOREIGN.fullmatch(p))
    return f"in {folder}/" + (f", with {licences[0]}" if licences else "")


def _licensed_folders(tree: SourceTree) -> Iterator[Embedded]:
    """Folders with code and a licence file of their own, which says that they came from elsewhere."""
    own = {n.rsplit("/", 1)[0]: n for n in tree.names if "/" in n and _is_licence(n)}
    # The licence that lies highest is upstream's own, wherever the sdist put it.
    depth = min((n.count("/") for n in tree.names if _is_licence(n)), default=0)
    tops = {tree.text(n) for n in tree.names if n.count("/") == depth and _is_licence(n)}
    for folder, licence in sorted(own.items()):
        last = folder.rsplit("/", 1)[-1].lower()
        inside = [n for n in tree.names if n.startswith(f"{folder}/")]
        code = [n for n in inside if _CODE.search(n)]
        named = last in _OWN or ".dist-info" in folder or ".egg-info" in folder
        if code and not named and tree.text(licence) not in tops:
            yield Embedded(folder, len(inside), f"has its own {licence.rsplit('/', 1)[-1]}")


def _is_licence(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return _LICENCE_FILE.fullmatch(name) is not None and not _CODE.search(name)


def minified_files(tree: SourceTree) -> tuple[str, ...]:
    """The scripts and style sheets that were minified, by their name or their endless lines."""
    return tuple(found.path for found in _minified(tree))


def _minified(tree: SourceTree) -> Iterator[Embedded]:
    for name in tree.names:
        if name.endswith((".js", ".mjs", ".css")) and "node_modules/" not in name:
            if _MINIFIED.search(name):
                yield Embedded(name, 1, "minified, by its name")
            elif tree.size(name) > 20_000:
                head = tree.head(name, 32_768)
                if max((len(line) for line in head.splitlines()[:200]), default=0) > 5_000:
                    yield Embedded(name, 1, "minified: lines of more than 5,000 characters")


def stated_licences(tree: SourceTree, files: BuildFiles) -> Licences:
    """PKG-INFO and pyproject.toml (PEP 639), then setup.cfg and setup.py; licence files by name."""
    licence_files = tuple(n for n in tree.names if _is_licence(n))
    listed = tuple(sorted(licence_files, key=lambda n: (n.count("/"), n)))
    project = table(files.pyproject, "project")
    classifiers = [str(c) for c in _list(project.get("classifiers"))]
    classifiers += re.findall(r"^Classifier: (.*)$", tree.text("PKG-INFO"), re.MULTILINE)
    classifiers += files.setup_cfg.get("metadata", "classifiers", fallback="").split("\n")
    for call in files.setup_calls():
        classifiers += call.keywords.get("classifiers", ())
    kept = sorted({c.strip().removeprefix("License :: ") for c in classifiers if c.strip().startswith("License ::")})
    expression, evidence = _expression(tree, files, project)
    return Licences(expression, evidence, tuple(kept), listed)


def _expression(tree: SourceTree, files: BuildFiles, project: Mapping[str, Any]) -> tuple[str, str]:
    given = project.get("license")
    line = files.line_of("pyproject.toml", r"^\s*license\s*=|project\.license\]")
    if isinstance(given, str):
        return given, line
    if isinstance(given, dict):
        if isinstance(given.get("text"), str):
            return _short(given["text"]), line
        if isinstance(given.get("file"), str):
            return f"see {given['file']}", line
    poetry = table(files.pyproject, "tool", "poetry").get("license")
    if isinstance(poetry, str):
        return poetry, line
    text = tree.text("PKG-INFO").split("\n\n", 1)[0]
    for number, head in enumerate(text.splitlines(), 1):
        if match := re.match(r"License(?:-Expression)?:\s*(\S.*)", head):
            return _short(match[1]), f"PKG-INFO:{number}"
    cfg = files.setup_cfg.get("metadata", "license", fallback="").strip()
    if cfg:
        return _short(cfg), files.line_of("setup.cfg", r"^license\s*=")
    for call in files.setup_calls():
        if words := call.keywords.get("license"):
            return _short(words[0]), call.evidence
    return "", ""


def _short(text: str) -> str:
    first = text.strip().split("\n", 1)[0].strip()
    return first if len(first) <= 80 else first[:79] + "…"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
