"""What a wheel would install, read by ranges; and which wheel is the best to compare with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.errors import HostileArchiveError
from debgen.upstream.facts import read_facts
from debgen.upstream.index import IndexClient
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.transport import Answer
from debgen.upstream.wheel import best_wheel, parse_entry_points, read_wheel, record_paths, sdist_contents

TARGET = Target("3.14", "amd64")
METADATA = "Metadata-Version: 2.4\nName: Thing\nVersion: 1.0\nRequires-Dist: numpy\n\nA description.\n"
POINTS = "[console_scripts]\nrun = thing.cli:main [fast]\n[thing.plugins]\nA.b=thing:x\n"


def wheel(*tags: str, version: str = "1.0") -> ReleaseFile:
    name = f"thing-{version}-{'-'.join(tags)}.whl"
    return ReleaseFile(name, f"https://index.invalid/{name}", version, FileKind.WHEEL)


ANY = wheel("py3", "none", "any")
ABI3 = wheel("cp39", "abi3", "manylinux_2_17_x86_64.manylinux2014_x86_64")
MANY = wheel("cp314", "cp314", "manylinux_2_17_x86_64")
MUSL = wheel("cp314", "cp314", "musllinux_1_2_x86_64")
OLD = wheel("cp312", "cp312", "manylinux_2_17_x86_64")
OLDER = wheel("cp39", "cp39", "manylinux_2_17_x86_64")
ARM = wheel("cp314", "cp314", "manylinux_2_17_aarch64")
MAC = wheel("cp314", "cp314", "macosx_11_0_arm64")
WINDOWS = wheel("cp314", "cp314", "win_amd64")
FREE = wheel("cp314", "cp314t", "manylinux_2_17_x86_64")
PYPY = wheel("pp311", "pypy311_pp73", "manylinux_2_17_x86_64")
BOTH = wheel("py2.py3", "none", "any")
TWO = wheel("py2", "none", "any")
FUTURE = wheel("cp315", "abi3", "manylinux_2_17_x86_64")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([ANY, ABI3, MANY, MUSL, OLD], MANY),
        ([ANY, ABI3, MUSL], MUSL),
        ([ANY, ABI3, OLD], ABI3),
        ([ANY, OLD, OLDER], OLD),
        ([ANY, ARM, MAC], ANY),
        ([ARM, MAC, WINDOWS], ARM),
        ([MAC, WINDOWS], MAC),
        ([FUTURE, OLDER], FUTURE),
        ([FUTURE, ABI3], ABI3),
        ([WINDOWS, FREE, PYPY, TWO], None),
        ([BOTH, TWO], BOTH),
        ([wheel("py3", "none", "any", version="1.1")], None),
        ([wheel("py3", "none", "any", version="1")], wheel("py3", "none", "any", version="1")),
        ([], None),
    ],
)
def test_the_best_wheel(files: list[ReleaseFile], expected: ReleaseFile | None) -> None:
    assert best_wheel(files, "1.0", TARGET) == expected
    assert best_wheel(files[::-1], "1.0", TARGET) == expected


def test_an_sdist_or_a_name_that_is_none_is_no_wheel() -> None:
    odd = ReleaseFile("thing-1.0.whl", "https://index.invalid/x", "1.0", FileKind.WHEEL)
    assert best_wheel([odd, ReleaseFile("thing-1.0.tar.gz", "u", "1.0", FileKind.SDIST)], "1.0", TARGET) is None


class Index:
    """Serves one file by ranges, and counts what it sends."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sent = 0

    def get(self, url: str, *, limit: int, headers: Mapping[str, str]) -> Answer:
        first, _, last = headers["Range"].removeprefix("bytes=").partition("-")
        size = len(self.data)
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last) + 1, size) if first else size
        self.sent += end - start
        return Answer(url, 206, {"content-range": f"bytes {start}-{end - 1}/{size}"}, self.data[start:end])


def packed(files: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


RECORD = 'thing/__init__.py,,\n"thing/a,b.txt",,\nthing-1.0.dist-info/entry_points.txt,,\n../../evil,,\n/abs,,\n'
FILES: dict[str, bytes | str] = {
    "thing/huge.bin": bytes(1 << 20),
    "thing-1.0.dist-info/METADATA": METADATA,
    "thing-1.0.dist-info/entry_points.txt": POINTS,
    "thing-1.0.dist-info/RECORD": RECORD,
}


def client_of(index: Index) -> IndexClient:
    return cast(IndexClient, SimpleNamespace(transport=index))


def test_reading_a_wheel_fetches_little_and_once() -> None:
    index = Index(packed(FILES))
    read = read_wheel(ANY, client_of(index))
    assert set(read.files) == {"thing/__init__.py", "thing/a,b.txt", "thing-1.0.dist-info/entry_points.txt"}
    assert (read.metadata.name, read.metadata.requires_dist) == ("Thing", ("numpy",))
    assert read.entry_points == {"console_scripts": {"run": "thing.cli:main"}, "thing.plugins": {"A.b": "thing:x"}}
    assert index.sent < 1 << 17
    sent = index.sent
    assert read_wheel(ANY, client_of(index)) == read
    assert index.sent == sent


def test_a_cache_that_is_none_is_read_anew(tmp_path: Path) -> None:
    index = Index(packed(FILES))
    read = read_wheel(ANY, client_of(index))
    kept = next(path for path in (tmp_path / "cache" / "wheels").iterdir())
    for text in ("{", "[]", "null", '{"format": 1}', '{"format": 1, "files": [], "metadata": "", "entry_points": {}}'):
        kept.write_text(text)
        assert read_wheel(ANY, client_of(index)) == read


@pytest.mark.parametrize("missing", ["RECORD", "METADATA"])
def test_a_wheel_without_its_metadata(missing: str) -> None:
    data = packed({name: content for name, content in FILES.items() if not name.endswith(missing)})
    with pytest.raises(HostileArchiveError):
        read_wheel(ANY, client_of(Index(data)))


def test_a_wheel_without_entry_points() -> None:
    data = packed({**FILES, "thing-1.0.dist-info/RECORD": "thing.py,,\n"})
    assert read_wheel(ANY, client_of(Index(data))).entry_points == {}


@given(st.text(max_size=60))
def test_paths_stay_inside_and_points_are_read_or_not(text: str) -> None:
    paths = []
    with suppress(HostileArchiveError):
        paths = record_paths(text)
    assert not any(path.startswith("/") or ".." in path.split("/") for path in paths)
    parse_entry_points(text.encode())


def test_an_sdist_is_what_there_is_without_a_wheel(tmp_path: Path) -> None:
    for name in ("__init__.py", "sub/__init__.py", "sub/a.py", "tests/__init__.py", "tests/test_a.py", "data.txt"):
        (tmp_path / "src/thing" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src/thing" / name).write_text("")
    (tmp_path / "PKG-INFO").write_text(METADATA)
    (tmp_path / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'thing'\nversion = '1.0'\n[project.scripts]\nrun = 'thing:main'\n"
        "[project.entry-points.'thing.plugins']\na = 'thing.sub:a'\n"
    )
    found = sdist_contents(read_facts(tmp_path))
    assert found.files == ("thing/__init__.py", "thing/sub/__init__.py", "thing/sub/a.py")
    assert found.entry_points == {"console_scripts": {"run": "thing:main"}, "thing.plugins": {"a": "thing.sub:a"}}
    assert found.metadata.requires_dist == ("numpy",)
