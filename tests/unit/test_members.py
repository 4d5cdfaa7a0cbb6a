"""Text files read from the stream of an sdist."""

from __future__ import annotations

import bz2
import errno
import io
import shutil
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from debgen.errors import HostileArchiveError, NetworkError, WorkspaceError
from debgen.upstream import members
from debgen.upstream.index import IndexClient
from debgen.upstream.members import Members, read_members
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.transport import ATTEMPTS, InterruptedAnswerError


class Index:
    """An index that serves one archive, and breaks off as often as it is told to."""

    def __init__(self, body: bytes, *, status: int = 200, breaks: int = 0, error: OSError | None = None) -> None:
        self.body, self.status, self.breaks, self.error = body, status, breaks, error
        self.asked = 0
        self.transport = self

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
        self.asked += 1
        if self.asked <= self.breaks:
            raise InterruptedAnswerError("the connection breaks off")
        source = io.BytesIO(self.body)

        def read(size: int = -1) -> bytes:
            if self.error:
                raise self.error
            return source.read(size)

        yield SimpleNamespace(status=self.status, read=read)

    def download(self, file: ReleaseFile, target: Path) -> Path:
        if self.error:
            raise self.error
        target.write_bytes(self.body)
        return target


def read(index: Index, filename: str = "a-1.tar.gz", **more: Any) -> Members:
    file = ReleaseFile(filename, f"https://index.invalid/{filename}", "1", FileKind.SDIST)
    return read_members(cast(IndexClient, index), file, lambda name: name.endswith(".txt"), **more)


def tar(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=cast(Any, mode)) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("a-1/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a-1/", b"") if all(name.startswith("a-1/") for name in files) else None
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


FILES = {"a-1/b.txt": b"\xef\xbb\xbfone \xff", "./a-1/c/d.txt": b"two", "a-1/setup.py": b"raise SystemExit"}


@pytest.mark.parametrize(
    ("body", "filename"),
    [
        (tar(FILES), "a-1.tar.gz"),
        (tar(FILES, "w:bz2"), "a-1.tar.bz2"),
        (tar(FILES, "w:xz"), "a-1.tar.xz"),
        (zipped(FILES), "a-1.zip"),
    ],
)
def test_names_and_the_texts_that_are_wanted(body: bytes, filename: str) -> None:
    found = read(Index(body), filename)
    assert found.names == ("b.txt", "c/d.txt", "setup.py")
    assert found.texts == {"b.txt": "one \ufffd", "c/d.txt": "two"}


@pytest.mark.parametrize(("body", "filename"), [(tar(FILES), "a-1.tar.gz"), (zipped(FILES), "a-1.zip")])
def test_no_more_is_read_than_is_asked_for(body: bytes, filename: str) -> None:
    found = read(Index(body), filename, limit=4, enough=lambda texts: "b.txt" in texts)
    assert (found.names, found.texts) == (("b.txt",), {"b.txt": "o"})


def test_what_lies_beside_the_one_folder_of_a_tar_is_no_file_of_the_project() -> None:
    assert read(Index(tar({"stray.txt": b"x", **FILES}))).names == ("b.txt", "c/d.txt", "setup.py")


@pytest.mark.parametrize("files", [{"b.txt": b"1", "c/d.txt": b"2"}, {"b/b.txt": b"1", "c/d.txt": b"2"}])
def test_a_zip_without_one_top_folder_keeps_its_paths(files: dict[str, bytes]) -> None:
    found = read(Index(zipped(files)), "a-1.zip")
    assert found.names == tuple(files)
    assert set(found.texts) == set(files)


def encrypted(body: bytes) -> bytes:
    """The same zip with the flag of encrypted members set."""
    marked = bytearray(body)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = marked.find(signature)
        while at >= 0:
            marked[at + offset] |= 1
            at = marked.find(signature, at + 4)
    return bytes(marked)


def unsupported(body: bytes) -> bytes:
    """The same zip with members of a compression method that nobody has."""
    marked = bytearray(body)
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = marked.find(signature)
        while at >= 0:
            marked[at + offset : at + offset + 2] = struct.pack("<H", 99)
            at = marked.find(signature, at + 4)
    return bytes(marked)


def scrambled(body: bytes, after: int) -> bytes:
    return body[:after] + bytes(byte ^ 0x55 for byte in body[after : after + 12]) + body[after + 12 :]


