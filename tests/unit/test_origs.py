"""The archive's orig tarball: which it is, whether ours is the same, and what is taken where it can be had."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from debgen.archive.held import HeldBinary, HeldSource
from debgen.archive.mirror import MirrorSettings
from debgen.archive.origtarballs import fetch_orig
from debgen.archive.sources import SourceRecord
from debgen.debianize.continued import Continued, Upload
from debgen.debianize.origs import ArchiveOrig, OrigState, archive_orig, judge_orig
from debgen.errors import CommandError, IntegrityError
from debgen.fetching import Fetched, fetched
from debgen.run import Completed
from debgen.upstream.index import IndexClient
from debgen.upstream.model import FileKind, ReleaseFile

BINARY = HeldBinary("python3-foo", "1.0-1", "all", "python", "T", "", "", "x", 1)
HELD = HeldSource("foo", "1.0-1", "main", "python3-foo", (BINARY,))
EMPTY = dict.fromkeys(SourceRecord.__dataclass_fields__, "")
SETTINGS = MirrorSettings(
    uri="http://mirror.example/debian", ignore_valid_until=False, acquire=(), auth=(),
    keyring=Path("/keys/archive.gpg"), architecture="amd64",
)  # fmt: skip


def continued(version: str = "1.0-1", sums: str = "", text: str = "") -> Continued:
    record = SourceRecord(**{**EMPTY, "name": "foo", "version": version, "checksums_sha256": sums})
    return Continued(replace(HELD, version=version, copyright=text), record, Upload.TEAM, "T", "")


SUMS = "aa 1 foo_1.0-1.dsc cc 3 foo_1.0.orig-data.tar.gz bb 2 foo_1.0.orig.tar.xz ee 2 foo_1.0.orig.tar.xz.asc"


def test_the_archive_s_tarball_of_the_same_release() -> None:
    assert archive_orig(continued(sums=SUMS), "1.0") == ArchiveOrig("foo", "1.0-1", "foo_1.0.orig.tar.xz", "bb")
    assert archive_orig(continued(sums=SUMS), "1.1") is None
    assert archive_orig(None, "1.0") is None
    assert archive_orig(replace(continued(sums=SUMS), record=None), "1.0") is None
    assert archive_orig(continued(sums="aa 1 foo_1.0.tar.xz"), "1.0") is None
    found = archive_orig(continued("2:1.0+dfsg1-3", "dd 1 foo_1.0+dfsg1.orig.tar.gz"), "1.0")
    assert found == ArchiveOrig("foo", "2:1.0+dfsg1-3", "foo_1.0+dfsg1.orig.tar.gz", "dd")


def test_what_is_said() -> None:
    held = ArchiveOrig("foo", "1.0-1", "foo_1.0.orig.tar.gz", "bb")
    assert judge_orig(None, "aa").as_json()["state"] == "new"
    same, other = judge_orig(held, "bb", why="x"), judge_orig(held, "aa", why="no network")
    assert (same.state, other.state) == (OrigState.SAME, OrigState.DIFFERS)
    assert "same bytes" in str(same)
    assert "no network" not in str(same)
    for words in ("foo_1.0.orig.tar.gz", "bb", "no network", "apt-get source --download-only foo=1.0-1", "origtargz"):
        assert words in str(other)
    assert other.as_json()["archive"] == "foo_1.0.orig.tar.gz"


def tarball(path: Path, files: Mapping[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"foo-1.0/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


INFO = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"
SDIST = {"PKG-INFO": INFO, "foo.py": "", "pyproject.toml": "", "docs/a.js": "x", "docs/b.txt": "y"}


class Client:
    """An index with one sdist."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def sdist_of(self, name: str, version: str) -> ReleaseFile:
        uploaded = "2026-01-01T00:00:00Z"
        return ReleaseFile(self.archive.name, "x", version, FileKind.SDIST, sha256="0" * 64, uploaded=uploaded)

    def download(self, file: ReleaseFile, target: Path) -> Path:
        return self.archive


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexClient:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return Client(tarball(tmp_path / "foo-1.0.tar.gz", SDIST))  # type: ignore[return-value]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def told(source: Fetched) -> tuple[OrigState, list[str]]:
    return source.orig.state, sorted(path.name for path in source.tree.iterdir())


def test_a_new_release_has_no_tarball_in_the_archive(client: IndexClient) -> None:
    with fetched("foo", "1.0", client, continued("0.9-1", "aa 1 foo_0.9.orig.tar.gz")) as source:
        assert source.orig.state is OrigState.NEW
        assert source.archive.name == "foo-1.0.tar.gz"


