"""What is asked to be borrowed, and what a build sees of it: as apt's preferences have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from borrow_cases import forky, opened, packages, sid

from debgen.archive.borrow import Borrow, BuildPackages, Lender, joined, parse_borrow, preferences, relation_names
from debgen.errors import UsageError


def test_what_the_option_says() -> None:
    assert parse_borrow("forky:librust-*") == parse_borrow("forky") == Borrow("forky", ("librust-*",))
    assert parse_borrow("trixie:libfoo1.0+x-dev") == Borrow("trixie", ("libfoo1.0+x-dev",))
    both = joined(map(parse_borrow, ("forky:librust-a*", "trixie", "forky:librust-b*", "forky:librust-a*")))
    assert both == (Borrow("forky", ("librust-a*", "librust-b*")), Borrow("trixie", ("librust-*",)))
    assert [word for borrow in both for word in borrow.words()] == [
        "forky:librust-a*", "forky:librust-b*", "trixie:librust-*",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no suite"),
        (":librust-*", "names no suite"),
        ("forky:", "empty pattern"),
        ("forky:librust-* libfoo", "no pattern"),
        ("forky:librust-a,librust-b", "no pattern"),
        ("forky:Librust", "no pattern"),
        ("forky:a\nPin: b", "no pattern"),
        ("forky:*", "take libc6.*python3.*build for forky"),
        ("forky:????*", "libc6"),
        ("forky:python3", "take python3 from"),
        ("forky:g*c", "take gcc from"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        parse_borrow(text)
    assert caught.value.hint


def test_apt_is_told_to_take_nothing_else_and_the_first_suite_first() -> None:
    told = preferences([Borrow("forky", ("librust-a*", "librust-b*")), Borrow("trixie", ("librust-*",))])
    assert told == (
        "Package: librust-a* librust-b*\nPin: release n=forky\nPin-Priority: 990\n\n"
        "Package: *\nPin: release n=forky\nPin-Priority: -1\n\n"
        "Package: librust-*\nPin: release n=trixie\nPin-Priority: 989\n\n"
        "Package: *\nPin: release n=trixie\nPin-Priority: -1\n"
    )


def test_what_matches_comes_from_the_other_suite_and_nothing_else_does(tmp_path: Path) -> None:
    seen = packages(tmp_path)
    versions = {
        "librust-zip-dev": "5.1.1-1",  # though it is lower
        "librust-pyo3-dev": "0.28.2-2",
        "librust-only-in-sid-dev": "1.0-1",
        "librust-only-in-forky-dev": "2.0-1",
        "gcc": "16",
        "librust-contrib-dev": None,
        "librust-nosuch-dev": None,
    }
    assert {name: seen.version_of(name) for name in versions} == versions
    assert {name for name in versions if seen.origin(name) == "forky"} == {
        "librust-zip-dev", "librust-only-in-forky-dev",
    }  # fmt: skip
    assert not any(seen.origin(name) for name in versions.keys() - {"librust-zip-dev", "librust-only-in-forky-dev"})


def test_provided_names_are_those_of_the_packages_that_are_seen(tmp_path: Path) -> None:
    seen = packages(tmp_path)
    assert seen.provided("librust-zip-9-dev") == ()
    assert [(e.package, e.version) for e in seen.provided("librust-zip-5-dev")] == [("librust-zip-dev", "5.1.1-1")]
    assert [e.package for e in seen.provided("librust-shared-dev")] == ["librust-only-in-sid-dev", "librust-zip-dev"]
    assert seen.provided("librust-faked-dev") == ()  # forky's gcc is not seen
    assert [(e.package, e.version) for e in seen.provided("librust-zip-dev")] == [("librust-zip-dev", "5.1.1-1")]
    names = [(binary.name, binary.version) for binary in seen.starting("librust-")]
    assert names == [
        ("librust-only-in-forky-dev", "2.0-1"), ("librust-only-in-sid-dev", "1.0-1"),
        ("librust-pyo3-dev", "0.28.2-2"), ("librust-zip-dev", "5.1.1-1"),
    ]  # fmt: skip


def test_without_lenders_it_is_the_suite(tmp_path: Path) -> None:
    with sid(tmp_path) as index:
        seen = BuildPackages(index)
        assert seen.starting("lib") == index.starting("lib")
        assert seen.provided("librust-zip-9-dev") == index.provided("librust-zip-9-dev")
        assert seen.binary("gcc") == index.binary("gcc")
        assert (seen.codename, seen.architecture) == ("sid", "amd64")
        assert not seen.concerns(["librust-zip-dev"])
        assert seen.origin("librust-zip-dev") == ""


def test_of_several_lenders_the_first_that_has_it_counts(tmp_path: Path) -> None:
    old = opened(
        tmp_path, "stable", "trixie",
        "Package: librust-zip-dev\nVersion: 2-1\n\nPackage: librust-old-dev\nVersion: 1-1\n\n"
        "Package: python3\nVersion: 3.13.5-1\n\nPackage: libc6\nVersion: 2.41-1\n",
    )  # fmt: skip
    lenders = [
        Lender(Borrow("forky", ("librust-zip-*",)), forky(tmp_path)),
        Lender(Borrow("trixie", ("librust-*",)), old),
    ]
    seen = BuildPackages(sid(tmp_path), lenders)
    assert (seen.version_of("librust-zip-dev"), seen.origin("librust-zip-dev")) == ("5.1.1-1", "forky")
    assert (seen.version_of("librust-old-dev"), seen.origin("librust-old-dev")) == ("1-1", "trixie")
    assert seen.version_of("librust-only-in-forky-dev") is None
    assert seen.codename == "sid with forky's librust-zip-* and trixie's librust-*"


def test_who_asks_for_anything_of_it(tmp_path: Path) -> None:
    seen = packages(tmp_path, "librust-zip-dev")
    assert seen.concerns(["python3", "librust-zip-dev"])
    assert seen.concerns(["zip-provider"])
    assert not seen.concerns(["python3", "librust-pyo3-dev", "librust-zip-9-dev"])
    fields = (
        "debhelper-compat (= 14), dh-cargo [amd64] <!nocheck>,\n librust-a-dev (>= 1) | librust-b-dev:native",
        "x",
    )
    assert relation_names(*fields) == ("debhelper-compat", "dh-cargo", "librust-a-dev", "librust-b-dev", "x")
