"""What debgen leaves beside a source package: hints about files that a human's replaced, and what it last generated.

``hints/debian/FILE`` is what would have been generated in the place of a recipe's own file, ``hints/FILE.diff`` how the
two differ. ``.generated/debian/`` is debian/ as it was generated: what is edited since then is a human's, and the base
for putting theirs and a newer one together; ``.generated/reasons.json`` says why each of its lines is there. Nothing of
this is part of the source package.
"""

from __future__ import annotations

import difflib
import json
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from debgen.debianize.merging import Conflict, merge_files
from debgen.debianize.model import SourcePackage
from debgen.debianize.provenance import Provenance, from_json
from debgen.errors import WorkspaceError

STATE = Path(".generated/debian")
REASONS = Path(".generated/reasons.json")
HINTS = Path("hints")
_NOTE = """\
The recipe brings its own version of these files of debian/; theirs are in the source package.
What debgen would have written in their place is in debian/ beside this note, and how the two differ in *.diff:

"""
#: What a build in the tree and editors leave behind; dpkg-source leaves most of it out as well.
_LEFT = re.compile(
    r"files|debhelper-build-stamp|\.debhelper/.*|tmp/.*|.*\.substvars|.*\.debhelper(?:\.log)?|.*~|(?:.*/)?\.#.*"
    r"|(?:.*/)?\..*\.sw[a-p]|.*\.(?:orig|rej)|(?:.*/)?__pycache__/.*"
)


@dataclass(frozen=True)
class Debian:
    """The files of a debian/ folder by path below it, and which of them are executable.

    What is no UTF-8 is there as surrogates (PEP 383), so every file comes back as it was.
    """

    files: Mapping[str, str]
    executable: frozenset[str]


def read_debian(folder: Path) -> Debian:
    """Read a debian/ folder, without what builds and editors leave in it. WorkspaceError for a link out of it."""
    files: dict[str, str] = {}
    executable = set()
    inside = folder.resolve()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or _LEFT.fullmatch(name):
            continue
        if not path.resolve().is_relative_to(inside):
            raise WorkspaceError(f"{path} is a link that leads out of debian/", hint="Put the file itself there.")
        files[name] = path.read_bytes().decode("utf-8", "surrogateescape")
        if path.stat().st_mode & 0o100:
            executable.add(name)
    built = re.findall(r"^Package:\s*(\S+)", files.get("control", ""), re.MULTILINE)
    mine = {name: text for name, text in files.items() if name.partition("/")[0] not in built or "/" not in name}
    return Debian(mine, frozenset(executable & mine.keys()))


def write_debian(folder: Path, files: Mapping[str, str], executable: Collection[str] = ()) -> None:
    """Write files of debian/ into ``folder``, with modes that don't depend on the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8", "surrogateescape"))
        target.chmod(0o755 if path in executable else 0o644)
    for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def source_tree(out: Path) -> Path | None:
    """The folder of the source package in the results ``out`` that has a debian/; None where there is none."""
    own = {STATE.parts[0], HINTS.name}
    return next((path.parent for path in sorted(out.glob("*/debian")) if path.parent.name not in own), None)


def last_generated(out: Path) -> Mapping[str, str] | None:
    """debian/ as debgen wrote it into the results ``out``; None where it did not, or nothing tells any more."""
    if (out / STATE).is_dir():
        return read_debian(out / STATE).files
    for packed in sorted(out.glob("*.debian.tar.xz")):  # by a version of debgen that kept nothing else
        with tarfile.open(packed) as tar:
            found = {m.name: f.read() for m in tar if m.isreg() and (f := tar.extractfile(m)) is not None}
        return {
            name.removeprefix("debian/"): data.decode("utf-8", "surrogateescape")
            for name, data in found.items()
            if name.startswith("debian/")
        }
    return None


def edited_files(out: Path) -> list[str]:
    """The files of debian/ in the results ``out`` that are not as debgen generated them; their paths in the source."""
    tree, then = source_tree(out), last_generated(out)
    if tree is None or then is None:
        return []
    now = read_debian(tree / "debian").files
    return sorted(f"debian/{path}" for path in then.keys() | now.keys() if then.get(path) != now.get(path))


def refuse_edited(out: Path, *, keep_edits: bool) -> None:
    """WorkspaceError where files in the results ``out`` were edited by a human, unless their edits are to be kept."""
    if (edited := edited_files(out)) and not keep_edits:
        raise WorkspaceError(
            f"these files of {source_tree(out)} were edited since debgen wrote them:\n"
            + "".join(f"  {path}\n" for path in edited).rstrip("\n"),
            hint="--keep-edits puts your changes and what is generated now together. Or move them into the debian/ "
            "folder of a recipe, or give another folder with -o.",
        )


def with_edits(package: SourcePackage, out: Path) -> tuple[SourcePackage, tuple[Conflict, ...], tuple[str, ...]]:
    """The package with what a human edited in the results ``out``; the conflicts, and the paths of what was kept.

    In a conflict the human's lines stand.
    """
    tree, then = source_tree(out), last_generated(out)
    if tree is None or then is None:
        return package, (), ()
    own = read_debian(tree / "debian")
    merged = merge_files(then, own.files, package.files)
    executable = {path for path in merged.files if path in own.executable or path in package.executable}
    return replace(package, files=merged.files, executable=frozenset(executable)), merged.conflicts, merged.kept


def write_state(out: Path, generated: Mapping[str, str], told: Provenance | None = None) -> None:
    """Keep debian/ as it was generated, and why, in the results ``out``, which are being written."""
    write_debian(out / STATE, generated)
    if told is not None:
        text = json.dumps(told.as_json(), indent=1, ensure_ascii=False) + "\n"
        (out / REASONS).write_bytes(text.encode("utf-8", "surrogateescape"))


def read_provenance(out: Path) -> Provenance | None:
    """Why each line of debian/ is there, as the results ``out`` have it; None where nothing tells, or it is damaged."""
    try:
        return from_json(json.loads((out / REASONS).read_bytes().decode("utf-8", "surrogateescape")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_hints(out: Path, replaced: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Write what would have been generated in the place of the recipe's files, where that differs.

    ``replaced`` has these texts by path; ``files`` is debian/ as it became.
    """
    differing = {path: text for path, text in sorted(replaced.items()) if files.get(path) != text}
    if not differing:
        return
    write_debian(out / HINTS / "debian", differing)
    for path, text in differing.items():
        diff = "".join(_diff(path, text, files.get(path, "")))
        name = path.replace("/", "_")
        (out / HINTS / f"{name}.diff").write_bytes(diff.encode("utf-8", "surrogateescape"))
    note = _NOTE + "".join(f"  {path}\n" for path in differing)
    (out / HINTS / "README").write_text(note, encoding="utf-8")


def _diff(path: str, generated: str, own: str) -> Iterator[str]:
    old, new = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (generated, own))
    for line in difflib.unified_diff(old, new, f"generated/debian/{path}", f"recipe/debian/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
