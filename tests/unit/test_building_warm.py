"""Kept chroots: what decides over one, and how they come and go."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from debgen.building import warm as module
from debgen.building.chroots import Chroot, Flavour
from debgen.building.sbuild import build
from debgen.building.source import ExtraSource
from debgen.building.warm import MARK, PAUSE, WarmChroots, key_of, paused
from debgen.errors import BuildError, CommandError
from debgen.run import Completed

CHROOT = Chroot("sid", Flavour.BUILD, "amd64", Path("/c/sid-amd64.tar"), 5.0, "http://m", (), 1, "hash", "today")
DSC = "Format: 3.0 (quilt)\nSource: x\nVersion: 1-1\nBuild-Depends: debhelper-compat (= 13), python3-all\n"


class Shell:
    """Stands in for the programs: tar writes what it is told."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str | Path], **kwargs: Any) -> Completed:
        words = [str(a) for a in argv]
        self.calls.append(words)
        if "tar" in words:
            Path(words[4]).write_bytes(b"tarball")
            if self.code:
                raise CommandError("tar failed", hint="", returncode=self.code, output="")
        return Completed(tuple(words), 0, "", "")


@pytest.fixture
def key(tmp_path: Path) -> Callable[..., str]:
    def made(text: str = DSC, chroot: Chroot = CHROOT, configuration: str = "c", state: str = "", **env: str) -> str:
        (tmp_path / "x.dsc").write_text(text)
        public = tmp_path / "key.asc"
        public.write_text("key")
        source = ExtraSource("http://127.0.0.1:1/", "sid", public, state) if state else None
        return key_of(tmp_path / "x.dsc", chroot, source, configuration, env)

    return made


def test_the_same_declarations_in_the_same_archive_share_a_chroot(key: Callable[..., str]) -> None:
    other = DSC.replace("Source: x", "Source: y").replace("1-1", "2-1") + "Files:\n d41d 5 y_2.orig.tar.gz\n"
    assert key() == key(other)
    assert key(HOME="/elsewhere") == key()


@pytest.mark.parametrize(
    "changed",
    [
        {"text": DSC.replace("python3-all", "python3")},
        {"text": DSC + "Build-Depends-Indep: python3-sphinx\n"},
        {"text": DSC + "Build-Conflicts: python3-x\n"},
        {"chroot": replace(CHROOT, index_key="tomorrow")},
        {"chroot": replace(CHROOT, packages_hash="other")},
        {"chroot": replace(CHROOT, made=6.0)},
        {"chroot": replace(CHROOT, suite="trixie")},
        {"configuration": "d"},
        {"state": "0001"},
        {"DEB_BUILD_PROFILES": "nocheck"},
    ],
)
def test_whatever_changes_what_is_installed_makes_another_chroot(
    key: Callable[..., str], changed: dict[str, Any]
) -> None:
    assert key(**changed) != key()


def test_each_state_of_each_repository_is_another(key: Callable[..., str], tmp_path: Path) -> None:
    first = key(state="0001")
    assert key(state="0002") != first
    (tmp_path / "other.asc").write_text("another key")
    source = ExtraSource("http://127.0.0.1:9/", "sid", tmp_path / "other.asc", "0001")
    assert key_of(tmp_path / "x.dsc", CHROOT, source, "c", {}) != first
    same = ExtraSource("http://127.0.0.1:9/", "sid", tmp_path / "key.asc", "0001")
    assert key_of(tmp_path / "x.dsc", CHROOT, same, "c", {}) == first  # on another port


def test_what_is_kept_is_found_again_and_can_only_be_read_by_its_owner(tmp_path: Path) -> None:
    store, shell = WarmChroots(tmp_path / "warm"), Shell()
    with store.using("k") as found:
        assert found is None
    assert store.keep("k", tmp_path / "root", shell)
    with store.using("k") as found:
        assert found is not None
        assert found.read_bytes() == b"tarball"
        assert found.stat().st_mode & 0o777 == 0o600
    assert len(list(store.directory.iterdir())) == 1
    words = shell.calls[0]
    assert f"--directory={tmp_path / 'root'}" in words
    # The source being built, and the repository of that one run, are not part of it.
    for pattern in ("./build/*", "./run/lock/*", "./etc/apt/sources.list.d/sbuild-*"):
        assert f"--exclude={pattern}" in words


def test_a_failure_to_keep_leaves_nothing_and_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = WarmChroots(tmp_path / "warm")
    assert not store.keep("k", tmp_path / "root", Shell(code=2))
    assert list(store.directory.iterdir()) == []
    monkeypatch.setattr(module, "_STAYS_FREE", 1 << 60)
    assert not store.keep("k", tmp_path / "root", Shell())
    assert list(store.directory.iterdir()) == []


def test_a_chroot_of_yesterday_is_not_used(tmp_path: Path) -> None:
    now = [time.time()]
    store = WarmChroots(tmp_path / "warm", clock=lambda: now[0])
    store.keep("k", tmp_path / "root", Shell())
    path = store.directory / "k.tar"
    with store.using("k") as found:
        assert found == path
    now[0] += 86402
    with path.open("rb") as other:  # somebody has built in it since then: it stays, for that one only
        fcntl.flock(other, fcntl.LOCK_SH)
        with store.using("k") as found:
            assert found is None
        assert path.exists()
    with store.using("k") as found:
        assert found is None
    assert not path.exists()