LONG = {"a-1/b.txt": bytes(range(256)) * 40}
BROKEN = {
    "cut gzip": (tar(LONG)[:40], "a-1.tar.gz"),
    "no gzip": (b"hello" * 200, "a-1.tar.gz"),
    "scrambled gzip": (scrambled(tar(LONG), 30), "a-1.tar.gz"),
    "no bzip2": (b"hello" * 200, "a-1.tar.bz2"),
    "scrambled bzip2": (scrambled(tar(LONG, "w:bz2"), 30), "a-1.tar.bz2"),
    "no xz": (b"hello" * 200, "a-1.tar.xz"),
    "cut xz": (tar(LONG, "w:xz")[:60], "a-1.tar.xz"),
    "no tar": (bz2.compress(b"hello" * 2000), "a-1.tar.bz2"),
    "no zip": (b"hello" * 200, "a-1.zip"),
    "empty zip": (b"", "a-1.zip"),
    "encrypted": (encrypted(zipped(LONG)), "a-1.zip"),
    "unsupported": (unsupported(zipped(LONG)), "a-1.zip"),
    "scrambled deflate": (scrambled(zipped(LONG), 80), "a-1.zip"),
    "scrambled lzma": (scrambled(zipped(LONG, zipfile.ZIP_LZMA), 120), "a-1.zip"),
    "scrambled bzip2 in zip": (scrambled(zipped(LONG, zipfile.ZIP_BZIP2), 110), "a-1.zip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives_are_one_error(name: str) -> None:
    body, filename = BROKEN[name]
    with pytest.raises(HostileArchiveError, match=r"a-1\..* is malformed"):
        read(Index(body), filename)


def test_every_cut_and_every_flipped_byte_is_one_error_or_none() -> None:
    for filename, body in (("a-1.zip", zipped(FILES, zipfile.ZIP_LZMA)), ("a-1.tar.gz", tar(FILES))):
        for at in range(0, len(body), 3):
            for broken in (body[:at], body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]):
                try:
                    read(Index(broken), filename)
                except HostileArchiveError:
                    continue


@pytest.mark.parametrize(("make", "filename"), [(tar, "a-1.tar.gz"), (zipped, "a-1.zip")])
def test_absurd_numbers_and_sizes(make: Any, filename: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = make({f"a-1/{n}.txt": b"x" * 100 for n in range(20)})
    monkeypatch.setattr(members, "MAX_MEMBERS", 19)
    with pytest.raises(HostileArchiveError, match="more than 19 members"):
        read(Index(body), filename)
    monkeypatch.undo()
    monkeypatch.setattr(members, "TOTAL_LIMIT", 1999)
    with pytest.raises(HostileArchiveError, match="absurdly large"):
        read(Index(body), filename)
    assert len(read(Index(body), filename, limit=99).texts) == 20


def test_a_zip_with_a_directory_of_absurd_size(monkeypatch: pytest.MonkeyPatch) -> None:
    body = zipped({f"a-1/{'x' * 200}{n}.txt": b"" for n in range(400)})  # more than the comment that zipfile looks for
    monkeypatch.setattr(members, "DIRECTORY_LIMIT", 70_000)
    with pytest.raises(HostileArchiveError, match=r"a-1\.zip has a directory of absurd size"):
        read(Index(body), "a-1.zip")
    monkeypatch.setattr(members, "DIRECTORY_LIMIT", 140_000)
    assert len(read(Index(body), "a-1.zip").names) == 400


@pytest.mark.parametrize("filename", ["a-1.zip", "a-1.tar.gz"])
def test_the_disk_is_not_the_archive(filename: str) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises((WorkspaceError, OSError)) as caught:
        read(Index(b"", error=full), filename)
    assert not isinstance(caught.value, HostileArchiveError)
    if filename == "a-1.zip":
        assert isinstance(caught.value, WorkspaceError)


def test_nothing_is_left_of_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read(Index(zipped(FILES)), "a-1.zip")
    with pytest.raises(HostileArchiveError):
        read(Index(b"no"), "a-1.zip")
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(tmp_path)
    with pytest.raises(OSError, match="No such file"):  # a TMPDIR that isn't there
        read(Index(zipped(FILES)), "a-1.zip")


def test_a_connection_that_breaks_off_is_tried_again() -> None:
    index = Index(tar(FILES), breaks=ATTEMPTS - 1)
    assert read(index).names == ("b.txt", "c/d.txt", "setup.py")
    assert index.asked == ATTEMPTS
    with pytest.raises(NetworkError, match="breaks off"):
        read(Index(tar(FILES), breaks=ATTEMPTS))


def test_what_the_index_refuses() -> None:
    with pytest.raises(NetworkError, match="HTTP 404") as caught:
        read(Index(b"", status=404))
    assert caught.value.hint
