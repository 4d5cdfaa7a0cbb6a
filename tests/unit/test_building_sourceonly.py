"""What dpkg-genchanges is asked for; the real one is asked in the integration tests."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from debgen.building.sourceonly import source_changes
from debgen.errors import BuildError, WorkspaceError
from debgen.run import Completed


def package(folder: Path, *, native: bool = False) -> Path:
    names = ["x_1.0.tar.xz"] if native else ["x_1.0.orig.tar.gz", "x_1.0-1.debian.tar.xz"]
    for name in names:
        with tarfile.open(folder / name, "w:gz") as archive:  # whatever the name says: it is read by its content
            info = tarfile.TarInfo("debian/changelog")
            info.size = 4
            archive.addfile(info, io.BytesIO(b"text"))
    dsc = folder / "x_1.0-1.dsc"
    dsc.write_text("Source: x\nFiles:\n" + "".join(f" {'0' * 32} 1 {name}\n" for name in names))
    return dsc


@pytest.mark.parametrize(("with_orig", "option"), [(None, ""), (True, "-sa"), (False, "-sd")])
def test_the_debian_folder_of_the_dsc_is_what_it_is_made_from(
    tmp_path: Path, with_orig: bool | None, option: str
) -> None:
    asked: list[str] = []

    def runner(argv: Any, *, cwd: Path | None = None, **_: Any) -> Completed:
        asked.extend(argv)
        assert cwd is not None
        assert [path.relative_to(cwd).as_posix() for path in cwd.rglob("*")] == ["debian", "debian/changelog"]
        return Completed((), 0, "Format: 1.8\n", "")

    found = source_changes(package(tmp_path), run=runner, with_orig=with_orig, since="0.9-1")
    assert found == tmp_path / "x_1.0-1_source.changes"
    assert found.read_text() == "Format: 1.8\n"
    assert asked[:2] == ["dpkg-genchanges", "--build=source"]
    assert {"-v0.9-1", f"-u{tmp_path}"} <= set(asked)
    assert {word for word in asked if word in ("-sa", "-sd")} == ({option} - {""})


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    dsc = package(tmp_path)
    (tmp_path / "x_1.0.orig.tar.gz").unlink()
    with pytest.raises(WorkspaceError, match=r"x_1\.0\.orig\.tar\.gz, which isn't beside it"):
        source_changes(dsc)
    (tmp_path / "native").mkdir()
    with pytest.raises(BuildError, match=r"no tarball of debian"):
        source_changes(package(tmp_path / "native", native=True))
