"""PEP 440 against Debian's order: each relation is checked with dpkg's comparison, not with our own idea of it."""

from __future__ import annotations

import re

import pytest
from debian.debian_support import NativeVersion
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.archive.versions import debian_upstream, relations, split_debian, upstream_version


def satisfies(debian: str, wanted: tuple[str, ...], package: str = "p") -> bool:
    """What dpkg would say, from the relations' text alone."""
    return all(
        any(_holds(debian, alternative.strip(), package) for alternative in relation.split("|")) for relation in wanted
    )


def _holds(debian: str, relation: str, package: str) -> bool:
    if relation == package:
        return True
    found = re.fullmatch(rf"{package} \((>=|<<) ([0-9][0-9A-Za-z.+:~-]*)\)", relation)
    assert found, f"not a relation: {relation}"
    ours, bound = NativeVersion(debian), NativeVersion(found[2])
    return bool(ours >= bound) if found[1] == ">=" else bool(ours < bound)


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1.2.3-1", "1.2.3"),
        ("1:2.4.6+ds-5+b1", "2.4.6"),
        ("2.32.3+dfsg-5+deb13u1", "2.32.3"),
        ("2.28.1+dfsg1-1~bpo11+1", "2.28.1"),
        ("1.0.dfsg.2-1", "1.0"),
        ("0.9.8~dfsg-1", "0.9.8"),
        ("1.5.0~ds1-1", "1.5.0"),
        ("1.0~rc1-2", "1.0rc1"),
        ("2.0~b3+dfsg-1", "2.0b3"),
        ("2.0~beta2-1", "2.0b2"),
        ("3.1~a1-1", "3.1a1"),
        ("3.1~alpha.2-1", "3.1a2"),
        ("1.2~dev4-1", "1.2.dev4"),
        ("1.2.0~git20240102.abc123-1", "1.2.0.dev20240102"),
        ("0~20210616-1.1+b5", "0.dev20210616"),
        ("0.0~git-1", "0.0.dev0"),
        ("9.0.0+git20221119-3", "9.0.0"),
        ("0.18.1+~0.6.6-1", "0.18.1"),
        ("2.0+really1.5.2+dfsg-1", "1.5.2"),
        ("0.2.2+really+0.1-1", "0.1"),
        ("1.0.post2-1", "1.0.post2"),
        ("1.0+post2-1", "1.0.post2"),
        ("1.0-rc1-3", "1.0rc1"),
        ("2026f-1", "2026.6"),
        ("1:14.0-55.7~deb12u1", "14.0"),
        ("3.14.7+nmu1", "3.14.7"),
        ("2024.07.04-1", "2024.7.4"),
        ("4.4.0~legacy20230509.35df986-8", "4.4.0"),
        ("r1234-1", "0"),
    ],
)
def test_upstream_version_of_a_debian_version(debian: str, upstream: str) -> None:
    assert upstream_version(debian) == upstream


@pytest.mark.parametrize(
    ("pep440", "debian"),
    [
        ("1.0", "1.0"),
        ("1.0rc1", "1.0~rc1"),
        ("1.0a2", "1.0~a2"),
        ("1.0-beta.3", "1.0~b3"),
        ("1.0.post1", "1.0.post1"),
        ("1.0.dev3", "1.0~dev3"),
        ("1!2.0rc1.post2.dev3+local.1", "1:2.0~rc1.post2~dev3+local.1"),
        ("2024.07.04", "2024.7.4"),
    ],
)
def test_debian_version_of_an_upstream_version(pep440: str, debian: str) -> None:
    assert debian_upstream(pep440) == debian


