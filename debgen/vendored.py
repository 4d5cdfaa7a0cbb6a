"""The Cargo.toml files of crates that a recipe vendors, and of those that an sdist at hand has the source of."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.cargo.semver import Requirement, Semver
from debgen.errors import HostileArchiveError, NoSdistError, UnknownDistributionError, UnsupportedSourceError
from debgen.planning.missing_crates import AtHand
from debgen.planning.model import BuildNeed
from debgen.recipes import Vendor
from debgen.upstream.buildcargo import crates_of
from debgen.upstream.buildmodel import BuildFacts, Manifest
from debgen.upstream.index import IndexClient
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.testfacts import table

_DISTRIBUTION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: What says that there is no such source; everything else is a failure of the run.
UNREADABLE = (UnknownDistributionError, NoSdistError, UnsupportedSourceError, HostileArchiveError)


def vendored_texts(
    entry: Vendor, client: IndexClient, read: Callable[[ReleaseFile], BuildFacts]
) -> tuple[Mapping[str, str], str]:
    """The manifests of a vendored crate as they lie in the source package, by path, and what is wrong with them."""
    name, _, version = entry.source.partition("==")
    try:
        texts = read(client.sdist_of(name, version)).cargo.texts
    except UNREADABLE as error:
        return {}, f"the crate {entry.crate} can't be vendored: {error}"
    folder = posixpath.normpath(entry.path)
    prefix = "" if folder == "." else f"{folder}/"
    found = {
        f"vendor/{entry.crate}/{path.removeprefix(prefix)}": text
        for path, text in texts.items()
        if path.startswith(prefix)
    }
    known = crate_of(found.get(f"vendor/{entry.crate}/Cargo.toml", ""))
    if known is None or known[0] != entry.crate:
        there = f"is of the crate {known[0]}" if known else "can't be read, or isn't there"
        where = posixpath.join(prefix, "Cargo.toml")
        return {}, f"the crate {entry.crate} can't be vendored: {where} of {entry.source} {there}"
    return found, ""


def sources_of(
    need: BuildNeed, known: Mapping[str, ReleaseFile], client: IndexClient, read: Callable[[ReleaseFile], BuildFacts]
) -> Iterator[AtHand]:
    """The sdists that have the source of a crate: of those ``known``, and of the distribution of the crate's name.

    ``known`` are the sdists that are at hand, by distribution. Of the distribution of the crate's name its release
    there counts, else the newest whose version is one that upstream's requirement lets in, else the newest.
    """
    candidates = dict(known)
    name = str(canonicalize_name(need.name))
    if name not in candidates and _DISTRIBUTION.fullmatch(name) and (file := _release(need, name, client)):
        candidates[name] = file
    for distribution, file in sorted(candidates.items(), key=lambda pair: pair[0] != name):
        try:
            texts = read(file).cargo.texts
        except UNREADABLE:
            continue
        naming = {path: text for path, text in texts.items() if need.name in text}
        for crate, version, path in crates_in(naming):
            if crate == need.name and not (_is_end(texts[path]) or _wraps(crate, path, texts)):
                yield AtHand(crate, version, f"{distribution} {file.version}", path, texts)


def _is_end(text: str) -> bool:
    """Whether the package of a Cargo.toml can't be a dependency, as it makes only what other programs load."""
    kinds = table(tomllib.loads(text), "lib").get("crate-type", table(tomllib.loads(text), "lib").get("crate_type"))
    return isinstance(kinds, list) and bool(kinds) and not {"lib", "rlib", "dylib", "proc-macro"} & set(map(str, kinds))


def _wraps(crate: str, path: str, texts: Mapping[str, str]) -> bool:
    """Whether the package of a manifest is a module of the same name, which takes the crate from elsewhere itself."""
    asked, _ = crates_of([Manifest(path)], texts)
    return any(found.name == crate and found.manifest == path for found in asked)


def _release(need: BuildNeed, name: str, client: IndexClient) -> ReleaseFile | None:
    """The sdist of the distribution that is named like a crate, None where there is none."""
    try:
        files = [file for file in client.files(name) if file.kind is FileKind.SDIST and not file.yanked]
        wanted = Requirement.parse(need.requirement)
    except (UnknownDistributionError, UnsupportedSourceError):
        return None

    def rank(file: ReleaseFile) -> tuple[bool, bool, Version]:
        with suppress(InvalidVersion):
            version = Version(file.version)
            fits = False
            with suppress(UnsupportedSourceError):
                fits = wanted.matches(Semver.parse(file.version))
            return fits, not version.is_prerelease, version
        return False, False, Version("0")

    best = max(files, key=rank, default=None)
    return client.sdist_of(name, best.version) if best else None


def crates_in(texts: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, version and manifest of each crate that Cargo.toml files, by path, are of; sorted by path."""
    for path in sorted(texts):
        if path.rpartition("/")[2] == "Cargo.toml" and (found := crate_of(texts[path])):
            yield *found, path


def crate_of(text: str) -> tuple[str, str] | None:
    """Name and version of the package of a Cargo.toml, the version empty where its workspace has it."""
    try:
        package = tomllib.loads(text).get("package")
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    if not isinstance(package, dict) or not isinstance(package.get("name"), str):
        return None
    version = package.get("version")
    return package["name"], version if isinstance(version, str) else ""
