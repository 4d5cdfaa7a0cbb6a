"""The orig tarball of a release: fetched, unpacked, read, and repacked where Debian needs that.

Of a release that the archive has already, the archive's own tarball is taken, where it can be had.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet

from debgen.archive.versions import debian_upstream
from debgen.debianize.continued import Continued
from debgen.debianize.model import Repack
from debgen.debianize.origs import ArchiveOrig, Orig, OrigState, archive_orig, judge_orig
from debgen.errors import DebgenError, UsageError
from debgen.narrate import say
from debgen.upstream.facts import SdistFacts, read_facts
from debgen.upstream.index import IndexClient
from debgen.upstream.model import ReleaseFile
from debgen.upstream.oddfiles import excluded_patterns, repack_suffix
from debgen.upstream.repack import applicable, repack_reason, repacked
from debgen.upstream.sdist import unpack
from debgen.workspace import cache_directory


@dataclass(frozen=True)
class Fetched:
    """An sdist that was fetched and unpacked: ``tree`` is there as long as it is open.

    ``orig`` says how ``archive`` relates to the tarball that the archive has of the same upstream version.
    """

    file: ReleaseFile
    archive: Path
    tree: Path
    facts: SdistFacts
    repack: Repack
    orig: Orig = field(default_factory=Orig)

    @property
    def key(self) -> str:
        """The hash of ``archive``, in hexadecimal digits."""
        return sha256_of(self.archive)


@contextmanager
def fetched(
    name: str,
    version: str,
    client: IndexClient,
    continued: Continued | None = None,
    take: Callable[[ArchiveOrig], Path] | None = None,
) -> Iterator[Fetched]:
    """Fetch and unpack an sdist, and read its facts.

    ``continued`` is the archive's source of it, whose Files-Excluded stay in force, and ``take`` fetches its tarball
    where it has the same release; it raises DebgenError where that can't be done.
    """
    file = client.sdist_of(name, version)
    archive = download(file, client)
    with tempfile.TemporaryDirectory(prefix="debgen-source-") as scratch:
        tree = Path(scratch) / "tree"
        unpack(archive, tree)
        facts = read_facts(tree)
        check_identity(facts, name, version)
        source = _repacked(Fetched(file, archive, tree, facts, Repack()), continued, Path(scratch), f"{name}-{version}")
        held = archive_orig(continued, debian_upstream(version))
        if continued and held:
            repack = replace(source.repack, suffix=continued.repack_suffix)
            orig = judge_orig(held, source.key)
            source = replace(source, repack=repack, orig=orig)
            if orig.state is OrigState.DIFFERS and take:
                source = _as_the_archive_has_it(source, continued, held, take, Path(scratch) / "archive")
            say(f"orig tarball: {source.orig}")
        yield source


def download(file: ReleaseFile, client: IndexClient) -> Path:
    """Fetch an sdist into the cache, its hash verified where the index has one."""
    archive = client.download(file, cache_directory("sdists") / (file.sha256 or "unhashed") / file.filename)
    say(f"{file.filename}: fetched, SHA-256 {'verified' if file.sha256 else 'not in the index'}")
    return archive


def _repacked(source: Fetched, continued: Continued | None, scratch: Path, top: str) -> Fetched:
    """The source without what Debian can't have: what the rules find, and what the archive's package leaves out."""
    odd = source.facts.odd_files
    found = excluded_patterns(odd)
    held = applicable(source.tree, continued.files_excluded) if continued else ()
    excluded = tuple(dict.fromkeys((*found, *(p for p in held if p != "PKG-INFO"))))
    suffix = ((continued.repack_suffix if continued else "") or repack_suffix(odd) or "+ds") if excluded else ""
    repack = Repack(repack_reason(source.archive), excluded, suffix)
    if repack == Repack():
        return source
    date = release_date(source.file, source.tree)
    archive = repacked(source.archive, excluded, scratch / "orig.tar.xz", top=top, date=date)
    without = f" without what Files-Excluded names ({', '.join(excluded)})" if excluded else ""
    say(f"{source.file.filename}: repacked{without}")
    tree = scratch / "repacked"
    unpack(archive, tree)
    return replace(source, archive=archive, tree=tree, facts=read_facts(tree), repack=repack)


def _as_the_archive_has_it(
    source: Fetched, continued: Continued, held: ArchiveOrig, take: Callable[[ArchiveOrig], Path], tree: Path
) -> Fetched:
    """The source from the archive's own tarball, or else with the reason why not.

    Many maintainers take a forge's tarball, which has no PKG-INFO: the metadata then is that of the sdist.
    """
    try:
        archive = take(held)
        unpack(archive, tree)
        _refuse_other_code(tree, source.tree)
        facts = read_facts(tree, None if (tree / "PKG-INFO").is_file() else source.tree)
        check_identity(facts, source.facts.normalised, source.facts.version)
        if lost := set(source.facts.modules) - set(facts.modules):
            # Such as a project whose Python package is in a folder below.
            raise DebgenError(f"its top folder doesn't make the module {', '.join(sorted(lost))}")
    except DebgenError as error:
        return replace(source, orig=replace(source.orig, why=str(error).partition("\n")[0]))
    repack = Repack("", continued.files_excluded, continued.repack_suffix)
    return Fetched(source.file, archive, tree, facts, repack, replace(source.orig, state=OrigState.TAKEN))


def _refuse_other_code(tree: Path, sdist: Path) -> None:
    """A forge's tarball with other code than the sdist, such as a version that the release filled in: DebgenError."""
    for path in sorted(sdist.rglob("*.py")):
        other = tree / path.relative_to(sdist)
        if path.is_file() and other.is_file() and path.read_bytes() != other.read_bytes():
            raise DebgenError(f"its {path.relative_to(sdist)} is not that of the sdist, which is used")


def check_identity(facts: SdistFacts, name: str, version: str) -> None:
    """An sdist that calls itself something else is not what was asked for: DebgenError."""
    if facts.normalised != name or SpecifierSet(f"=={version}").contains(facts.version, prereleases=True) is False:
        raise DebgenError(
            f"the sdist of {name} {version} says that it is {facts.name} {facts.version}",
            hint="Something is wrong upstream or on the way; don't package it.",
        )


def release_date(file: ReleaseFile, tree: Path) -> datetime:
    """The changelog's date: SOURCE_DATE_EPOCH, or when upstream released; never the clock, so bytes repeat."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        try:
            return datetime.fromtimestamp(int(epoch), UTC)
        except (ValueError, OverflowError):
            raise UsageError(f"SOURCE_DATE_EPOCH={epoch!r} is no number of seconds", hint="Unset it.") from None
    if file.uploaded:
        return datetime.fromisoformat(file.uploaded).astimezone(UTC).replace(microsecond=0)
    newest = max(int(path.stat().st_mtime) for path in tree.rglob("*") if path.is_file())
    return datetime.fromtimestamp(newest, UTC)


def sha256_of(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
