"""The private apt root, with a stand-in for apt-get that writes lists or fails as apt does."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from debgen.archive import apterrors
from debgen.archive.aptroot import AptRoot
from debgen.archive.index import open_suite, resolve_suite
from debgen.archive.mirror import MirrorSettings
from debgen.archive.model import ListKind
from debgen.errors import (
    CommandError,
    DebgenError,
    IntegrityError,
    NetworkError,
    UnknownSuiteError,
    WorkspaceError,
)
from debgen.run import Completed

SETTINGS = MirrorSettings(
    uri="http://mirror.example/debian",
    ignore_valid_until=False,
    acquire=(("Acquire::http::Proxy", "http://proxy.example:3128"), ("Acquire::Retries", "5")),
    auth=(("Dir::Etc::netrc", "/etc/apt/auth.conf"),),
    keyring=Path("/keys/archive.gpg"),
    architecture="amd64",
)
RELEASE = """\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Suite: unstable
Codename: sid
Date: Fri, 30 Oct 2026 08:08:01 UTC
Components: main contrib
SHA256:
 00 1 Codename: not-this-one
"""
UNREACHABLE = (
    "W: Failed to fetch http://mirror.example/debian/dists/sid/InRelease  Could not resolve 'mirror.example'\n"
    "E: Some index files failed to download. They have been ignored, or old ones used instead.\n"
)
PACKAGES = "Package: python3\nVersion: {}\n\nPackage: libc6\nVersion: 2.43-1\n"


class Apt:
    """Writes what ``lists`` says into the folder that apt-get is told to use; fails with ``error`` if given."""

    def __init__(self) -> None:
        self.error = ""
        self.release = RELEASE
        self.packages = PACKAGES.format("3.14.1-1")
        self.contents = gzip.compress(b"")
        self.calls: list[tuple[str, ...]] = []
        self.during: Callable[[], None] = lambda: None

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        words = tuple(map(str, argv))
        self.calls.append(words)
        assert words[:2] == ("apt-get", "update")
        assert env is not None
        assert Path(env["APT_CONFIG"]).is_file()
        folder = Path(next(word for word in words if word.startswith("Dir::State::lists=")).partition("=")[2])
        prefix = folder / "mirror.example_debian_dists_sid"
        Path(f"{prefix}_InRelease").unlink(missing_ok=True)
        Path(f"{prefix}_InRelease").write_text(self.release)
        self.during()
        if self.error:
            raise CommandError("apt-get failed", returncode=100, output=self.error)
        packages = Path(f"{prefix}_main_binary-amd64_Packages")
        packages.unlink(missing_ok=True)
        packages.write_text(self.packages)
        contents = Path(f"{prefix}_main_Contents-all.gz")
        contents.unlink(missing_ok=True)
        contents.write_bytes(self.contents)
        Path(f"{prefix}_non-free-firmware_Contents-amd64").touch()
        return Completed(words, 0, "", "")


@pytest.fixture
def apt() -> Apt:
    return Apt()


@pytest.fixture
def root(apt: Apt) -> AptRoot:
    return AptRoot("sid", SETTINGS, run=apt)


def age(root: AptRoot, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(root.directory / "updated", (then, then))


def test_configuration(root: AptRoot) -> None:
    root.update()
    conf = root.conf.read_text()
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in conf
    assert conf.index('Acquire::Retries "2"') < conf.index('Acquire::Retries "5"'), "the machine's word is last"
    assert 'Dir::Etc::netrc "/etc/apt/auth.conf";' in conf
    assert 'Acquire::Check-Valid-Until "true";' in conf
    assert 'Dir::Etc::parts "/dev/null";' in conf
    assert "Contents-deb" in conf
    assert (root.directory / "sources" / "debgen.sources").read_text() == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main contrib non-free\n"
        "Signed-By: /keys/archive.gpg\n"
    )
    assert root.apt_env()["APT_CONFIG"] == str(root.conf)


def test_release_and_lists(root: AptRoot) -> None:
    root.update()
    release = root.release()
    assert (release.suite, release.codename, release.components) == ("unstable", "sid", ("main", "contrib"))
    assert release.date.isoformat() == "2026-10-30T08:08:01+00:00"
    assert [(file.kind, file.component) for file in root.lists()] == [
        (ListKind.CONTENTS, "main"),
        (ListKind.PACKAGES, "main"),
        (ListKind.CONTENTS, "non-free-firmware"),
    ]


def test_the_mirror_is_asked_again_only_when_the_lists_are_old(root: AptRoot, apt: Apt) -> None:
    assert root.update()
    assert not root.update()
    assert root.update(refresh=True)
    age(root, 3600)
    assert not root.update(max_age_seconds=7200)
    assert root.update(max_age_seconds=1800)
    age(root, -3600)
    assert root.update(), "a stamp from the future says nothing"
    assert len(apt.calls) == 4


def test_other_settings_ask_again(root: AptRoot, apt: Apt) -> None:
    root.update()
    other = MirrorSettings(**{**SETTINGS.__dict__, "uri": "http://other.example/debian"})
    assert AptRoot("sid", other, run=apt).update()
    assert root.update()


def test_a_failed_update_leaves_the_lists_as_they_were(root: AptRoot, apt: Apt) -> None:
    root.update()
    before = {path.name: path.read_bytes() for path in (root.directory / "lists").iterdir()}
    apt.error, apt.release = "E: Hash Sum mismatch\n", RELEASE.replace("30 Oct", "31 Oct")
    with pytest.raises(IntegrityError, match="does not verify"):
        root.update(refresh=True)
    assert {path.name: path.read_bytes() for path in (root.directory / "lists").iterdir()} == before
    assert not list(root.directory.glob(".lists.*"))


def test_an_interrupted_first_update_leaves_no_lists(root: AptRoot, apt: Apt) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    apt.during = interrupt
    with pytest.raises(KeyboardInterrupt):
        root.update()
    assert not (root.directory / "lists").exists()
    with pytest.raises(IntegrityError, match="no Release file"):
        root.release()
    apt.during = lambda: None
    assert root.update()


def test_what_a_killed_run_left_is_removed(root: AptRoot) -> None:
    root.update()
    left = root.directory / ".lists.abc"
    left.mkdir()
    root.update(refresh=True)
    assert not left.exists()


def test_old_lists_serve_where_the_mirror_cant_be_reached(
    root: AptRoot, apt: Apt, capsys: pytest.CaptureFixture[str]
) -> None:
    root.update()
    age(root, 10**6)
    apt.error = UNREACHABLE
    root.update()
    assert "Could not resolve 'mirror.example'; the index of 2026-10-30 stays in use" in capsys.readouterr().err
    assert root.lists()
    with pytest.raises(NetworkError):
        root.update(refresh=True)


def test_old_lists_of_another_mirror_do_not_serve(root: AptRoot, apt: Apt) -> None:
    root.update()
    apt.error = UNREACHABLE
    other = MirrorSettings(**{**SETTINGS.__dict__, "uri": "http://other.example/debian"})
    with pytest.raises(NetworkError):
        AptRoot("sid", other, run=apt).update()


@pytest.mark.parametrize("name", ["", "../x", "sid/../..", "Sid", "-o", "a b", 'sid"', "sid\n", "x" * 70, "sid."])
def test_what_cant_be_a_suites_name(name: str, apt: Apt, tmp_path: Path) -> None:
    with pytest.raises(UnknownSuiteError, match="not a suite's name"):
        open_suite(name, SETTINGS, run=apt)
    with pytest.raises(UnknownSuiteError):
        AptRoot(name, SETTINGS, run=apt)
    assert not (tmp_path / "cache").exists()
    assert not apt.calls


@pytest.fixture
def distro_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "debian.csv"
    table.write_text("version,codename,series,created\n12,Bookworm,bookworm,2021\n,Sid,sid,1993\n")
    monkeypatch.setattr(apterrors, "DISTRO_INFO", table)


@pytest.mark.usefixtures("distro_info")
def test_an_unknown_suite_leaves_nothing_and_is_told_the_nearest(apt: Apt) -> None:
    apt.error = "E: The repository 'http://mirror.example/debian bookwrm Release' does not have a Release file.\n"
    root = AptRoot("bookwrm", SETTINGS, run=apt)
    with pytest.raises(UnknownSuiteError, match="has no suite “bookwrm”") as caught:
        root.update()
    assert caught.value.hint == "Did you mean bookworm?"
    assert not [path for path in root.directory.parent.iterdir() if path.suffix != ".lock" and any(path.iterdir())]


@pytest.mark.usefixtures("distro_info")
@pytest.mark.parametrize(
    ("output", "kind", "words"),
    [
        (UNREACHABLE, NetworkError, "can't be reached: .*Could not resolve"),
        (
            "W: Failed to fetch http://m/dists/sid/InRelease  Could not connect to m:80 (1.2.3.4). - connect (111)\n",
            NetworkError,
            "can't be reached",
        ),
        (
            "Err:1 http://m sid Release\n  Connection timed out [IP: 1.2.3.4 80]\n"
            "E: The repository 'http://m sid Release' does not have a Release file.\n",
            NetworkError,
            "can't be reached",
        ),
        (
            "E: Release file for http://m/InRelease is expired (invalid since 14d). Updates will not be applied.\n",
            IntegrityError,
            "has expired",
        ),
        (
            "E: Release file for http://m/InRelease is not valid yet (invalid for another 3h).\n",
            IntegrityError,
            "from the future",
        ),
        (
            "W: GPG error: http://m sid InRelease: The following signatures were invalid: BADSIG 1234 Debian\n"
            "E: The repository 'http://m sid InRelease' is not signed.\n",
            IntegrityError,
            "does not verify: The repository",
        ),
        (
            "E: Failed to fetch http://m/Packages.xz  File has unexpected size (1 != 2). Mirror sync in progress?\n",
            IntegrityError,
            "does not verify",
        ),
        (
            "E: Failed to fetch store:/x  Write error - write (28: No space left on device)\n",
            WorkspaceError,
            "disk is full",
        ),
        ("E: The repository 'file:/srv sid Release' does not have a Release file.\n", UnknownSuiteError, "no suite"),
        ("E: Something else\n", CommandError, "apt-get failed"),
    ],
)
def test_the_meaning_of_apts_failures(
    output: str, kind: type[DebgenError], words: str, root: AptRoot, apt: Apt
) -> None:
    apt.error = output
    with pytest.raises(DebgenError, match=words) as caught:
        root.update()
    assert type(caught.value) is kind
    assert caught.value.hint or kind is CommandError


def test_the_hint_for_an_expired_release_names_the_option(root: AptRoot, apt: Apt) -> None:
    apt.error = "E: Release file for http://m/InRelease is expired (invalid since 14d).\n"
    with pytest.raises(IntegrityError) as caught:
        root.update()
    assert "--ignore-valid-until" in caught.value.hint


def test_a_cache_that_apt_cant_use(apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "with space"))
    with pytest.raises(WorkspaceError, match="spaces"):
        AptRoot("sid", SETTINGS, run=apt).update()


def test_an_alias_is_resolved_by_its_release_file(apt: Apt) -> None:
    assert resolve_suite("sid", SETTINGS, run=apt) == "sid"
    assert not apt.calls
    assert resolve_suite("unstable", SETTINGS, run=apt) == "sid"
    root = AptRoot("unstable", SETTINGS, release_only=True, run=apt)
    assert 'Packages::DefaultEnabled "false"' in root.conf.read_text()
    assert "Contents-deb" not in root.conf.read_text()


def test_the_index_is_built_once_for_each_release(apt: Apt, capsys: pytest.CaptureFixture[str]) -> None:
    with open_suite("sid", SETTINGS, run=apt) as index:
        assert index.version_of("python3") == "3.14.1-1"
    with open_suite("unstable", SETTINGS, run=apt) as index:
        assert index.codename == "sid"
    assert capsys.readouterr().err.count("Reading the package index") == 1
    apt.packages = PACKAGES.format("3.14.2-1")
    with open_suite("sid", SETTINGS, refresh=True, run=apt) as index:
        assert index.version_of("python3") == "3.14.1-1", "the same Release has the same packages"
    apt.release = RELEASE.replace("30 Oct", "31 Oct")
    with open_suite("sid", SETTINGS, refresh=True, run=apt) as index:
        assert index.version_of("python3") == "3.14.2-1"


@pytest.mark.parametrize("damage", [b"", b"junk" * 1000])
def test_a_damaged_index_is_built_anew(damage: bytes, root: AptRoot, apt: Apt) -> None:
    open_suite("sid", SETTINGS, run=apt).close()
    (root.directory / "index.sqlite").write_bytes(damage)
    with open_suite("sid", SETTINGS, run=apt) as index:
        assert index.python_version == "3.14"


def test_broken_lists_are_fetched_anew(apt: Apt) -> None:
    whole, apt.contents = apt.contents, apt.contents[:-4]
    with pytest.raises(IntegrityError, match="is broken"):
        open_suite("sid", SETTINGS, run=apt)
    apt.contents = whole
    with open_suite("sid", SETTINGS, run=apt) as index:
        assert index.python_version == "3.14"
