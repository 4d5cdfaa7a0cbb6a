"""The crates of a log, and what their licences ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.review.crates import Compiled, compiled, crates, wants_a_look
from debgen.review.document import Mark, Table


def line(crate: str, name: str, version: str, licence: str, description: str = "''") -> str:
    return (
        f"     Running `CARGO=/usr/bin/cargo CARGO_CRATE_NAME={crate} CARGO_MANIFEST_DIR=/b/{name} "
        f"CARGO_PKG_AUTHORS='A <a@example.org>' CARGO_PKG_DESCRIPTION={description} CARGO_PKG_HOMEPAGE='' "
        f"CARGO_PKG_LICENSE={licence} CARGO_PKG_LICENSE_FILE='' CARGO_PKG_NAME={name} CARGO_PKG_README=README.md "
        f"CARGO_PKG_VERSION={version} CARGO_PKG_VERSION_MAJOR=1 rustc --crate-name {crate}`\n"
    )


def written(folder: Path, *lines: str) -> Path:
    path = folder / "build.log"
    path.write_text("dh_auto_build\n" + "".join(lines))
    return path


def test_each_crate_is_named_once_with_its_licence(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        line("build_script_build", "proc-macro2", "1.0.107", "'MIT OR Apache-2.0'"),
        line("proc_macro2", "proc-macro2", "1.0.107", "'MIT OR Apache-2.0'", r"'The compiler'\''s `macros`'"),
        line("zlib", "zlib-rs", "0.5.1", "Zlib", "'two\nlines'"),
        line("zlib", "zlib-rs", "0.5.1", "Zlib"),
        "   Compiling other v1.0.0\n",
    )
    assert compiled(log) == (
        Compiled("MIT OR Apache-2.0", "proc-macro2", "1.0.107"),
        Compiled("Zlib", "zlib-rs", "0.5.1"),
    )
    (section,) = crates(log)
    assert section.mark is Mark.GOOD
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.rows == (("MIT OR Apache-2.0", "1", "proc-macro2 1.0.107"), ("Zlib", "1", "zlib-rs 0.5.1"))


def test_a_build_without_cargo_has_no_section(tmp_path: Path) -> None:
    assert crates(written(tmp_path, "gcc -c a.c\n")) == ()
    assert crates(tmp_path / "gone.log") == ()
    assert crates(None) == ()


def test_a_crate_that_names_no_licence_wants_a_look(tmp_path: Path) -> None:
    (section,) = crates(written(tmp_path, line("a", "a", "1.0.0", "''")))
    assert section.mark is Mark.LOOK
    assert "none named" in section.told


@pytest.mark.parametrize(
    ("licence", "look"),
    [
        ("MIT", False),
        ("GPL-3.0-only OR MIT", False),
        ("MIT/Apache-2.0", False),
        ("MPL-2.0", False),
        ("GPL-3.0-or-later", True),
        ("LGPL-2.1-or-later OR GPL-2.0-only", True),
        ("MIT AND AGPL-3.0-only", True),
        ("", True),
        ("see LICENSE.txt", True),
    ],
)
def test_which_licences_want_a_look(licence: str, look: bool) -> None:
    assert wants_a_look(licence) is look
