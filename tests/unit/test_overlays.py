"""Hints beside a source package, and a human's edits in it."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from debgen.debianize.model import SourcePackage
from debgen.errors import WorkspaceError
from debgen.overlays import (
    edited_files,
    last_generated,
    read_debian,
    refuse_edited,
    source_tree,
    with_edits,
    write_debian,
    write_hints,
    write_state,
)

FILES = {"control": "Source: x\n\nPackage: python3-x\n", "rules": "1\n2\n3\n4\n5\n", "source/format": "3.0 (quilt)\n"}
PACKAGE = SourcePackage("x", "1-1", "unstable", "python3-x", FILES, frozenset({"rules"}), (), (), ())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The results of a generation."""
    write_debian(tmp_path / "x-1/debian", FILES, ["rules"])
    write_state(tmp_path, FILES)
    write_hints(tmp_path, {"rules": "otherwise\n"}, FILES)
    return tmp_path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    files = {**FILES, "odd": "caf\udce9\r\n", "a/b/c": ""}
    write_debian(tmp_path / "debian", files, ["rules"])
    found = read_debian(tmp_path / "debian")
    assert (found.files, found.executable) == (files, frozenset({"rules"}))
    assert (tmp_path / "debian/odd").read_bytes() == b"caf\xe9\r\n"
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "debian").rglob("*") if p.is_dir()} == {0o755}


def test_an_untouched_tree_is_not_edited(out: Path) -> None:
    assert source_tree(out) == out / "x-1"
    assert last_generated(out) == FILES
    assert edited_files(out) == []
    refuse_edited(out, keep_edits=False)


def test_what_a_build_leaves_is_no_edit(out: Path) -> None:
    debian = out / "x-1/debian"
    for left in ("files", "python3-x.substvars", ".debhelper/a", "python3-x/usr/lib/x.py", "control~", ".rules.swp"):
        (debian / left).parent.mkdir(parents=True, exist_ok=True)
        (debian / left).write_text("left")
    assert edited_files(out) == []
    (debian / "python3-x.docs").write_text("mine")
    assert edited_files(out) == ["debian/python3-x.docs"]


def test_edits_are_refused_by_name(out: Path) -> None:
    debian = out / "x-1/debian"
    (debian / "rules").write_text("mine\n")
    (debian / "source/format").unlink()
    assert edited_files(out) == ["debian/rules", "debian/source/format"]
    with pytest.raises(WorkspaceError, match=r"(?s)debian/rules.*debian/source/format") as caught:
        refuse_edited(out, keep_edits=False)
    assert "--keep-edits" in caught.value.hint
    refuse_edited(out, keep_edits=True)


def test_edits_are_kept_and_kept_again(out: Path) -> None:
    debian = out / "x-1/debian"
    (debian / "rules").write_text("mine\n2\n3\n4\n5\n")
    (debian / "README.source").write_text("why\n")
    (debian / "README.source").chmod(0o755)
    newer = replace(PACKAGE, files={**FILES, "rules": "1\n2\n3\n4\nfive\n"})
    package, conflicts, kept = with_edits(newer, out)
    assert (conflicts, kept) == ((), ("README.source", "rules"))
    assert package.files == {**FILES, "rules": "mine\n2\n3\n4\nfive\n", "README.source": "why\n"}
    assert package.executable == {"rules", "README.source"}
    # As it is written then; the next run has to know what is whose.
    write_debian(debian, package.files, package.executable)
    write_state(out, newer.files)
    assert edited_files(out) == ["debian/README.source", "debian/rules"]
    assert with_edits(newer, out)[0].files == package.files


def test_conflicts_are_told(out: Path) -> None:
    (out / "x-1/debian/rules").write_text("mine\n2\n3\n4\n5\n")
    package, conflicts, _ = with_edits(replace(PACKAGE, files={**FILES, "rules": "theirs\n2\n3\n4\n5\n"}), out)
    assert package.files["rules"].startswith("mine\n")
    assert [c.path for c in conflicts] == ["rules"]


def test_without_state_the_packed_debian_tells(out: Path) -> None:
    with tarfile.open(out / "x_1-1.debian.tar.xz", "w:xz") as tar:
        tar.add(out / "x-1/debian", "debian")
    write_state(out, {})
    for path in sorted((out / ".generated").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (out / ".generated").rmdir()
    assert last_generated(out) == FILES
    (out / "x-1/debian/rules").write_text("mine\n")
    assert edited_files(out) == ["debian/rules"]


def test_nothing_there(tmp_path: Path) -> None:
    assert (source_tree(tmp_path), last_generated(tmp_path), edited_files(tmp_path)) == (None, None, [])
    assert with_edits(PACKAGE, tmp_path) == (PACKAGE, (), ())


def test_a_link_out_of_debian_is_refused(out: Path) -> None:
    (out / "x-1/debian/passwd").symlink_to("/etc/passwd")
    with pytest.raises(WorkspaceError, match="leads out"):
        edited_files(out)


def test_hints(tmp_path: Path) -> None:
    write_hints(
        tmp_path, {"rules": "generated\n", "source/format": "same\n"}, {"rules": "own\n", "source/format": "same\n"}
    )
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == [
        "hints/README", "hints/debian/rules", "hints/rules.diff",
    ]  # fmt: skip
    assert (tmp_path / "hints/debian/rules").read_text() == "generated\n"
    assert "-generated\n+own\n" in (tmp_path / "hints/rules.diff").read_text()
    assert "  rules\n" in (tmp_path / "hints/README").read_text()


def test_no_hints_where_nothing_differs(tmp_path: Path) -> None:
    write_hints(tmp_path, {"rules": "same\n"}, {"rules": "same\n"})
    assert not list(tmp_path.iterdir())