def test_the_same_bytes_are_not_asked_for(client: IndexClient, tmp_path: Path) -> None:
    sums = f"{digest(tmp_path / 'foo-1.0.tar.gz')} 1 foo_1.0.orig.tar.gz"

    def never(orig: ArchiveOrig) -> Path:
        raise AssertionError(orig)

    with fetched("foo", "1.0", client, continued(sums=sums), never) as source:
        assert source.orig.state is OrigState.SAME


def test_the_archive_s_own_tarball_is_taken_also_without_metadata(client: IndexClient, tmp_path: Path) -> None:
    own = tarball(tmp_path / "own.tar.gz", {"foo.py": "", "pyproject.toml": "", "tests/test_foo.py": "import foo\n"})
    sums = f"{digest(own)} 1 foo_1.0+ds.orig.tar.gz"
    held = continued("1.0+ds-1", sums, "Format: x\nFiles-Excluded: vendor\n")
    with fetched("foo", "1.0", client, held, lambda orig: own) as source:
        assert told(source) == (OrigState.TAKEN, ["foo.py", "pyproject.toml", "tests"])
        assert source.archive == own
        assert source.facts.version == "1.0"
        assert not source.facts.has_metadata
        assert (source.repack.excluded, source.repack.suffix) == (("vendor",), "+ds")


def test_another_s_tarball_is_refused(client: IndexClient, tmp_path: Path) -> None:
    other = tarball(tmp_path / "own.tar.gz", {"PKG-INFO": INFO.replace("foo", "bar"), "foo.py": ""})
    with fetched("foo", "1.0", client, continued(sums=f"{digest(other)} 1 foo_1.0.orig.tar.gz"), lambda _: other) as s:
        assert told(s) == (OrigState.DIFFERS, ["PKG-INFO", "docs", "foo.py", "pyproject.toml"])
        assert "says that it is bar" in s.orig.why


def test_a_tarball_with_other_code_is_refused(client: IndexClient, tmp_path: Path) -> None:
    other = tarball(tmp_path / "own.tar.gz", {"foo.py": "__version__ = '0.dev'", "pyproject.toml": ""})
    with fetched("foo", "1.0", client, continued(sums=f"{digest(other)} 1 foo_1.0.orig.tar.gz"), lambda _: other) as s:
        assert s.orig.state is OrigState.DIFFERS
        assert "foo.py is not that of the sdist" in s.orig.why


def test_without_the_archive_s_tarball_it_is_said(client: IndexClient) -> None:
    def fails(orig: ArchiveOrig) -> Path:
        raise IntegrityError("404 Not Found")

    with fetched("foo", "1.0", client, continued(sums="bb 1 foo_1.0.orig.tar.gz"), fails) as source:
        assert source.orig.state is OrigState.DIFFERS
        assert source.orig.why == "404 Not Found"
        assert source.facts.has_metadata


def test_what_the_archive_leaves_out_stays_out(client: IndexClient) -> None:
    text = "Format: x\nFiles-Excluded: docs/*.js gone/* PKG-INFO\n"
    with fetched("foo", "1.0", client, continued("0.9+dfsg-1", text=text)) as source:
        assert sorted(p.name for p in (source.tree / "docs").iterdir()) == ["b.txt"]
        assert (source.repack.excluded, source.repack.suffix) == (("docs/*.js",), "+dfsg")
        assert source.archive.name == "orig.tar.xz"
    with fetched("foo", "1.0", client, continued("0.9+dfsg-1", text="Format: x\nFiles-Excluded: gone/*\n")) as source:
        assert (source.repack.excluded, source.repack.suffix) == ((), "")


class Apt:
    """apt-get source: writes the tarball into the folder, or fails as apt does."""

    def __init__(self, data: bytes | None) -> None:
        self.data, self.calls = data, 0

    def __call__(self, argv: Sequence[str | Path], *, cwd: Path, **_: object) -> Completed:
        self.calls += 1
        if self.data is None:
            output = "Err:1 x\nE: Failed to fetch http://mirror.example/x  404  Not Found\n"
            raise CommandError("x", returncode=100, output=output)
        assert list(argv)[-1] == "foo=1.0-1"
        (cwd / "foo_1.0.orig.tar.gz").write_bytes(self.data)
        return Completed(tuple(map(str, argv)), 0, "", "")


def test_a_tarball_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path))
    apt = Apt(b"data")
    wanted = ("sid", SETTINGS, "foo", "1.0-1", "foo_1.0.orig.tar.gz")
    good = hashlib.sha256(b"data").hexdigest()
    for _ in range(2):
        assert fetch_orig(*wanted, good, run=apt).read_bytes() == b"data"  # type: ignore[arg-type]
    assert apt.calls == 1
    with pytest.raises(IntegrityError, match="hash that Sources has"):
        fetch_orig(*wanted, "0" * 64, run=apt)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError, match="can't fetch it: Failed to fetch"):
        fetch_orig(*wanted, "1" * 64, run=Apt(None))  # type: ignore[arg-type]
