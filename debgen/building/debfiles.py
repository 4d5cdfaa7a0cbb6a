"""The files of built binary packages, read from the .deb itself (deb(5)); nothing is unpacked or run."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from debian.arfile import ArError
from debian.debfile import DebFile

from debgen.archive.relation import clauses, parse_clause
from debgen.errors import BuildError
from debgen.upstream.metadata import CoreMetadata, parse_metadata
from debgen.upstream.wheel import EntryPoints, parse_entry_points

#: Where Debian has public modules: for all versions of Python 3, or for one.
MODULES = "usr/lib/python3/dist-packages/"
_TEXT_LIMIT = 8 << 20
_LINKS = 40


@dataclass(frozen=True)
class Deb:
    """One binary package; paths have no slash in front, folders none at their end."""

    name: str
    version: str
    architecture: str
    control: Mapping[str, str]
    #: Regular files and links, with the target of each link as it is written; empty for a file.
    files: Mapping[str, str]
    #: Content of the files of ``*.dist-info`` that are compared, by path.
    texts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Installed:
    """All binary packages of one source, as if installed together."""

    debs: tuple[Deb, ...]

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Files and links of all packages."""
        return {path: link for deb in self.debs for path, link in deb.files.items()}

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The folders of public modules that are in use: for all versions of Python, then for one of them."""
        found = {
            path[: path.index("/dist-packages/") + len("/dist-packages/")]
            for path in self.files
            if path.startswith("usr/lib/python3") and "/dist-packages/" in path
        }
        return tuple(sorted(found | {MODULES}, key=lambda folder: (folder != MODULES, folder)))

    @cached_property
    def modules(self) -> frozenset[str]:
        """The paths below the folders of public modules."""
        return frozenset(
            path.removeprefix(folder) for path in self.files for folder in self.folders if path.startswith(folder)
        )

    def has(self, path: str) -> bool:
        """Whether there is such a file, also below a link to a folder, or through links that leave the packages."""
        if path in self.files:
            return True
        for _ in range(_LINKS):
            linked = next((str(p) for p in _parents(path) if self.files.get(p)), None)
            if linked is None:
                return path in self.files
            rest = path[len(linked) + 1 :]
            target = posixpath.normpath(posixpath.join("/", posixpath.dirname(linked), self.files[linked]))[1:]
            if target not in self.files and not any(other.startswith(f"{target}/") for other in self.files):
                return True  # into another package, such as fonts: what it has there is that package's affair
            path = posixpath.join(target, rest)
        return False

    def depends_on(self, *fields: str) -> frozenset[str]:
        """The names in the relation ``fields`` of all packages, alternatives included."""
        return frozenset(
            relation.name
            for deb in self.debs
            for name in fields
            for clause in clauses(deb.control.get(name, ""))
            for relation in parse_clause(clause)
        )

    @cached_property
    def metadata(self) -> Mapping[str, CoreMetadata]:
        """The core metadata of the distributions that the packages ship, by the path of the file."""
        return {
            path: parse_metadata(data)
            for deb in self.debs
            for path, data in deb.texts.items()
            if path.endswith(("/METADATA", ".egg-info", "/PKG-INFO"))
        }

    def entry_points(self, metadata: str) -> EntryPoints:
        """The entry points beside the file ``metadata``."""
        path = f"{posixpath.dirname(metadata)}/entry_points.txt"
        return next((parse_entry_points(deb.texts[path]) for deb in self.debs if path in deb.texts), {})


def read_debs(paths: Iterable[Path]) -> Installed:
    """Read binary packages; those with debugging symbols only are left out. BuildError where one can't be read."""
    debs = tuple(read_deb(path) for path in sorted(paths) if path.name.endswith(".deb") and "-dbgsym_" not in path.name)
    return Installed(debs)


def read_deb(path: Path) -> Deb:
    """Read one .deb; BuildError where it can't be read."""
    try:
        with DebFile(str(path)) as deb:
            control = {str(key): str(value) for key, value in deb.debcontrol().items()}
            files: dict[str, str] = {}
            texts: dict[str, bytes] = {}
            archive = deb.data.tgz()
            for member in archive:
                name = str(member.name).removeprefix("./").strip("/")
                if member.isdir() or not name:
                    continue
                files[name] = member.linkname if member.issym() else ""
                if _is_compared(name) and member.isreg() and member.size <= _TEXT_LIMIT:
                    stream = archive.extractfile(member)
                    texts[name] = stream.read() if stream else b""
    except (OSError, ArError, tarfile.TarError, EOFError, KeyError) as error:
        raise BuildError(f"{path.name} can't be read: {error}", hint="Build it again with --fresh.") from None
    return Deb(control["Package"], control["Version"], control["Architecture"], control, files, texts)


def _is_compared(name: str) -> bool:
    folder, _, base = name.rpartition("/")
    if folder.endswith((".dist-info", ".egg-info")):
        return base in ("METADATA", "PKG-INFO", "entry_points.txt")
    return name.endswith(".egg-info")


def _parents(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
