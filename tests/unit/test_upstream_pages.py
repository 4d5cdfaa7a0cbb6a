from __future__ import annotations

import json
import time

import pytest

from debgen.errors import NetworkError
from debgen.upstream.model import FileKind
from debgen.upstream.pages import file_version, parse_page

URL = "https://index.example/simple/foo-bar/"
DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("foo_bar-1.0.tar.gz", (FileKind.SDIST, "1.0")),
        ("foo-bar-1.0.tar.gz", (FileKind.SDIST, "1.0")),
        ("Foo.Bar-1.0.zip", (FileKind.SDIST, "1.0")),
        ("foo-bar-1.0-1.tar.gz", (FileKind.SDIST, "1.0.post1")),
        ("foo-bar-2.0-rc1.tar.bz2", (FileKind.SDIST, "2.0rc1")),
        ("foo_bar-1.0RC1.tar.gz", (FileKind.SDIST, "1.0rc1")),
        ("foo_bar-1!2.0+local.1-py3-none-any.whl", (FileKind.WHEEL, "1!2.0+local.1")),
        ("foo_bar-1.0-3-cp314-cp314-manylinux_2_28_x86_64.whl", (FileKind.WHEEL, "1.0")),
        ("foo_bar_baz-1.0.tar.gz", None),
        ("foo-bar-baz-1.0.tar.gz", None),
        ("foo_bar-latest.tar.gz", None),
        ("foo_bar-1.0.linux-x86_64.exe", None),
        ("foo_bar-1.0-py2.7.egg", None),
        ("foo_bar-1.0-any.whl", None),
        ("foo_bar.tar.gz", None),
        ("-" * 100_000 + ".tar.gz", None),
    ],
)
def test_kind_and_version_of_file_names(filename: str, expected: object) -> None:
    assert file_version("foo-bar", filename) == expected


def test_html_page() -> None:
    page = f"""<!DOCTYPE html><html><body><h1>Links</h1>
    <a href="../../files/foo_bar-1.0.tar.gz#sha256={DIGEST}"
       data-requires-python="&gt;=3.8, &lt;4">foo_bar-1.0.tar.gz</a>
    <A DATA-YANKED='broken > bad' HREF='https://files.example/foo_bar-1.1%2Bcpu-py3-none-any.whl'>x</A>
    <a href="/f/foo_bar-1.2-py3-none-any.whl#md5=00" data-dist-info-metadata="sha256=aa">x</a>
    <a href="/f/foo_bar-1.3-py3-none-any.whl" data-core-metadata="true">x</a>
    <a href="javascript:alert(1)/foo_bar-1.4.tar.gz">x</a><a href="file:///etc/foo_bar-1.5.tar.gz">x</a>
    <a href="other-1.0.tar.gz">x</a><a>x</a></body></html>"""
    files = parse_page("foo-bar", URL, "text/html; charset=UTF-8", page.encode())
    assert [file.version for file in files] == ["1.0", "1.1+cpu", "1.2", "1.3"]
    first, yanked, old_style, new_style = files
    assert first.url == "https://index.example/files/foo_bar-1.0.tar.gz"
    assert (first.sha256, first.requires_python, first.yanked) == (DIGEST, ">=3.8, <4", False)
    assert yanked.yanked
    assert yanked.filename == "foo_bar-1.1+cpu-py3-none-any.whl"
    assert old_style.sha256 is None
    assert (first.core_metadata, old_style.core_metadata, new_style.core_metadata) == (False, True, True)


def test_json_page_with_nonsense_in_it() -> None:
    files = [
        {
            "filename": "foo_bar-1.0.tar.gz",
            "url": "../f/foo_bar-1.0.tar.gz",
            "hashes": {"sha256": DIGEST.upper()},
            "requires-python": ">=3.9",
            "yanked": "reason",
            "size": 12,
            "upload-time": "2026-01-01T00:00:00Z",
        },
        {"filename": "foo_bar-1.1-py3-none-any.whl", "url": "f", "hashes": {}, "core-metadata": {"sha256": "x"}},
        {"filename": "foo_bar-1.2.tar.gz", "url": "f", "hashes": None, "requires-python": 3, "yanked": False},
        {"filename": "../foo_bar-1.3.tar.gz", "url": "f", "hashes": {}},
        {"filename": "foo_bar-1.4.tar.gz", "url": "http://[broken", "hashes": {}},
        {"filename": 5, "url": "f"},
        {"filename": "foo_bar-1.5.tar.gz"},
        "foo_bar-1.6.tar.gz",
    ]
    page = json.dumps({"meta": {"api-version": "1.1"}, "name": "foo-bar", "files": files}).encode()
    found = parse_page("foo-bar", URL, "application/vnd.pypi.simple.v1+json", page)
    assert [file.version for file in found] == ["1.0", "1.1", "1.2", "1.4"]
    assert found[0].sha256 == DIGEST
    assert found[0].url == "https://index.example/simple/f/foo_bar-1.0.tar.gz"
    assert [file.yanked for file in found] == [True, False, False, False]
    assert [file.core_metadata for file in found] == [False, True, False, False]
    assert found[2].requires_python == ""


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b"{"), ("application/json", b"[" * 100_000), ("application/pdf", b""), ("", b"<a>")],
)
def test_what_is_no_index_is_said_to_be_none(content_type: str, body: bytes) -> None:
    with pytest.raises(NetworkError, match=r"index\.example is not a package index"):
        parse_page("foo-bar", URL, content_type, body)


@pytest.mark.parametrize("body", [b"[]", b"null", b"{}", b'{"files": {}}'])
def test_json_of_another_shape_has_no_files(body: bytes) -> None:
    assert parse_page("foo-bar", URL, "application/json", body) == []


@pytest.mark.parametrize("piece", [b"<a ", b'<a "', b"<a x='", b"<a href=" + b"x" * 3000, b"<a " + b"a " * 1000])
def test_hostile_html_takes_no_more_than_linear_time(piece: bytes) -> None:
    began = time.process_time()
    assert parse_page("foo-bar", URL, "text/html", b"\xff" + piece * (2_000_000 // len(piece))) == []
    assert time.process_time() - began < 5
