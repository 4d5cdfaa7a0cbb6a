"""Cargo's versions, requirements and targets, and the suite's packages of a crate, in the names of true packages."""

from __future__ import annotations

import pytest
from debian.debian_support import NativeVersion
from hypothesis import assume, given
from hypothesis import strategies as st

from debgen.archive.crates import CratePackage, crate_packages, crate_version
from debgen.archive.model import Binary
from debgen.archive.relation import parse_clause
from debgen.cargo.semver import Requirement, Semver
from debgen.cargo.targets import holds, holds_somewhere
from debgen.errors import UnsupportedSourceError, UsageError

# --- versions and requirements


@pytest.mark.parametrize(
    ("requirement", "lower", "upper"),
    [
        # The tables of the Cargo book, "Specifying Dependencies".
        ("1.2.3", "1.2.3", "2.0.0"),
        ("1.2", "1.2.0", "2.0.0"),
        ("1", "1.0.0", "2.0.0"),
        ("0.2.3", "0.2.3", "0.3.0"),
        ("0.2", "0.2.0", "0.3.0"),
        ("0.0.3", "0.0.3", "0.0.4"),
        ("0.0", "0.0.0", "0.1.0"),
        ("0", "0.0.0", "1.0.0"),
        ("^1.2.3", "1.2.3", "2.0.0"),
        ("~1.2.3", "1.2.3", "1.3.0"),
        ("~1.2", "1.2.0", "1.3.0"),
        ("~1", "1.0.0", "2.0.0"),
        ("*", "0.0.0", None),
        ("1.*", "1.0.0", "2.0.0"),
        ("1.2.*", "1.2.0", "1.3.0"),
        (">= 1.2.0", "1.2.0", None),
        ("> 1", "2.0.0", None),
        ("> 1.2", "1.3.0", None),
        ("> 1.2.3", "1.2.4", None),
        ("< 2", "0.0.0", "2.0.0"),
        ("= 1.2.3", "1.2.3", "1.2.4"),
        ("= 1.2", "1.2.0", "1.3.0"),
        ("<= 1.2", "0.0.0", "1.3.0"),
        (">= 1.2, < 1.5", "1.2.0", "1.5.0"),
        ("^0.13 , !", None, None),
        ("", "0.0.0", None),
        ("1.x.X", "1.0.0", "2.0.0"),
        ("=1.0.0-rc.1", "1.0.0-rc.1", "1.0.0-rc.1.0"),
    ],
)
def test_requirements_as_ranges(requirement: str, lower: str | None, upper: str | None) -> None:
    if lower is None:
        with pytest.raises(UnsupportedSourceError, match="no version requirement"):
            Requirement.parse(requirement)
        return
    parsed = Requirement.parse(requirement)
    assert (str(parsed.lower), str(parsed.upper) if parsed.upper else None) == (lower, upper)


@pytest.mark.parametrize(
    ("requirement", "version", "matches"),
    [
        ("1.2.3", "1.2.2", False),
        ("1.2.3", "1.9.0", True),
        ("0.25.0", "0.28.2", False),
        ("0.0.3", "0.0.4", False),
        ("*", "1.0.0-alpha", False),
        ("1.0.0-alpha", "1.0.0-beta", True),
        ("1.0.0-alpha", "1.0.1-beta", False),
        ("^1.0.0-rc.2", "1.0.0-rc.10", True),
        ("^1.0.0-rc.2", "1.0.0-rc.1", False),
        ("^1.0.0-rc.2", "1.0.0", True),
        ("<2.0.0", "2.0.0-alpha", False),
        (">=1.9, <2.0.0-beta", "2.0.0-alpha", True),
        ("<=1, >=1.2.0-alpha.1", "1.2.0-rc.2", False),
        ("~0, >0.0.1-0", "0.0.1-1", False),
        ("1, >=1.0.1-0", "1.0.1-alpha", True),
        ("1, >=2.0.0-alpha", "2.0.0-alpha", False),
        ("<2.0.0, >=2.0.0-alpha", "2.0.0-alpha", True),
        ("1.2.3+build", "1.2.3+other", True),
    ],
)
def test_what_cargo_takes(requirement: str, version: str, matches: bool) -> None:
    """The verdicts are those of Cargo's own semver crate."""
    assert Requirement.parse(requirement).matches(Semver.parse(version)) is matches


