"""What building an sdist takes, from its own files: read from the stream of the archive, never run."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict

from packaging.requirements import InvalidRequirement, Requirement

from debgen.upstream.buildcargo import crates_of
from debgen.upstream.buildcmake import Command, reached
from debgen.upstream.builders import Builder, BuildFiles, builders, cmake_root, manifests, read_build_files
from debgen.upstream.buildlibraries import libraries_of
from debgen.upstream.buildmodel import BuildFacts, CargoSource, Crate, Library, LibraryKind, Manifest
from debgen.upstream.buildsetup import may_help
from debgen.upstream.cythonneeds import cython_requires
from debgen.upstream.index import IndexClient
from debgen.upstream.intree import intree_requires
from debgen.upstream.members import read_members
from debgen.upstream.model import ReleaseFile
from debgen.upstream.setupprograms import setup_programs
from debgen.workspace import cache_directory, write_atomically

#: Raised whenever the same sdist would give other facts; older entries of the cache are then read anew.
FORMAT = 11

_WANTED_NAMES = {
    "pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml", "Cargo.lock", "CMakeLists.txt", "meson.build",
    "meson.options", "meson_options.txt", "configure.ac", ".gitmodules",
}  # fmt: skip
#: Files of a back end inside the tree (PEP 517), by the usual names of its folder.
_BACKEND = re.compile(r"(?:[^/]+/){0,3}[^/]*(?:backend|pep517|build_hook)[^/]*/[^/]+\.py")
_TOP_ONLY = {"pyproject.toml", "setup.py", "setup.cfg", "configure.ac", ".gitmodules"}
_REQUIREMENTS = re.compile(r"(?:[^/]+/){0,2}requirements[^/]*\.txt|(?:[^/]+/)?requirements/(?:[^/]+/)*[^/]+\.txt")
SUFFIXES = {
    ".c": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".c++": "C++", ".C": "C++", ".pyx": "Cython", ".rs": "Rust",
    ".cu": "CUDA", ".hip": "HIP", ".f": "Fortran", ".for": "Fortran", ".f77": "Fortran", ".f90": "Fortran",
    ".f95": "Fortran", ".f03": "Fortran", ".F": "Fortran", ".F90": "Fortran",
}  # fmt: skip
_CMAKE_LANGUAGES = {"CUDA": "CUDA", "HIP": "HIP", "Fortran": "Fortran", "C": "C", "CXX": "C++"}
#: The fields of a crate that are lists.
_LISTS = ("features", "via", "switches")
#: Folders whose sources a build for users leaves alone: with one of these words in their name, or called just so.
_ASIDE = re.compile(
    r"(?:.*[ _.-])?(?:unit|python)?(?:tests?|testing|testdata|bench(?:es|marks?)?|fuzz(?:ing|ers?)?)(?:[ _.-].*)?|"
    r"docs?|examples?|samples?|demos?|scripts|tools|ci|conformance|fixtures"
)


def is_aside(path: str) -> bool:
    """Whether a member lies among tests, documents, examples or tools, by the names of its folders."""
    return any(_ASIDE.fullmatch(part) for part in path.lower().split("/")[:-1])


def wanted(path: str) -> bool:
    """Whether ``build_facts`` reads the file at ``path`` of an sdist, its top folder left out."""
    name = path.rsplit("/", 1)[-1]
    if name in _TOP_ONLY:
        return "/" not in path
    by_path = _REQUIREMENTS.fullmatch(path) or _BACKEND.fullmatch(path)
    return name in _WANTED_NAMES or name.endswith(".cmake") or may_help(path) or by_path is not None


def build_facts(names: Collection[str], texts: Mapping[str, str]) -> BuildFacts:
    """What the build takes, by the member ``names`` of an sdist and the ``texts`` of those that are ``wanted``.

    What is malformed becomes a note; what only running the code would tell is left out.
    """
    files = read_build_files(names, texts)
    found = builders(files)
    return facts_of(files, found, cmake_commands(files, found))


def facts_of(files: BuildFiles, found: Collection[Builder], cmake: tuple[Command, ...]) -> BuildFacts:
    """The same from build files that are parsed already."""
    starts = manifests(files, found)
    crates, notes = crates_of(starts, files.texts)
    meson = "meson.build" if any(b.name == "meson-python" for b in found) else ""
    return BuildFacts(
        requires=tuple(dict.fromkeys((*files.requires, *intree_requires(files), *cython_requires(files)))),
        backend=files.backend,
        languages=tuple(sorted({*source_languages(files.names), *cmake_languages(cmake)})) if found else (),
        pins=tuple(line for line in files.requires if is_pin(line)),
        crates=crates,
        libraries=tuple(sorted({*_programs(files, found), *libraries_of(files, cmake, meson, compiles=bool(found))})),
        notes=(*files.notes, *notes),
        cargo=cargo_source(starts, files.texts),
    )


def cargo_source(starts: tuple[Manifest, ...], texts: Mapping[str, str]) -> CargoSource:
    """The manifests and locks of the sdist; others may take a crate from it, even where no build by Cargo starts."""
    names = ("Cargo.toml", "Cargo.lock")
    return CargoSource(starts, {path: text for path, text in texts.items() if path.rpartition("/")[2] in names})


def cmake_commands(files: BuildFiles, found: Collection[Builder]) -> tuple[Command, ...]:
    """The commands of the CMake files that the build reaches."""
    root = cmake_root(files, found)
    return reached(set(files.names), files.texts, root) if root else ()


def source_languages(names: Collection[str]) -> dict[str, list[str]]:
    """The sources by language; tests, documents and examples are left out, and what Cython made of its own sources."""
    found: dict[str, list[str]] = {}
    cython = {name.removesuffix(".pyx") for name in names if name.endswith(".pyx")}
    # Cython's pure mode compiles Python files that have declarations beside them.
    pure = {
        f"{name.removesuffix('.pxd')}.py"
        for name in names
        if name.endswith(".pxd") and not name.endswith("__init__.pxd")
    }
    pure &= set(names)
    vendored = tuple(
        name.removesuffix(".cargo-checksum.json") for name in names if name.endswith("/.cargo-checksum.json")
    )
    for name in sorted(names):
        stem, dot, end = name.rpartition(".")
        language = "Cython" if name in pure else SUFFIXES.get(f".{end}") if dot else None
        if vendored and name.startswith(vendored):
            continue
        if language is None or is_aside(name):
            continue
        if language in ("C", "C++") and stem in cython:
            continue
        found.setdefault(language, []).append(name)
    return found


def cmake_languages(commands: Collection[Command]) -> dict[str, str]:
    """The languages that project() and enable_language() name, with the evidence."""
    found: dict[str, str] = {}
    for command in commands:
        words: tuple[str, ...] = ()
        if command.name == "enable_language":
            words = command.args
        elif command.name == "project" and "LANGUAGES" in command.args:
            words = command.args[command.args.index("LANGUAGES") + 1 :]
        for word in words:
            if word in _CMAKE_LANGUAGES:
                found.setdefault(_CMAKE_LANGUAGES[word], command.evidence)
    return found


def is_pin(line: str) -> bool:
    """Whether a requirement allows one version only."""
    try:
        specifier = Requirement(line).specifier
    except InvalidRequirement:
        return False
    return any(s.operator == "===" or (s.operator == "==" and not s.version.endswith(".*")) for s in specifier)


def _programs(files: BuildFiles, found: Collection[Builder]) -> Iterator[Library]:
    """Programs that the builders call and that setup.py starts.

    Scikit-build-core asks for cmake and ninja only where they are missing.
    """
    kinds = {"scikit-build-core": ("cmake", "ninja"), "scikit-build": ("cmake", "ninja"), "CMake": ("cmake",),
             "meson-python": ("ninja",), "bazel": ("bazel",)}  # fmt: skip
    programs: dict[str, str] = {}
    for builder in sorted(found):
        for program in kinds.get(builder.name, ()):
            programs.setdefault(program, builder.evidence)
    for started in setup_programs(files):
        programs.setdefault(started.name, started.evidence)
    yield from (Library(LibraryKind.PROGRAM, program, evidence) for program, evidence in programs.items())


class BuildReader:
    """Reads and caches the build facts of sdists; may be used by several threads."""

    def __init__(self, client: IndexClient) -> None:
        self._client = client
        self._folder = cache_directory("buildfacts")
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, file: ReleaseFile) -> BuildFacts:
        """The facts of one sdist.

        HostileArchiveError where it is malformed or absurdly large, NetworkError where it can't be fetched.
        """
        key = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
        path = self._folder / key[:2] / f"{key}.{FORMAT}.json"
        with self._locks[key]:
            with suppress(OSError, ValueError, KeyError, TypeError):
                return from_json(path.read_text(encoding="utf-8"))
            members = read_members(self._client, file, wanted)
            facts = build_facts(members.names, members.texts)
            write_atomically(path, json.dumps(asdict(facts), separators=(",", ":")).encode())
            return facts


def from_json(text: str) -> BuildFacts:
    """The facts that were written as JSON; ValueError, KeyError or TypeError where they are of another form."""
    data = json.loads(text)
    return BuildFacts(
        requires=tuple(data["requires"]),
        backend=data["backend"],
        languages=tuple(data["languages"]),
        pins=tuple(data["pins"]),
        crates=tuple(Crate(**(crate | {key: tuple(crate[key]) for key in _LISTS})) for crate in data["crates"]),
        libraries=tuple(
            Library(LibraryKind(entry["kind"]), entry["name"], entry["evidence"], entry["required"])
            for entry in data["libraries"]
        ),
        notes=tuple(data["notes"]),
        cargo=CargoSource(
            tuple(
                Manifest(entry["path"], tuple(entry["features"]), entry["default_features"])
                for entry in data["cargo"]["manifests"]
            ),
            dict(data["cargo"]["texts"]),
        ),
    )
