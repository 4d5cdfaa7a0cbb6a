"""What a newer version of a package breaks, in a small suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.model import ListFile, ListKind, RelationField, Release
from debgen.archive.relation import Relation, clauses, compare, parse_clause
from debgen.archive.reverse import Broken, broken_by

PACKAGES = """\
Package: python3
Version: 3.14.2-1

Package: libc6
Version: 2.43-2

Package: python3-click
Source: click
Version: 1:8.1.8-1
Provides: python3-clique (= 1:8.1.8-1), python3-clicker, python3-click-api (= 8)

Package: python3-click-extra
Source: click
Version: 1:8.1.8-1
Depends: python3-click (= 1:8.1.8-1)

Package: python3-other
Version: 1-1
Provides: python3-clique (= 1:8.0-1)

Package: below
Source: below-source (2)
Version: 2+b1
Depends: python3:any, python3-click (<< 1:9), python3-click (>= 1:8)

Package: strictly
Version: 1
Pre-Depends: python3-click (= 1:8.1.8-1)
Recommends: python3-click (<= 1:8.2)

Package: alternative
Version: 1
Depends: python3-click (<< 1:9) | python3-other, python3-click (<< 1:9) | nosuch

Package: sibling
Version: 1
Depends: nosuch | python3-click-extra (<< 1:9)

Package: virtual
Version: 1
Depends: python3-clique (= 1:8.1.8-1), python3-clique (<< 1:9), python3-clicker, python3-click-api (<< 9)

Package: other-number
Version: 1
Depends: python3-clique (= 1:8.1.8-1) | python3-click-api (<< 9)

Package: loose
Version: 1
Depends: python3-click (>= 1:8), python3-click
Suggests: python3-click (<< 1:9)

Package: broken-anyway
Version: 1
Depends: python3-click (<< 1:8)

Package: refuses
Version: 1
Breaks: python3-click (>> 1:8.5), python3-click (<< 1:7)
Conflicts: python3-click (>= 1:9~), python3-click (>= 1:6)
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SuiteIndex]:
    (tmp_path / "Packages").write_text(PACKAGES)
    release = Release("unstable", "sid", datetime(2026, 10, 30, tzinfo=UTC), ("main",))
    lists = (ListFile(ListKind.PACKAGES, "main", tmp_path / "Packages"),)
    build_index(tmp_path / "index", key="k", release=release, architecture="amd64", lists=lists)
    with SuiteIndex(tmp_path / "index") as opened:
        yield opened


def told(index: SuiteIndex, version: str, package: str = "python3-click") -> list[tuple[str, str, str]]:
    return [(found.package, found.field.value, found.relation) for found in broken_by(index, package, version)]


def test_every_clause_that_holds_no_more_is_named(index: SuiteIndex) -> None:
    assert told(index, "1:9.0-1") == [
        ("alternative", "Depends", "python3-click (<< 1:9) | nosuch"),
        ("below", "Depends", "python3-click (<< 1:9)"),
        ("refuses", "Breaks", "python3-click (>> 1:8.5)"),
        ("refuses", "Conflicts", "python3-click (>= 1:9~)"),
        ("strictly", "Pre-Depends", "python3-click (= 1:8.1.8-1)"),
        ("strictly", "Recommends", "python3-click (<= 1:8.2)"),
        ("virtual", "Depends", "python3-clique (= 1:8.1.8-1)"),
    ]


def test_a_smaller_step_breaks_less(index: SuiteIndex) -> None:
    assert told(index, "1:8.1.9-1") == [
        ("strictly", "Pre-Depends", "python3-click (= 1:8.1.8-1)"),
        ("virtual", "Depends", "python3-clique (= 1:8.1.8-1)"),
    ]
    assert told(index, "1:8.1.8-1") == []


def test_all_binaries_of_the_source_get_the_new_version(index: SuiteIndex) -> None:
    assert told(index, "1:9.0-1", "python3-click-extra") == [
        ("sibling", "Depends", "nosuch | python3-click-extra (<< 1:9)")
    ]


def test_the_source_of_what_breaks_is_known(index: SuiteIndex) -> None:
    assert Broken("below", "below-source", RelationField.DEPENDS, "python3-click (<< 1:9)") in broken_by(
        index, "python3-click", "1:9.0-1"
    )


def test_a_package_that_the_suite_lacks_breaks_nothing(index: SuiteIndex) -> None:
    assert broken_by(index, "nosuch", "9") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", (Relation("a"),)),
        ("a:any (>= 1.0~) | b+c", (Relation("a", ">=", "1.0~", "any"), Relation("b+c"))),
        ("a(=1)", (Relation("a", "=", "1"),)),
        ("a ( << 2:1-1 )", (Relation("a", "<<", "2:1-1"),)),
        ("a (< 1)", (Relation("a", "<<", "1"),)),
        ("a (1)", ()),
        ("a | ", ()),
        ("", ()),
        ("a b", ()),
        ("-o=x", ()),
        ("a [amd64]", ()),
        ("a, b", ()),
    ],
)
def test_clauses_are_read(text: str, expected: tuple[Relation, ...]) -> None:
    assert parse_clause(text) == expected


def test_a_clause_is_written_as_control_files_have_it() -> None:
    assert str(parse_clause("a:any(>=1)")[0]) == "a:any (>= 1)"
    assert clauses(" a | b,\tc (>= 1),") == ("a | b", "c (>= 1)")


@pytest.mark.parametrize(
    ("relation", "version", "allowed"),
    [
        ("a (<< 1)", "1~rc1", True),
        ("a (<< 1)", "1", False),
        ("a (<= 1)", "1", True),
        ("a (= 1-1)", "1-1+b1", False),
        ("a (>> 1.9)", "1.10", True),
        ("a (>= 1:1)", "2", False),
        ("a (>= 1)", "", False),
        ("a", "", True),
    ],
)
def test_bounds(relation: str, version: str, allowed: bool) -> None:
    assert parse_clause(relation)[0].allows(version) is allowed


def test_versions_compare_as_dpkg_orders_them() -> None:
    assert (compare("1.0~", "1.0"), compare("1.0", "1.0"), compare("1:0", "9")) == (-1, 0, 1)
