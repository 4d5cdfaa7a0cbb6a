"""Borrowed packages in builds: what apt is told in the chroot, who sees it, and what is told afterwards."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from borrow_cases import packages, sid
from test_building_record import finished

from debgen.archive.borrow import BuildPackages
from debgen.archive.mirror import MirrorSettings
from debgen.building.borrowed import BorrowedSource, lent_to, source_of, uses
from debgen.building.lent import Lent, as_data, from_data, meaning, told
from debgen.building.record import load, save

MIRROR = MirrorSettings("https://mirror.example/debian%20x", False, (), (), Path("/k"), "amd64")
ZIP = Lent("librust-zip-dev", "5.1.1-1", "forky", "9.0.5-1")
NEW = Lent("librust-only-in-forky-dev", "2.0-1", "forky", "")


def written(command: str) -> dict[str, str]:
    """What a command of echoes, as sbuild reads it, writes into which file."""
    files: dict[str, str] = {}
    for part in command.replace("%%", "%").split(" && "):
        group, _, path = part.rpartition("; } >")
        lines = [shlex.split(echo) for echo in group.removeprefix("{ ").split("; ")]
        assert all(words[0] == "echo" and len(words) == 2 for words in lines)
        files[path] = "".join(f"{words[1]}\n" for words in lines)
    return files


def test_the_chroot_gets_source_and_preferences(tmp_path: Path) -> None:
    source = source_of(packages(tmp_path), MIRROR)
    assert source
    assert source.command.count("%%20") == 1
    assert written(source.command) == {
        "/etc/apt/sources.list.d/debgen-borrowed.list": "deb https://mirror.example/debian%20x forky main\n",
        "/etc/apt/preferences.d/debgen-borrowed": source.preferences,
    }
    assert "2026-10-30" in source.state
    assert "librust-*" in source.state


def test_without_lenders_there_is_no_source(tmp_path: Path) -> None:
    assert source_of(BuildPackages(sid(tmp_path)), MIRROR) is None


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ("Build-Depends: debhelper-compat (= 14), librust-pyo3-dev (>= 0.28~)", True),
        ("Build-Depends: debhelper-compat (= 14)\nBuild-Depends-Arch:\n librust-pyo3-0.28-dev <!nocheck>", True),
        ("Build-Depends-Indep: x | zip-provider", True),
        ("Build-Depends: debhelper-compat (= 14), python3-librust", False),
        ("Build-Conflicts: librust-zip-dev", False),
    ],
)
def test_only_who_asks_for_it_sees_it(tmp_path: Path, fields: str, wanted: bool) -> None:
    dsc = tmp_path / "x.dsc"
    dsc.write_text(f"Source: x\n{fields}\n")
    assert uses(dsc, packages(tmp_path)) is wanted


def test_what_was_really_borrowed(tmp_path: Path) -> None:
    buildinfo = tmp_path / "x.buildinfo"
    rows = (
        "gcc (= 16)", "librust-pyo3-dev:amd64 (= 0.28.2-2)", "librust-zip-dev:amd64 (= 5.1.1-1)",
        "librust-only-in-sid-dev (= 1.0-1)", "librust-only-in-forky-dev (= 2.0-1)",
    )  # fmt: skip
    buildinfo.write_text("Source: x\nInstalled-Build-Depends:\n " + ",\n ".join(rows) + "\n")
    seen, index = packages(tmp_path), sid(tmp_path)
    assert lent_to(buildinfo, seen, index, ()) == (NEW, ZIP)
    assert lent_to(buildinfo, seen, index, ["librust-zip-dev"]) == (NEW,)
    buildinfo.write_text("Source: x\nInstalled-Build-Depends:\n librust-zip-dev (= 9.0.5-1)\n")
    assert lent_to(buildinfo, seen, index, ()) == ()


def test_it_is_told_in_words_and_as_data() -> None:
    assert from_data(as_data([NEW, ZIP])) == (NEW, ZIP)
    assert as_data([NEW])[0]["own"] is None
    assert told([NEW, ZIP], "sid") == (
        "2 packages borrowed from forky: librust-only-in-forky-dev 2.0-1 (sid has none), "
        "librust-zip-dev 5.1.1-1 (sid has 9.0.5-1)"
    )
    many = [replace(ZIP, package=f"librust-{n}-dev") for n in range(9)]
    assert told(many, "sid", 2).endswith("librust-1-dev 5.1.1-1 (sid has 9.0.5-1) and 7 more")
    assert told([replace(NEW, suite="trixie"), ZIP], "sid").count("1 package borrowed from") == 2
    assert "can't begin, as x depends on y" in meaning("sid", "x depends on y")
    assert "build it without borrowing" in meaning("sid", "")


def test_the_record_keeps_it(tmp_path: Path) -> None:
    built, result = finished(tmp_path)
    lent = replace(built, borrowed=(NEW, ZIP), alone="x depends on y")
    save(lent, result)
    assert load(tmp_path) == (lent, result)


def test_a_source_is_the_same_only_with_the_same_state(tmp_path: Path) -> None:
    one, other = source_of(packages(tmp_path), MIRROR), source_of(packages(tmp_path, "librust-zip-*"), MIRROR)
    assert isinstance(one, BorrowedSource)
    assert isinstance(other, BorrowedSource)
    assert one.state != other.state
