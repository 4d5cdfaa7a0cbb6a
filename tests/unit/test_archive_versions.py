"""PEP 440 against Debian's order: each relation is checked with dpkg's comparison, not with our own idea of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from debian.debian_support import NativeVersion
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.archive.model import Match, Origin
from debgen.archive.names import relations_for
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
        ("8.2.0+0.really.8.1.8-1", "8.1.8"),
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
        ("<=1.0.post1", ("p (>= 1.0.post~) | p (<< 1.0.0.1~)", "p (<< 1.0.post1.1~)")),
        ("<=1.0.0.0", ("p (<< 1.0.0.0.1~)",)),
        ("!=1.2.3+cu118", ("p",)),
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
        (
            "<=1.0.post1",
            ["1.0-1", "1.0+dfsg-1", "1.0.post1-1", "0.9-1"],
            ["1.0.1-1", "1.0.0.2-1", "1.0.post2-1", "1.1-1"],
        ),
        (">1.0rc1", ["1.0~rc2-1", "1.0-1"], ["1.0~rc1-1", "1.0~rc1+dfsg-1", "1.0~b1-1"]),
        ("!=1.5.1", ["1.5.0-1", "1.5.2-1"], ["1.5.1-3", "1.5.1+dfsg-1"]),
    ],
)
def test_relations_hold_for_revisions_and_repacks(specifier: str, inside: list[str], outside: list[str]) -> None:
    wanted = relations("p", specifier)
    assert [version for version in inside if not satisfies(version, wanted)] == []
    assert [version for version in outside if satisfies(version, wanted)] == []


# ---- properties: packaging on one side, dpkg's order on the other ----

_number = st.integers(0, 12)
_finals = st.lists(_number, min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
_pre = st.tuples(st.sampled_from(["a", "b", "rc"]), _number).map(lambda p: f"{p[0]}{p[1]}")
_post = st.integers(0, 3).map(lambda number: f".post{number}")
_dev = st.integers(0, 3).map(lambda number: f".dev{number}")
_epochs = st.sampled_from(["", "", "1!"])
_locals = st.sampled_from(["", "", "+cu118", "+local.1"])
_tails = st.tuples(*(st.one_of(st.just(""), part) for part in (_pre, _post, _dev))).map("".join)
_public = st.tuples(_epochs, _finals, _tails).map("".join)
_versions = st.tuples(_public, _locals).map("".join)
_suffixes = st.sampled_from(
    [
        *("-1", "-4", "-0.1", "-1+b2", "-2+deb13u1", "-1~bpo13+1", "~bpo13+1"),
        *("+dfsg-1", "+dfsg1-2", "+ds-1", "+ds1-3", "~ds-1", "+git20240102-1"),
    ]
)
"""What Debian puts behind an upstream version: revisions, rebuilds, backports, repacks, native packages."""


def _clauses(numbers: st.SearchStrategy[str], public: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One clause of each of PEP 440's operators."""
    return st.one_of(
        st.tuples(st.sampled_from([">=", ">", "<", "<=", "==", "!=", "==="]), public).map("".join),
        st.tuples(st.sampled_from(["==", "!="]), public, _locals).map("".join),
        st.tuples(st.sampled_from(["==", "!="]), numbers).map(lambda pair: f"{pair[0]}{pair[1]}.*"),
        public.filter(lambda text: len(Version(text).release) > 1).map(lambda text: f"~={text}"),
    )


_any_clause = _clauses(st.tuples(_epochs, _finals).map("".join), _public)


def near(version: str) -> st.SearchStrategy[str]:
    """Versions that differ from ``version`` in little: what bounds are most easily wrong about."""
    parsed = Version(version)
    numbers = parsed.release
    releases = [numbers, (*numbers, 0), (*numbers, 1), numbers[:-1] or (0,), (*numbers[:-1], numbers[-1] + 1)]
    spelled = [".".join(map(str, release[:4])) for release in releases]
    epoch = f"{parsed.epoch}!" if parsed.epoch else ""
    tails = st.one_of(st.just(version.partition("+")[0].removeprefix(epoch + ".".join(map(str, numbers)))), _tails)
    return st.tuples(st.just(epoch), st.sampled_from(spelled), tails).map("".join)


def agree(version: str, suffix: str, specifier: str) -> bool:
    """Whether PEP 440 and the Debian relations say the same of the version, and of Debian's spelling of it."""
    expected = SpecifierSet(specifier).contains(Version(version), prereleases=True)
    return satisfies(debian_upstream(version) + suffix, relations("p", specifier)) == expected


