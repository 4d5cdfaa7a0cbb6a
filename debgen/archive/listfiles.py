"""Fast readers of the archive's index files: Packages (deb822 paragraphs) and Contents (one path a line).

The formats are those of the Debian repository format and of deb-control(5), as apt has verified them.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.utils import canonicalize_name

from debgen.archive.model import Binary, FileKind, Located, MetadataKind, Shipped
from debgen.errors import CommandError, IntegrityError, MissingToolError
from debgen.gunzip import gunzip
from debgen.run import Runner, run

_CHUNK = 1 << 15
_FIELDS = re.compile(
    rb"^(Package|Version|Architecture|Source|Section|Provides|Pre-Depends|Depends|Recommends|Breaks|Conflicts):"
    rb"[ \t]*(.*)$",
    re.MULTILINE,
)
_METADATA_LINE = re.compile(
    rb"((?:\./)?usr/(?:lib|share)/python3(?:\.\d+)?/dist-packages/([^/]+)\.(dist|egg)-info)"
    rb"(?:/.*?)?[ \t]+(\S+)$"
)
_PREFIX = rb"(?:\./)?"
_LIBRARY = re.compile(_PREFIX + rb"((?:usr/)?lib/(?:.+/)?lib([^/]+?)\.(?:so|a)) +(\S+)$")
_BUILD_FILES = (
    (FileKind.PROGRAM, b"bin/", re.compile(_PREFIX + rb"((?:usr/)?s?bin/([^/]+?)) +(\S+)$")),
    (
        FileKind.PKG_CONFIG,
        b"/pkgconfig/",
        re.compile(_PREFIX + rb"(usr/(?:lib(?:/[^/]+)?|share)/pkgconfig/([^/]+)\.pc) +(\S+)$"),
    ),
    (
        FileKind.CMAKE,
        b"onfig.cmake ",
        re.compile(_PREFIX + rb"(usr/(?:lib|share)/(?:.+/)?([^/]+?)(?:C|-c)onfig\.cmake) +(\S+)$"),
    ),
    (
        FileKind.HEADER,
        b"usr/include/",
        re.compile(_PREFIX + rb"(usr/include/(?:[^/ ]+-linux-gnu[^/ ]*/)?((?:[^/ ]+/)?[^/ ]+\.h\w*)) +(\S+)$"),
    ),
    (FileKind.LINK, b".so ", _LIBRARY),
    (FileKind.LINK, b".a ", _LIBRARY),
)
"""What a line of each kind of file has in it, and all of the line: path, name, packages."""
_LINKED = re.compile(r"(?:usr/)?lib/(?:[^/]*-gnu[^/]*/|gcc/[^/]*-gnu[^/]*/[^/]+/)?[^/]+")
_LINKED_WHEN_CHOSEN = re.compile(r"usr/lib/[^/]*-gnu[^/]*/.+")
_FIND_PACKAGE_ONLY = re.compile(rb"(?:\./)?usr/share/(?!python3/|pkgconfig/)[^/\n]+/")
"""The beginning of lines that can be of interest for CMake only."""
_STEM = re.compile(r"(?P<name>.+?)(?:-(?P<version>\d[^-]*))?(?:-py\d+(?:\.\d+)?)?")


def read_packages(path: Path, component: str) -> Iterator[Binary]:
    """The binary packages of a Packages file. Raises IntegrityError where the file is broken."""
    for block in _blocks(path, b"\n\n"):
        for paragraph in block.split(b"\n\n"):
            fields = {key: value.decode("utf-8", "replace") for key, value in _FIELDS.findall(paragraph)}
            if b"Package" in fields and b"Version" in fields:
                yield _binary(fields, component)


def read_contents(path: Path) -> Iterator[Shipped | Located]:
    """The Python distributions and the files for builds of a Contents file.

    Each distribution comes once for every package and path that has it. Only metadata directly in a dist-packages
    folder of Python 3 counts: what lies in private folders, or is vendored into another package, can't be imported
    by others. Of the other files, those count that pkg-config, CMake, a shell or a linker finds without being told
    where; and libraries in a folder of their own where a -dev package has them (libopenblas.so: which of
    several is linked with, alternatives choose).
    """
    last = b""
    for block in _blocks(path, b"\n"):
        if b"\t" in block:
            block = block.replace(b"\t", b" ")
        for_cmake = _is_for_cmake_only(block)
        for line in () if for_cmake else _lines_with(block, b"-info"):
            found = _METADATA_LINE.match(line)
            if found and (key := found[1] + found[4]) != last:
                last = key
                yield from _shipped(found)
        for kind, mark, pattern in _BUILD_FILES:
            if for_cmake and kind is not FileKind.CMAKE:
                continue
            for line in _lines_with(block, mark):
                if found := pattern.match(line):
                    yield from _located(kind, found)


def read_contents_apart(path: Path, run: Runner = run) -> list[Shipped | Located]:
    """What :func:`read_contents` gives, read by a process of its own, which Python's lock doesn't hold up."""
    here = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = run([sys.executable, "-m", __name__, path], env={"PYTHONPATH": os.pathsep.join(here)})
    except (CommandError, MissingToolError):
        return list(read_contents(path))  # which tells what is wrong
    return [_from_words(words) for words in json.loads(done.stdout)]


def _from_words(words: Sequence[str]) -> Shipped | Located:
    match words:
        case [distribution, version, package, kind, metadata]:
            return Shipped(distribution, version, package, MetadataKind(kind), metadata)
        case [kind, name, package, path]:
            return Located(FileKind(kind), name, package, path)
    raise ValueError(f"neither metadata nor a file: {words}")


def _words(row: Shipped | Located) -> tuple[str, ...]:
    if isinstance(row, Located):
        return row.kind.value, row.name, row.package, row.path
    return row.distribution, row.version, row.package, row.kind.value, row.path


def _is_for_cmake_only(block: bytes) -> bool:
    """Whether all lines of ``block`` lie in one folder below /usr/share that has nothing else of interest.

    Most of a Contents file does: usr/share/doc alone is a third. One count is faster than a search for every mark.
    """
    start = _FIND_PACKAGE_ONLY.match(block)
    if start is None or not block.startswith(start[0], block.rfind(b"\n", 0, -1) + 1):
        return False
    return block.count(b"\n" + start[0]) + 1 == block.count(b"\n")


def _lines_with(block: bytes, mark: bytes) -> Iterator[bytes]:
    """The lines of ``block`` that have ``mark``, each once: much faster than a look at every line."""
    position = block.find(mark)
    while position >= 0:
        end = block.find(b"\n", position)
        yield block[block.rfind(b"\n", 0, position) + 1 : end]
        position = block.find(mark, end)


def _located(kind: FileKind, found: re.Match[bytes]) -> Iterator[Located]:
    path, name, packages = (part.decode("utf-8", "replace") for part in found.groups())
    if kind is FileKind.CMAKE:
        name = name.lower()
        if not _is_where_cmake_looks(path, name):
            return
    for entry in packages.split(","):
        package = entry.rpartition("/")[2]
        if kind is not FileKind.LINK or _is_where_linkers_look(path, package):
            yield Located(kind, name, package, path)


def _is_where_linkers_look(path: str, package: str) -> bool:
    chosen = package.endswith("-dev") and _LINKED_WHEN_CHOSEN.fullmatch(path)
    return bool(chosen or _LINKED.fullmatch(path))


def _is_where_cmake_looks(path: str, name: str) -> bool:
    """The folders of find_package's search procedure: lib/cmake/NAME*, lib/NAME*, lib/NAME*/cmake below /usr.

    And below /usr/lib/NAME*, which is the prefix of packages that several versions of are installed together.
    """
    match path.lower().split("/")[:-1]:
        case ["usr", "lib", own, "lib", "cmake", folder] if own.startswith(name) and folder.startswith(name):
            return True
        case ["usr", "lib", machine, *rest] if "-gnu" in machine and _is_of_cmake(rest, name):
            return True
        case ["usr", "lib" | "share", *rest]:
            return _is_of_cmake(rest, name)
    return False


def _is_of_cmake(folders: list[str], name: str) -> bool:
    match folders:
        case [folder] | ["cmake", folder] | [folder, "cmake"]:
            return folder.startswith(name)
    return False


def _binary(fields: dict[bytes, str], component: str) -> Binary:
    name, version = fields[b"Package"], fields[b"Version"]
    source, _, source_version = fields.get(b"Source", name).partition(" ")
    return Binary(
        name=name,
        version=version,
        architecture=fields.get(b"Architecture", ""),
        source=source,
        source_version=source_version.strip("()") or version,
        component=component,
        section=fields.get(b"Section", "").rpartition("/")[2],
        provides=fields.get(b"Provides", ""),
        depends=fields.get(b"Depends", ""),
        recommends=fields.get(b"Recommends", ""),
        pre_depends=fields.get(b"Pre-Depends", ""),
        breaks=fields.get(b"Breaks", ""),
        conflicts=fields.get(b"Conflicts", ""),
    )


def _shipped(found: re.Match[bytes]) -> Iterator[Shipped]:
    """One row for each of the packages that a Contents line names: ``section/package,section/package``."""
    metadata, stem, kind, packages = (part.decode("utf-8", "replace") for part in found.groups())
    parts = _STEM.fullmatch(stem)
    if parts is None:
        return
    for package in packages.split(","):
        yield Shipped(
            distribution=canonicalize_name(parts["name"]),
            version=parts["version"] or "",
            package=package.rpartition("/")[2],
            kind=MetadataKind(f"{kind}-info"),
            path=metadata.removeprefix("./"),
        )


def _blocks(path: Path, separator: bytes) -> Iterator[bytes]:
    """The file's content in pieces that end with ``separator`` (the last one is given it)."""
    rest = b""
    for chunk in _chunks(path):
        data = rest + chunk
        cut = data.rfind(separator) + len(separator)
        if cut < len(separator):
            rest = data
            continue
        yield data[:cut]
        rest = data[cut:]
    if rest.strip():
        yield rest + separator


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        if path.suffix == ".xz":
            with lzma.open(path) as stream:
                while chunk := stream.read(_CHUNK * 8):
                    yield chunk
        elif path.suffix == ".gz":
            with path.open("rb") as packed:
                yield from _ahead(gunzip(packed.read))
        else:
            with path.open("rb") as plain:
                while chunk := plain.read(_CHUNK * 8):
                    yield chunk
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise IntegrityError(
            f"the index file {path} is broken: {error}",
            hint="Run the command again; the file is then fetched anew.",
        ) from None


def _ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, each made while the one before is in use: zlib works without Python's lock."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, chunks, None)
            yield chunk


if __name__ == "__main__":
    print(json.dumps([_words(found) for found in read_contents(Path(sys.argv[1]))]))
