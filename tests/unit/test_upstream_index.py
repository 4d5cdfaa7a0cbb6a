"""The index client against a small index on the loopback that can misbehave in every way needed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import random
import socket
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import (
    DebgenError,
    HostileArchiveError,
    IntegrityError,
    NetworkError,
    NoSdistError,
    UnknownDistributionError,
    UsageError,
)
from debgen.upstream import remote, transport
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import MetadataReader
from debgen.upstream.model import ReleaseFile

Reply = Callable[[BaseHTTPRequestHandler], None]


class Index:
    """Paths with their content; ``replies`` take over a path, ``requests`` tells what was asked."""

    def __init__(self) -> None:
        self.content: dict[str, tuple[str, bytes]] = {}
        self.replies: dict[str, Reply] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.ranges = True
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                index.requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                if self.path in index.replies:
                    index.replies[self.path](self)
                elif self.path in index.content:
                    kind, body = index.content[self.path]
                    index.serve(self, kind, body)
                else:
                    answer(self, 404)

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, handler: BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        wanted = handler.headers.get("Range", "")
        if not wanted or not self.ranges:
            answer(handler, 200, body, {"Content-Type": kind})
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(0, len(body) - int(last))
        end = int(last) if first and last else len(body) - 1
        part = body[start : end + 1]
        answer(handler, 206, part, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(body)}"})

    def add(self, name: str, *filenames: str, body: bytes = b"content", hashed: bool = True) -> None:
        """A page of ``name`` with files that all have ``body``."""
        digest = f"#sha256={hashlib.sha256(body).hexdigest()}" if hashed else ""
        links = "".join(f'<a href="/files/{file}{digest}">{file}</a>\n' for file in filenames)
        self.content[f"/simple/{name}/"] = ("text/html", links.encode())
        self.content |= {f"/files/{file}": ("application/octet-stream", body) for file in filenames}

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


def answer(
    handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> None:
    handler.send_response(status)
    for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(key, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(transport, "_RETRIES", transport._RETRIES.new(backoff_factor=0))
    served = Index()
    yield served
    served.server.shutdown()
    served.server.server_close()


def client_of(index: Index, **more: Any) -> IndexClient:
    return IndexClient(IndexSettings(f"{index.url}/simple/"), **more)


def test_pages_are_fetched_once_and_kept_for_a_while(index: Index) -> None:
    index.add("foo-bar", "foo_bar-1.0.tar.gz", "foo_bar-1.1-py3-none-any.whl", "foo_bar-1.10.tar.gz")
    client = client_of(index)
    assert client.versions("Foo.Bar") == ("1.10", "1.1", "1.0")
    assert client.files("foo_bar") == client_of(index).files("foo-bar")
    assert index.paths() == ["/simple/foo-bar/"]
    client_of(index, refresh=True).files("foo-bar")
    assert len(index.requests) == 2
    page = next(Path(os.environ["DEBGEN_CACHE"]).glob("simple/*/foo-bar"))
    os.utime(page, (time.time() - 700,) * 2)
    client_of(index).files("foo-bar")
    assert len(index.requests) == 3
    page.write_bytes(b"rubbish")
    assert len(client_of(index).files("foo-bar")) == 3


def test_pages_may_be_compressed_and_redirected(index: Index) -> None:
    body = gzip.compress(b'<a href="foo-1.0.tar.gz">foo</a>')
    index.replies["/mirror/foo/"] = lambda handler: answer(
        handler, 200, body, {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    )
    index.replies["/simple/foo/"] = lambda handler: answer(handler, 302, b"", {"Location": "/mirror/foo/"})
    expected = [f"{index.url}/mirror/foo/foo-1.0.tar.gz"]
    assert [file.url for file in client_of(index).files("foo")] == expected
    assert [file.url for file in client_of(index).files("foo")] == expected  # from the cache


def test_a_failing_answer_is_asked_for_again(index: Index) -> None:
    index.add("foo", "foo-1.0.tar.gz")

    def fail_once(handler: BaseHTTPRequestHandler) -> None:
        del index.replies["/simple/foo/"]
        answer(handler, 503)

    index.replies["/simple/foo/"] = fail_once
    assert client_of(index).versions("foo") == ("1.0",)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (lambda handler: answer(handler, 404), UnknownDistributionError, "no distribution named foo"),
        (lambda handler: answer(handler, 401), NetworkError, "refuses access"),
        (lambda handler: answer(handler, 500, b"", {"Connection": "close"}), NetworkError, "HTTP 500"),
        (lambda handler: answer(handler, 302, b"", {"Location": "/simple/foo/"}), NetworkError, "can't fetch"),
        (lambda handler: answer(handler, 200, b"x", {"Content-Type": "image/png"}), NetworkError, "not a package"),
        (lambda handler: answer(handler, 200, b"x", {"Content-Length": "9"}), NetworkError, "breaks off"),
        (lambda handler: handler.wfile.write(b"garbage\r\n\r\n"), NetworkError, "can't fetch"),
        (lambda handler: answer(handler, 200, b"", {"Content-Length": str(1 << 40)}), HostileArchiveError, "MiB"),
        (
            lambda handler: answer(
                handler, 200, gzip.compress(bytes(70 << 20)), {"Content-Encoding": "gzip", "Content-Type": "text/html"}
            ),
            HostileArchiveError,
            "more than 64 MiB",
        ),
    ],
)
def test_answers_that_are_none(index: Index, reply: Reply, error: type[DebgenError], words: str) -> None:
    def reply_and_close(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        reply(handler)

    index.replies["/simple/foo/"] = reply_and_close
    with pytest.raises(error, match=words) as caught:
        client_of(index).files("foo")
    assert type(caught.value) in (error, transport.InterruptedAnswerError)
    assert caught.value.hint


def test_nobody_listens(index: Index) -> None:
    index.server.shutdown()
    index.server.server_close()
    with pytest.raises(NetworkError, match="refused"):
        client_of(index).files("foo")


def test_credentials_go_to_the_index_only_and_into_no_message(index: Index) -> None:
    other = Index()
    try:
        index.content["/simple/foo/"] = ("text/html", f'<a href="{other.url}/foo-1.0.tar.gz">x</a>'.encode())
        other.content["/foo-1.0.tar.gz"] = ("x", b"abc")
        client = IndexClient(IndexSettings(f"{index.url}/simple/", "me", "secret"))
        client.download(client.files("foo")[0], Path(os.environ["DEBGEN_CACHE"]) / "foo")
        assert index.requests[0][1]["authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
        assert "authorization" not in other.requests[0][1]
        index.replies["/simple/bar/"] = lambda handler: answer(handler, 403)
        with pytest.raises(NetworkError) as caught:
            client.files("bar")
        assert "secret" not in str(caught.value) + caught.value.hint
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_proxy_of_the_environment_is_used(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ("text/html", b'<a href="foo-1.0.tar.gz">x</a>')
    index.content["http://index.invalid/simple/foo/"] = page
    monkeypatch.setenv("http_proxy", index.url.replace("//", "//user:word@"))
    client = IndexClient(IndexSettings("http://index.invalid/simple/"))
    assert client.versions("foo") == ("1.0",)
    assert index.requests[0][1]["proxy-authorization"] == "Basic " + base64.b64encode(b"user:word").decode()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    index.add("bar", "bar-1.tar.gz")
    assert client_of(index).versions("bar") == ("1",)
    assert index.paths()[-1] == "/simple/bar/"


def test_names_resolve_once(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.2", 1)), (2, 1, 6, "", ("127.0.0.1", port))][-1:]

    monkeypatch.setattr("debgen.upstream.transport.socket.getaddrinfo", getaddrinfo)
    monkeypatch.setattr(transport, "_ADDRESSES", {})
    monkeypatch.setattr(transport, "create_connection", lambda address, *a, **k: _direct(address))
    client = IndexClient(IndexSettings(f"http://index.invalid:{index.server.server_port}/simple/"))
    for name in ("a", "b", "c"):
        index.replies[f"/simple/{name}/"] = _closing_page
        client.files(name)
    assert asked == ["index.invalid"]
    assert len(index.requests) == 3


def _direct(address: tuple[str, int]) -> socket.socket:
    connection = socket.socket()
    connection.connect(address)
    return connection


def _closing_page(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    answer(handler, 200, b"", {"Content-Type": "text/html", "Connection": "close"})


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing-here"):
        IndexClient(IndexSettings("https://x.example/", ca_file=str(tmp_path / "nothing-here")))


def test_sdist_of(index: Index) -> None:
    index.add("foo", "foo-1.0.zip", "foo-1.0.tar.gz", "foo-1.1.tar.gz", "foo-2.0-py3-none-any.whl", "foo-3.tar.gz")
    client = client_of(index)
    assert client.sdist_of("foo", "1.0.0").filename == "foo-1.0.tar.gz"
    with pytest.raises(NoSdistError) as wheels_only:
        client.sdist_of("foo", "2.0")
    assert "3, 1.1, 1.0" in wheels_only.value.hint
    for version in ("4.0", "nonsense"):
        with pytest.raises(UnknownDistributionError) as unknown:
            client.sdist_of("foo", version)
        assert "3, 2.0, 1.1, 1.0" in unknown.value.hint
    with pytest.raises(UsageError):
        client.files("../foo")


def test_download_checks_and_reuses(index: Index, tmp_path: Path) -> None:
    index.add("foo", "foo-1.0.tar.gz", body=b"x" * 1_000_000)
    client = client_of(index)
    file = client.files("foo")[0]
    target = tmp_path / "deep" / "foo.tar.gz"
    assert client.download(file, target).read_bytes() == b"x" * 1_000_000
    client.download(file, target)
    assert index.paths().count("/files/foo-1.0.tar.gz") == 1
    target.write_bytes(b"spoiled")
    client.download(file, target)
    assert target.stat().st_size == 1_000_000
    assert [path.name for path in target.parent.iterdir()] == ["foo.tar.gz"]


def test_download_of_wrong_bytes_leaves_nothing(index: Index, tmp_path: Path) -> None:
    index.add("foo", "foo-1.0.tar.gz")
    index.content["/files/foo-1.0.tar.gz"] = ("x", b"something else")
    client = client_of(index)
    with pytest.raises(IntegrityError, match=hashlib.sha256(b"content").hexdigest()):
        client.download(client.files("foo")[0], tmp_path / "out" / "foo")
    assert not list((tmp_path / "out").iterdir())


def test_download_that_breaks_off(index: Index, tmp_path: Path) -> None:
    index.add("foo", "foo-1.0.tar.gz")

    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        answer(handler, 200, b"cont", {"Content-Length": "7"})

    index.replies["/files/foo-1.0.tar.gz"] = short
    client = client_of(index)
    with pytest.raises(NetworkError, match="breaks off"):
        client.download(client.files("foo")[0], tmp_path / "out" / "foo")
    assert not list((tmp_path / "out").iterdir())
    del index.replies["/files/foo-1.0.tar.gz"]
    assert client.download(client.files("foo")[0], tmp_path / "out" / "foo").read_bytes() == b"content"


def wheel(metadata: bytes, *, padding: int = 0, members: int = 0) -> bytes:
    """A wheel with ``padding`` incompressible bytes before its dist-info and ``members`` empty files after it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo/data", random.Random(1).randbytes(padding))  # noqa: S311
        archive.writestr("foo/_vendor/bar-1.dist-info/METADATA", b"Name: vendored\nVersion: 9\n\n")
        archive.writestr("foo-1.0.dist-info/METADATA", metadata, zipfile.ZIP_DEFLATED)
        for number in range(members):
            archive.writestr(f"foo/{'long' * 20}{number}", b"")
    return buffer.getvalue()


