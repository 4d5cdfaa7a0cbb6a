"""The requirements of a variant, from an sdist's own files."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from debgen.errors import HostileArchiveError, NoSdistError, UnsupportedSourceError
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.variants import VariantReader, VariantSource, parse_requirements

FILES = {
    "requirements/common.txt": "six\n\n# a comment\nnumpy >= 2 # why\nurl @ https://example.invalid/x#egg=x\n",
    "requirements/cpu.txt": (
        "-r common.txt\n--extra-index-url https://example.invalid/whl\n"
        "torch==2.13.0+cpu; platform_machine == \"x86_64\"\nlong \\\n  >=1\nhashed==1 --hash=sha256:00\nsix\n"
        "free===2.0+x\nseries==1.2.*\nnot a requirement!\n"
    ),
    "loop.txt": "-r loop.txt\n--requirement=gone.txt\na\n",
    "requirements-cpu.txt": "-rrequirements/common.txt\nb\n",
}  # fmt: skip


def test_lines_options_includes_and_local_versions() -> None:
    found = parse_requirements("requirements/cpu.txt", FILES)
    assert found.path == "requirements/cpu.txt"
    assert found.lines == (
        "six", "numpy >= 2", "url @ https://example.invalid/x#egg=x", 'torch==2.13.0; platform_machine == "x86_64"',
        "long    >=1", "hashed==1", "free===2.0", "series==1.2.*", "not a requirement!",
    )  # fmt: skip
    assert found.notes == ()


def test_loops_end_and_missing_files_are_told() -> None:
    found = parse_requirements("loop.txt", FILES)
    assert found.lines == ("a",)
    assert found.notes == ("loop.txt: gone.txt is not in the sdist",)
    assert parse_requirements("requirements-cpu.txt", FILES).lines[-1] == "b"
    assert parse_requirements("requirements-cpu.txt", FILES).lines[0] == "six"


@pytest.mark.parametrize(
    ("source", "empty"), [(VariantSource("cpu"), True), (VariantSource("cpu", {"a": ("b.txt",)}), False)]
)
def test_what_answers_depend_on(source: VariantSource, empty: bool) -> None:
    assert (source.key == "") is empty
    assert VariantSource("rocm", {"a": ("b.txt",)}).key != VariantSource("cpu", {"a": ("b.txt",)}).key


class Index:
    """An index with one sdist of "app", and none of other distributions."""

    def __init__(self, files: Mapping[str, str], sha256: str | None = "0" * 64) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, text in files.items():
                info = tarfile.TarInfo(f"app-1/{name}")
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        self.body, self.sha256 = buffer.getvalue(), sha256
        self.transport = self
        self.asked = 0

    def sdist_of(self, name: str, version: str) -> ReleaseFile:
        if name != "app":
            raise NoSdistError(f"{name} {version} has wheels only")
        return ReleaseFile("app-1.tar.gz", f"https://index.invalid/{version}", version, FileKind.SDIST, self.sha256)

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
        self.asked += 1
        yield SimpleNamespace(status=200, read=io.BytesIO(self.body).read)


def reader(index: Index, *files: str, variant: str = "cpu") -> VariantReader:
    return VariantReader(cast(IndexClient, index), VariantSource(variant, {"app": files, "wheels": files}))


METADATA = CoreMetadata("app", "1", ">=3.9", ("x",), ("cuda-only", 'more; extra == "x"', 'b; python_version > "3"'))


def test_the_variants_requirements_take_the_place_of_the_published_ones() -> None:
    read = reader(Index({"setup.py": "raise", **FILES}), "requirements/cpu.txt")
    assert read.concerns("app")
    assert not read.concerns("other")
    found, notes = read.apply(METADATA)
    assert found.requires_dist[:2] == ("six", "numpy >= 2")
    assert found.requires_dist[-1] == 'more; extra == "x"'  # extras stay, what holds without one goes
    assert "cuda-only" not in found.requires_dist
    assert (found.requires_python, found.provides_extra, notes) == (">=3.9", ("x",), ())


def test_the_first_of_the_files_that_is_there_counts() -> None:
    """Wherever it stands in the archive."""
    files = {"requirements-cpu.txt": "old\n", "src/x.py": "", "requirements/cpu.txt": "new\n"}
    assert reader(Index(files), "requirements/cpu.txt", "requirements-cpu.txt").read("app", "1").lines == ("new",)
    assert reader(Index(files), "requirements-cpu.txt", "requirements/cpu.txt").read("app", "1").lines == ("old",)
    assert reader(Index(files), "gone.txt", "requirements-cpu.txt").read("app", "1").lines == ("old",)


def test_what_a_file_includes_is_waited_for() -> None:
    files = {"requirements/cpu.txt": "-r common.txt\ntorch\n", "zzz": "", "requirements/common.txt": "six\n"}
    found = reader(Index(files), "requirements/cpu.txt").read("app", "1")
    assert (found.lines, found.notes) == (("six", "torch"), ())


def kept() -> list[Path]:
    return list((Path(os.environ["DEBGEN_CACHE"]) / "variants").glob("*.json"))


@pytest.mark.parametrize("sha256", ["0" * 64, None])
def test_an_sdist_is_read_once(sha256: str | None) -> None:
    index = Index(FILES, sha256)
    first = reader(index, "requirements/cpu.txt").read("app", "1")
    assert reader(index, "requirements/cpu.txt", variant="other").read("app", "1") == first
    assert index.asked == 1
    for damage in ("", "{", "[]", '{"requirements/cpu.txt": 5}'):
        (path,) = kept()
        path.write_text(damage)
        assert reader(index, "requirements/cpu.txt").read("app", "1") == first
        assert json.loads(path.read_text())["requirements/cpu.txt"]
    reader(index, "requirements-cpu.txt").read("app", "1")  # another file is another question
    assert index.asked == 6


def test_releases_that_do_not_know_the_variant() -> None:
    with pytest.raises(UnsupportedSourceError, match=r"app 1 has no rocm.txt or r.txt .* variant rocm") as caught:
        reader(Index(FILES), "rocm.txt", "r.txt", variant="rocm").read("app", "1")
    assert caught.value.hint
    with pytest.raises(NoSdistError):
        reader(Index(FILES), "requirements/cpu.txt").apply(CoreMetadata("wheels", "1"))
    broken = Index(FILES)
    broken.body = b"no archive"
    with pytest.raises(HostileArchiveError):
        reader(broken, "requirements/cpu.txt").read("app", "1")
    assert len(kept()) == 1  # of what was read in full; nothing of what is broken