@pytest.mark.parametrize(
    "text",
    [
        "1.02",
        "1.2.3.4",
        "1 2",
        ">=1 <2",
        "1,",
        ",1",
        "*, 1",
        ">=*",
        "1.*.3",
        "1.2-alpha",
        "1.2.3-",
        "1.2.3-01",
        ">>1",
        "v1",
        "1..2",
        "\t1",
        "18446744073709551616",
        "9" * 5000,
        ", ".join(["1"] * 33),
        "١",
    ],
)
def test_what_cargo_refuses(text: str) -> None:
    with pytest.raises(UnsupportedSourceError) as caught:
        Requirement.parse(text)
    assert caught.value.hint


def test_order_of_prereleases() -> None:
    """The chain of Semantic Versioning 2.0.0, item 11."""
    chain = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
             "1.0.0-rc.1", "1.0.0"]  # fmt: skip
    assert sorted(map(Semver.parse, reversed(chain))) == [Semver.parse(v) for v in chain]
    assert [str(Semver.parse(v)) for v in chain] == chain


numbers = st.integers(0, 3)
releases = st.builds(Semver, numbers, numbers, numbers)
prereleases = st.sampled_from(["", "", "-0", "-alpha", "-alpha.1", "-rc.10"])
versions = st.builds(lambda version, pre: Semver.parse(f"{version}{pre}"), releases, prereleases)
operators = st.sampled_from(["", "^", "~", "=", ">", ">=", "<", "<="])
partial = st.one_of(
    numbers.map(str),
    st.builds(lambda a, b: f"{a}.{b}", numbers, numbers),
    versions.map(str),
    numbers.map(lambda a: f"{a}.*"),
)
comparators = st.builds(lambda operator, text: operator + text, operators, partial)
requirements = st.lists(comparators, min_size=1, max_size=3).map(lambda parts: Requirement.parse(", ".join(parts)))


@given(requirements, versions)
def test_the_range_says_what_the_comparators_say(requirement: Requirement, version: Semver) -> None:
    above = version >= requirement.lower or requirement.lower == Semver(0, 0, 0)  # which says that there is no bound
    inside = above and (requirement.upper is None or version < requirement.upper)
    if version.prerelease:  # Cargo takes fewer of them than lie in the range
        assert inside or not requirement.matches(version)
    else:
        assert inside is requirement.matches(version)


@given(requirements, versions, releases)
def test_a_loosened_requirement_keeps_what_it_had(requirement: Requirement, version: Semver, other: Semver) -> None:
    loosened = requirement.loosened(version)
    assert loosened.matches(version)
    assert Requirement.parse(str(loosened)) == loosened
    if requirement.matches(other) and not version.prerelease:
        assert loosened.matches(other)


@pytest.mark.parametrize(
    ("requirement", "version", "loosened"),
    [
        ("0.25", "0.28.2", ">=0.25, <0.29"),
        ("0.13", "0.11.0", ">=0.11, <0.14"),
        ("=1.2.3", "1.2.5", ">=1.2.3, <2"),
        ("=0.3.13", "0.3.12", ">=0.3.12, <0.4"),
        ("<2", "2.1.0", "<3"),
        (">=3", "2.1.0", ">=2.1"),
        ("1", "2.0.0-rc.1", ">=2.0.0-rc.1, <3"),
    ],
)
def test_loosened(requirement: str, version: str, loosened: str) -> None:
    assert str(Requirement.parse(requirement).loosened(Semver.parse(version))) == loosened


@pytest.mark.parametrize(
    ("requirement", "unpinned"),
    [("=1.2.3", "1.2.3"), (">=1, = 1.4", ">=1, 1.4"), ("~1.2", "~1.2"), (">=1.2, <=1.4", ">=1.2, <=1.4")],
)
def test_a_pin_lets_in_later_compatible_releases_without_its_sign(requirement: str, unpinned: str) -> None:
    assert str(Requirement.parse(requirement).unpinned()) == unpinned


# --- targets


