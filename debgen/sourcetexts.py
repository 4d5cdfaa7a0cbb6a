"""The texts of an sdist that the generator reads, and the programs that its tests call."""

from __future__ import annotations

import re
from pathlib import Path

from debgen.archive.index import SuiteIndex
from debgen.archive.libraries import find_library
from debgen.archive.model import FileKind, Match
from debgen.debianize.pyo3_patch import names_alias
from debgen.upstream.facts import SdistFacts
from debgen.upstream.testprograms import programs_called, programs_wrapped

#: Files of the sdist that the generator reads as text, besides licences and tests' paths.
_READ = (
    "SECURITY.md",
    ".github/SECURITY.md",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "pytest.ini",
    "tox.ini",
    "conftest.py",
)
#: … and those that may list requirements for setup.py or pbr.
_LISTS = ("*require*.txt", "*require*.in", "*require*.pip", "*require*/*.txt", "*require*/*.in")


def source_texts(tree: Path, facts: SdistFacts) -> dict[str, str]:
    """Texts by path; the tests' files are there by name only, so that recipes can be checked against them."""
    lists = (path for pattern in _LISTS for path in sorted(tree.glob(pattern)))
    texts = {
        path: (tree / path).read_text("utf-8", "replace")
        for path in (*_READ, *(listed.relative_to(tree).as_posix() for listed in lists), *facts.licence_files)
        if (tree / path).is_file()
    }
    for path in facts.tests.files:
        texts.setdefault(path, "")
    return texts | _cmake_files(tree) | _cargo_files(tree)


def _cargo_files(tree: Path) -> dict[str, str]:
    """Cargo's manifests, its lock files by name only, its configuration where builds run, and what names old PyO3."""
    manifests = (file for file in sorted(tree.rglob("Cargo.toml")) if file.is_file() and not file.is_symlink())
    found = {file.relative_to(tree).as_posix(): file.read_text("utf-8", "replace") for file in manifests}
    found |= {file.relative_to(tree).as_posix(): "" for file in sorted(tree.rglob("Cargo.lock")) if file.is_file()}
    for file in sorted(tree.rglob("*.rs")):
        if file.is_file() and not file.is_symlink() and names_alias(text := file.read_text("utf-8", "replace")):
            found[file.relative_to(tree).as_posix()] = text
    for name in (".cargo/config", ".cargo/config.toml"):
        if (tree / name).is_file():
            found[name] = (tree / name).read_text("utf-8", "replace")
    return found


def _cmake_files(tree: Path) -> dict[str, str]:
    """The CMake files that may download something, or set the paths of libraries."""
    found = (file for pattern in ("CMakeLists.txt", "*.cmake") for file in sorted(tree.rglob(pattern)))
    texts = {file.relative_to(tree).as_posix(): file.read_text("utf-8", "replace") for file in found if file.is_file()}
    return {path: text for path, text in texts.items() if re.search(r"FetchContent_|INSTALL_RPATH", text)}


def test_programs(tree: Path, facts: SdistFacts, index: SuiteIndex, existing: Match | None) -> tuple[str, ...]:
    """The suite's packages of the programs that the tests call, but for those that are there in every build."""
    called = {
        name for path in facts.tests.files for name in programs_called((tree / path).read_text("utf-8", "replace"))
    }
    for file in facts.tests.own:
        if facts.tests.directory and any(part in facts.modules for part in file.path.removesuffix(".py").split("/")):
            called |= programs_wrapped(facts.normalised, (tree / file.path).read_text("utf-8", "replace"))
    own = {script.command for script in facts.scripts}
    found = (find_library(index, FileKind.PROGRAM, name) for name in sorted(called - own))
    built = {binary.name for binary in index.source_binaries(existing.source)} if existing else set()
    return tuple(sorted({match.packages[0] for match in found if match and match.packages} - built))