# The exceptions, each as a condition on a clause's operator, its bound and a version. They are those that the
# module's docstring states. Outside of them the two sides have to agree; an example of each has to differ.


def _stripped(version: Version) -> tuple[int, ...]:
    numbers = version.release
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return (version.epoch, *numbers)


def _same_release(left: Version, right: Version) -> bool:
    return _stripped(left) == _stripped(right)


def _is_final(version: Version) -> bool:
    return not (version.is_prerelease or version.is_postrelease)


def _only_dev(version: Version) -> bool:
    return version.dev is not None and not version.pre and version.post is None


def zeros(operator: str, bound: Version, version: Version) -> bool:
    """A bound that isn't final has upstream's zeros; the version is of the same release and has others."""
    return not _is_final(bound) and _same_release(bound, version) and len(bound.release) != len(version.release)


def pre_release_of_the_bound(operator: str, bound: Version, version: Version) -> bool:
    """What comes before the bound and belongs to it counts as the bound."""
    if _is_final(bound):
        return version.is_prerelease and _same_release(bound, version) and operator not in ("<", "<=", ">")
    without_dev = (version.pre, version.post) == (bound.pre, bound.post) and bound.dev is None
    return version.dev is not None and without_dev and _same_release(bound, version)


def post_release_before_point_release(operator: str, bound: Version, version: Version) -> bool:
    """In dpkg's order, 1.0.post1 is after 1.0.1, and 1.post1 after 1.1."""
    numbers = version.release
    shorter = len(numbers) < len(bound.release) and bound.release[: len(numbers)] == numbers
    return version.is_postrelease and not version.pre and version.epoch == bound.epoch and shorter


def post_release_of_the_bound(operator: str, bound: Version, version: Version) -> bool:
    """A post-release is more than its release; bounds that are post-releases mean the release."""
    if not (version.is_postrelease and _same_release(bound, version)):
        return False
    if bound.is_postrelease and not bound.pre and not version.pre:
        return operator in (">=", ">", "<", "~=")
    return operator == ">" and bound.post is None and bound.pre == version.pre


def dev_release_among_pre_releases(operator: str, bound: Version, version: Version) -> bool:
    """In dpkg's order, 1.0~dev1 is after 1.0~b1, where PEP 440 has it before 1.0a1."""
    pair = (bound, version)
    return _same_release(bound, version) and any(map(_only_dev, pair)) and all(one.is_prerelease for one in pair)


def local(operator: str, bound: Version, version: Version) -> bool:
    """Debian's builds have no local part."""
    return bound.local is not None


def letter_by_letter(operator: str, bound: Version, version: Version) -> bool:
    """``===`` is taken for ``==``."""
    return operator == "===" and _same_release(bound, version) and str(bound) != str(version)


EXCEPTIONS = (
    zeros,
    pre_release_of_the_bound,
    post_release_before_point_release,
    post_release_of_the_bound,
    dev_release_among_pre_releases,
    local,
    letter_by_letter,
)


def exceptions(clause: str, version: str, suffix: str = "") -> list[str]:
    found = re.fullmatch(r"(===|[=!<>~]=|[<>])(.+?)(\.\*)?", clause)
    assert found
    triple = (found[1], Version(found[2]), Version(version))
    found_ones = [one.__name__ for one in EXCEPTIONS if one(*triple)]
    # 1.0~ds-1 is 1.0, and sorts among its pre-releases; a bound that is one of those is wrong about it.
    if suffix.startswith("~") and triple[1].is_prerelease and _same_release(*triple[1:]):
        found_ones.append("repack_before_its_release")
    return found_ones


@pytest.mark.parametrize(
    ("exception", "clause", "version"),
    [
        (zeros, "<1.0.0rc1", "1.0"),
        (zeros, ">=1.0rc1", "1"),
        (pre_release_of_the_bound, ">=1.0", "1.0rc1"),
        (pre_release_of_the_bound, "==1.0", "1.0rc1"),
        (pre_release_of_the_bound, "!=1.0", "1.0rc1"),
        (pre_release_of_the_bound, "==1.0rc1", "1.0rc1.dev1"),
        (post_release_before_point_release, ">=1.0.1", "1.0.post1"),
        (post_release_before_point_release, "<1.0.1", "1.0.post1"),
        (post_release_of_the_bound, ">=1.0.post1", "1.0.post0"),
        (post_release_of_the_bound, "<1.0.post1", "1.0.post0"),
        (post_release_of_the_bound, ">1.0", "1.0.post1"),
        (dev_release_among_pre_releases, ">=1.0a1", "1.0.dev1"),
        (dev_release_among_pre_releases, "<=1.0.dev1", "1.0a1"),
        (local, "==1.0+cu118", "1.0"),
        (local, "!=1.0+cu118", "1.0+cu118"),
        (letter_by_letter, "===1.0", "1"),
    ],
)
def test_the_exceptions_are_real(exception: Callable[[str, Version, Version], bool], clause: str, version: str) -> None:
    assert exceptions(clause, version) == [exception.__name__]
    assert not agree(version, "-1", clause)