@pytest.mark.parametrize(
    ("target", "architecture", "expected"),
    [
        ("", "amd64", True),
        ("x86_64-unknown-linux-gnu", "amd64", True),
        ("x86_64-unknown-linux-gnu", "arm64", False),
        ("x86_64-pc-windows-msvc", "amd64", False),
        ("cfg(unix)", "amd64", True),
        ("cfg(windows)", "amd64", False),
        ("cfg(not(windows))", "amd64", True),
        ('cfg(target_os = "linux")', "riscv64", True),
        ('cfg(target_os="macos")', "amd64", False),
        ('cfg(target_family = "unix")', "amd64", True),
        ('cfg(target_family = "wasm")', "amd64", False),
        ('cfg(target_arch = "aarch64")', "arm64", True),
        ('cfg(any(target_arch = "x86", target_arch = "x86_64"))', "i386", True),
        ('cfg(any(target_arch = "x86", target_arch = "x86_64"))', "arm64", False),
        ('cfg(all(unix, not(any(target_os = "macos", target_os = "ios"))))', "amd64", True),
        ('cfg(all(target_arch = "arm", target_pointer_width = "32"))', "armhf", True),
        ('cfg(target_endian = "big")', "s390x", True),
        ('cfg(target_endian = "big")', "ppc64el", False),
        ('cfg(target_has_atomic = "64")', "armel", False),
        ('cfg(not(target_env = "msvc"))', "amd64", True),
        ('cfg(feature = "std")', "amd64", False),
        ("cfg(some_name)", "amd64", False),
        ("cfg(all())", "amd64", True),
        ("cfg(any())", "amd64", False),
        ("cfg(any(unix, windows,))", "amd64", True),
        ('cfg( any ( unix ,\n windows ) )', "amd64", True),
    ],
)  # fmt: skip
def test_targets(target: str, architecture: str, expected: bool) -> None:
    assert holds(target, architecture) is expected


@pytest.mark.parametrize(
    "target",
    ["cfg()", "cfg(unix", "cfg(unix))", "cfg(not(unix, windows))", "cfg(not())", "cfg(target_os = linux)",
     "cfg(unix windows)", "cfg(all(unix windows))", "cfg(?)", "cfg(" + "not(" * 5000 + "unix" + ")" * 5001],
)  # fmt: skip
def test_targets_that_cant_be_read(target: str) -> None:
    with pytest.raises(UnsupportedSourceError, match="no target"):
        holds(target, "amd64")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("", True), ("cfg(windows)", False), ('cfg(target_arch = "s390x")', True),
        ('cfg(target_arch = "wasm32")', False),
        ("aarch64-unknown-linux-gnu", True), ("x86_64-pc-windows-msvc", False), ("cfg(not(tokio))", True),
        ('cfg(any(windows, target_os = "macos"))', False), ("cfg(?)", True),
    ],
)  # fmt: skip
def test_targets_of_any_architecture(target: str, expected: bool) -> None:
    assert holds_somewhere(target) is expected


def test_an_architecture_without_rust() -> None:
    with pytest.raises(UsageError, match="m68000"):
        holds("cfg(unix)", "m68000")


# --- packages


def librust(name: str, version: str, *provides: str, source: str = "", component: str = "main") -> Binary:
    """A package ``librust-NAME-dev``; what it provides is ``librust-…-dev`` too, in its own version."""
    listed = ", ".join(f"librust-{p}-dev (= {version})" for p in provides)
    return Binary(
        f"librust-{name}-dev", version, "amd64", source or f"rust-{name}", version, component, "rust", listed, "", ""
    )


class Suite:
    """Packages by name; see the suites of true packages below."""

    def __init__(self, *binaries: Binary) -> None:
        self.binaries = {binary.name: binary for binary in binaries}

    def binary(self, name: str) -> Binary | None:
        return self.binaries.get(name)

    def starting(self, prefix: str) -> tuple[Binary, ...]:
        return tuple(
            binary
            for binary in self.binaries.values()
            if any(name.strip().startswith(prefix) for name in (binary.name, *binary.provides.split(",")))
        )

    def holds(self, relation: str) -> bool:
        """Whether some package satisfies it, by dpkg's order."""
        (clause,) = parse_clause(relation)
        offered = [(b.name, b.version) for b in self.binaries.values()] + [
            (provided.name, provided.version)
            for b in self.binaries.values()
            for part in b.provides.split(",")
            for provided in parse_clause(part)
        ]
        return any(name == clause.name and clause.allows(version) for name, version in offered)


