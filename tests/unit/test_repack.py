"""Orig tarballs made anew: the same bytes on every run, and nothing of what is excluded."""

from __future__ import annotations

import io
import os
import tarfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.errors import HostileArchiveError, UnsupportedSourceError
from debgen.upstream.repack import applicable, repack_reason, repacked

DATE = datetime(2026, 3, 1, tzinfo=UTC)
FILES = {
    "foo-1.0/PKG-INFO": b"Name: foo\n",
    "foo-1.0/b.py": b"b",
    "foo-1.0/a/run.sh": b"#!/bin/sh\n",
    "foo-1.0/win/x.dll": b"MZ",
    "foo-1.0/win/deep/y.dll": b"MZ",
    "foo-1.0/what?.txt": b"q",
}


def tarball(path: Path, names: list[str] | None = None, *, mtime: int = 5) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name in names or list(FILES):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uid, info.uname = len(FILES[name]), mtime, 1000, "somebody"
            info.mode = 0o4775 if name.endswith(".sh") else 0o400
            tar.addfile(info, io.BytesIO(FILES[name]))
        link = tarfile.TarInfo("foo-1.0/link")
        link.type, link.linkname = tarfile.SYMTYPE, "b.py"
        tar.addfile(link)
    return path


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path, "r:xz") as tar:
        return {info.name: info for info in tar}


def test_the_same_bytes_whatever_the_archive_order_owner_and_clock(tmp_path: Path) -> None:
    first = repacked(tarball(tmp_path / "a.tar.gz"), (), tmp_path / "1.tar.xz", top="foo-1.0", date=DATE)
    os.utime(tmp_path / "a.tar.gz", (1, 1))
    time.sleep(0.01)
    other = tarball(tmp_path / "b.tar.gz", list(reversed(FILES)), mtime=99)
    second = repacked(other, (), tmp_path / "out" / "2.tar.xz", top="foo-1.0", date=DATE)
    assert first.read_bytes() == second.read_bytes()
    found = members(first)
    assert list(found) == sorted(found)
    assert {info.mtime for info in found.values()} == {int(DATE.timestamp())}
    assert {(info.uid, info.gid, info.uname) for info in found.values()} == {(0, 0, "root")}
    assert oct(found["foo-1.0/a/run.sh"].mode) == "0o755"
    assert oct(found["foo-1.0/b.py"].mode) == "0o644"
    assert found["foo-1.0/link"].linkname == "b.py"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.tar.xz", "a.tar.gz", "b.tar.gz", "out"]


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        (("win",), {"win", "win/x.dll", "win/deep", "win/deep/y.dll"}),
        (("win/",), {"win", "win/x.dll", "win/deep", "win/deep/y.dll"}),
        (("*.dll",), {"win/x.dll", "win/deep/y.dll"}),
        (("win/?.dll",), {"win/x.dll"}),
        ((r"what\?.txt", "b.py"), {"what?.txt", "b.py"}),
    ],
)
def test_what_is_excluded_is_gone(tmp_path: Path, excluded: tuple[str, ...], gone: set[str]) -> None:
    archive = tarball(tmp_path / "a.tar.gz")
    everything = members(repacked(archive, (), tmp_path / "all.tar.xz", top="t", date=DATE))
    left = members(repacked(archive, excluded, tmp_path / "some.tar.xz", top="t", date=DATE))
    assert set(everything) - set(left) == {f"t/{name}" for name in gone}


def test_a_pattern_that_matches_nothing_is_out_of_date(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSourceError, match=r"old\.exe matches nothing"):
        repacked(tarball(tmp_path / "a.tar.gz"), ("win", "old.exe"), tmp_path / "o.tar.xz", top="t", date=DATE)
    assert not (tmp_path / "o.tar.xz").exists()
    with pytest.raises(UnsupportedSourceError, match="nothing of"):
        repacked(tarball(tmp_path / "a.tar.gz"), ("*",), tmp_path / "o.tar.xz", top="t", date=DATE)


def test_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        for name, data in FILES.items():
            bundle.writestr(name, data)
    assert "zip" in repack_reason(tmp_path / "a.zip")
    packed = repacked(tmp_path / "a.zip", (), tmp_path / "o.tar.xz", top="foo-1.0", date=DATE)
    assert set(FILES) <= set(members(packed))


def test_an_unsound_archive_leaves_the_old_tarball(tmp_path: Path) -> None:
    (tmp_path / "o.tar.xz").write_text("old")
    (tmp_path / "a.tar.gz").write_text("none")
    with pytest.raises(HostileArchiveError):
        repacked(tmp_path / "a.tar.gz", (), tmp_path / "o.tar.xz", top="t", date=DATE)
    assert (tmp_path / "o.tar.xz").read_text() == "old"


def test_reasons(tmp_path: Path) -> None:
    assert repack_reason(tarball(tmp_path / "a.tar.gz")) == ""
    assert repack_reason(tarball(tmp_path / "a.tgz")) == ""
    assert "what its name says" in repack_reason(tarball(tmp_path / "a.tar.xz"))
    assert "of a kind" in repack_reason(tarball(tmp_path / "a.tar.zst"))
    with tarfile.open(tmp_path / "mac.tar.gz", "w:gz") as tar:
        for name in ("foo-1/PKG-INFO", "./._foo-1"):
            tar.addfile(tarfile.TarInfo(name))
    assert "._foo-1 beside" in repack_reason(tmp_path / "mac.tar.gz")


def test_a_pattern_for_another_tarball_does_not_apply(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "docs/logo.png", "src/a.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert applicable(tmp_path, ("*", "*.toml", "docs/*.png", "gone/*", "src")) == ("docs/*.png", "src")
