"""The record of a finished build: there only where everything is, whole and unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from debgen.building.record import Built, hash_of, installed, load, moved_on, save
from debgen.building.result import BuildResult

NAMES = ("tiny_1.0-1.dsc", "python3-tiny_1.0-1_all.deb", "tiny_1.0-1_amd64.buildinfo")
BUILDINFO = """\
Format: 1.0
Source: tiny
Installed-Build-Depends:
 base-files (= 14.2),
 gcc-16-base:amd64 (= 16.2.0-4),
 dpkg (= 1:1.23~rc1+b2)
Environment:
 LANG="C.UTF-8"
"""


def finished(folder: Path) -> tuple[Built, BuildResult]:
    """A build whose files are all there."""
    sums = []
    for name in NAMES:
        (folder / name).write_text(BUILDINFO if name.endswith("info") else name)
        size, digest = (folder / name).stat().st_size, hash_of(folder / name)
        sums.append((name, size, digest, hashlib.md5((folder / name).read_bytes()).hexdigest()))  # noqa: S324
    changes = folder / "tiny_1.0-1_amd64.changes"
    changes.write_text(
        "Source: tiny\nVersion: 1.0-1\nArchitecture: source all\nChecksums-Sha256:\n"
        + "".join(f" {digest} {size} {name}\n" for name, size, digest, _ in sums)
        + "Files:\n"
        + "".join(f" {md5} {size} python optional {name}\n" for name, size, _, md5 in sums)
    )
    log = folder / "tiny.build.log"
    log.write_text("the log")
    built = Built(
        name="tiny", release="1.0", source="tiny", version="1.0-1", package="python3-tiny", packages=("python3-tiny",),
        dsc=hash_of(folder / NAMES[0]), changes=hash_of(changes), needs={"other": "abc"}, how="how", seconds=2.0,
        file=changes.name,
    )  # fmt: skip
    result = BuildResult(changes, folder / NAMES[0], (folder / NAMES[1],), folder / NAMES[2], log, 2.0)
    save(built, result)
    return built, result


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert finished(tmp_path) == load(tmp_path)


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / NAMES[1]).unlink(),
        lambda folder: (folder / NAMES[1]).write_text("python3-tiny_1.0-1_all.bed"),  # as long as it was
        lambda folder: (folder / "tiny_1.0-1_amd64.changes").write_text("Source: tiny\n"),
        lambda folder: (folder / "tiny.build.log").unlink(),
        lambda folder: (folder / "built.json").write_text("{"),
        lambda folder: (folder / "built.json").write_text('{"format": 0}'),
        lambda folder: (folder / "built.json").write_text("[]"),
    ],
)
def test_what_is_not_whole_is_not_found(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    finished(tmp_path)
    harm(tmp_path)
    assert load(tmp_path) is None


def test_what_was_installed_in_a_build_and_has_moved_on(tmp_path: Path) -> None:
    _, result = finished(tmp_path)
    versions = {"base-files": "14.2", "gcc-16-base": "16.2.0-4", "dpkg": "1:1.23~rc1+b2"}
    assert installed(result.buildinfo) == versions
    assert moved_on(result.buildinfo, versions.get) == ()
    assert moved_on(result.buildinfo, {**versions, "base-files": "14.3"}.get) == ("base-files",)
    assert moved_on(result.buildinfo, {"dpkg": "1:1.23~rc1+b2"}.get) == ("base-files", "gcc-16-base")


def test_a_signature_around_a_buildinfo_does_not_matter(tmp_path: Path) -> None:
    signed = tmp_path / "a.buildinfo"
    signed.write_text(
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{BUILDINFO}\n-----BEGIN PGP SIGNATURE-----\n"
    )
    assert len(installed(signed)) == 3
