"""A package index on the loopback that shows uv every release as it will be in Debian: built from source.

uv asks it for lists of versions and for metadata, and never talks to the real index, so that

* every release has one stub wheel, whatever files it really has: sdist-only releases resolve with
  ``--no-build`` and nothing of upstream is executed;
* requirements are specialised to the target before uv sees them, so any Debian architecture works;
* each METADATA is fetched once, over a few connections, into the cache that the dependency tree reads.

The stubs can't be downloaded; the token in the path keeps other users of the machine out.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.errors import HostileArchiveError, NoSdistError, UnknownDistributionError, UnsupportedSourceError
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata, MetadataReader, metadata_source
from debgen.upstream.model import ReleaseFile, Target
from debgen.upstream.pages import parsed
from debgen.upstream.requirements import Evaluator, Needed, python_bounds
from debgen.upstream.variants import VariantReader, VariantSource

_JSON = "application/vnd.pypi.simple.v1+json"
_TEXT = "text/plain"
_STUB_END = "-py3-none-any.whl"


@dataclass
class Memory:
    """What resolutions for the same target and variant may share: pages and metadata, as read and as served."""

    evaluator: Evaluator | None = None
    sources: dict[str, dict[Version, ReleaseFile]] = field(default_factory=dict)
    sdists: dict[tuple[str, str], ReleaseFile | None] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[tuple[str, Version], tuple[CoreMetadata, tuple[str, ...]]] = field(default_factory=dict)
    specialised: dict[tuple[str, str, bool], tuple[bytes, tuple[str, ...]]] = field(default_factory=dict)
    met: dict[tuple[str, str], bool] = field(default_factory=dict)


class Releases:
    """The index as uv shall see it for one target and variant: releases, not files.

    ``memory`` is what earlier resolutions for the same target and variant left. ``wanted`` is the name and version of
    a release that the user asks for by its number: what of its own requirements no release on the index meets is
    served without its bound, because no other release would do instead.
    """

    def __init__(
        self,
        client: IndexClient,
        target: Target,
        variant: VariantSource | None = None,
        *,
        memory: Memory | None = None,
        wanted: tuple[str, str] | None = None,
    ) -> None:
        self.failure: Exception | None = None
        self.notes: list[str] = []
        self._client = client
        self._target = target
        self._reader = MetadataReader(client)
        self._variants = VariantReader(client, variant or VariantSource())
        self._memory = memory or Memory()
        self._memory.evaluator = self._memory.evaluator or Evaluator(target)
        self.evaluator = self._memory.evaluator
        self._wanted = (wanted[0], parsed(wanted[1])) if wanted else None

    def sources(self, name: str) -> dict[Version, ReleaseFile]:
        """For each release the file whose metadata stands for it."""
        known = self._memory.sources
        if name not in known:
            releases: dict[Version, list[ReleaseFile]] = {}
            for file in self._client.files(name):
                releases.setdefault(parsed(file.version), []).append(file)
            known[name] = {version: metadata_source(files, self._target) for version, files in releases.items()}
        return known[name]

    def metadata(self, name: str, version: str) -> CoreMetadata:
        """Core metadata of a release, with the requirements of the variant.

        The errors are those of :meth:`MetadataReader.read` and :meth:`VariantReader.apply`.
        """
        key = (name, parsed(version))
        if key not in self._memory.metadata:
            self._memory.metadata[key] = self._read(*key)
        metadata, notes = self._memory.metadata[key]
        self.notes += notes
        return metadata

    def _read(self, name: str, version: Version) -> tuple[CoreMetadata, tuple[str, ...]]:
        file = self.sources(name).get(version)
        if file is None:
            newest = ", ".join(self._client.versions(name)[:5])
            raise UnknownDistributionError(
                f"{name} has no release {version}",
                hint=f"The newest releases are {newest}." if newest else "It has no release at all.",
            )
        metadata = self._reader.read(file)
        return self._variants.apply(metadata) if self._variants.concerns(name) else (metadata, ())

    def sdist(self, name: str, version: str) -> ReleaseFile | None:
        """The source distribution of a release, or None."""
        key = (name, version)
        if key not in self._memory.sdists:
            try:
                self._memory.sdists[key] = self._client.sdist_of(name, version)
            except NoSdistError:
                self._memory.sdists[key] = None
        return self._memory.sdists[key]

    def page(self, name: str) -> bytes:
        """The stubs of a distribution as a PEP 691 page."""
        if name not in self._memory.pages:
            self._memory.pages[name] = self._made_page(name)
        return self._memory.pages[name]

    def _made_page(self, name: str) -> bytes:
        files = []
        for version, file in self.sources(name).items():
            stub = f"{name.replace('-', '_')}-{version}{_STUB_END}"
            entry: dict[str, object] = {
                "filename": stub,
                "url": f"../../files/{name}/{version}/{stub}",
                "hashes": {},
                "core-metadata": True,
            }
            if bounds := python_bounds(file.requires_python):
                entry["requires-python"] = bounds
            if file.yanked:
                entry["yanked"] = True
            files.append(entry)
        return json.dumps({"meta": {"api-version": "1.0"}, "name": name, "files": files}).encode()

    def specialised(self, name: str, version: str) -> bytes:
        """METADATA with the requirements that hold on the target.

        A release whose metadata can't be read, or that doesn't know the variant, gets an empty file, so that uv passes
        it over.
        """
        key = (name, version, self._wanted == (name, parsed(version)))
        if key not in self._memory.specialised:
            self._memory.specialised[key] = self._made_metadata(name, version, lenient=key[-1])
        served, notes = self._memory.specialised[key]
        self.notes += notes
        return served

    def _made_metadata(self, name: str, version: str, *, lenient: bool) -> tuple[bytes, tuple[str, ...]]:
        try:
            metadata = self.metadata(name, version)
        except (HostileArchiveError, NoSdistError, UnsupportedSourceError) as error:
            return b"", (f"{name} {version} was passed over: {error}",)
        needed, _ = self.evaluator.needs(metadata)
        unmet = [need for need in needed if lenient and not self._is_met(need)]
        notes = tuple(
            f"{name} {version} asks for {need.name}{need.specifier}, and the index has no such release: resolved with "
            "any other"
            for need in unmet
        )
        needed = tuple(replace(need, specifier="") if need in unmet else need for need in needed)
        shown = CoreMetadata(
            name,
            version,
            python_bounds(metadata.requires_python),
            metadata.provides_extra,
            tuple(need.render() for need in needed),
        )
        return shown.render().encode(), notes

    def _is_met(self, need: Needed) -> bool:
        """Whether some release on the index is within the bound; an unknown distribution is for uv to tell."""
        key = (need.name, need.specifier)
        if key not in self._memory.met:
            self._memory.met[key] = not need.specifier or self._has_release(*key)
        return self._memory.met[key]

    def _has_release(self, name: str, specifier: str) -> bool:
        try:
            versions = {file.version for file in self._client.files(name) if not file.yanked}
        except UnknownDistributionError:
            return True
        allowed = SpecifierSet(specifier)
        pinned = any(clause.operator == "==" for clause in allowed)
        return any(allowed.contains(parsed(version), prereleases=pinned or None) for version in versions)


@contextmanager
def serving(releases: Releases) -> Iterator[str]:
    """Serve ``releases`` on the loopback while the block runs; the value is the URL of the index."""
    token = secrets.token_urlsafe(16)

    class Handler(_Handler):
        pass

    Handler.releases = releases
    Handler.token = token
    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{token}/simple"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    # An idle kept-alive connection of uv must not hold up the end of the block.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: uv hanging up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    releases: Releases
    token: str

    def do_GET(self) -> None:
        """Answer with a page, a metadata file, 404, or 403 for the stubs themselves."""
        try:
            answer = self._find()
        except UnknownDistributionError:
            answer = (404, b"", _TEXT)
        except Exception as error:
            # The first failure is the cause, what follows are its consequences; resolve() raises it.
            self.releases.failure = self.releases.failure or error
            answer = (500, b"", _TEXT)
        self._answer(*answer)

    def _find(self) -> tuple[int, bytes, str]:
        match [unquote(part) for part in self.path.strip("/").split("/")]:
            case [self.token, "simple", name]:
                return 200, self.releases.page(name), _JSON
            case [self.token, "files", name, version, file] if file.endswith(".whl.metadata"):
                return 200, self.releases.specialised(name, version), _TEXT
            case [self.token, "files", *_]:
                return 403, b"", _TEXT
        return 404, b"", _TEXT

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Say nothing: uv's narration is enough."""