def test_the_least_recently_used_goes_first_and_leftovers_always(tmp_path: Path) -> None:
    now = [1e9]
    store = WarmChroots(tmp_path / "warm", limit=15, clock=lambda: now[0])
    store.directory.mkdir()
    for name, used in (("old", 1e9 - 90), ("middle", 1e9 - 60), ("new", 1e9 - 30)):
        path = store.directory / f"{name}.tar"
        path.write_bytes(b"1234567")
        os.utime(path, (used, 1e9 - 100))
    (store.directory / ".k.abc").write_bytes(b"left by a killed run")
    with (store.directory / ".k.def").open("wb") as writing:
        fcntl.flock(writing, fcntl.LOCK_SH)
        store.sweep()
        assert {path.name for path in store.directory.iterdir()} == {"middle.tar", "new.tar", ".k.def"}


def test_a_small_disk_holds_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = WarmChroots(tmp_path / "warm")
    store.directory.mkdir()
    for number in range(4):
        (store.directory / f"{number}.tar").write_bytes(b"12345")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=20))
    store.sweep()
    assert len(list(store.directory.iterdir())) == 2


def test_sbuild_goes_on_whether_or_not_its_chroot_could_be_kept(tmp_path: Path) -> None:
    root = tmp_path / "tmp.sbuild.x"
    root.mkdir()
    for code in (0, 2):
        shell = Shell(code)
        assert paused(tmp_path, WarmChroots(tmp_path / "warm"), "k", shell) is (code == 0)
        assert shell.calls[-1][-2:] == ["touch", str(root / "debgen-go")]
    assert "/debgen-go" in PAUSE
    # Where sbuild got tired of waiting, the copy fails.
    assert 'test ! -e "$root/debgen-late"' in shell.calls[0][14]


class Builds:
    """Stands in for sbuild: fails in the stages given, one for each call, and succeeds with nothing made."""

    def __init__(self, *stages: str) -> None:
        self.stages = list(stages)
        self.chroots: list[str] = []
        self.updates: list[bool] = []

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        **kwargs: Any,
    ) -> Completed:
        words = [str(a) for a in argv]
        if "sbuild" in words:
            assert log
            self.chroots += [word.partition("=")[2] for word in words if word.startswith("--chroot=")]
            self.updates.append("--no-apt-update" not in words)
            log.write_text(f"Fail-Stage: {self.stages.pop(0)}\n")
            return Completed(tuple(words), 2, "", "")
        return Completed(tuple(words), 0, "", "")


@pytest.mark.parametrize(("stages", "tries"), [(("build",), 1), (("install-deps", "build"), 2)])
def test_only_what_cannot_begin_in_a_kept_chroot_is_built_in_a_clean_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stages: tuple[str, ...], tries: int
) -> None:
    base = tmp_path / "scratch"
    base.mkdir()
    monkeypatch.setattr("debgen.building.scratch.scratch_base", lambda space: base)
    monkeypatch.setattr("debgen.building.sbuild.key_of", lambda *a: "k")
    dsc = tmp_path / "x_1-1.dsc"
    dsc.write_text(DSC)
    store, builds = WarmChroots(tmp_path / "warm"), Builds(*stages)
    store.keep("k", tmp_path, Shell())
    with pytest.raises(BuildError):
        build(dsc, CHROOT, tmp_path / "out", builds, warm=store, narrate=lambda line: None)
    assert builds.chroots == [str(store.directory / "k.tar"), str(CHROOT.path)][:tries]
    assert builds.updates == [False, True][:tries]
    assert (store.directory / "k.tar").exists() is (tries == 1)
    assert MARK not in (tmp_path / "out" / "x_1-1_amd64.build.log").read_text()


def test_only_a_build_in_a_clean_chroot_leaves_one_to_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, kept = tmp_path / "scratch", list[str]()
    base.mkdir()
    monkeypatch.setattr("debgen.building.scratch.scratch_base", lambda space: base)
    monkeypatch.setattr("debgen.building.sbuild.key_of", lambda *a: "k")
    monkeypatch.setattr("debgen.building.sbuild.paused", lambda work, warm, key, run: kept.append(key))
    dsc = tmp_path / "x_1-1.dsc"
    dsc.write_text(DSC)
    store = WarmChroots(tmp_path / "warm")

    class Talking(Builds):
        def __call__(self, argv: Sequence[str | Path], **kwargs: Any) -> Completed:
            kwargs["on_line"](f"echo '{MARK}'; and so on")  # the command itself is in the log too
            kwargs["on_line"](MARK)
            return super().__call__(argv, **kwargs)

    for found in (["k"], ["k"]):
        with pytest.raises(BuildError):
            build(dsc, CHROOT, tmp_path / "out", Talking("build"), warm=store, narrate=lambda line: None)
        assert kept == found
        store.keep("k", tmp_path, Shell())
