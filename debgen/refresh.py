"""Patches in debian/patches against another release: which apply, which have to be rewritten, and which fail where.

Each is applied in order with patch(1) in a scratch copy of upstream's tree. One that applies at other lines, or with
another context, is written anew, its DEP-3 header kept: dpkg-source accepts no fuzz.
"""

from __future__ import annotations

import difflib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from debgen.errors import PatchError
from debgen.run import Runner, run

_HUNK = re.compile(r"Hunk #(\d+) (?P<how>FAILED|succeeded|ignored) at (\d+)(?P<rest>.*)")
_FILE = re.compile(r"^(?:---|\+\+\+) ([^\t\n]+)", re.MULTILINE)
#: What a plain diff of texts can't say again.
_SPECIAL = re.compile(r"^(?:GIT binary patch|rename (?:from|to) |copy (?:from|to) |(?:old|new) mode )", re.MULTILINE)


class Fate(Enum):
    """What becomes of a patch."""

    CLEAN = "applies"
    REFRESHED = "refreshed"
    UPSTREAM = "is in the release already"
    FAILED = "fails"


@dataclass(frozen=True)
class Refreshed:
    """One patch: its new text, and for one that fails, which hunks of which files, as patch(1) numbers them."""

    name: str
    fate: Fate
    text: str
    hunks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.fate.value}" + "".join(f"\n    {hunk}" for hunk in self.hunks)


def series(files: Mapping[str, str]) -> tuple[str, ...]:
    """The patches that debian/patches/series names, in order; ``files`` is debian/."""
    lines = (line.split("#")[0].split() for line in files.get("patches/series", "").splitlines())
    return tuple(words[0] for words in lines if words)


def refresh(files: Mapping[str, str], tree: Path, run: Runner = run) -> tuple[Refreshed, ...]:
    """Try the patches of debian/ (``files``, by path) on upstream's ``tree``, which stays as it is.

    A patch that fails is left out for those after it. Raises PatchError where series names one that isn't there.
    """
    with tempfile.TemporaryDirectory(prefix="debgen-patches-") as scratch:
        work = Path(scratch) / "tree"
        shutil.copytree(tree, work, symlinks=True)
        shutil.rmtree(work / "debian", ignore_errors=True)
        found = []
        for name in series(files):
            if f"patches/{name}" not in files:
                raise PatchError(
                    f"debian/patches/series names {name}, which is not there", hint="Remove the line, or add the patch."
                )
            found.append(_one(name, files[f"patches/{name}"], work, run))
        return tuple(found)


def _one(name: str, text: str, work: Path, run: Runner) -> Refreshed:
    patch = work.parent / "current.patch"
    patch.write_bytes(text.encode("utf-8", "surrogateescape"))
    paths = _paths(text)
    if not paths:
        return Refreshed(name, Fate.CLEAN, text)
    dry = _patch(work, patch, run, "--dry-run")
    if dry[0]:
        if not _patch(work, patch, run, "--dry-run", "--reverse", "--fuzz=0")[0]:
            return Refreshed(name, Fate.UPSTREAM, text)
        return Refreshed(name, Fate.FAILED, text, _failures(dry[1]))
    before = {path: _read(work / path) for path in paths}
    _, said = _patch(work, patch, run)
    moved = any(hunk["how"] == "succeeded" for hunk in _HUNK.finditer(said))
    if not moved or _SPECIAL.search(text):
        return Refreshed(name, Fate.CLEAN, text)
    body = "".join(line for path, old in before.items() for line in _diff(path, old, _read(work / path)))
    return Refreshed(name, Fate.REFRESHED, _header(text) + body)


def _patch(work: Path, patch: Path, run: Runner, *more: str) -> tuple[int, str]:
    """The exit code and output of patch(1), as dpkg-source calls it but with the usual fuzz."""
    argv = ["patch", "--strip=1", "--batch", "--forward", "--unified", "--no-backup-if-mismatch", "--reject-file=-"]
    if "--reverse" in more:
        argv.remove("--forward")
    # Not the file names of patch's messages, whose quoting depends on the locale.
    done = run(
        [*argv, *more, f"--input={patch}"], cwd=work, env={"LC_ALL": "C", "QUOTING_STYLE": "literal"}, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _failures(said: str) -> tuple[str, ...]:
    """A line for each hunk that failed: ``src/x.py: hunk 2, at line 30``."""
    found: list[str] = []
    file = ""
    for line in said.splitlines():
        if named := re.match(r"(?:checking|patching) (?:file|symbolic link) (.+?)(?: \(.*\))?$", line):
            file = named[1]
        elif (hunk := _HUNK.match(line)) and hunk["how"] != "succeeded":
            found.append(f"{file}: hunk {hunk[1]}, at line {hunk[3]}")
        elif "can't find file" in line:
            found.append("a file that is not there any more")
    return tuple(found) or tuple(line for line in said.splitlines() if line.strip())[:3]


def _paths(text: str) -> tuple[str, ...]:
    """The files that a patch is about, without their first folder; none that leads out of the tree."""
    named = (found[1] for found in _FILE.finditer(_body(text)) if found[1] != "/dev/null")
    paths = (PurePosixPath(name).parts[1:] for name in named)
    return tuple(dict.fromkeys("/".join(parts) for parts in paths if parts and ".." not in parts))


def _body(text: str) -> str:
    return text[len(_header(text)) :]


def _header(text: str) -> str:
    """What stands above the first diff."""
    found = re.search(r"^(?:diff --git |Index: .*\n=+\n|--- \S+.*\n\+\+\+ )", text, re.MULTILINE)
    return text[: found.start()] if found else text


def _read(path: Path) -> str | None:
    if path.is_symlink() or not path.is_file():
        return None
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _diff(path: str, old: str | None, new: str | None) -> Iterator[str]:
    before, after = ([] if text is None else re.findall(r"[^\n]*\n|[^\n]+", text) for text in (old, new))
    names = ("/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
    for line in difflib.unified_diff(before, after, *names):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
