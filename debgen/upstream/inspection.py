"""What a source tree is, without running it: one frozen answer put together from the readers beside this module."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from debgen.upstream.builders import Builder, BuildFiles, builders, read_build_files
from debgen.upstream.buildfacts import cmake_commands, cmake_languages, facts_of, source_languages, wanted
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.devices import Device, known_devices
from debgen.upstream.embedded import Embedded, Licences, find_embedded, stated_licences
from debgen.upstream.facts import EntryPoint, console_scripts
from debgen.upstream.fetches import Fetch, fetches, is_here, submodules
from debgen.upstream.prebuilt import Prebuilt, find_prebuilt
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table
from debgen.upstream.versionorigin import VersionOrigin, version_origin

_TEST_FILE = re.compile(r"test_[^/]*\.py|[^/]*_tests?\.py|tests?\.py")


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources of one language: how many, one of them, and how many of them Cython or SWIG made."""

    language: str
    files: int
    example: str
    generated: int = 0


@dataclass(frozen=True, slots=True)
class TestPlace:
    """A folder with tests: how many test files, and what runs them."""

    __test__ = False  # not a test class, whatever its name says

    folder: str
    files: int
    runner: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Script:
    """A console script and the file that declares it."""

    command: str
    target: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that the tree says of itself; ``metadata`` tells whether it has PKG-INFO, as sdists do."""

    name: str
    metadata: bool
    files: int
    version: VersionOrigin
    build: BuildFacts
    builders: tuple[Builder, ...]
    sources: tuple[Sources, ...]
    fetches: tuple[Fetch, ...]
    scripts: tuple[Script, ...]
    tests: tuple[TestPlace, ...]
    licences: Licences
    embedded: tuple[Embedded, ...]
    prebuilt: tuple[Prebuilt, ...]
    devices: tuple[Device, ...]
    #: The build requirements that allow one version only, each with its file and line.
    pins: tuple[tuple[str, str], ...] = ()
    build_evidence: str = ""
    notes: tuple[str, ...] = ()


def inspect_tree(root: Path) -> Inspection:
    """Read the source tree at ``root``: an unpacked sdist or a checkout.

    UnsupportedSourceError where it isn't the source of a Python distribution.
    """
    tree = SourceTree(root)
    texts = tree.texts(wanted)
    files = read_build_files(frozenset(tree.names), texts)
    found = builders(files)
    cmake = cmake_commands(files, found)
    facts = facts_of(files, found, cmake)
    name = distribution_name(tree, files)
    embedded = find_embedded(tree, {path: line for path, _, line in submodules(files) if is_here(path, files)})
    return Inspection(
        name=name,
        metadata="PKG-INFO" in tree.names,
        files=len(tree.names),
        version=version_origin(tree, files, name),
        build=facts,
        builders=found,
        sources=tuple(_sources(tree, set(cmake_languages(cmake)))),
        fetches=fetches(files, cmake, facts.crates),
        scripts=tuple(_scripts(tree, files)),
        tests=tuple(_tests(tree, files, [e.path for e in embedded if not e.reason.startswith("has its own")])),
        licences=stated_licences(tree, files),
        embedded=embedded,
        prebuilt=find_prebuilt(tree),
        devices=known_devices(files, cmake),
        pins=tuple((pin, _pinned_at(files, pin)) for pin in facts.pins),
        build_evidence=files.line_of("pyproject.toml", r"build-backend\s*=|^\s*requires\s*=")
        if "build-system" in files.pyproject
        else "",
        notes=facts.notes,
    )


def distribution_name(tree: SourceTree, files: BuildFiles) -> str:
    """The distribution's name by PKG-INFO, pyproject.toml, setup.cfg or setup.py; empty where none says it."""
    if match := re.search(r"^Name:[ \t]*(\S+)", tree.text("PKG-INFO"), re.MULTILINE):
        return match[1]
    for keys in (("project",), ("tool", "poetry"), ("tool", "flit", "metadata")):
        given = table(files.pyproject, *keys).get("name")
        if isinstance(given, str):
            return given
    given = files.setup_cfg.get("metadata", "name", fallback="").strip()
    return given or next((c.keywords["name"][0] for c in files.setup_calls() if c.keywords.get("name")), "")


