"""The system libraries and programs that build files name: CMake's, meson's, autoconf's and setup.py's."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from debgen.upstream.buildcmake import Command, Variables
from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildmodel import Library, LibraryKind
from debgen.upstream.buildsetup import Call
from debgen.upstream.mesonfiles import meson_calls
from debgen.upstream.testfacts import table

#: What comes with the compiler, the C library or Python itself.
_TOOLCHAIN = {
    "c", "m", "dl", "rt", "pthread", "util", "stdc++", "c++", "gcc", "gcc_s", "gomp", "atomic", "stdc++fs", "log",
    "threads", "openmp", "python", "python2", "python3", "pythoninterp", "pythonlibs", "pythonextensions", "python-3",
    "pythonlibsnew", "crypt", "resolv", "nsl", "omp", "iomp5", "intl", "git", "git_version", "ccache", "sccache",
    "bash", "sh", "gtest", "gtest_main", "gmock", "gmock_main", "benchmark", "benchmark_main",
    "valgrind", "cc", "gcc-ar", "ctest", "clang-format", "clang-tidy",
}  # fmt: skip
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_LIBRARIES = re.compile(r"(?:^|[._])(?:libs|libraries)$", re.IGNORECASE)
_PKG_CONFIG_WORDS = {"REQUIRED", "QUIET", "IMPORTED_TARGET", "GLOBAL", "NO_CMAKE_PATH", "NO_CMAKE_ENVIRONMENT_PATH"}
_FIND_WORDS = {"HINTS", "PATHS", "PATH_SUFFIXES", "DOC", "ENV", "REQUIRED", "VALIDATOR", "OPTIONAL"}


def libraries_of(files: BuildFiles, cmake: tuple[Command, ...], meson: str) -> tuple[Library, ...]:
    """All libraries, sorted, each once by kind and name; one that any line requires is required."""
    found: dict[tuple[LibraryKind, str], Library] = {}
    for library in (*_of_cmake(cmake), *_of_meson(files, meson), *_of_setup(files), *_of_autoconf(files)):
        key = (library.kind, library.name)
        if library.name.lower() in _TOOLCHAIN or not _MODULE.fullmatch(library.name):
            continue
        if key not in found or (library.required and not found[key].required):
            found[key] = library
    return tuple(sorted(found.values()))


def _of_cmake(commands: tuple[Command, ...]) -> Iterator[Library]:
    variables = Variables(commands)
    fetched = {c.args[0].lower() for c in commands if c.name in ("fetchcontent_declare", "cpmaddpackage") and c.args}
    targets = {c.args[0].lower() for c in commands if c.args and c.name.startswith(("add_", "define_"))}
    targets |= {c.args[0].lower() for c in commands if c.args and "_add_" in c.name}
    for command in commands:
        args = command.args
        if not args:
            continue
        required = "REQUIRED" in args and not command.when
        if command.name == "find_package" and args[0].lower() not in fetched:
            # a module of the tree itself, FindX.cmake, says by its own commands what it looks for
            yield Library(LibraryKind.CMAKE, args[0], command.evidence, required)
        elif command.name in ("pkg_check_modules", "pkg_search_module"):
            modules = [a for a in args[1:] if a not in _PKG_CONFIG_WORDS]
            needed = required and (command.name == "pkg_check_modules" or len(modules) == 1)
            for text in modules:
                for module in variables.expand(text)[:1]:
                    yield Library(LibraryKind.PKG_CONFIG, re.split(r"[<>=]", module)[0], command.evidence, needed)
        elif command.name in ("find_library", "find_program"):
            kind = LibraryKind.LINK if command.name == "find_library" else LibraryKind.PROGRAM
            names = list(args[1:])
            if names[:1] == ["NAMES"]:
                names = names[1:]
            stop = next((i for i, a in enumerate(names) if a in _FIND_WORDS or a.startswith("NO_")), len(names))
            short = next(iter(n for n in names[: stop if args[1:2] == ("NAMES",) else 1]), "")
            for name in variables.expand(short)[:1]:
                plain = re.sub(r"^lib(.+)\.(?:a|so|dylib)$", r"\1", name)
                yield Library(kind, plain, command.evidence, required)
        elif command.name == "target_link_libraries" or (
            command.name == "list" and "LIB" in "".join(args[1:2]).upper()
        ):
            # A plain name that is no target here is a library of the system, or of something fetched.
            for word in args[2:] if command.name == "list" else args[1:]:
                if re.fullmatch(r"(?:-l)?[a-z][a-z0-9_+.-]*", word) and word.lower() not in targets:
                    yield Library(LibraryKind.LINK, word.removeprefix("-l"), command.evidence, required=False)


def _of_meson(files: BuildFiles, root: str) -> Iterator[Library]:
    for call in meson_calls(files.texts, root) if root else ():
        required = call.keywords.get("required", "true") == "true" and not call.conditional
        names = [w for w in call.words if w]
        if call.name == "dependency" and names:
            cmake = call.keywords.get("method", "").strip("'\"") == "cmake"
            yield Library(LibraryKind.CMAKE if cmake else LibraryKind.PKG_CONFIG, names[0], call.evidence, required)
        elif call.name == "find_library" and names:
            yield Library(LibraryKind.LINK, names[0], call.evidence, required)
        elif call.name == "find_program" and names and "/" not in names[0] and not names[0].endswith(".py"):
            yield Library(LibraryKind.PROGRAM, names[0], call.evidence, required)


def _of_setup(files: BuildFiles) -> Iterator[Library]:
    for call in files.calls():
        name = call.function.lower()
        if name.endswith("extension") or name == "setup":
            for library in call.keywords.get("libraries", ()):
                yield Library(LibraryKind.LINK, library, call.evidence, not call.conditional)
        if "find_library" in name and call.words:
            yield Library(LibraryKind.LINK, call.words[-1], call.evidence, required=False)
        elif ("pkg_config" in name or "pkgconfig" in call.name.lower()) and call.words:
            yield from _packages(call.words, call)
        elif any(posixpath.basename(w).startswith("pkg-config") for w in call.words[:1]):
            yield from _packages(" ".join(call.words).split()[1:], call)
        elif name in ("check_call", "check_output", "call", "run", "popen", "system", "which") and call.words:
            program = posixpath.basename(call.words[0].split(" ")[0])
            if program.endswith(("-config", "_config")):
                yield Library(LibraryKind.PROGRAM, program, call.evidence, required=False)
        elif name in ("append", "extend") and _LIBRARIES.search(call.name.rpartition(".")[0]):
            for library in call.words:
                yield Library(LibraryKind.LINK, library, call.evidence, required=False)
    for script in files.scripts if files.setuptools else ():
        for assigned in script.assigned:
            if _LIBRARIES.search(assigned.name):
                for library in assigned.words:
                    yield Library(LibraryKind.LINK, library, assigned.evidence, required=False)
    listed = table(files.pyproject, "tool", "setuptools").get("ext-modules")
    for entry in listed if isinstance(listed, list) else ():
        named = entry.get("libraries") if isinstance(entry, dict) else ()
        for library in named if isinstance(named, list) else ():
            yield Library(LibraryKind.LINK, str(library), files.line_of("pyproject.toml", "libraries"))


def _packages(words: tuple[str, ...] | list[str], call: Call) -> Iterator[Library]:
    for word in words:
        # what people write around the name: options, bounds, versions
        if not word.startswith("-") and re.match(r"[A-Za-z][\w.+-]*$", word):
            yield Library(LibraryKind.PKG_CONFIG, word, call.evidence, required=False)


def _of_autoconf(files: BuildFiles) -> Iterator[Library]:
    text = files.texts.get("configure.ac", "")
    if not any("configure" in w for call in files.calls() for w in call.words):
        return
    for match in re.finditer(r"^\s*(PKG_CHECK_MODULES|AC_CHECK_LIB|AC_SEARCH_LIBS)\(([^()]*)", text, re.MULTILINE):
        parts = [part.strip().strip("[]") for part in match[2].split(",")]
        evidence = f"configure.ac:{text.count(chr(10), 0, match.start(1)) + 1}"
        if match[1] == "PKG_CHECK_MODULES" and len(parts) > 1:
            for module in re.findall(r"([A-Za-z][\w.+-]*)\s*(?:[<>=]+\s*[\d.]+)?", parts[1]):
                yield Library(LibraryKind.PKG_CONFIG, module, evidence, len(parts) < 4)
        elif match[1] == "AC_CHECK_LIB":
            yield Library(LibraryKind.LINK, parts[0], evidence, required=False)
        elif len(parts) > 1 and parts[1]:
            yield Library(LibraryKind.LINK, parts[1].split()[0], evidence, required=False)
