from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import urllib3

from debgen.errors import (
    HostileArchiveError,
    NetworkError,
    NoSdistError,
    UnknownDistributionError,
    UnsupportedSourceError,
)
from debgen.upstream import proxy
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.proxy import Memory, Releases, serving
from debgen.upstream.variants import VariantReader, VariantSource


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


class Counting(Reader):
    """Keeps which archives were read."""

    read_names: list[str] = []  # noqa: RUF012 - emptied by the fixture

    def read(self, asked: ReleaseFile) -> CoreMetadata:
        self.read_names.append(asked.filename)
        return super().read(asked)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(proxy, "MetadataReader", Counting)
    Counting.read_names.clear()
    return Counting.read_names


TARGET = Target("3.14", "amd64")


def required(served: bytes) -> list[str]:
    return [line.removeprefix("Requires-Dist: ") for line in served.decode().splitlines() if "Requires-Dist" in line]


def test_what_resolutions_share_is_read_once_and_told_to_each(counted: list[str]) -> None:
    memory = Memory()
    for _ in range(3):
        releases = Releases(Known(PAGES), TARGET, memory=memory)
        assert required(releases.specialised("foo-bar", "1.0")) == ["b>=1", 'c; extra == "x"']
        assert releases.specialised("foo-bar", "1.1") == b""
        assert releases.notes == ["foo-bar 1.1 was passed over: malformed"]
        assert json.loads(releases.page("foo-bar"))["name"] == "foo-bar"
    assert len(counted) == 2


PINS = {
    **PAGES,
    "b": (file("b", "0.9", "sdist"), file("b", "1.5rc1", "sdist"), file("b", "2.0", "sdist", yanked=True)),
    "pinned": (file("pinned", "1.0", "sdist"), file("pinned", "2.0rc1", "sdist")),
    "app": (file("app", "1", "sdist"), file("app", "2", "sdist")),
}
ASKS = CoreMetadata("app", "1", "", ("x",), ("b>=2", "pinned==2.0rc1", "gone>=1", 'b==7; extra == "x"', "foo-bar"))


@pytest.fixture
def pinning(monkeypatch: pytest.MonkeyPatch, counted: list[str]) -> None:
    for version in ("1", "2"):
        monkeypatch.setitem(METADATA, f"app-{version}.tar.gz", ASKS)


@pytest.mark.usefixtures("pinning")
def test_bounds_that_no_release_meets_are_lifted_for_the_release_that_is_asked_for() -> None:
    memory = Memory()
    releases = Releases(Known(PINS), TARGET, memory=memory, wanted=("app", "1.0"))
    assert sorted(required(releases.specialised("app", "1"))) == [
        "b", 'b; extra == "x"', "foo-bar", "gone>=1", "pinned==2.0rc1",
    ]  # fmt: skip
    assert sorted(releases.notes) == [
        "app 1 asks for b==7, and the index has no such release: resolved with any other",
        "app 1 asks for b>=2, and the index has no such release: resolved with any other",
    ]
    assert "b>=2" in required(releases.specialised("app", "2"))  # any other release has to hold what it says
    assert "b>=2" in required(Releases(Known(PINS), TARGET, memory=memory).specialised("app", "1"))


@pytest.mark.usefixtures("pinning")
def test_an_index_that_fails_is_not_a_release_that_is_missing() -> None:
    class Failing(Known):
        def files(self, name: str) -> tuple[ReleaseFile, ...]:
            return super().files("unreachable" if name == "b" else name)

    with serving(releases := Releases(Failing(PINS), TARGET, wanted=("app", "1"))) as url:
        assert get(f"{url}/../files/app/1/app-1-py3-none-any.whl.metadata").status == 500
    assert isinstance(releases.failure, NetworkError)


@pytest.mark.parametrize("error", [NoSdistError("wheels only"), UnsupportedSourceError("knows no rocm")])
@pytest.mark.usefixtures("pinning")
def test_requirements_of_a_variant(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def apply(self: VariantReader, metadata: CoreMetadata) -> tuple[CoreMetadata, tuple[str, ...]]:
        if metadata.name == "Foo.Bar":
            raise error
        return CoreMetadata("app", "1", requires_dist=("only-cpu",)), ("cpu.txt: gone.txt is not in the sdist",)

    monkeypatch.setattr(VariantReader, "apply", apply)
    source = VariantSource("cpu", {"app": ("cpu.txt",), "foo-bar": ("cpu.txt",)})
    releases = Releases(Known(PINS), TARGET, source)
    assert required(releases.specialised("app", "1")) == ["only-cpu"]
    assert releases.specialised("foo-bar", "1.0") == b""
    assert "cpu.txt: gone.txt is not in the sdist" in releases.notes
    assert f"foo-bar 1.0 was passed over: {error}" in releases.notes
    with pytest.raises(type(error)):
        releases.metadata("foo-bar", "1.0")


def test_the_sdist_of_a_release() -> None:
    releases = Releases(Known(PAGES), TARGET)
    found = releases.sdist("foo-bar", "1.0")
    assert found
    assert found.filename == "foo_bar-1.0.0.tar.gz"  # 1.0 and 1.0.0 are one release
    only = {"foo-bar": (file("foo_bar", "1.0"),)}
    assert Releases(Known(only), TARGET).sdist("foo-bar", "1.0") is None


def test_a_release_that_is_not_there() -> None:
    with pytest.raises(UnknownDistributionError, match="foo-bar has no release 9"):
        Releases(Known(PAGES), TARGET).metadata("foo-bar", "9")
