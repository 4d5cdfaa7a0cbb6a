from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import urllib3

from debgen.errors import HostileArchiveError, NetworkError, UnknownDistributionError
from debgen.upstream import proxy
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.proxy import Releases, serving


def file(name: str, version: str, kind: str = "whl", **more: Any) -> ReleaseFile:
    filename = f"{name}-{version}" + ("-cp310-cp310-win_amd64.whl" if kind == "whl" else ".tar.gz")
    known = FileKind.WHEEL if kind == "whl" else FileKind.SDIST
    return ReleaseFile(filename, f"https://x.example/{filename}", version, known, **more)


class Known(IndexClient):
    """An index whose pages are given, and that can fail."""

    def __init__(self, pages: Mapping[str, tuple[ReleaseFile, ...]]) -> None:
        super().__init__(IndexSettings("https://x.example/simple/"))
        self.pages = pages

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        if name == "unreachable":
            raise NetworkError("no route", hint="check")
        if name not in self.pages:
            raise UnknownDistributionError(name)
        return self.pages[name]


PAGES = {
    "foo-bar": (
        file("foo_bar", "1.0", requires_python=">=3.8"),
        file("foo_bar", "1.0", "sdist", requires_python=">=3.8"),
        file("foo_bar", "1.0.0", "sdist"),
        file("foo_bar", "1.1", "sdist", yanked=True),
        file("foo_bar", "1!2.0+deb", "sdist"),
    )
}
METADATA = {
    "foo_bar-1.0-cp310-cp310-win_amd64.whl": CoreMetadata(
        "Foo.Bar", "1.0", ">=3.8", ("x",), ('a; sys_platform == "win32"', "b>=1", 'c; extra == "x"')
    ),
    "foo_bar-1!2.0+deb.tar.gz": CoreMetadata("Foo.Bar", "1!2.0+deb"),
}


class Reader:
    """Stands in for the reading of archives, which has its own tests."""

    def __init__(self, client: IndexClient) -> None: ...

    def read(self, asked: ReleaseFile) -> CoreMetadata:
        if asked.filename not in METADATA:
            raise HostileArchiveError("malformed")
        return METADATA[asked.filename]


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Releases:
    monkeypatch.setattr(proxy, "MetadataReader", Reader)
    return Releases(Known(PAGES), Target("3.14", "amd64"))


@pytest.fixture
def url(releases: Releases) -> Iterator[str]:
    with serving(releases) as address:
        yield address


def get(address: str) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager() as pool:
        return pool.request("GET", address, retries=False)


def test_every_release_has_one_stub(url: str) -> None:
    answer = get(f"{url}/foo-bar/")
    assert answer.headers["content-type"] == "application/vnd.pypi.simple.v1+json"
    files = json.loads(answer.data)["files"]
    assert [entry["filename"] for entry in files] == [
        "foo_bar-1.0-py3-none-any.whl",
        "foo_bar-1.1-py3-none-any.whl",
        "foo_bar-1!2.0+deb-py3-none-any.whl",
    ]
    assert all(entry["core-metadata"] for entry in files)
    assert files[0]["requires-python"] == ">=3.8"
    assert [entry.get("yanked", False) for entry in files] == [False, True, False]


def test_metadata_is_that_of_the_target(url: str) -> None:
    text = get(f"{url}/../files/foo-bar/1.0/foo_bar-1.0-py3-none-any.whl.metadata").data.decode()
    assert "Name: foo-bar\nVersion: 1.0\nRequires-Python: >=3.8\nProvides-Extra: x\n" in text
    assert [line for line in text.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: b>=1",
        'Requires-Dist: c; extra == "x"',
    ]


def test_version_in_the_address_may_be_quoted(url: str) -> None:
    answer = get(f"{url}/../files/foo-bar/1%212.0%2Bdeb/foo_bar-1%212.0%2Bdeb-py3-none-any.whl.metadata")
    assert "Version: 1!2.0+deb\n" in answer.data.decode()


def test_unreadable_metadata_is_empty_and_told(url: str, releases: Releases) -> None:
    answer = get(f"{url}/../files/foo-bar/1.1/foo_bar-1.1-py3-none-any.whl.metadata")
    assert (answer.status, answer.data) == (200, b"")
    assert releases.notes == ["foo-bar 1.1 was passed over: malformed"]
    assert releases.failure is None


def test_what_is_not_there(url: str, releases: Releases) -> None:
    base = url.removesuffix("/simple")
    assert get(f"{url}/other/").status == 404
    assert get(f"{base}/files/foo-bar/9/foo_bar-9-py3-none-any.whl.metadata").status == 404
    assert get(f"{base}/files/foo-bar/1.0/foo_bar-1.0-py3-none-any.whl").status == 403
    assert get(f"{base}/").status == 404
    assert releases.failure is None


def test_without_the_token_nothing_is_shown(url: str) -> None:
    origin = url[: url.index("/", len("http://"))]
    for path in ("/simple/foo-bar/", "/guess/simple/foo-bar/", "/"):
        assert get(origin + path).status == 404


def test_the_first_failure_is_kept(url: str, releases: Releases) -> None:
    assert get(f"{url}/unreachable/").status == 500
    assert isinstance(releases.failure, NetworkError)


def test_nothing_is_served_afterwards(releases: Releases) -> None:
    with serving(releases) as address:
        assert get(f"{address}/foo-bar/").status == 200
    with pytest.raises(urllib3.exceptions.HTTPError):
        get(f"{address}/foo-bar/")
