"""What sbuild is told, and what becomes of its output."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from debian.deb822 import Changes

from debgen.building.borrowed import BorrowedSource
from debgen.building.changes import complete_changes, listed_files
from debgen.building.chroots import Chroot, Flavour
from debgen.building.sbuild import build, configuration
from debgen.building.warm import WarmChroots, key_of
from debgen.errors import BuildError, ChrootError, MissingToolError
from debgen.run import Completed

DSC = """\
Format: 3.0 (quilt)
Source: x
Version: 1-1
Files:
 {md5} 5 x_1.orig.tar.gz
 {md5} 5 x_1-1.debian.tar.xz
"""
CHANGES = """\
Format: 1.8
Date: Mon, 02 Nov 2026 10:00:00 +0000
Source: x
Binary: python3-x
Architecture: all
Version: 1-1
Distribution: unstable
Description:
 python3-x  - greeting
Changes:
 x (1-1) unstable; urgency=medium
 .
   * Initial release.
Checksums-Sha1:
 {sha1} 5 x_1-1_amd64.buildinfo
 {sha1} 5 python3-x_1-1_all.deb
Checksums-Sha256:
 {sha256} 5 x_1-1_amd64.buildinfo
 {sha256} 5 python3-x_1-1_all.deb
Files:
 {md5} 5 contrib/python optional x_1-1_amd64.buildinfo
 {md5} 5 contrib/python optional python3-x_1-1_all.deb