def test_a_repack_that_sorts_before_its_release_is_an_exception() -> None:
    assert exceptions(">=1.0rc1", "1.0", "~ds-1") == ["repack_before_its_release"]
    assert not agree("1.0", "~ds-1", ">=1.0rc1")
    assert agree("1.0", "+ds-1", ">=1.0rc1")


@settings(max_examples=400, deadline=None)
@given(st.data(), _suffixes)
def test_one_clause_and_its_relations_agree(data: st.DataObject, suffix: str) -> None:
    clause = data.draw(_any_clause)
    bound = re.sub(r"^[=!<>~]+|\.\*$", "", clause)
    version = data.draw(st.one_of(_versions, st.tuples(near(bound), _locals).map("".join)))
    assert agree(version, suffix, clause) or exceptions(clause, version, suffix), relations("p", clause)


@settings(max_examples=300, deadline=None)
@given(st.data(), _suffixes)
def test_final_releases_agree_without_exception(data: st.DataObject, suffix: str) -> None:
    clauses = st.lists(
        _clauses(_finals, _finals).filter(lambda text: "+" not in text and "===" not in text), max_size=4
    )
    drawn = data.draw(clauses)
    bounds = [re.sub(r"^[=!<>~]+|\.\*$", "", clause) for clause in drawn]
    version = data.draw(st.one_of(_finals, *(near(bound).map(lambda v: Version(v).base_version) for bound in bounds)))
    assert agree(version, suffix, ",".join(drawn)), relations("p", ",".join(drawn))


@settings(max_examples=200, deadline=None)
@given(st.lists(_any_clause, max_size=4), _versions, _suffixes)
def test_several_clauses_say_what_each_of_them_says(clauses: list[str], version: str, suffix: str) -> None:
    debian = debian_upstream(version) + suffix
    each = all(satisfies(debian, relations("p", clause)) for clause in clauses)
    assert satisfies(debian, relations("p", ",".join(clauses))) == each


@given(_finals, _suffixes, st.lists(_clauses(_finals, _finals), max_size=3).map(",".join), st.sampled_from(["", "2"]))
def test_the_packages_epoch_is_nothing_to_the_specifier(version: str, suffix: str, specifier: str, epoch: str) -> None:
    debian = f"{epoch}:{version}{suffix}" if epoch else version + suffix
    plain = satisfies(version + suffix, relations("p", specifier))
    assert satisfies(debian, relations("p", specifier, epoch=epoch)) == plain


@given(
    st.sampled_from(["{}-4", "{}+dfsg-1", "{}+ds1-2", "{}-1~bpo13+1", "9.0+really{}-1", "1:{}-1", "1:9+really{}+ds-1"]),
    _public.filter(lambda text: "!" not in text),
    st.lists(_any_clause, max_size=3).map(",".join),
)
def test_a_package_that_satisfies_upstream_satisfies_the_relations_made_for_it(
    form: str, version: str, specifier: str
) -> None:
    debian = form.format(debian_upstream(version))
    assert Version(upstream_version(debian)) == Version(version)
    assume(SpecifierSet(specifier).contains(version, prereleases=True))
    match = Match("d", "p", "s", debian, upstream_version(debian), "main", Origin.CONTENTS, "")
    assert satisfies(debian, relations_for(match, specifier))


@given(_public.filter(lambda text: "!" not in text), _suffixes)
def test_there_and_back(text: str, suffix: str) -> None:
    assert Version(upstream_version(debian_upstream(text) + suffix)) == Version(text)


@given(st.text(alphabet="0123456789abcdefgrvost.+~-:", min_size=1, max_size=20))
def test_any_debian_version_gives_a_pep440_version(text: str) -> None:
    Version(upstream_version(text))


@given(_finals, _finals)
def test_release_order_is_kept(left: str, right: str) -> None:
    assume(len(left.split(".")) == len(right.split(".")))
    debian = NativeVersion(debian_upstream(left)) < NativeVersion(debian_upstream(right))
    assert bool(debian) == (Version(left) < Version(right))
