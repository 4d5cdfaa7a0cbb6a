"""The system libraries and programs that build files name: CMake's, meson's, autoconf's and setup.py's."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

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
    "valgrind", "cc", "gcc-ar", "ctest", "clang-format", "clang-tidy", "ld.lld", "ld.gold", "ld.mold", "lld", "mold",
    "gcov", "numpy",
}  # fmt: skip
#: What only other systems have: Windows' compiler, its tools and libraries, Apple's frameworks.
_ELSEWHERE = {
    "cl", "clang-cl", "link", "lib", "rc", "mt", "dumpbin", "vswhere", "ws2_32", "advapi32", "comctl32", "crypt32",
    "gdi32", "kernel32", "netapi32", "ole32", "oleaut32", "secur32", "shell32", "user32", "wsock32", "bcrypt",
    "dbghelp", "iphlpapi", "ntdll", "psapi", "rpcrt4", "shfolder", "shlwapi", "userenv", "winmm", "accelerate",
    "appleframeworks",
}  # fmt: skip
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_LIBRARIES = re.compile(r"(?:^|[._])(?:libs|libraries)$", re.IGNORECASE)
_PKG_CONFIG_WORDS = {"REQUIRED", "QUIET", "IMPORTED_TARGET", "GLOBAL", "NO_CMAKE_PATH", "NO_CMAKE_ENVIRONMENT_PATH"}
_FIND_WORDS = {"HINTS", "PATHS", "PATH_SUFFIXES", "DOC", "ENV", "REQUIRED", "VALIDATOR", "OPTIONAL"}
_FIND_COMMANDS = {"find_package", "find_library", "find_program", "pkg_check_modules", "pkg_search_module"}
_TARGET = re.compile(r"^[ \t]*(?:add_\w+|\w*_add_\w+)[ \t]*\([ \t\n]*([\w.+-]+)", re.IGNORECASE | re.MULTILINE)
_OTHER_FILE = re.compile(r".*\.(?:c|cc|cpp|cxx|h|hh|hpp|s|asm|def|map|exe|dll|lib|dylib)", re.IGNORECASE)


def libraries_of(
    files: BuildFiles, cmake: tuple[Command, ...], meson: str, *, compiles: bool = True
) -> tuple[Library, ...]:
    """All libraries, sorted, each once by kind and name; one that any line requires is required.

    Where the build ``compiles`` nothing, setup.py's lists are not of libraries.
    """
    found: dict[tuple[LibraryKind, str], Library] = {}
    setup = (*_of_setup(files), *_of_autoconf(files)) if compiles else ()
    for library in _real((*_of_cmake(cmake, files), *_of_meson(files, meson), *setup)):
        key = (library.kind, library.name)
        if key not in found or (library.required and not found[key].required):
            found[key] = library
    return tuple(sorted(found.values()))


def _of_cmake(commands: tuple[Command, ...], files: BuildFiles) -> Iterator[Library]:
    variables = Variables(commands)
    fetched = {c.args[0].lower() for c in commands if c.name in ("fetchcontent_declare", "cpmaddpackage") and c.args}
    targets = _own_targets(commands, files)
    projects = tuple(c.args[0].lower() for c in commands if c.name == "project" and c.args)
    own_modules = _own_modules(commands)
    for command in commands:
        args = command.args
        if not args:
            continue
        required = "REQUIRED" in args and not command.when
        if command.name == "find_package" and args[0].lower() not in {*fetched, *projects, *own_modules}:
            yield Library(LibraryKind.CMAKE, args[0], command.evidence, required)
        elif command.name in ("pkg_check_modules", "pkg_search_module"):
            modules = [a for a in args[1:] if a not in _PKG_CONFIG_WORDS]
            needed = required and (command.name == "pkg_check_modules" or len(modules) == 1)
            for text in modules:
                for module in variables.expand(text)[:1]:
                    yield Library(LibraryKind.PKG_CONFIG, re.split(r"[<>=]", module)[0], command.evidence, needed)
        elif command.name in ("find_library", "find_program"):
            kind = LibraryKind.LINK if command.name == "find_library" else LibraryKind.PROGRAM
            if args[0].upper().endswith("_DEBUG"):  # the build for debugging that some systems have beside the other
                continue
            names = args[args.index("NAMES") + 1 :] if "NAMES" in args else args[1:2]
            short = next(iter(names), "")
            if short in _FIND_WORDS or short.startswith("NO_"):
                continue
            for name in variables.expand(short)[:1]:
                yield Library(kind, name, command.evidence, required)
        elif command.name == "target_link_libraries" or (
            command.name == "list" and "LIB" in "".join(args[1:2]).upper()
        ):
            # A plain name that is no target here is a library of the system, or of something fetched.
            for word in args[2:] if command.name == "list" else args[1:]:
                own = word.lower() in targets or any(word.lower().startswith(f"{name}_") for name in projects)
                if re.fullmatch(r"(?:-l)?[a-z][a-z0-9_+.-]*", word) and not own:
                    yield Library(LibraryKind.LINK, word.removeprefix("-l"), command.evidence, required=False)


def _plain(library: Library) -> Library:
    """A library that is named by its file, as the linker names it."""
    if library.kind is not LibraryKind.LINK:
        return library
    return replace(library, name=re.sub(r"^lib(.+)\.(?:a|so)(?:\.\d+)*$", r"\1", library.name))


def _own_targets(commands: tuple[Command, ...], files: BuildFiles) -> set[str]:
    """What the tree makes itself, by any CMake file of it: the way to some of them takes running CMake to know."""
    found = {c.args[0].lower() for c in commands if c.args and c.name.startswith("define_")}
    for path, text in files.texts.items() if commands else ():
        if path.endswith((".cmake", "CMakeLists.txt")):
            found |= {name.lower() for name in _TARGET.findall(text)}
    return found


def _own_modules(commands: tuple[Command, ...]) -> set[str]:
    """Packages for which the tree has a module, FindX.cmake, that says by its own commands what it looks for."""
    names = (posixpath.basename(c.path) for c in commands if c.name in _FIND_COMMANDS)
    return {name[len("Find") : -len(".cmake")].lower() for name in names if re.fullmatch(r"Find.+\.cmake", name)}


def _of_meson(files: BuildFiles, root: str) -> Iterator[Library]:
    for call in meson_calls(files.texts, root) if root else ():
        required = call.keywords.get("required", "true") == "true" and not call.conditional
        names = [w for w in call.words if w]
        if call.name == "dependency" and names:
            cmake = call.keywords.get("method", "").strip("'\"") == "cmake"
            yield Library(LibraryKind.CMAKE if cmake else LibraryKind.PKG_CONFIG, names[0], call.evidence, required)
        elif call.name == "find_library" and names and "dirs" not in call.keywords:
            # folders of its own mean a library that something else brings, such as NumPy's npymath
            yield Library(LibraryKind.LINK, names[0], call.evidence, required)
        elif call.name == "find_program" and names and "/" not in names[0] and not names[0].endswith(".py"):
            yield Library(LibraryKind.PROGRAM, names[0], call.evidence, required)


def setup_libraries(files: BuildFiles) -> Iterator[Library]:
    """What setup.py and its helpers name, each time that they do."""
    return _real(_of_setup(files))


def _real(libraries: Iterable[Library]) -> Iterator[Library]:
    """Without what every build for Linux has, and what is no library."""
    for library in map(_plain, libraries):
        if library.name.lower() in _TOOLCHAIN | _ELSEWHERE or not _MODULE.fullmatch(library.name):
            continue
        if not _OTHER_FILE.fullmatch(library.name):
            yield library


def _of_setup(files: BuildFiles) -> Iterator[Library]:
    for call in files.calls():
        name = call.function.lower()
        if name.endswith("extension") or name == "setup":
            for library in call.keywords.get("libraries", ()):
                if not _bundled(library, call, files):
                    yield Library(LibraryKind.LINK, library, call.evidence, not call.conditional)
        if "find_library" in name and call.words:
            yield Library(LibraryKind.LINK, call.words[-1], call.evidence, required=False)
        elif ("pkg_config" in name or "pkgconfig" in call.name.lower()) and call.words:
            yield from _packages(call.words, call)
        elif any(posixpath.basename(w).startswith("pkg-config") for w in call.words[:1]):
            words = " ".join(call.words).split()[1:]
            if any(word.startswith("--") for word in words):  # not a message about it
                yield from _packages(words, call)
        elif name in ("check_call", "check_output", "call", "run", "popen", "system", "which") and call.words:
            program = posixpath.basename(call.words[0].split(" ")[0])
            if program.endswith(("-config", "_config")):
                yield Library(LibraryKind.PROGRAM, program, call.evidence, required=False)
        elif name == "add_library" and call.words and "compiler" in call.name:
            yield Library(LibraryKind.LINK, call.words[0], call.evidence, required=False)
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


def _bundled(library: str, call: Call, files: BuildFiles) -> bool:
    """Whether the tree has the sources of a library, which the build makes in a folder of its own before it links."""
    made_here = any(not posixpath.isabs(folder) for folder in call.keywords.get("library_dirs", ()))
    tops = {part.lower() for name in files.names for part in name.split("/")[:-1]}
    return made_here and not tops.isdisjoint({library.lower(), f"lib{library.lower()}"})


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