PYO3 = librust(
    "pyo3", "0.28.2-2", "pyo3+abi3-py310", "pyo3+default", "pyo3-0+abi3-py310", "pyo3-0+default", "pyo3-0",
    "pyo3-0.28+abi3-py310", "pyo3-0.28+default", "pyo3-0.28", "pyo3-0.28.2+default", "pyo3-0.28.2",
)  # fmt: skip
PYO3_FFI = librust("pyo3-ffi", "0.27.1-1", "pyo3-ffi+default", "pyo3-ffi-0.27+default", "pyo3-ffi-0.27")
BITFLAGS = librust("bitflags", "2.9.4-1", "bitflags+default", "bitflags-2+default", "bitflags-2", "bitflags-2.9.4")
BITFLAGS_1 = librust("bitflags-1", "1.3.2-7", "bitflags-1+default", "bitflags-1.3+default", "bitflags-1.3.2")
RUSTLS = librust("rustls", "0.23.45+ds-1", "rustls-0.23+ring", "rustls-0.23", "rustls-0.23.45")
SERDE_CBOR_2 = librust("serde-cbor-2", "0.13.0-1", "serde-cbor-2+default", "serde-cbor-2-0.13", "serde-cbor-2-0.13.0")
GIT2 = librust("git2", "0.21.0-1", "git2-0.21", "git2-0.21.0", source="rust-git2")
GIT2_SSH = librust("git2+ssh", "0.21.0-1", "git2-0.21+ssh", "git2-0.21.0+ssh", source="rust-git2")
GIT2_HTTPS = librust("git2+https", "0.20.4-1", "git2-0.20+https", "git2-0.20.4+https", source="rust-git2")
RUMA = librust("ruma-common", "0.17.1-1", "ruma-common-0.17", "ruma-0.14+api")
SUITE = Suite(PYO3, PYO3_FFI, BITFLAGS, BITFLAGS_1, RUSTLS, SERDE_CBOR_2, GIT2, GIT2_SSH, GIT2_HTTPS, RUMA)


def found(crate: str) -> list[tuple[str, str]]:
    return [(package.package, str(package.version)) for package in crate_packages(SUITE, crate)]


def test_the_packages_of_a_crate() -> None:
    assert found("pyo3") == [("librust-pyo3-dev", "0.28.2")]
    assert found("pyo3_ffi") == [("librust-pyo3-ffi-dev", "0.27.1")]
    assert found("BitFlags") == [("librust-bitflags-dev", "2.9.4"), ("librust-bitflags-1-dev", "1.3.2")]
    assert found("nothing") == []


def test_a_number_may_belong_to_the_name() -> None:
    assert found("serde_cbor_2") == [("librust-serde-cbor-2-dev", "0.13.0")]
    assert found("serde_cbor") == []


def test_a_crate_in_another_crates_package() -> None:
    suite = Suite(librust("ruma-common", "0.17.1+0.14.1+ds-1", "ruma-common-0.17", "ruma-common-0.17.1"))
    (binary,) = suite.binaries.values()
    provides = "librust-ruma-0.14-dev (= 0.14.1+0.14.1+ds-1), librust-ruma-0.14+api-dev (= 0.14.1+0.14.1+ds-1)"
    both = Suite(Binary(**{**vars(binary), "provides": f"{binary.provides}, {provides}"}))
    (package,) = crate_packages(both, "ruma")
    assert (package.package, str(package.version)) == ("librust-ruma-common-dev", "0.14.1")
    assert package.relations(Requirement.parse("0.14"), ["api"]) == ("librust-ruma-0.14+api-dev",)


def test_features_are_read_from_provides() -> None:
    (pyo3,) = crate_packages(SUITE, "pyo3")
    assert pyo3.carrier("abi3_py310") == "librust-pyo3-dev"
    assert pyo3.carrier("default") == "librust-pyo3-dev"
    assert pyo3.carrier("abi3-py36") is None
    (rustls,) = crate_packages(SUITE, "rustls")
    assert (rustls.carrier("ring"), rustls.carrier("default")) == ("librust-rustls-dev", None)


def test_features_of_another_version_dont_count() -> None:
    """librust-git2+https-dev was left over from an older build."""
    (git2,) = crate_packages(SUITE, "git2")
    assert git2.carrier("ssh") == "librust-git2+ssh-dev"
    assert git2.carrier("https") is None


