"""What becomes of files without their source form: left out of the source package, kept with a note, or asked about.

Debian Policy 2.1 and 2.2.1 want the source of everything that is distributed. What only the tests read is data; what
nothing needs is left out; what is installed and has no source is for a human to answer.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from debgen.upstream.embedded import minified_files
from debgen.upstream.prebuilt import Prebuilt
from debgen.upstream.sourcetree import SourceTree

_TESTS = re.compile(
    r"(?:.*[_-])?tests?(?:[_-].*)?|testing|testdata|test[_-]?(?:data|files?|cases?)|fixtures|unittests?", re.I
)
_DOCS = re.compile(r"docs?|documentation|examples?|samples?|demos?|tutorials?|website|site", re.I)
_PROGRAMS = ("ELF", "PE ", "Mach-O", "Java", "static library", "WebAssembly", "LLVM", "CUDA", "AMD", "BPF")


class Fate(StrEnum):
    """What is done with a file."""

    REMOVE = "remove"
    KEEP = "keep"
    ASK = "ask"


@dataclass(frozen=True, slots=True, order=True)
class OddFile:
    """A file, what it is, what becomes of it, and why; ``dfsg`` where it can't be distributed without its source."""

    path: str
    kind: str
    fate: Fate
    reason: str
    dfsg: bool = False


def odd_files(tree: SourceTree, prebuilt: Iterable[Prebuilt], installed: Collection[str]) -> tuple[OddFile, ...]:
    """Judge the prebuilt files and minified scripts of a tree; ``installed`` are the paths that get installed."""
    return (*(_prebuilt(tree, file, installed) for file in prebuilt), *_minified(tree, installed))


def excluded_patterns(files: Iterable[OddFile]) -> tuple[str, ...]:
    """The lines of Files-Excluded (copyright format) for what is to be removed."""
    # A backslash, * and ? have a meaning there.
    return tuple(re.sub(r"([*?\\])", r"\\\1", file.path) for file in files if file.fate is Fate.REMOVE)


def repack_suffix(files: Iterable[OddFile]) -> str:
    """What is appended to the upstream version: ``+dfsg`` or ``+ds``, empty where nothing is removed."""
    removed = [file for file in files if file.fate is Fate.REMOVE]
    return "" if not removed else "+dfsg" if any(file.dfsg for file in removed) else "+ds"


def _prebuilt(tree: SourceTree, file: Prebuilt, installed: Collection[str]) -> OddFile:
    def judged(fate: Fate, reason: str, *, dfsg: bool = False) -> OddFile:
        return OddFile(file.path, file.kind, fate, reason, dfsg)

    folders = file.path.split("/")[:-1]
    if file.kind == "Python bytecode":
        if _source_of_bytecode(file.path) in tree:
            return judged(Fate.KEEP, "its source lies beside it, and Python makes it anew")
        return judged(Fate.REMOVE, "bytecode without the source that it was made of", dfsg=True)
    if any(_TESTS.fullmatch(part) for part in folders) and not (file.path in installed and file.kind.startswith("ELF")):
        return judged(Fate.KEEP, "data of the tests; nothing runs it or links with it")
    if file.kind.startswith(_PROGRAMS):
        where = " and is installed by upstream's build" if file.path in installed else ""
        return judged(Fate.REMOVE, f"it is compiled, has no source here{where}; Debian builds what it ships", dfsg=True)
    if file.kind == "wheel" or file.path.endswith(".egg"):
        return judged(Fate.REMOVE, "another distribution, built already; Debian has its own package of it", dfsg=True)
    if file.kind.startswith("archive"):
        return judged(Fate.KEEP, "an archive that isn't looked into: look whether all in it is source")
    return judged(Fate.KEEP, "data without the program that made it: look whether its licence and origin are told")


def _source_of_bytecode(path: str) -> str:
    folder, name = posixpath.split(path)
    base = posixpath.dirname(folder) if posixpath.basename(folder) == "__pycache__" else folder
    return posixpath.join(base, f"{name.partition('.')[0]}.py")


def _minified(tree: SourceTree, installed: Collection[str]) -> Iterator[OddFile]:
    for path in minified_files(tree):
        folders = path.split("/")[:-1]
        plain = re.sub(r"[.-]min(\.\w+)$", r"\1", path)
        beside = {plain, plain.replace("/min/", "/"), plain.replace("/dist/", "/src/")} - {path}
        if found := sorted(other for other in beside if other in tree):
            yield OddFile(path, "minified", Fate.KEEP, f"its source is {found[0]}")
        elif path in installed:
            reason = "it is installed, and its source isn't here: take Debian's package of it, or add the source"
            yield OddFile(path, "minified", Fate.ASK, reason, dfsg=True)
        elif any(_TESTS.fullmatch(part) for part in folders):
            yield OddFile(path, "minified", Fate.KEEP, "data of the tests")
        else:
            where = "of the documentation, " if any(_DOCS.fullmatch(part) for part in folders) else ""
            yield OddFile(path, "minified", Fate.REMOVE, f"{where}not installed, and its source isn't here", dfsg=True)
