"""Whether the source is upstream's: the orig tarball against the index and the archive, and what a repack removed."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debgen.errors import HostileArchiveError
from debgen.overlays import read_debian
from debgen.review.document import Block, Facts, Items, Mark, Para, Section, counted
from debgen.review.lines import listing
from debgen.review.results import Results, checksums
from debgen.upstream.sdist import unpack
from debgen.upstream.vendored import FOLDER

_SHOWN = 40


@dataclass(frozen=True)
class Told:
    """What the package index says of upstream's archive now, and where a copy with that hash is; or the ``problem``."""

    filename: str = ""
    sha256: str = ""
    uploaded: str = ""
    copy: Path | None = None
    problem: str = ""


@dataclass(frozen=True)
class Origin:
    """The section, and what of it the verdict depends on."""

    section: Section
    stale: bool = False
    broken: bool = False


def origin(results: Results, told: Told) -> Origin:
    """The section on upstream's archive, the orig tarball and the source package."""
    orig = next(iter(sorted((results.folder / "source").glob("*.orig.tar.*"))), None)
    if orig is None:
        section = Section("source", "The source and upstream", Mark.BAD, "there is no orig tarball")
        return Origin(section, broken=True)
    digest = sha256(orig)
    notes = [*_judged(results, orig, digest, told), *_components(results)]
    stale, whole = list(_stale(results)), list(_unlike_dsc(results, orig, digest))
    blocks: list[Block] = [Facts(tuple(_facts(results, orig, digest, told)))]
    blocks.append(Items("", (*notes, *whole, *stale)))
    blocks += [
        listing(results, path, open_=False) for path in ("watch", "README.source", "source/format")
        if path in results.debian
    ]  # fmt: skip
    marks = [mark for mark, _ in (*notes, *whole, *stale)]
    mark = next((m for m in (Mark.BAD, Mark.LOOK, Mark.NONE) if m in marks), Mark.GOOD)
    first = next((text for m, text in (*notes, *whole, *stale) if m is mark), "")
    return Origin(Section("source", "The source and upstream", mark, first, tuple(blocks)), bool(stale), bool(whole))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _facts(results: Results, orig: Path, digest: str, told: Told) -> Iterator[tuple[str, str]]:
    known = results.provenance.sdist if results.provenance else ""
    if told.filename or known:
        yield "Upstream’s archive", told.filename or known
    if told.sha256:
        yield "SHA-256 in the index", told.sha256
    if told.uploaded:
        yield "Uploaded there", told.uploaded
    yield "Orig tarball", f"{orig.name}, {orig.stat().st_size:,} bytes"
    yield "its SHA-256, computed now", digest
    if results.summary and results.summary.orig.get("text"):
        yield "The archive’s orig", str(results.summary.orig["text"])
    yield "Source package", str(results.dsc or "no .dsc")
    if results.summary and results.summary.source_changes:
        # The archive takes binaries of its own making, but wants to see those of a new package (Developer's Reference).
        yield "to upload, if the archive has the package", str(results.summary.source_changes)
        yield "to upload, if it is new there", str(results.summary.changes)


def _judged(results: Results, orig: Path, digest: str, told: Told) -> Iterator[tuple[Mark, str]]:
    """Whether the tarball is what the index has, or how it differs from that."""
    state = results.summary.orig.get("state") if results.summary else None
    if told.problem:
        yield Mark.NONE, f"the index was not asked: {told.problem}"
    elif not told.sha256:
        yield Mark.LOOK, "the index names no SHA-256 of upstream’s archive, so nothing says that these are its bytes"
    elif digest == told.sha256:
        yield Mark.GOOD, "the orig tarball is upstream’s archive, byte for byte"
    elif told.copy is None:
        yield Mark.LOOK, "the orig tarball is not upstream’s archive, of which there is no copy here to compare with"
    else:
        yield from _compared(told.copy, orig, results)
    if state == "differs":
        yield Mark.BAD, "the archive has other bytes under the name of this orig tarball; see below how to get those"
    elif state in ("same", "taken"):
        yield Mark.GOOD, "the orig tarball is the one that the archive has"


