"""Core metadata of a release file without downloading it whole, and without executing anything of it.

A wheel's METADATA comes from the index (PEP 658) or from one or two range requests into the zip file; an
sdist's PKG-INFO from the stream of its tar file, which is left as soon as it has been seen. Only the fields
that a resolver needs are kept. They never change for a given file, so they are cached for good.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from debgen.errors import HostileArchiveError, NetworkError
from debgen.upstream.index import IndexClient
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.remote import RemoteZip, bounded_tar
from debgen.workspace import cache_directory, write_atomically

METADATA_LIMIT = 8 << 20
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)")
_REQUIRES_TXT = re.compile(r"[^/]+/(?:[^/]+/){0,3}[^/]+\.egg-info/requires\.txt")
_WHEEL_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_SDIST_METADATA = re.compile(r"[^/]+/PKG-INFO")
# What a resolver needs of the core metadata; the rest, above all the description, is not kept.
_KEPT = frozenset({"metadata-version", "name", "version", "requires-python", "provides-extra", "requires-dist"})


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The fields of a release that say what it needs, as upstream wrote them.

    ``static`` is false where the sdist says that its build computes the dependencies, or says nothing; then
    ``requires_dist`` may lack some.
    """

    name: str
    version: str
    requires_python: str = ""
    provides_extra: tuple[str, ...] = ()
    requires_dist: tuple[str, ...] = ()
    static: bool = True

    def render(self) -> str:
        """The text of a METADATA file with these fields; read as an sdist's, it gives the same again."""
        lines = ["Metadata-Version: 2.2", f"Name: {self.name}", f"Version: {self.version}"]
        if self.requires_python:
            lines.append(f"Requires-Python: {self.requires_python}")
        lines += [f"Provides-Extra: {extra}" for extra in self.provides_extra]
        lines += [f"Requires-Dist: {line}" for line in self.requires_dist]
        if not self.static:
            lines.append("Dynamic: Requires-Dist")
        return "\n".join(lines) + "\n"


class MetadataReader:
    """Reads and caches the core metadata of release files; may be used by several threads."""

    def __init__(self, client: IndexClient) -> None:
        self._client = client
        self._folder = cache_directory("metadata")

    def read(self, file: ReleaseFile) -> CoreMetadata:
        """Metadata of one file.

        HostileArchiveError where the file has none or is malformed, NetworkError where it can't be fetched.
        """
        key = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
        path = self._folder / key[:2] / key
        with suppress(FileNotFoundError):
            return parse_metadata(path.read_bytes(), sdist=True)
        metadata = self._fetch(file)
        write_atomically(path, metadata.render().encode())
        return metadata

    def _fetch(self, file: ReleaseFile) -> CoreMetadata:
        transport = self._client.transport
        if file.core_metadata:
            answer = transport.get(f"{file.url}.metadata", limit=METADATA_LIMIT)
            if answer.status == 200:
                return parse_metadata(answer.body, sdist=file.kind is FileKind.SDIST)
        if file.kind is FileKind.WHEEL:
            return parse_metadata(RemoteZip(transport, file).read(_WHEEL_METADATA, METADATA_LIMIT))
        if file.filename.endswith(".zip"):
            remote = RemoteZip(transport, file)
            metadata = parse_metadata(remote.read(_SDIST_METADATA, METADATA_LIMIT), sdist=True)
            if metadata.static or metadata.requires_dist:
                return metadata
            with suppress(HostileArchiveError):
                return with_requires_txt(metadata, remote.read(_REQUIRES_TXT, METADATA_LIMIT))
            return metadata
        with transport.stream(file.url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status != 200:
                raise NetworkError(f"{file.filename} can't be fetched: HTTP {response.status}")
            return read_sdist(response, file.filename)


def read_sdist(stream: IO[bytes] | object, filename: str) -> CoreMetadata:
    """The metadata in a compressed tar ``stream``; nothing is unpacked.

    HostileArchiveError where it is malformed, too large, or has no PKG-INFO at its top.
    """
    metadata: CoreMetadata | None = None
    requires: bytes | None = None
    try:
        with bounded_tar(stream, filename) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if not member.isreg() or member.size > METADATA_LIMIT:
                    continue
                if _SDIST_METADATA.fullmatch(name):
                    metadata = parse_metadata(_content(archive, member), sdist=True)
                elif _REQUIRES_TXT.fullmatch(name):
                    requires = _content(archive, member)
                if metadata and (metadata.static or metadata.requires_dist or requires is not None):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, OverflowError) as error:
        raise HostileArchiveError(f"{filename} is malformed: {type(error).__name__}") from None
    if metadata is None:
        raise HostileArchiveError(f"{filename} has no PKG-INFO")
    if requires is not None and not metadata.static and not metadata.requires_dist:
        return with_requires_txt(metadata, requires)
    return metadata


