"""The chroot store: what it makes, when it makes it anew, and what a failure leaves behind."""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from debgen.archive.mirror import KEYRINGS, MirrorSettings
from debgen.building import chroots as chroots_module
from debgen.building.chroots import Chroot, ChrootStore, Flavour, installed_packages
from debgen.building.mmdebstrap import creation_error, mirror_options
from debgen.cli import chroot as verb
from debgen.errors import (
    ChrootError,
    CommandError,
    DebgenError,
    IntegrityError,
    MissingToolError,
    NetworkError,
    UnknownSuiteError,
    UsageError,
)
from debgen.run import Completed

URI = "http://mirror.example/debian"
MIRROR = MirrorSettings(
    uri=URI,
    ignore_valid_until=False,
    acquire=(("Acquire::http::Proxy", "http://proxy.example:3128"),),
    auth=(),
    keyring=KEYRINGS[0],
    architecture="amd64",
)
STATUS = """\
Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.3-4
Description: a shell
 Status: this is a line of the description

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1-1

Package: apt
Status: install ok installed
Architecture: amd64
Version: 3.1.0
"""


class Mmdebstrap:
    """Stands in for mmdebstrap: writes a tarball where it is told to, or fails."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.env: list[Mapping[str, str]] = []
        self.failure: BaseException | None = None

    def __call__(self, argv: Sequence[str | Path], **kwargs: Any) -> Completed:
        words = tuple(map(str, argv))
        words = words[words.index("mmdebstrap") :]
        self.calls.append(words)
        self.env.append(kwargs.get("env") or {})
        target = Path(words[-2])
        target.write_bytes(b"half")
        if self.failure:
            raise self.failure
        with tarfile.open(target, "w") as archive:
            member = tarfile.TarInfo("./var/lib/dpkg/status")
            member.size = len(STATUS.encode())
            archive.addfile(member, io.BytesIO(STATUS.encode()))
        return Completed(words, 0, "", "")


class World:
    def __init__(self, directory: Path) -> None:
        self.now = 1_000_000.0
        self.mmdebstrap = Mmdebstrap()
        self.directory = directory

    def store(self, mirror: MirrorSettings = MIRROR) -> ChrootStore:
        return ChrootStore(self.directory, mirror, self.mmdebstrap, clock=lambda: self.now)

    @property
    def made(self) -> int:
        return len(self.mmdebstrap.calls)

    def files(self) -> set[str]:
        return {path.name for path in self.directory.iterdir() if not path.name.endswith(".lock")}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    base = tmp_path / "scratch"
    base.mkdir()
    monkeypatch.setattr("debgen.building.scratch.scratch_base", lambda space: base)
    return World(tmp_path / "chroots")


def failure(output: str) -> CommandError:
    return CommandError("mmdebstrap failed", returncode=25, output=output)


def test_a_chroot_is_made_from_the_machines_mirror_with_its_settings(world: World) -> None:
    chroot = world.store().create("sid")
    (call,) = world.mmdebstrap.calls
    assert call[-3] == "sid"
    assert call[-1] == f"deb {URI} sid main"
    assert '--aptopt=Acquire::http::Proxy "http://proxy.example:3128"' in call
    assert "--variant=buildd" in call
    assert not any("Check-Valid-Until" in word for word in call)
    assert world.mmdebstrap.env[0]["TMPDIR"].startswith(str(world.directory.parent / "scratch"))
    assert world.files() == {"sid-amd64.tar", "sid-amd64.json"}
    assert (chroot.suite, chroot.flavour, chroot.packages) == ("sid", Flavour.BUILD, 2)
    assert world.store().list() == (chroot,)


def test_expired_release_files_are_accepted_inside_only_when_asked(world: World) -> None:
    world.store(replace(MIRROR, ignore_valid_until=True)).create("sid")
    assert '--aptopt=Acquire::Check-Valid-Until "false"' in world.mmdebstrap.calls[0]


def test_flavours_stand_side_by_side(world: World) -> None:
    for flavour in Flavour:
        world.store().create("sid", flavour)
    assert [c.flavour for c in world.store().list()] == [Flavour.BUILD, Flavour.CHECKS, Flavour.CLEAN]
    assert any(word.startswith("--include=lintian,") for word in world.mmdebstrap.calls[2])
    assert "--variant=apt" in world.mmdebstrap.calls[1]


def test_a_fresh_chroot_is_used_as_it_is(world: World) -> None:
    first = world.store().ensure("sid", index_key="monday")
    world.now += timedelta(days=6).total_seconds()
    assert world.store().ensure("sid", index_key="monday") == first
    assert world.made == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: setattr(w, "now", w.now + timedelta(days=8).total_seconds()), "older than 7 days"),
        (lambda w: (w.directory / "sid-amd64.tar").unlink(), ""),
        (lambda w: (w.directory / "sid-amd64.json").write_text("{"), ""),
        (lambda w: (w.directory / "sid-amd64.json").write_text('{"format": 0}'), ""),
    ],
)
def test_a_stale_or_damaged_chroot_is_made_anew(
    world: World, change: Callable[[World], Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.store().ensure("sid")
    change(world)
    assert world.store().ensure("sid").made == world.now
    assert world.made == 2
    assert why in capsys.readouterr().err


def test_newer_packages_on_the_mirror_make_a_chroot_stale(world: World) -> None:
    world.store().ensure("sid", index_key="monday")
    assert world.store().ensure("sid", index_key="tuesday").index_key == "tuesday"
    assert world.made == 2


def test_a_chroot_made_by_hand_is_not_stale_for_lack_of_a_key(world: World) -> None:
    world.store().create("sid")
    world.store().ensure("sid", index_key="tuesday")
    assert world.made == 1


@pytest.mark.parametrize(
    "other", [{"uri": "http://other.example/debian"}, {"ignore_valid_until": True}, {"acquire": ()}]
)
def test_other_settings_make_a_chroot_stale(world: World, other: dict[str, Any]) -> None:
    world.store().ensure("sid")
    world.store(replace(MIRROR, **other)).ensure("sid")
    assert world.made == 2


@pytest.mark.parametrize("error", [failure("E: something new"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_leaves_the_chroot_that_was_there_and_nothing_half_made(world: World, error: BaseException) -> None:
    before = world.store().create("sid")
    content = before.path.read_bytes()
    world.mmdebstrap.failure = error
    with pytest.raises((ChrootError, KeyboardInterrupt, MemoryError)):
        world.store().create("sid")
    assert world.files() == {"sid-amd64.tar", "sid-amd64.json"}
    assert before.path.read_bytes() == content
    assert world.store().list() == (before,)
    assert list((world.directory.parent / "scratch").iterdir()) == []


def test_update_makes_what_is_there_anew_and_nothing_else(world: World) -> None:
    world.store().create("sid", Flavour.CHECKS)
    world.store().create("trixie")
    world.now += 10
    assert [c.flavour for c in world.store().update("sid")] == [Flavour.CHECKS]
    assert {c.suite: c.made for c in world.store().list()} == {"sid": world.now, "trixie": world.now - 10}


def test_remove(world: World) -> None:
    world.store().create("sid")
    world.store().create("trixie")
    assert [c.suite for c in world.store().remove("sid")] == ["sid"]
    assert world.files() == {"trixie-amd64.tar", "trixie-amd64.json"}
    for action in (world.store().remove, world.store().update):
        with pytest.raises(ChrootError, match="no chroot of sid") as caught:
            action("sid")
        assert "debgen chroot create sid" in caught.value.hint


@pytest.mark.parametrize("suite", ["", "../sid", "Sid", "sid main", "-o", "sid/../.."])
def test_what_is_no_suites_name_never_reaches_a_command_line(world: World, suite: str) -> None:
    for action in (world.store().create, world.store().ensure):
        with pytest.raises(UnknownSuiteError):
            action(suite)
    assert world.made == 0


def test_a_mirror_that_chroots_cannot_see_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="not visible inside"):
        world.store(replace(MIRROR, uri="file:/srv/debian")).create("sid")


def test_installed_packages_are_those_that_dpkg_has_installed(world: World) -> None:
    assert installed_packages(world.store().create("sid").path) == ("apt amd64 3.1.0", "bash amd64 5.3-4")


def test_a_tarball_without_packages_is_no_chroot(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"not a tarball")
    with pytest.raises(ChrootError, match="can't be read"):
        installed_packages(tmp_path / "x.tar")


@pytest.mark.parametrize(
    ("output", "kind", "told"),
    [
        (
            "E: The repository 'http://mirror.example/debian nosuch Release' does not have a Release file.",
            UnknownSuiteError,
            "nosuch",
        ),
        ("E: Failed to fetch http://mirror.example/x  Could not resolve 'mirror.example'", NetworkError, "resolve"),
        ("E: Release file for http://mirror.example/x is expired (invalid since 1d).", IntegrityError, "expired"),
        ("W: no entry in /etc/subuid for joe\nE: failed to parse /etc/subuid", ChrootError, "subordinate"),
        ("E: newuidmap 1 0 1 1 failed: Operation not permitted", ChrootError, "subordinate"),
        ("E: unshare() failed: Operation not permitted", ChrootError, "user namespaces"),
        ("I: running\nE: chaos\nE: mmdebstrap failed to run", ChrootError, "E: chaos"),
    ],
)
def test_failures_of_mmdebstrap_say_what_they_mean(output: str, kind: type[DebgenError], told: str) -> None:
    error = creation_error("nosuch", URI, failure(output))
    assert type(error) is kind
    assert told in str(error)
    assert error.hint


def test_a_missing_mmdebstrap_is_named_with_its_package() -> None:
    error = creation_error("sid", URI, CommandError("", returncode=127, output="sh: 1: exec: mmdebstrap: not found"))
    assert isinstance(error, MissingToolError)
    assert "apt install mmdebstrap" in error.hint


def test_certificates_and_passwords_go_into_the_chroot(tmp_path: Path) -> None:
    bundle = tmp_path / "own ca.crt"
    bundle.touch()
    parts = tmp_path / "auth.conf.d"
    parts.mkdir()
    (parts / "mirror.conf").touch()
    (parts / "README").touch()
    options = mirror_options(
        replace(
            MIRROR,
            uri="https://mirror.example/debian",
            acquire=(("Acquire::https::CaInfo", str(bundle)),),
            auth=(("Dir::Etc::netrcparts", str(parts)),),
            keyring=tmp_path / "own.gpg",
        )
    )
    assert "--include=ca-certificates" in options
    assert f"--customize-hook=upload '{bundle}' '{bundle}'" in options
    assert f"--setup-hook=upload {parts}/mirror.conf /etc/apt/auth.conf.d/mirror.conf" in options
    assert not any("README" in option for option in options)
    assert f"--setup-hook=upload {tmp_path}/own.gpg /etc/apt/trusted.gpg.d/debgen-mirror.gpg" in options


def test_the_verb_prints_a_table_or_json(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "ChrootStore", lambda directory, mirror: world.store(mirror))
    monkeypatch.setattr(verb, "mirror_settings", lambda args: MIRROR)
    parser = argparse.ArgumentParser()
    verb.add_parser(parser.add_subparsers())

    def run(*words: str) -> str:
        args = parser.parse_args(["chroot", *words])
        assert args.func(args) == 0
        return capsys.readouterr().out

    assert "debgen chroot create sid" in run("list")
    assert run("create", "sid").count("sid ") == len(Flavour)
    facts = json.loads(run("list", "--json"))
    assert {c["flavour"] for c in facts["chroots"]} == {"build", "checks", "clean"}
    assert all(Path(c["path"]).is_file() for c in facts["chroots"])
    assert run("remove", "sid").count("removed ") == len(Flavour)
    assert json.loads(run("list", "--json"))["chroots"] == []


def test_ages_are_told_in_one_unit() -> None:
    chroot = Chroot("sid", Flavour.BUILD, "amd64", Path(__file__), 0.0, URI, (), 1, "", "")
    for seconds, told in ((30, "new"), (600, "10 min"), (7200, "2 h"), (3 * 86400, "3 d")):
        assert told in verb.table([chroot], seconds)


def test_the_module_measures_age_in_days() -> None:
    assert timedelta(days=7) == chroots_module.MAX_AGE