def _pinned_at(files: BuildFiles, pin: str) -> str:
    pattern = r"\s*".join(re.escape(word) for word in re.findall(r"[\w.\[\]-]+|[^\s\w]+", pin.split(";")[0]))
    return next(
        (at for p in ("pyproject.toml", "setup.py", "setup.cfg") if ":" in (at := files.line_of(p, pattern))), ""
    )


def _sources(tree: SourceTree, by_cmake: set[str]) -> Iterator[Sources]:
    found = source_languages(tree.names)
    for language in sorted(found):
        names = found[language]
        marks = (b"Generated by Cython", b"SWIG (http", b"automatically generated by SWIG")
        made = 0
        if language in ("C", "C++"):
            made = sum(any(mark in tree.head(name, 400) for mark in marks) for name in names)
        yield Sources(language, len(names), names[0], made)
    for language in sorted(by_cmake - set(found) - {"C", "C++"}):
        yield Sources(language, 0, "made from other sources at build time, by CMake's languages")


def _scripts(tree: SourceTree, files: BuildFiles) -> Iterator[Script]:
    for script in console_scripts(tree.root, files.pyproject, files.setup_cfg):
        yield Script(script.command, script.target, _declared(tree, files, script))


def _declared(tree: SourceTree, files: BuildFiles, script: EntryPoint) -> str:
    metadata = [n for n in tree.names if n.endswith(".egg-info/entry_points.txt")]
    for path in ("pyproject.toml", "setup.cfg", "setup.py", *metadata):
        text = files.texts.get(path) or tree.text(path)
        for number, line in enumerate(text.splitlines(), 1):
            if script.command in line and script.target.split(":")[0] in line:
                return f"{path}:{number}"
    return ""


def _tests(tree: SourceTree, files: BuildFiles, foreign: Collection[str]) -> Iterator[TestPlace]:
    """The topmost folders that are called tests, or that hold test files of their own."""
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for name in tree.names:
        parts = name.split("/")
        if not _TEST_FILE.fullmatch(parts[-1]) or any(name.startswith(f"{path}/") for path in foreign):
            continue
        at = next((i for i, part in enumerate(parts[:-1]) if part.lower() in ("tests", "test", "testing")), None)
        if at is None and parts[-1] in ("test.py", "tests.py") and len(parts) > 1:
            continue  # a module of the distribution may be called so
        folder = "/".join(parts[: at + 1] if at is not None else parts[:-1])
        counts[folder] += 1
        example.setdefault(folder, name)
    named = {folder for folder in counts if folder.rsplit("/", 1)[-1].lower() in ("tests", "test", "testing")}
    for stray in set(counts) - named:  # a file here and there that is only called like a test
        if named or any(part.startswith(".") for part in stray.split("/")):
            del counts[stray]
    runner, evidence = _runner(tree, files)
    for folder, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        own, place = runner, evidence
        if not own:
            sample = [n for n in tree.names if n.startswith(f"{folder}/" if folder else "") and n.endswith(".py")]
            sample = sorted(sample, key=lambda n: _TEST_FILE.fullmatch(n.rsplit("/", 1)[-1]) is None)[:40]
            pytest = next((n for n in sample if re.search(r"^\s*(?:import|from) pytest\b", tree.text(n), re.M)), "")
            unittest = next((n for n in sample if re.search(r"^\s*(?:import|from) unittest\b", tree.text(n), re.M)), "")
            own, place = ("pytest", pytest) if pytest or not unittest else ("unittest", unittest)
            place = place or example[folder]
        yield TestPlace(folder or ".", number, own, place)


def _runner(tree: SourceTree, files: BuildFiles) -> tuple[str, str]:
    if "pytest" in table(files.pyproject, "tool"):
        return "pytest", files.line_of("pyproject.toml", r"tool\.pytest")
    if files.setup_cfg.has_section("tool:pytest"):
        return "pytest", files.line_of("setup.cfg", r"tool:pytest")
    for path, pattern in (
        ("pytest.ini", r"\[pytest\]"),
        ("tox.ini", r"\[pytest\]|\bpytest\b"),
        ("noxfile.py", r"\bpytest\b"),
    ):
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if re.search(pattern, line):
                return "pytest", f"{path}:{number}"
    return "", ""
