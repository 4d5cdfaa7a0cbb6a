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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from packaging.version import Version

from debgen.errors import HostileArchiveError, NoSdistError, UnknownDistributionError, UnsupportedSourceError
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata, MetadataReader, metadata_source
from debgen.upstream.model import ReleaseFile, Target
from debgen.upstream.pages import parsed
from debgen.upstream.requirements import Evaluator, python_bounds
from debgen.upstream.variants import VariantReader, VariantSource

_JSON = "application/vnd.pypi.simple.v1+json"
_TEXT = "text/plain"
_STUB_END = "-py3-none-any.whl"


class Releases:
    """The index as uv shall see it for one target and variant: releases, not files."""

    def __init__(self, client: IndexClient, target: Target, variant: VariantSource | None = None) -> None:
        self._evaluator = Evaluator(target)
        self.failure: Exception | None = None
        self.notes: list[str] = []
        self._client = client
        self._target = target
        self._reader = MetadataReader(client)
        self._variants = VariantReader(client, variant or VariantSource())
        self._sources: dict[str, dict[Version, ReleaseFile]] = {}

    def sources(self, name: str) -> dict[Version, ReleaseFile]:
        """For each release the file whose metadata stands for it."""
        if name not in self._sources:
            releases: dict[Version, list[ReleaseFile]] = {}
            for file in self._client.files(name):
                releases.setdefault(parsed(file.version), []).append(file)
            self._sources[name] = {version: metadata_source(files, self._target) for version, files in releases.items()}
        return self._sources[name]

    def metadata(self, name: str, version: str) -> CoreMetadata:
        """Core metadata of a release, with the requirements of the variant.

        The errors are those of :meth:`MetadataReader.read` and :meth:`VariantReader.apply`.
        """
        file = self.sources(name).get(parsed(version))
        if file is None:
            raise UnknownDistributionError(f"{name} has no release {version}")
        metadata = self._reader.read(file)
        if not self._variants.concerns(name):
            return metadata
        metadata, notes = self._variants.apply(metadata)
        self.notes += notes
        return metadata

    def sdist(self, name: str, version: str) -> ReleaseFile | None:
        """The source distribution of a release, or None."""
        try:
            return self._client.sdist_of(name, version)
        except NoSdistError:
            return None

    def page(self, name: str) -> bytes:
        """The stubs of a distribution as a PEP 691 page."""
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
        try:
            metadata = self.metadata(name, version)
        except (HostileArchiveError, NoSdistError, UnsupportedSourceError) as error:
            self.notes.append(f"{name} {version} was passed over: {error}")
            return b""
        needed, _ = self._evaluator.needs(metadata)
        shown = CoreMetadata(
            name,
            version,
            python_bounds(metadata.requires_python),
            metadata.provides_extra,
            tuple(need.render() for need in needed),
        )
        return shown.render().encode()


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
