"""Two small suites, one of which lends to the other, for the tests of what is borrowed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from debgen.archive.borrow import Borrow, BuildPackages, Lender
from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.model import ListFile, ListKind, Release

COMMON = """\
Package: python3
Version: 3.14.8-1

Package: libc6
Version: 2.43-2
"""
SID = f"""\
{COMMON}
Package: librust-pyo3-dev
Version: 0.28.2-2
Depends: librust-zip-dev
Provides: librust-pyo3-0.28-dev (= 0.28.2-2)

Package: librust-zip-dev
Version: 9.0.5-1
Depends: librust-typed-path-dev
Provides: librust-zip-9-dev (= 9.0.5-1)

Package: librust-only-in-sid-dev
Version: 1.0-1
Provides: librust-shared-dev (= 1.0-1)

Package: gcc
Version: 16
"""
FORKY = f"""\
{COMMON}
Package: librust-pyo3-dev
Version: 0.28.2-2
Depends: librust-zip-dev
Provides: librust-pyo3-0.28-dev (= 0.28.2-2)

Package: librust-zip-dev
Version: 5.1.1-1
Provides: librust-zip-5-dev (= 5.1.1-1), librust-shared-dev (= 5.1.1-1), zip-provider

Package: librust-only-in-forky-dev
Version: 2.0-1

Package: gcc
Version: 15
Provides: librust-faked-dev
"""
CONTRIB = """\
Package: librust-contrib-dev
Version: 1-1
"""


def opened(folder: Path, suite: str, codename: str, packages: str, contrib: str = "") -> SuiteIndex:
    """An index of a suite with these packages."""
    lists = []
    for component, text in (("main", packages), ("contrib", contrib)):
        path = folder / f"{codename}-{component}"
        path.write_text(text)
        lists.append(ListFile(ListKind.PACKAGES, component, path))
    release = Release(suite, codename, datetime(2026, 10, 30, tzinfo=UTC), ("main", "contrib"))
    build_index(folder / f"{codename}.index", key="k", release=release, architecture="amd64", lists=tuple(lists))
    return SuiteIndex(folder / f"{codename}.index")


def sid(folder: Path) -> SuiteIndex:
    """The suite to build for."""
    return opened(folder, "unstable", "sid", SID)


def forky(folder: Path) -> SuiteIndex:
    """The suite that lends."""
    return opened(folder, "testing", "forky", FORKY, CONTRIB)


def packages(folder: Path, *patterns: str) -> BuildPackages:
    """What a build for sid sees that borrows what matches ``patterns`` from forky."""
    return BuildPackages(sid(folder), [Lender(Borrow("forky", patterns or ("librust-*",)), forky(folder))])
