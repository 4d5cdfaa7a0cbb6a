"""Unpacking: what hostile or broken archives try, and that nothing of them stays behind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.errors import HostileArchiveError
from debgen.upstream import sdist
from debgen.upstream.sdist import unpack

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = kind, link, mode, 1_600_000_000
    info.size = len(data)
    return info, data


def symlink(name: str, to: str) -> Member:
    return member(name, kind=tarfile.SYMTYPE, link=to)


def tar(path: Path, *members: Member, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return path


def tree(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): f"-> {p.readlink()}" if p.is_symlink() else p.read_text()
        for p in sorted(root.rglob("*"))
        if p.is_symlink() or p.is_file()
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a secret beside the target."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in").mkdir()
    return tmp_path


def refused(place: Path, archive: Path) -> str:
    """Unpack into place/in/target, which must fail and leave nothing; the message."""
    before = sorted(p.name for p in place.rglob("*"))
    with pytest.raises(HostileArchiveError) as caught:
        unpack(archive, place / "in" / "target")
    assert sorted(p.name for p in place.rglob("*")) == before
    assert (place / "secret").read_text() == "secret"
    assert caught.value.hint
    return str(caught.value)


GOOD = (
    member("pkg-1.0/PKG-INFO", b"Name: pkg\n"),
    member("pkg-1.0/bin/run", b"#!/bin/sh\n", mode=0o4755),
    member("pkg-1.0/sub/secret.key", b"x", mode=0o600),
    symlink("pkg-1.0/sub/link", "../PKG-INFO"),
    member("pkg-1.0/hard", kind=tarfile.LNKTYPE, link="pkg-1.0/PKG-INFO"),
    member("pkg-1.0/empty", kind=tarfile.DIRTYPE),
)


@pytest.mark.parametrize(
    ("name", "mode"), [("a.tar.gz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar.xz", "w:xz"), ("a.tar", "w")]
)
def test_a_good_tarball(tmp_path: Path, name: str, mode: str) -> None:
    unpack(tar(tmp_path / name, *GOOD, mode=mode), tmp_path / "out")
    assert tree(tmp_path / "out") == {
        "PKG-INFO": "Name: pkg\n",
        "bin/run": "#!/bin/sh\n",
        "hard": "Name: pkg\n",
        "sub/link": "-> ../PKG-INFO",
        "sub/secret.key": "x",
    }
    assert (tmp_path / "out/empty").is_dir()
    assert (tmp_path / "out/sub/link").read_text() == "Name: pkg\n"
    assert stat.S_IMODE((tmp_path / "out/bin/run").stat().st_mode) == 0o755  # no setuid
    assert stat.S_IMODE((tmp_path / "out/sub/secret.key").stat().st_mode) == 0o644
    assert (tmp_path / "out/PKG-INFO").stat().st_mtime == 1_600_000_000


def test_a_good_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("pkg-1.0/", "")
        bundle.writestr("pkg-1.0/PKG-INFO", "Name: pkg\n")
        info = zipfile.ZipInfo("pkg-1.0/run")
        info.external_attr = 0o100755 << 16
        bundle.writestr(info, "#!/bin/sh\n")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert tree(tmp_path / "out") == {"PKG-INFO": "Name: pkg\n", "run": "#!/bin/sh\n"}
    assert os.access(tmp_path / "out/run", os.X_OK)


def test_without_a_single_top_folder(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a.tar.gz", member("./PKG-INFO", b"x"), member("b/c", b"y")), tmp_path / "out")
    assert tree(tmp_path / "out") == {"PKG-INFO": "x", "b/c": "y"}
    unpack(tar(tmp_path / "b.tar.gz", member("one/one/f", b"x"), member("one/g", b"y")), tmp_path / "out")
    assert tree(tmp_path / "out") == {"one/f": "x", "g": "y"}


def test_the_old_target_stays_until_all_is_well(place: Path) -> None:
    target = place / "in" / "target"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(HostileArchiveError):
        unpack(tar(place / "a.tar.gz", member("a", b"x"), member("../b", b"y")), target)
    assert tree(target) == {"old": ""}
    unpack(tar(place / "b.tar.gz", *GOOD), target)
    assert "old" not in tree(target)


OUTSIDE = {
    "parent": [member("../evil", b"x")],
    "deep parent": [member("pkg/a/../../../evil", b"x")],
    "absolute": [member("/tmp/evil", b"x")],  # noqa: S108
    "double slash": [member("//etc/evil", b"x")],
    "line break": [member("pkg/a\nb", b"x")],
    "folder outside": [member("../evil", kind=tarfile.DIRTYPE)],
    "backslash": [member("..\\evil", b"x")],
    "symlink to parent": [symlink("pkg/link", "../../secret")],
    "symlink absolute": [symlink("pkg/link", "/etc/passwd")],
    "symlink out of a lone folder": [member("pkg/PKG-INFO", b"x"), symlink("pkg/link", "../secret")],
    "file through a symlink": [symlink("pkg/out", "../.."), member("pkg/out/evil", b"x")],
    "symlink through a symlink": [
        member("p/q/file", b"x"), member("other", b"x"), symlink("p/q/r", "../.."), symlink("p/q/r/s", "../../secret"),
    ],
    "symlink made outside": [
        member("x/f", b"x"), symlink("z", "."), symlink("x/y", "../z/.."), symlink("x/y/evil", "f"),
    ],
    "symlink turned by a later one": [
        member("other", b"x"), member("x/y", b"x"), symlink("a", "b/../secret"), symlink("b", "."),
        symlink("c/d", "../a/../../secret"),
    ],
    "hard link to parent": [member("pkg/hard", kind=tarfile.LNKTYPE, link="../../secret")],
    "hard link absolute": [member("pkg/hard", kind=tarfile.LNKTYPE, link="/etc/passwd")],
    "hard link to nothing": [member("pkg/hard", kind=tarfile.LNKTYPE, link="pkg/absent")],
    "hard link to a symlink": [symlink("pkg/link", "x"), member("pkg/hard", kind=tarfile.LNKTYPE, link="pkg/link")],
    "character device": [member("pkg/null", kind=tarfile.CHRTYPE)],
    "block device": [member("pkg/sda", kind=tarfile.BLKTYPE)],
    "fifo": [member("pkg/fifo", kind=tarfile.FIFOTYPE)],
    "file as a folder": [member("pkg/a", b"x"), member("pkg/a/b", b"y")],
    "folder as a file": [member("pkg/a/b", b"y"), member("pkg/a", b"x")],
    "the folder itself as a file": [member(".", b"y")],
    "the folder itself as a link": [member("a", b"x"), symlink(".", "a")],
    "an endless name": [member("pkg/" + "a" * 300, b"x")],
    "a loop of links": [member("a/f", b"x"), symlink("b", "c"), symlink("c", "b"), symlink("a/b", "../b/../../secret")],
    "nothing": [],
    "only an empty folder": [member("pkg", kind=tarfile.DIRTYPE)],
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_hostile_members(place: Path, name: str) -> None:
    said = refused(place, tar(place / "a.tar.gz", *OUTSIDE[name]))
    if name == "symlink absolute":
        assert "/etc/passwd" in said


def test_a_member_replaces_a_link_instead_of_writing_through_it(place: Path) -> None:
    victim = member("pkg/victim", b"old")
    unpack(
        tar(place / "a.tar", symlink("pkg/link", "victim"), victim, member("pkg/link", b"new"), mode="w"), place / "out"
    )
    assert (place / "out/victim").read_text() == "old"


@pytest.mark.parametrize("limit", ["MAX_MEMBERS", "MAX_BYTES"])
def test_bombs(place: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(sdist, limit, 3 if limit == "MAX_MEMBERS" else 39_000)
    many = [member(f"pkg/{i}", b"0" * 10_000) for i in range(4)]
    archive = tar(place / "a.tar.gz", *many)
    assert "a.tar.gz holds more than" in refused(place, archive)
    with zipfile.ZipFile(place / "a.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        for info, data in many:
            bundle.writestr(info.name, data)
    refused(place, place / "a.zip")
    unpack(tar(place / "b.tar.gz", *many[:3]), place / "out")


def zipped(path: Path, name: str, data: bytes = b"x", attributes: int = 0) -> Path:
    info = zipfile.ZipInfo("placeholder")
    info.filename, info.external_attr = name, attributes
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("pkg/PKG-INFO", "x")
        bundle.writestr(info, data)
    return path


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "pkg/../../evil", "..\\evil", "pkg/" + "a" * 300, "pkg/PKG-INFO/x"]
)
def test_hostile_zips(place: Path, name: str) -> None:
    refused(place, zipped(place / "a.zip", name))


def test_links_in_a_zip(place: Path) -> None:
    link = (stat.S_IFLNK | 0o777) << 16
    assert "would leave" in refused(place, zipped(place / "a.zip", "pkg/link", b"/etc/passwd", link))
    refused(place, zipped(place / "a.zip", "pkg/link", b"../../secret", link))
    assert "too long" in refused(place, zipped(place / "a.zip", "pkg/link", b"x" * 5000, link))
    assert "neither" in refused(place, zipped(place / "a.zip", "pkg/fifo", b"", (stat.S_IFIFO | 0o644) << 16))
    unpack(zipped(place / "a.zip", "pkg/link", b"PKG-INFO", link), place / "out")
    assert tree(place / "out") == {"PKG-INFO": "x", "link": "-> PKG-INFO"}


def test_the_times_of_a_zip_are_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", "pkg/x")
    times = []
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        unpack(archive, tmp_path / zone.rpartition("/")[2])
        times.append((tmp_path / zone.rpartition("/")[2] / "x").stat().st_mtime)
    monkeypatch.undo()
    time.tzset()
    assert times[0] == times[1] == datetime(1980, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("pkg/caf\udce9.py", "UTF-8"), ("pkg/a\x7f", "control"), ("pkg/a\x85b", "control"), ("pkg\\a", "backslash")],
)
def test_names_that_no_package_can_have(place: Path, name: str, reason: str) -> None:
    with tarfile.open(place / "a.tar.gz", "w:gz", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        archive.addfile(tarfile.TarInfo("pkg/PKG-INFO"))
        archive.addfile(tarfile.TarInfo(name))
    assert reason in refused(place, place / "a.tar.gz")


def test_names_in_other_scripts(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a.tar.gz", member("pkg/PKG-INFO", b"x"), member("pkg/早い.py", b"y")), tmp_path / "out")
    assert tree(tmp_path / "out") == {"PKG-INFO": "x", "早い.py": "y"}


def test_what_a_mac_leaves_beside_the_folder(tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "a.tar.gz", member("./._pkg", b"mac"), member("pkg/PKG-INFO", b"x"), member("pkg/._y", b"z")
    )
    unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"._y": "z", "PKG-INFO": "x"}


def test_a_zip_that_lies_about_its_size(place: Path) -> None:
    path = zipped(place / "a.zip", "pkg/big", b"0" * 1000)
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02")
    path.write_bytes(data[: at + 24] + (10).to_bytes(4, "little") + data[at + 28 :])
    refused(place, path)


def test_a_locked_zip(place: Path) -> None:
    path = zipped(place / "a.zip", "pkg/secret")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1  # "encrypted"
    path.write_bytes(data)
    refused(place, path)


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(b ^ 0xFF for b in data[middle : middle + 20]) + data[middle + 20 :]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"<html>404</html>" * 100,
    "random": lambda _: os.urandom(10_000),
    "gzip of text": lambda _: gzip.compress(b"no tar at all" * 100),
    "truncated gzip": lambda data: (packed := gzip.compress(data))[: len(packed) // 2],
    "gzip without its end": lambda data: gzip.compress(data)[:-8],
    "gzip with a wrong checksum": lambda data: gzip.compress(data)[:-8] + b"\0" * 8,
    "damaged gzip": lambda data: _flipped(gzip.compress(data)),
    "truncated bz2": lambda data: (packed := bz2.compress(data))[: len(packed) // 2],
    "damaged bz2": lambda data: _flipped(bz2.compress(data)),
    "truncated xz": lambda data: (packed := lzma.compress(data))[: len(packed) // 2],
    "damaged xz": lambda data: _flipped(lzma.compress(data)),
    "truncated tar": lambda data: data[: len(data) // 2],
    "damaged tar": lambda data: data[:300] + b"\xff" * 212 + data[512:],
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives(place: Path, name: str) -> None:
    plain = tar(place / "plain", *(member(f"pkg/{i}", os.urandom(20_000)) for i in range(5)), mode="w").read_bytes()
    (place / "plain").unlink()
    (place / "a.tar.gz").write_bytes(BROKEN[name](plain))
    assert "a.tar.gz" in refused(place, place / "a.tar.gz")


def test_impossible_times(place: Path) -> None:
    info, data = member("pkg/file", b"x")
    info.pax_headers = {"mtime": "1e300"}
    refused(place, tar(place / "a.tar.gz", (info, data)))
