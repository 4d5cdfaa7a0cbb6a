"""The pure parts of the way from a requirement to a source package."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from planning_cases import plan as small_plan

from debgen.debianize.fixmes import Fixme
from debgen.debianize.model import SourcePackage, Unmet
from debgen.errors import BlockedError, DebgenError, NoSdistError, UsageError
from debgen.fetching import check_identity, release_date
from debgen.pipeline import (
    _extension,
    choose_release,
    parse_name,
    refuse_unready,
    releases_of,
)
from debgen.planning.model import Variant
from debgen.sourcetexts import source_texts
from debgen.upstream.facts import read_facts
from debgen.upstream.model import FileKind, ReleaseFile

FILE = ReleaseFile("foo-1.0.tar.gz", "https://example.org/foo-1.0.tar.gz", "1.0", FileKind.SDIST)
PACKAGE = SourcePackage("foo", "1.0-1", "unstable", "python3-foo", {}, frozenset(), (), (), ())


@pytest.mark.parametrize(
    ("text", "name", "bounds"),
    [("Foo_Bar", "foo-bar", ""), ("foo==1.0", "foo", "==1.0"), ("foo >=1, <2", "foo", "<2,>=1"), (" foo ", "foo", "")],
)
def test_names(text: str, name: str, bounds: str) -> None:
    found, specifier = parse_name(text)
    assert (found, str(specifier)) == (name, bounds)


@pytest.mark.parametrize(
    "text", ["", "foo bar", "foo=1", "../foo", "foo[x]", "foo; python_version>'3'", "foo @ https://x.example/y.zip"]
)
def test_no_names(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_name(text)
    assert caught.value.hint


def sdist(root: Path, name: str = "foo", version: str = "1.0") -> Path:
    (root / "tests").mkdir(parents=True)
    (root / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (root / "LICENSE").write_text("MIT\n")
    (root / "tests/test_a.py").write_text("import pytest\n")
    return root


def test_an_sdist_must_be_what_was_asked_for(tmp_path: Path) -> None:
    facts = read_facts(sdist(tmp_path, "Foo", "1.0.0"))
    check_identity(facts, "foo", "1.0")
    for name, version in (("bar", "1.0"), ("foo", "1.1")):
        with pytest.raises(DebgenError, match=r"says that it is Foo 1\.0\.0"):
            check_identity(facts, name, version)
    rc = read_facts(sdist(tmp_path / "rc", "foo", "2.0-rc.1"))
    check_identity(rc, "foo", "2.0rc1")


def test_texts(tmp_path: Path) -> None:
    root = sdist(tmp_path)
    texts = source_texts(root, read_facts(root))
    assert texts == {"LICENSE": "MIT\n", "tests/test_a.py": ""}


def test_dates_never_come_from_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = sdist(tmp_path)
    for number, path in enumerate(p for p in root.rglob("*") if p.is_file()):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert release_date(FILE, root) == datetime.fromtimestamp(1_000_000_002, UTC)
    uploaded = replace(FILE, uploaded="2026-10-29T17:30:12.123456+02:00")
    assert release_date(uploaded, root) == datetime(2026, 10, 29, 15, 30, 12, tzinfo=UTC)
    assert release_date(replace(FILE, uploaded="2026-10-29T15:30:12Z"), root).tzinfo is UTC
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert release_date(uploaded, root) == datetime(1970, 1, 2, tzinfo=UTC)
    for wrong in ("yesterday", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
            release_date(uploaded, root)


def test_what_is_not_ready_is_refused_with_all_reasons() -> None:
    refuse_unready(PACKAGE, "sid")
    lacking = replace(
        PACKAGE, unmet=(Unmet(Requirement("a>=1"), "", ""), Unmet(Requirement("b<2"), "python3-b", "3-1"))
    )
    with pytest.raises(BlockedError) as caught:
        refuse_unready(lacking, "sid")
    assert "a>=1: the suite has no package of it" in str(caught.value)
    assert "b<2: the suite has python3-b 3-1" in str(caught.value)
    with pytest.raises(BlockedError, match="debian/copyright: who"):
        refuse_unready(replace(PACKAGE, fixmes=(Fixme("debian/copyright", "who"),)), "sid")


def test_extensions_that_dpkg_source_takes() -> None:
    names = ("a-1.0.tar.gz", "a-1.0.tar.xz", "a-1.0.tar.bz2", "a-1.0.tgz", "orig.tar.xz")
    assert [_extension(Path(name)) for name in names] == [".tar.gz", ".tar.xz", ".tar.bz2", ".tar.gz", ".tar.xz"]


def release_file(version: str, kind: FileKind, requires_python: str = "") -> ReleaseFile:
    return ReleaseFile(f"x-{version}", "https://index.invalid/x", version, kind, requires_python=requires_python)


class FewFiles:
    """The part of an index client that choosing needs."""

    def __init__(self, *files: ReleaseFile) -> None:
        self._files = files

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        return self._files

    def versions(self, name: str) -> tuple[str, ...]:
        return tuple(file.version for file in self._files)

    def sdist_of(self, name: str, version: str) -> ReleaseFile:
        raise NoSdistError(f"{name} {version}")


def test_only_releases_that_run_and_have_an_sdist_are_considered() -> None:
    client = FewFiles(
        release_file("4", FileKind.SDIST, ">=3.15"),
        release_file("3", FileKind.WHEEL),
        release_file("2", FileKind.SDIST, "nonsense"),
        release_file("1", FileKind.SDIST, ">=3.8"),
    )
    bench: Any = SimpleNamespace(index=SimpleNamespace(python_version="3.14"), client=client)
    assert releases_of("x", SpecifierSet(), bench) == ["2", "1"]
    with pytest.raises(NoSdistError, match="x 3"):
        releases_of("x", SpecifierSet(">=3"), bench)
    assert releases_of("x", SpecifierSet(">=4"), bench) == []


def test_the_root_of_a_plan_is_packaged_as_its_plan_has_it() -> None:
    """A newer release may be one whose requirements the index can't meet."""
    client = FewFiles(*(release_file(version, FileKind.SDIST) for version in ("3.0", "2.0", "1.0")))
    bench: Any = SimpleNamespace(
        index=SimpleNamespace(codename="sid", python_version="3.14"), client=client,
        variant=lambda name, wanted: Variant("cpu", "because"),
        plan=lambda *args, **more: small_plan({"x": ["low"], "low": []}, {}),
    )  # fmt: skip
    settings: Any = SimpleNamespace(variant="")
    assert choose_release("x", "x", bench, settings) == ("x", "2.0")
    assert choose_release("x>=1", "x", bench, settings) == ("x", "2.0")