def _components(results: Results) -> Iterator[tuple[Mark, str]]:
    """What comes from other sources: a crate that is vendored keeps the package out of the archive."""
    for path in sorted((results.folder / "source").glob(f"*.orig-{FOLDER}.tar.*")):
        yield Mark.BAD, f"not for the archive: {path.name} has crates of other sources; README.source names them"


def _compared(sdist: Path, orig: Path, results: Results) -> Iterator[tuple[Mark, str]]:
    """What is in one of two archives and not in the other, file by file."""
    with tempfile.TemporaryDirectory(prefix="debgen-review-") as scratch:
        try:
            unpack(sdist, Path(scratch) / "sdist")
            unpack(orig, Path(scratch) / "orig")
        except HostileArchiveError as error:
            yield Mark.BAD, str(error)
            return
        theirs, ours = _hashes(Path(scratch) / "sdist"), _hashes(Path(scratch) / "orig")
    gone = sorted(theirs.keys() - ours.keys())
    new = sorted(ours.keys() - theirs.keys())
    changed = sorted(path for path in theirs.keys() & ours.keys() if theirs[path] != ours[path])
    taken = results.summary is not None and results.summary.orig.get("state") == "taken"
    if not (gone or new or changed):
        yield Mark.GOOD, "the orig tarball is not upstream’s archive, but has the same files with the same content"
    if gone:
        yield Mark.LOOK, f"{counted(len(gone), 'file')} of upstream’s archive left out: {_named(gone)}"
    odd = Mark.LOOK if taken else Mark.BAD
    if new:
        yield odd, f"{counted(len(new), 'file')} that upstream’s archive does not have: {_named(new)}"
    if changed:
        yield odd, f"{counted(len(changed), 'file')} with other content than in upstream’s archive: {_named(changed)}"
    if gone and not new and not changed:
        yield Mark.GOOD, f"the {counted(len(ours), 'file')} that stay are upstream’s, byte for byte"


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def _hashes(tree: Path) -> dict[str, str]:
    found = {}
    for path in tree.rglob("*"):
        name = path.relative_to(tree).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            found[name] = sha256(path)
    return found


def _unlike_dsc(results: Results, orig: Path, digest: str) -> Iterator[tuple[Mark, str]]:
    if results.dsc is None:
        yield Mark.BAD, "there is no .dsc"
    elif checksums(results.dsc).get(orig.name) != digest:
        yield Mark.BAD, f"{results.dsc.name} has another SHA-256 of {orig.name} than the file"


def _stale(results: Results) -> Iterator[tuple[Mark, str]]:
    """Whether the .dsc, and what was built, are of debian/ as it is now."""
    if results.dsc is None:
        return
    for packed in sorted(results.dsc.parent.glob("*.debian.tar.xz")):
        if _packed(packed) != dict(results.debian):
            yield Mark.LOOK, f"debian/ has been edited since {results.dsc.name} was made: build again with --keep-edits"
    built = results.folder / "result" / results.dsc.name
    if results.summary and built.is_file() and checksums(built) != checksums(results.dsc):
        yield Mark.LOOK, "what was built is not this source package: build again"


def _packed(path: Path) -> dict[str, str]:
    """The files of debian/ in its tarball, as :func:`debgen.overlays.read_debian` gives those of the folder."""
    with tempfile.TemporaryDirectory(prefix="debgen-review-") as scratch:
        try:
            unpack(path, Path(scratch) / "debian")
        except (HostileArchiveError, tarfile.TarError):
            return {}
        return dict(read_debian(Path(scratch) / "debian").files)


def missing(what: str, results: Results) -> Para:
    """That something was not done, and how to do it."""
    command = f"debgen build {results.name}=={results.version} --dist {results.suite} -o {results.folder.parent.parent}"
    return Para(f"{what}: not done. `{command}` does it.", Mark.NONE)