@pytest.mark.parametrize(
    ("version", "parts"),
    [
        ("1:2.0-rc1-3", ("1", "2.0-rc1", "3")),
        ("2.0", ("", "2.0", "")),
        ("2.0-1", ("", "2.0", "1")),
        ("0:1", ("0", "1", "")),
    ],
)
def test_parts_of_a_debian_version(version: str, parts: tuple[str, str, str]) -> None:
    assert split_debian(version) == parts


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("", ("p",)),
        (">=1.2", ("p (>= 1.2~)",)),
        (">=1.20.0", ("p (>= 1.20~)",)),
        (">1.2", ("p (>= 1.2.0.1~)",)),
        ("<2.0", ("p (<< 2~)",)),
        ("<=1.2.3", ("p (<< 1.2.3.1~)",)),
        ("~=1.4.2", ("p (>= 1.4.2~)", "p (<< 1.5~)")),
        ("~=1.4", ("p (>= 1.4~)", "p (<< 2~)")),
        ("==1.4.*", ("p (>= 1.4~)", "p (<< 1.5~)")),
        ("==1.2.3", ("p (>= 1.2.3~)", "p (<< 1.2.3.1~)")),
        ("==1.2.3+cu118", ("p (>= 1.2.3~)", "p (<< 1.2.3.1~)")),
        ("===1.2.3", ("p (>= 1.2.3~)", "p (<< 1.2.3.1~)")),
        ("!=1.2.3", ("p (>= 1.2.3.1~) | p (<< 1.2.3~)",)),
        ("!=1.2.*", ("p (>= 1.3~) | p (<< 1.2~)",)),
        (">=2,!=1.5", ("p (>= 2~)",)),
        ("<1,!=1.5", ("p (<< 1~)",)),
        (">=1.5,!=1.5.*,<3", ("p (>= 1.6~) | p (<< 1.5~)", "p (>= 1.5~)", "p (<< 3~)")),
        (">=1.0,>=1.4,>1.4,<4,<3", ("p (>= 1.4.0.1~)", "p (<< 3~)")),
        (">=1.0rc1", ("p (>= 1.0~rc1~)",)),
        ("==1.0.post1", ("p (>= 1.0.post1~)", "p (<< 1.0.post1.1~)")),
        (">=1.0.post1", ("p (>= 1.0.0.1~)",)),
    ],
)
def test_relations_of_a_specifier(specifier: str, expected: tuple[str, ...]) -> None:
    assert relations("p", specifier) == expected


def test_the_archives_epoch_wins_over_the_upstream_one() -> None:
    assert relations("p", ">=1!2.0") == ("p (>= 1:2~)",)
    assert relations("p", ">=1.9,<3", epoch="2") == ("p (>= 2:1.9~)", "p (<< 2:3~)")
    assert relations("p", ">=1!2.0", epoch="") == ("p (>= 2~)",)


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("==1.2.3", ["1.2.3-1", "1.2.3+dfsg-1", "1.2.3~ds-1", "1.2.3+git1-1"], ["1.2.3.1-1", "1.2.3.post1-1"]),
        ("==1.2", ["1.2-1", "1.2.0-1", "1.2.0+dfsg-2"], ["1.2.1-1", "1.1.9-1", "1.2.1~rc1-1"]),
        (">=1.5", ["1.5-1~bpo12+1", "1.5~bpo12+1", "1.5.0+ds-1", "2-1"], ["1.4.9-9"]),
        ("<2.0", ["1.9+dfsg-1", "1.99.9-1"], ["2-1", "2.0-1", "2.0~rc1-1", "2.0.0~b1-1"]),
        ("<=1.2.3", ["1.2.3+dfsg-7", "1.2.2-1"], ["1.2.4-1", "1.2.3.1-1", "1.2.4~rc1-1"]),
        ("~=2.2.post3", ["2.3-1", "2.2.post3-1"], ["2.2-1", "3.0-1"]),
        (">=1.0.post1", ["1.0.post1-1", "1.0.1-1"], ["1.0-1", "1.0+dfsg-1"]),
        (">=2.0.dev3", ["2.0~rc1-1", "2.0~dev3-1", "2.0-1"], ["1.9-1"]),
        (">1.7", ["1.8-1", "1.7.1-1", "1.8~rc1-1"], ["1.7-2", "1.7+dfsg-1", "1.7.0-1"]),
        ("!=1.5.1", ["1.5.0-1", "1.5.2-1"], ["1.5.1-3", "1.5.1+dfsg-1"]),
    ],
)
def test_relations_hold_for_revisions_and_repacks(specifier: str, inside: list[str], outside: list[str]) -> None:
    wanted = relations("p", specifier)
    assert [version for version in inside if not satisfies(version, wanted)] == []
    assert [version for version in outside if satisfies(version, wanted)] == []


