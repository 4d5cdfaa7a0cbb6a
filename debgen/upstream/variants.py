"""The requirements of a variant: what an sdist's own requirements files say where the published metadata says less.

A release has one METADATA per wheel, made for one device. Its sdist lists the requirements of each variant in files in
pip's requirements file format, which its build reads; a recipe names them.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.errors import UnsupportedSourceError
from debgen.upstream.index import IndexClient
from debgen.upstream.members import read_members
from debgen.upstream.metadata import CoreMetadata
from debgen.workspace import cache_directory, write_atomically

_FORMAT = 2
_INCLUDE = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_EXTRA = re.compile(r"\bextra\b")
#: Where projects keep lists of requirements.
_LISTS = re.compile(r"(?:.*/)?(?:[^/]*req[^/]*|requirements/(?:.*/)?[^/]+)\.(?:txt|in)")


@dataclass(frozen=True)
class VariantSource:
    """Which variant, and by distribution the files that list its requirements; the first one that exists counts."""

    name: str = "cpu"
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What answers depend on, for caches; empty where nothing differs from the published metadata."""
        return json.dumps([self.name, dict(sorted(self.files.items()))]) if self.files else ""


@dataclass(frozen=True)
class VariantRequirements:
    """Requirement lines of one variant of one release, the file they come from, and what was left out of it."""

    path: str
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


class VariantReader:
    """Reads variants' requirements from sdists, each once; may be used by several threads."""

    def __init__(self, client: IndexClient, source: VariantSource) -> None:
        self._client = client
        self._source = source
        self._folder = cache_directory("variants")

    def concerns(self, name: str) -> bool:
        """Whether the recipe of ``name`` says where the variant's requirements are."""
        return name in self._source.files

    def apply(self, metadata: CoreMetadata) -> tuple[CoreMetadata, tuple[str, ...]]:
        """``metadata`` with the variant's requirements in place of those that hold without an extra, and notes.

        NoSdistError where the release has no sdist, UnsupportedSourceError where it doesn't know the variant.
        """
        found = self.read(metadata.name, metadata.version)
        extras = (line for line in metadata.requires_dist if _EXTRA.search(line.partition(";")[2]))
        return replace(metadata, requires_dist=(*found.lines, *extras), static=True), found.notes

    def read(self, name: str, version: str) -> VariantRequirements:
        """The requirements of the variant; the errors are those of :meth:`apply`."""
        file = self._client.sdist_of(name, version)
        wanted = self._source.files[canonicalize_name(name)]
        digest = hashlib.sha256(json.dumps([_FORMAT, file.sha256 or file.url, wanted]).encode()).hexdigest()
        path = self._folder / f"{digest}.json"
        texts = _load(path)
        if texts is None:
            texts = read_members(
                self._client, file, lambda name: bool(_LISTS.fullmatch(name)),
                # Of the others it isn't known before the end whether the first one is there too.
                enough=lambda texts: _is_whole(wanted[0], texts),
            ).texts  # fmt: skip
            write_atomically(path, json.dumps(dict(sorted(texts.items()))).encode())
        for candidate in wanted:
            if candidate in texts:
                return parse_requirements(candidate, texts)
        raise UnsupportedSourceError(
            f"{name} {version} has no {' or '.join(wanted)} that would list the requirements of its variant "
            f"{self._source.name}",
            hint="Choose another variant, or name the file in the recipe.",
        )


def _load(path: Path) -> Mapping[str, str] | None:
    """The texts that were kept; None where there are none, or they are damaged."""
    try:
        kept = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    sound = isinstance(kept, dict) and all(isinstance(text, str) for text in kept.values())
    return kept if sound else None


def parse_requirements(path: str, texts: Mapping[str, str]) -> VariantRequirements:
    """The requirement lines of a file in pip's format, those of the files that it includes first to last.

    Options are left out: they say where to find files, not what is needed. A local version (``==2.13.0+cpu``) names a
    build that only such an address has; the release without it is meant (PEP 440, local version identifiers).
    """
    lines: list[str] = []
    notes: list[str] = []

    def read(current: str, seen: frozenset[str]) -> None:
        if current not in texts:
            notes.append(f"{path}: {current} is not in the sdist")
            return
        for raw in texts[current].replace("\\\n", " ").splitlines():
            line = _COMMENT.sub("", raw).strip()
            if include := _INCLUDE.fullmatch(line):
                target = posixpath.normpath(posixpath.join(posixpath.dirname(current), include[1]))
                if target not in seen:
                    read(target, seen | {target})
            elif line and not line.startswith("-"):
                lines.append(_public(line.partition(" --")[0].strip()))

    read(path, frozenset({path}))
    return VariantRequirements(path, tuple(dict.fromkeys(lines)), tuple(notes))


def _is_whole(path: str, texts: Mapping[str, str]) -> bool:
    """Whether a list is there with all that it includes, so that no more of the sdist has to be read."""
    return path in texts and not parse_requirements(path, texts).notes


def _public(line: str) -> str:
    """The requirement without local versions; a line that isn't one stays as it is, to be reported later."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return line
    public = SpecifierSet(",".join(map(_without_local, requirement.specifier)))
    if public == requirement.specifier:
        return line
    requirement.specifier = public
    return str(requirement)


def _without_local(clause: Specifier) -> str:
    try:
        version = Version(clause.version)
    except InvalidVersion:  # 1.2.* and the free text of ===
        return str(clause)
    return f"{clause.operator}{version.public}" if version.local else str(clause)