@pytest.mark.parametrize(
    ("debian", "crate"),
    [
        ("0.28.2-2", "0.28.2"),
        ("1:1.2.3-1+b2", "1.2.3"),
        ("5.5.0+ds-1", "5.5.0"),
        ("2.0.3+dfsg-1", "2.0.3"),
        ("2.2.1~dfsg-7", "2.2.1"),
        ("0.5.6+0.8.9+ds-5", "0.5.6"),
        ("0.2.0+really0.1.4-5", "0.1.4"),
        ("0.4.0~really0.3.5+0.5.12+ds-1", "0.3.5"),
        ("0.5.0-1+really0.5.0-2+b1", "0.5.0"),
        ("1.0.0~rc0-1+b3", "1.0.0-rc0"),
        ("0.1.0~beta.3-1", "0.1.0-beta.3"),
        ("0.1.2~20240912-3", "0.1.2"),
        ("1.2-1", "1.2.0"),
        ("r5-1", None),
    ],
)
def test_the_crates_version_of_a_debian_version(debian: str, crate: str | None) -> None:
    version = crate_version(debian)
    assert (str(version) if version else None) == crate


@pytest.mark.parametrize(
    ("crate", "requirement", "features", "expected"),
    [
        ("pyo3", "0.28", ["default"], ["librust-pyo3-0.28+default-dev"]),
        ("pyo3", "0.28.1", ["abi3-py310"], ["librust-pyo3-0.28+abi3-py310-dev (>= 0.28.1~)"]),
        ("pyo3", "0.28", [], ["librust-pyo3-0.28-dev"]),
        ("pyo3", "=0.28.2", [], ["librust-pyo3-0.28-dev (>= 0.28.2~)", "librust-pyo3-0.28-dev (<< 0.28.3~)"]),
        ("pyo3", ">=0.28, <0.30", [], ["librust-pyo3-dev (>= 0.28~)", "librust-pyo3-dev (<< 0.30~)"]),
        ("pyo3", ">=0.20", ["default"], ["librust-pyo3+default-dev (>= 0.20~)"]),
        ("pyo3", "*", [], ["librust-pyo3-dev"]),
        ("pyo3", "0.28", ["default", "unheard-of"], ["librust-pyo3-0.28+default-dev"]),
        ("rustls", ">=0.20, <0.30", ["ring"], ["librust-rustls-0.23+ring-dev"]),
        ("bitflags", "1.3", ["default"], ["librust-bitflags-1+default-dev (>= 1.3~)"]),
        ("bitflags", "2", ["default"], ["librust-bitflags-2+default-dev"]),
    ],
)
def test_relations(crate: str, requirement: str, features: list[str], expected: list[str]) -> None:
    asked = Requirement.parse(requirement)
    package = next(p for p in crate_packages(SUITE, crate) if asked.matches(p.version))
    relations = package.relations(asked, features)
    assert list(relations) == expected
    assert all(SUITE.holds(relation) for relation in relations)


def test_relations_keep_the_epoch_and_leave_out_bounds_of_another_numbering() -> None:
    (epoch,) = crate_packages(Suite(librust("foo", "1:1.2.3-1", "foo+default")), "foo")
    assert epoch.relations(Requirement.parse("1.2"), ["default"]) == (
        "librust-foo+default-dev (>= 1:1.2~)",
        "librust-foo+default-dev (<< 1:2~)",
    )
    (really,) = crate_packages(Suite(librust("foo", "0.4.0~really0.3.5-1", "foo-0.3")), "foo")
    assert really.relations(Requirement.parse("=0.3.5")) == ("librust-foo-0.3-dev (>= 0.3.5~)",)


@given(requirements, releases, releases)
def test_relations_hold_for_what_the_requirement_lets_in(
    requirement: Requirement, version: Semver, other: Semver
) -> None:
    """A release that it takes satisfies the relations; one that it doesn't take, does not."""
    assume(requirement.matches(version))

    def names(v: Semver) -> list[str]:
        return [".".join(map(str, v.numbers[:count])) for count in (1, 2, 3)]

    def suite(v: Semver) -> Suite:
        return Suite(librust("foo", f"{v}-1", *(f"foo-{name}" for name in names(v))))

    package: CratePackage = crate_packages(suite(version), "foo")[0]
    relations = package.relations(requirement)
    assert all(suite(version).holds(relation) for relation in relations)
    if not requirement.matches(other):
        assert not all(suite(other).holds(relation) for relation in relations)


@given(releases, releases)
def test_releases_sort_as_dpkg_sorts_them(one: Semver, other: Semver) -> None:
    assert (one < other) is (NativeVersion(f"{one}-1") < NativeVersion(f"{other}-1"))
