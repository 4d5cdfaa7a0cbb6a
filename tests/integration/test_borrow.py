"""Packages borrowed from another suite: the same ones by apt, by the plan and in a build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from debgen.archive.aptroot import AptRoot
from debgen.archive.borrow import Borrow, BuildPackages, Lender
from debgen.archive.buildroot import BuildRoot
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.archive.solver import Solver
from debgen.building.borrowed import lent_to, source_of, uses
from debgen.building.chroots import ChrootStore
from debgen.building.record import installed, moved_on
from debgen.building.sbuild import build
from debgen.building.warm import WarmChroots
from debgen.run import run
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

CONTROL = """\
Source: tiny-borrower
Section: misc
Maintainer: T <t@example.org>
Build-Depends: debhelper-compat (= 13), {package}
Standards-Version: 4.7.2

Package: tiny-borrower
Architecture: all
Depends: ${{misc:Depends}}
Description: package that needs something to be built
 It is for tests.
"""
CHANGELOG = """\
tiny-borrower (1) unstable; urgency=medium

  * Initial release.

 -- T <t@example.org>  Mon, 02 Nov 2026 10:00:00 +0000
"""


@pytest.fixture(scope="module")
def mirror() -> MirrorSettings:
    return mirror_settings(ignore_valid_until=True)


@pytest.fixture(scope="module")
def sid(mirror: MirrorSettings) -> Iterator[SuiteIndex]:
    with open_suite("sid", mirror) as index:
        yield index


@pytest.fixture(scope="module")
def seen(sid: SuiteIndex, mirror: MirrorSettings) -> Iterator[BuildPackages]:
    """What a build for sid sees that takes the crates of trixie."""
    with open_suite("trixie", mirror) as trixie:
        yield BuildPackages(sid, [Lender(Borrow("trixie", ("librust-*",)), trixie)])


@pytest.fixture(scope="module")
def root(seen: BuildPackages, mirror: MirrorSettings) -> BuildRoot:
    return BuildRoot.of(AptRoot("sid", mirror), seen.lenders)


def test_apt_chooses_what_the_plan_sees(seen: BuildPackages, sid: SuiteIndex, root: BuildRoot) -> None:
    crates = [binary.name for binary in seen.starting("librust-")]
    others = ["python3", "libc6", "gcc", "rustc", "cargo", "python3-all-dev", "libssl-dev"]
    with root.locked():
        told = run(["apt-cache", "policy", *crates, *others], env=root.apt_env()).stdout
    chosen = dict(re.findall(r"^(\S+?)(?::\w+)?:\n +Installed: .*\n +Candidate: (\S+)$", told, re.MULTILINE))
    assert {name: seen.version_of(name) for name in crates} == {name: chosen.get(name) for name in crates}
    assert {name: sid.version_of(name) for name in others} == {name: chosen[name] for name in others}
    borrowed = [name for name in crates if seen.origin(name)]
    assert len(borrowed) > 100
    assert all(seen.origin(name) == "trixie" for name in borrowed)


def test_a_build_gets_them_and_all_else_from_its_suite(
    seen: BuildPackages, sid: SuiteIndex, root: BuildRoot, mirror: MirrorSettings, tmp_path: Path
) -> None:
    crates = [b for b in seen.starting("librust-") if seen.origin(b.name) and sid.version_of(b.name)]
    solver = Solver(seen, root)
    package = next(
        crate.name for crate in sorted(crates, key=lambda crate: (len(crate.depends), crate.name))
        if solver.check([crate.name])[crate.name] is None
    )  # fmt: skip
    tree = tmp_path / "tiny-borrower-1"
    (tree / "debian/source").mkdir(parents=True)
    (tree / "debian/control").write_text(CONTROL.format(package=package))
    (tree / "debian/changelog").write_text(CHANGELOG)
    (tree / "debian/source/format").write_text("3.0 (native)\n")
    (tree / "debian/rules").write_text("#!/usr/bin/make -f\n%:\n\tdh $@\n")
    (tree / "debian/rules").chmod(0o755)
    run(["dpkg-source", "--build", tree.name], cwd=tmp_path)
    dsc = tmp_path / "tiny-borrower_1.dsc"
    assert uses(dsc, seen)
    chroot = ChrootStore(cache_directory("chroots"), mirror).ensure("sid", index_key=sid.date.isoformat())
    borrowed, warm = source_of(seen, mirror), WarmChroots(tmp_path / "warm")
    first = build(dsc, chroot, tmp_path / "first", borrowed=borrowed, warm=warm)
    lent = lent_to(first.buildinfo, seen, sid, ())
    (own,) = (entry for entry in lent if entry.package == package)
    assert (own.version, own.suite, own.own) == (seen.version_of(package), "trixie", sid.version_of(package))
    # Whatever wasn't borrowed is sid's, in its version.
    differs = moved_on(first.buildinfo, sid.version_of)
    assert set(differs) == {entry.package for entry in lent}
    assert not moved_on(first.buildinfo, seen.version_of)
    # A kept chroot has the same in it, and isn't one for builds that don't borrow.
    second = build(dsc, chroot, tmp_path / "second", borrowed=borrowed, warm=warm)
    assert "debgen-borrowed" not in second.log.read_text()
    assert installed(second.buildinfo) == installed(first.buildinfo)
    assert second.debs[0].read_bytes() == first.debs[0].read_bytes()
    assert len(list((tmp_path / "warm").glob("*.tar"))) == 1
