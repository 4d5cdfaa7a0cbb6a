"""What a suite has of a source, read from its packages; apt and dpkg are made up."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from debgen.archive.held import HeldSource, held_source, parse_binaries, without_rebuilds
from debgen.archive.model import Binary
from debgen.errors import CommandError
from debgen.run import Completed

SHOWN = """\
Package: python3-foo
Source: foo
Version: 1.0-1+b1
Architecture: amd64
Maintainer: A Team <team@lists.example.org>
Depends: python3,
 libc6
Description: a foo
 long
Section: contrib/python
Size: 1000

Package: foo-common
Version: 1.0-1
Architecture: all
Size: 10

Package: foo-common
Version: 0.9-1
Size: 5
"""
ENTRY = "foo (1.0-1) unstable; urgency=medium\n\n  * x\n\n -- A <a@b.c>  Mon, 05 Jan 2026 12:00:00 +0000\n"
REBUILD = ENTRY.replace("1.0-1)", "1.0-1+b1)").replace("urgency=medium", "urgency=low, binary-only=yes")


class Index:
    """The part of a suite's index that is asked."""

    codename, architecture = "sid", "amd64"

    def binary(self, name: str) -> Binary | None:
        return next((b for b in self.source_binaries("foo") if b.name == name), None)

    def source_binaries(self, source: str) -> tuple[Binary, ...]:
        def made(name: str, version: str, held: str) -> Binary:
            return Binary(name, version, "all", "foo", held, "main", "python", "", "", "")

        return (
            made("foo-common", "1.0-1", "1.0-1"), made("foo-gone", "0.9-1", "0.9-1"),
            made("python3-foo", "1.0-1+b1", "1.0-1"),
        )  # fmt: skip


class Root:
    """An apt root that does nothing."""

    def locked(self) -> Any:
        return nullcontext()

    def apt_env(self) -> dict[str, str]:
        return {}


class Machine:
    """apt and dpkg-deb: ``packages`` has the files of each package by path."""

    def __init__(self, packages: dict[str, dict[str, bytes | Path]]) -> None:
        self.packages = packages
        self.asked: list[str] = []

    def __call__(self, argv: Sequence[str | Path], *, cwd: Path | None = None, **_: Any) -> Completed:
        words = [str(word) for word in argv]
        if words[0] == "apt-cache":
            assert sorted(words[2:]) == ["foo-common=1.0-1", "python3-foo=1.0-1+b1"]
            return Completed(tuple(words), 0, SHOWN, "")
        if words[0] == "apt-get":
            name = words[2].partition("=")[0]
            self.asked.append(name)
            if name not in self.packages:
                raise CommandError("apt-get failed", returncode=100, output="W: x\nE: no such thing\n")
            assert cwd is not None
            (cwd / f"{name}.deb").touch()
        else:
            for path, data in self.packages[Path(words[2]).stem].items():
                target = Path(words[3]) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(data) if isinstance(data, Path) else target.write_bytes(data)
        return Completed(tuple(words), 0, "", "")


def found(packages: dict[str, dict[str, bytes | Path]]) -> tuple[HeldSource, Machine]:
    machine = Machine(packages)
    held = held_source(cast(Any, Index()), cast(Any, Root()), "python3-foo", run=machine)
    assert held is not None
    return held, machine


DOC = "usr/share/doc/python3-foo"
WHOLE: dict[str, bytes | Path] = {
    f"{DOC}/changelog.Debian.gz": gzip.compress(
        (REBUILD + "\n" + ENTRY + "# Older entries have been removed\n").encode()
    ),
    f"{DOC}/changelog.Debian.amd64.gz": gzip.compress(REBUILD.encode()),
    f"{DOC}/copyright": b"Format: x\n",
    "usr/bin/foo": b"",
}


def test_the_paragraphs_of_apt() -> None:
    common, foo = parse_binaries(SHOWN)
    assert (common.name, common.version, common.relations) == ("foo-common", "1.0-1", {})
    assert (foo.section, foo.size, foo.synopsis) == ("contrib/python", 1000, "a foo")
    assert foo.relations == {"Depends": "python3, libc6"}


def test_rebuilds_are_left_out() -> None:
    assert without_rebuilds(f"{REBUILD}\n{ENTRY}") == ENTRY
    assert without_rebuilds("# nothing\n") == ""


def test_all_is_in_one_package_and_read_once() -> None:
    held, machine = found({"python3-foo": WHOLE})
    assert (held.source, held.version, held.changelog, held.copyright) == ("foo", "1.0-1", ENTRY, "Format: x\n")
    assert (held.note, held.maintainer) == ("", "A Team <team@lists.example.org>")
    assert set(held.files) == {
        f"{DOC}/changelog.Debian.amd64.gz",
        f"{DOC}/changelog.Debian.gz",
        f"{DOC}/copyright",
        "usr/bin/foo",
    }
    assert machine.asked == ["python3-foo"]
    again, machine = found({})
    assert (again, machine.asked) == (held, [])


def test_a_linked_doc_folder_leads_to_another_package() -> None:
    common = {path.replace("python3-foo", "foo-common"): data for path, data in WHOLE.items()}
    held, machine = found({"python3-foo": {DOC: Path("foo-common"), "usr/bin/foo": b""}, "foo-common": common})
    assert (held.changelog, set(held.files)) == (ENTRY, {DOC, "usr/bin/foo"})
    assert machine.asked == ["python3-foo", "foo-common"]


def test_a_native_package() -> None:
    held, _ = found({"python3-foo": {f"{DOC}/changelog.gz": gzip.compress(ENTRY.encode())}})
    assert held.changelog == ENTRY


@pytest.mark.parametrize(
    "files",
    [
        {}, {f"{DOC}/changelog.Debian.gz": b"broken"}, {f"{DOC}/changelog.Debian.gz": Path("/etc/passwd")},
        {f"{DOC}/changelog.gz": gzip.compress(b"Upstream's own changes\n")},
    ],
)  # fmt: skip
def test_what_can_t_be_had_is_a_note(files: dict[str, bytes | Path]) -> None:
    held, _ = found({"python3-foo": files})
    assert held.changelog == ""
    assert held.note == "python3-foo has no changelog of foo; apt can't fetch foo-common 1.0-1: no such thing"
    assert found({"python3-foo": WHOLE})[0].changelog == ENTRY  # a failure isn't remembered


def test_what_the_suite_lacks() -> None:
    assert held_source(cast(Any, Index()), cast(Any, Root()), "python3-bar", run=Machine({})) is None