"""
BYTES = b"bytes"
DIGESTS = {name: hashlib.new(name, BYTES).hexdigest() for name in ("md5", "sha1", "sha256")}
CHROOT = Chroot("sid", Flavour.BUILD, "amd64", Path("/c/sid-amd64.tar"), 0.0, "", (), 1, "", "")


@pytest.fixture
def dsc(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "x_1-1.dsc").write_text(DSC.format(**DIGESTS))
    for name in ("x_1.orig.tar.gz", "x_1-1.debian.tar.xz"):
        (source / name).write_bytes(BYTES)
    return source / "x_1-1.dsc"


@pytest.fixture(autouse=True)
def scratch_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    base = tmp_path / "scratch"
    base.mkdir()
    monkeypatch.setattr("debgen.building.scratch.scratch_base", lambda space: base)
    return base


class Sbuild:
    """Stands in for sbuild: writes its log and, unless it is to fail, its products."""

    def __init__(self, log: str = "", code: int = 0, error: BaseException | None = None) -> None:
        self.log, self.code, self.error = log, code, error
        self.words: list[str] = []
        self.env: Mapping[str, str] = {}
        self.config = ""

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
        assert cwd
        assert env
        assert log
        assert on_line
        words = [str(a) for a in argv]
        self.words, self.env = words[words.index("sbuild") :], env
        self.config = Path(env["SBUILD_CONFIG"]).read_text()
        log.write_text(self.log)
        for line in self.log.splitlines():
            on_line(line)
        (cwd / "python3-x_1-1_all.deb").write_bytes(BYTES)
        if self.error:
            raise self.error
        if self.code == 0:
            (cwd / "x_1-1_amd64.buildinfo").write_bytes(BYTES)
            (cwd / "x_1-1_amd64.changes").write_text(CHANGES.format(**DIGESTS))
        return Completed(tuple(words), self.code, "", "")


def test_the_result_is_complete_and_beside_its_changes(dsc: Path, tmp_path: Path, scratch_here: Path) -> None:
    sbuild, out, said = Sbuild("   dh_auto_test\n"), tmp_path / "out", list[str]()
    result = build(dsc, CHROOT, out, sbuild, jobs=3, narrate=said.append)
    assert {path.name for path in out.iterdir()} == {
        "x_1-1.dsc",
        "x_1.orig.tar.gz",
        "x_1-1.debian.tar.xz",
        "x_1-1_amd64.buildinfo",
        "python3-x_1-1_all.deb",
        "x_1-1_amd64.changes",
        "x_1-1_amd64.build.log",
    }
    assert result.debs == (out / "python3-x_1-1_all.deb",)
    assert result.dsc.read_bytes() == dsc.read_bytes()
    assert set(listed_files(result.changes)) == {path.name for path in out.iterdir()} - {
        result.changes.name,
        result.log.name,
    }
    assert "--chroot=/c/sid-amd64.tar" in sbuild.words
    assert "--jobs=3" in sbuild.words
    assert sbuild.words[-1] == str(dsc)
    assert sbuild.env["TMPDIR"] == sbuild.env["DEBGEN_SCRATCH"] == sbuild.env["HOME"]
    assert sbuild.env["DEBGEN_SCRATCH"].startswith(str(scratch_here))
    assert "$distribution = 'unstable'" in sbuild.config
    assert list(scratch_here.iterdir()) == []
    assert any("running upstream's tests" in line for line in said)


def test_a_failed_build_leaves_its_log_only_and_says_why(dsc: Path, tmp_path: Path) -> None:
    log = "make: *** [debian/rules:4: binary] Error 25\nBuild finished at x\nFail-Stage: build\n"
    with pytest.raises(BuildError, match=r"x_1-1 does not build \(stage build\):\n  make: \*\*\*") as caught:
        build(dsc, CHROOT, tmp_path / "out", Sbuild(log, code=2))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x_1-1_amd64.build.log"]
    assert caught.value.log == tmp_path / "out" / "x_1-1_amd64.build.log"
    assert str(caught.value.log) in caught.value.hint
    assert str(dsc) in caught.value.hint


def test_a_chroot_that_cannot_be_unpacked_is_not_the_packages_fault(dsc: Path, tmp_path: Path) -> None:
    log = (
        "Unpacking /c/sid-amd64.tar to /x/tmp.sbuild.a...\ntar: Unexpected EOF in archive\n"
        "bad exit status (2): perl -e a long program\nE: Error creating chroot session: skipping x\n\n"
        "| Summary  |\nFail-Stage: create-session\nStatus: failed\n"
    )
    with pytest.raises(ChrootError, match=r"x_1-1 in can't be unpacked:\n  tar: Unexpected EOF in archive$") as caught:
        build(dsc, CHROOT, tmp_path / "out", Sbuild(log, code=1))
    assert "debgen doctor" in caught.value.hint


def test_a_missing_sbuild_is_no_failed_build(dsc: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="sbuild is not installed"):
        build(dsc, CHROOT, tmp_path / "out", Sbuild("sh: 1: exec: sbuild: not found", code=127))
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupted_build_leaves_its_log_only(dsc: Path, tmp_path: Path, scratch_here: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(dsc, CHROOT, tmp_path / "out", Sbuild(error=KeyboardInterrupt()))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x_1-1_amd64.build.log"]
    assert list(scratch_here.iterdir()) == []


def test_a_distribution_of_the_changelogs_own_wins(dsc: Path, tmp_path: Path) -> None:
    sbuild = Sbuild()
    build(dsc, CHROOT, tmp_path / "out", sbuild)
    assert not any(word.startswith("--dist") for word in sbuild.words)
    build(dsc, CHROOT, tmp_path / "out", sbuild, distribution="trixie-backports")
    assert "--dist=trixie-backports" in sbuild.words


def test_building_into_the_sources_own_folder_keeps_the_source(dsc: Path) -> None:
    before = dsc.read_bytes()
    result = build(dsc, CHROOT, dsc.parent, Sbuild())
    assert result.dsc == dsc
    assert dsc.read_bytes() == before


def test_the_source_is_added_to_the_changes_with_its_true_checksums(dsc: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.changes"
    path.write_text(CHANGES.format(**DIGESTS))
    complete_changes(path, dsc)
    complete_changes(path, dsc)  # once is enough
    content = Changes(path.read_text())
    assert content["Architecture"] == "source all"
    names = ["x_1-1.dsc", "x_1.orig.tar.gz", "x_1-1.debian.tar.xz", "x_1-1_amd64.buildinfo", "python3-x_1-1_all.deb"]
    fields: dict[str, tuple[str, str]] = {
        "Files": ("md5sum", "md5"),
        "Checksums-Sha1": ("sha1", "sha1"),
        "Checksums-Sha256": ("sha256", "sha256"),
    }
    for field, (key, algorithm) in fields.items():
        entries: Any = content[field]
        assert [entry["name"] for entry in entries] == names
        assert entries[0][key] == hashlib.new(algorithm, dsc.read_bytes()).hexdigest()
        assert {entry[key] for entry in entries[1:]} == {DIGESTS[algorithm]}
    files: Any = content["Files"]
    assert {entry["section"] for entry in files} == {"contrib/python"}
    assert "\n .\n   * Initial release.\n" in path.read_text()


@pytest.mark.parametrize("name", ["../x.deb", "/etc/passwd", ".hidden"])
def test_a_list_that_leads_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.changes"
    path.write_text(f"Source: x\nFiles:\n {DIGESTS['md5']} 5 python optional {name}\n")
    with pytest.raises(BuildError, match="impossible name"):
        listed_files(path)


@pytest.mark.parametrize(
    ("suite", "distribution"), [("sid", "unstable"), ("trixie", "trixie"), ("bookworm", "bookworm"), ("duke", "duke")]
)
def test_every_suite_has_a_configuration_that_names_its_distribution_once(suite: str, distribution: str) -> None:
    text = configuration(suite)
    assert text.count("$distribution = ") == 1
    assert f"$distribution = '{distribution}';" in text
    assert "$chroot_mode = 'unshare';" in text
    assert text.endswith("1;\n")
    assert text.count("\n1;\n") == 1


def test_the_configuration_names_no_path_of_a_host() -> None:
    for suite in ("sid", "forky", "trixie", "bookworm"):
        assert re.findall(r"['\"]/", configuration(suite)) == []


def test_no_configuration_lets_a_newer_sbuild_give_a_build_the_network() -> None:
    for suite in ("sid", "forky", "trixie", "bookworm", "duke"):
        text = configuration(suite)
        assert "eval q{ $enable_network = 0 };" in text
        assert text.count("enable_network") == 1


BORROWED = BorrowedSource(("deb http://mirror.example forky main",), "Package: *\nPin: release n=forky\n", "a")


def test_apt_is_told_of_other_suites_before_it_updates(dsc: Path, tmp_path: Path) -> None:
    sbuild = Sbuild()
    build(dsc, CHROOT, tmp_path / "out", sbuild, warm=WarmChroots(tmp_path / "warm"))
    assert not any("debgen-borrowed" in word for word in sbuild.words)
    build(dsc, CHROOT, tmp_path / "out", sbuild, borrowed=BORROWED, warm=WarmChroots(tmp_path / "warm"))
    assert f"--chroot-setup-commands={BORROWED.command}" in sbuild.words
    assert "--no-apt-update" not in sbuild.words


def test_a_kept_chroot_serves_only_builds_that_borrow_the_same(dsc: Path, tmp_path: Path) -> None:
    sbuild, warm, used = Sbuild(), WarmChroots(tmp_path / "warm"), []
    for borrowed in (None, BORROWED, replace(BORROWED, state="b")):
        key = key_of(dsc, CHROOT, None, configuration("sid") + (borrowed.state if borrowed else ""))
        tarball = tmp_path / "warm" / f"{key}.tar"
        tarball.parent.mkdir(exist_ok=True)
        tarball.touch()
        build(dsc, CHROOT, tmp_path / "out", sbuild, borrowed=borrowed, warm=warm)
        assert f"--chroot={tarball}" in sbuild.words
        assert not any("debgen-borrowed" in word for word in sbuild.words)  # it is in there
        used.append(key)
    assert len(set(used)) == 3