_numbers = st.integers(0, 12)
_finals = st.lists(_numbers, min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
_pre = st.tuples(st.sampled_from(["a", "b", "rc"]), st.integers(0, 12)).map(lambda p: f"{p[0]}{p[1]}")
_suffixes = st.sampled_from(["-1", "-0.1", "-1+b2", "+dfsg-1", "+ds1-3", "+git20240102-1", "-1~bpo12+1", "~ds-1"])
_clauses = st.one_of(
    st.tuples(st.sampled_from([">=", ">", "<", "<=", "==", "!="]), _finals).map("".join),
    st.tuples(st.sampled_from(["==", "!="]), _finals).map(lambda pair: f"{pair[0]}{pair[1]}.*"),
    _finals.filter(lambda version: "." in version).map(lambda version: f"~={version}"),
)
_specifiers = st.lists(_clauses, min_size=0, max_size=3).map(",".join)


@given(_finals, _suffixes, _specifiers)
def test_relations_say_what_the_specifier_says_of_final_releases(version: str, suffix: str, specifier: str) -> None:
    expected = SpecifierSet(specifier).contains(Version(version), prereleases=True)
    assert satisfies(version + suffix, relations("p", specifier)) == expected


@given(_finals, _pre, _suffixes, _specifiers)
def test_relations_never_refuse_a_pre_release_that_pep440_takes(
    version: str, pre: str, suffix: str, specifier: str
) -> None:
    assume("!=" not in specifier)  # a hole takes the pre-releases of its release along
    if SpecifierSet(specifier).contains(Version(version + pre), prereleases=True):
        assert satisfies(f"{version}~{pre}{suffix}", relations("p", specifier))


@given(_finals, _pre, _suffixes, st.tuples(st.sampled_from([">=", ">", "<", "<=", "=="]), _pre))
def test_bounds_that_are_pre_releases(version: str, pre: str, suffix: str, bound: tuple[str, str]) -> None:
    specifier = f"{bound[0]}{version}{bound[1]}"
    expected = SpecifierSet(specifier).contains(Version(version + pre), prereleases=True)
    debian = debian_upstream(version + pre)
    assert satisfies(debian + suffix, relations("p", specifier)) == expected
    final = SpecifierSet(specifier).contains(Version(version), prereleases=True)
    assert satisfies(version + "-1", relations("p", specifier)) == final


@given(_finals, st.one_of(st.just(""), _pre), st.sampled_from(["", ".post1"]), st.sampled_from(["-1", "+dfsg-1"]))
def test_there_and_back(release: str, pre: str, post: str, suffix: str) -> None:
    version = Version(release + pre + post)
    assert Version(upstream_version(debian_upstream(version) + suffix)) == version


@given(st.text(alphabet="0123456789abcdefgrvost.+~-:", min_size=1, max_size=20))
def test_any_debian_version_gives_a_pep440_version(text: str) -> None:
    Version(upstream_version(text))


@given(_finals, _finals)
def test_release_order_is_kept(left: str, right: str) -> None:
    assume(len(left.split(".")) == len(right.split(".")))
    debian = NativeVersion(debian_upstream(left)) < NativeVersion(debian_upstream(right))
    assert bool(debian) == (Version(left) < Version(right))