def parse_metadata(data: bytes, *, sdist: bool = False) -> CoreMetadata:
    """Read the header of a METADATA or PKG-INFO file; bytes that aren't UTF-8 are replaced.

    A wheel's dependencies are final. Those of an ``sdist`` count as static only if the metadata version is
    at least 2.2 and doesn't list them as dynamic (PEP 643). HostileArchiveError where name or version is
    missing.
    """
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    dynamic: set[str] = set()
    for line in data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n"):
        if not line:  # a line of spaces continues a field, such as a licence text; only an empty one ends them
            break
        if line[0] in " \t":
            if last:
                last[-1] += " " + line.strip()
            continue
        last = None
        match = _FIELD.fullmatch(line)
        if match is None:
            continue
        key = match[1].lower()
        if key == "dynamic":
            dynamic.add(match[2].strip().lower())
        elif key in _KEPT:
            last = fields.setdefault(key, [])
            last.append(match[2].strip())
    if not fields.get("name") or not fields.get("version"):
        raise HostileArchiveError("a release's metadata has no name or version")
    old = _metadata_version(fields.get("metadata-version", [""])[0]) < (2, 2)
    return CoreMetadata(
        name=fields["name"][0],
        version=fields["version"][0],
        requires_python=fields.get("requires-python", [""])[0],
        provides_extra=tuple(fields.get("provides-extra", ())),
        requires_dist=tuple(fields.get("requires-dist", ())),
        static=not sdist or not (old or "requires-dist" in dynamic),
    )


def with_requires_txt(metadata: CoreMetadata, data: bytes) -> CoreMetadata:
    """Add what setuptools' ``requires.txt`` says: lines under sections ``[extra:marker]``."""
    lines: list[str] = []
    extras: list[str] = []
    extra = marker = ""
    for raw in data.decode("utf-8", "replace").splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            if extra and extra not in extras:
                extras.append(extra)
        elif line and not line.startswith("#"):
            conditions = [f"({marker.strip()})"] if marker.strip() else []
            conditions += [f'extra == "{extra}"'] if extra else []
            lines.append(line + (" ; " + " and ".join(conditions) if conditions else ""))
    return CoreMetadata(
        metadata.name,
        metadata.version,
        metadata.requires_python,
        tuple(dict.fromkeys((*metadata.provides_extra, *extras))),
        tuple(lines),
        static=True,
    )


def metadata_source(files: Sequence[ReleaseFile], target: Target) -> ReleaseFile:
    """The file of one release whose metadata says best what the release needs on the target.

    A wheel for the target's machine, else any wheel (its dependencies rarely differ, and Debian builds from
    source anyway), else the sdist. Same files, same choice.
    """
    python = "".join(target.python_version.split(".")[:2])

    def rank(file: ReleaseFile) -> tuple[int, int, int, str]:
        if file.kind is FileKind.SDIST:
            return (2, 0, 0, file.filename)
        tags = file.filename[: -len(".whl")].rsplit("-", 3)[1:]
        fits = tags[2] == "any" or ("linux" in tags[2] and tags[2].endswith(f"_{target.machine}"))
        interpreter = tags[0] == f"cp{python}" or tags[1] == "abi3" or "py3" in tags[0].split(".")
        return (0 if fits else 1, 0 if interpreter else 1, 0 if file.core_metadata else 1, file.filename)

    return min(files, key=rank)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read(METADATA_LIMIT) if stream else b""


def _metadata_version(text: str) -> tuple[int, ...]:
    parts: Iterable[str] = text.split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in parts)