METADATA = b"Metadata-Version: 2.1\nName: Foo\nVersion: 1.0\nRequires-Dist: bar>=1\n\nA long description\n"


def only_file(index: Index, filename: str, body: bytes) -> tuple[MetadataReader, ReleaseFile]:
    index.add("foo", filename, body=body)
    client = client_of(index, refresh=True)
    file = client.files("foo")[0]
    index.requests.clear()
    return MetadataReader(client), file


@pytest.mark.parametrize(("padding", "members", "requests"), [(10, 0, 1), (3_000_000, 0, 1), (3_000_000, 2000, 3)])
def test_wheel_metadata_takes_few_small_requests(index: Index, padding: int, members: int, requests: int) -> None:
    reader, file = only_file(index, "foo-1.0-py3-none-any.whl", wheel(METADATA, padding=padding, members=members))
    found = reader.read(file)
    assert (found.name, found.version, found.requires_dist) == ("Foo", "1.0", ("bar>=1",))
    assert len(index.requests) <= requests
    assert all("range" in headers for _, headers in index.requests)
    again = MetadataReader(client_of(index)).read(file)
    assert again == found
    assert len(index.requests) <= requests


def test_wheel_metadata_from_a_server_without_ranges(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.ranges = False
    reader, file = only_file(index, "foo-1.0-py3-none-any.whl", wheel(METADATA, padding=200_000))
    assert reader.read(file).requires_dist == ("bar>=1",)
    monkeypatch.setattr(remote, "ZIP_LIMIT", 100_000)
    reader, file = only_file(index, "foo-1.0-py3-none-any.whl", wheel(METADATA + b"x", padding=200_000))
    with pytest.raises(HostileArchiveError, match="more than"):
        reader.read(file)


def test_metadata_that_the_index_offers_is_taken(index: Index) -> None:
    index.add("foo", "foo-1.0-py3-none-any.whl")
    page = b'<a href="/files/foo-1.0-py3-none-any.whl" data-core-metadata="true">x</a>'
    index.content["/simple/foo/"] = ("text/html", page)
    index.content["/files/foo-1.0-py3-none-any.whl.metadata"] = ("text/plain", METADATA)
    client = client_of(index)
    assert MetadataReader(client).read(client.files("foo")[0]).requires_dist == ("bar>=1",)
    assert "/files/foo-1.0-py3-none-any.whl" not in index.paths()


@pytest.mark.parametrize(
    "body",
    [
        b"no zip at all",
        b"PK\x05\x06" + b"\xff" * 18,
        wheel(METADATA)[:-30],
        wheel(METADATA).replace(b"foo-1.0.dist-info/METADATA", b"foo-1.0.dist-info/METADUTU"),
        wheel(b"Name: without-version\n\n"),
        wheel(METADATA).replace(b"PK\x03\x04", b"PK\x00\x00"),
    ],
)
def test_broken_wheels(index: Index, body: bytes) -> None:
    reader, file = only_file(index, "foo-1.0-py3-none-any.whl", body)
    with pytest.raises(HostileArchiveError):
        reader.read(file)


def test_a_server_that_sends_other_ranges(index: Index) -> None:
    reader, file = only_file(index, "foo-1.0-py3-none-any.whl", wheel(METADATA, padding=300_000, members=2000))
    index.replies["/files/foo-1.0-py3-none-any.whl"] = lambda handler: answer(
        handler, 206, b"x" * 100, {"Content-Range": "bytes 0-99/99999999"}
    )
    with pytest.raises(HostileArchiveError):
        reader.read(file)


def test_sdist_metadata_is_read_from_the_stream(index: Index) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, content in (
            ("foo-1.0/PKG-INFO", METADATA),
            ("foo-1.0/big", random.Random(2).randbytes(8_000_000)),  # noqa: S311
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    reader, file = only_file(index, "foo-1.0.tar.gz", buffer.getvalue())
    sent: list[int] = []

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, 200, b"", {"Content-Length": str(len(buffer.getvalue()))})
        for start in range(0, len(buffer.getvalue()), 1 << 16):
            handler.wfile.write(buffer.getvalue()[start : start + (1 << 16)])
            sent.append(start)
            time.sleep(0.005)

    index.replies["/files/foo-1.0.tar.gz"] = slowly
    assert reader.read(file).requires_dist == ("bar>=1",)
    assert len(sent) < 60


def test_sdist_metadata_from_a_zip_with_requires_txt(index: Index) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo-1.0/PKG-INFO", "Metadata-Version: 1.1\nName: foo\nVersion: 1.0\n")
        archive.writestr("foo-1.0/src/foo.egg-info/requires.txt", "bar>1\n\n[x:python_version<'3']\nbaz\n")
    reader, file = only_file(index, "foo-1.0.zip", buffer.getvalue())
    found = reader.read(file)
    assert found.requires_dist == ("bar>1", "baz ; (python_version<'3') and extra == \"x\"")
    assert found.provides_extra == ("x",)
