"""Crates and libraries judged against small suites: what is satisfied, what a patch has to change, what lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from debgen.archive.model import Binary
from debgen.planning.build_needs import crate_candidates, judge_crates, relations_for_crate
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.planning.system_needs import judge_libraries
from debgen.upstream.buildmodel import Crate, Library, LibraryKind


def librust(name: str, version: str, *provides: str, component: str = "main") -> Binary:
    listed = ", ".join(f"librust-{p}-dev (= {version})" for p in provides)
    return Binary(f"librust-{name}-dev", version, "amd64", f"rust-{name}", version, component, "rust", listed, "", "")


class Suite:
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


SUITE = Suite(
    librust("pyo3", "0.28.2-2", "pyo3+default", "pyo3+extension-module", "pyo3-0.28+default"),
    librust("fancy-regex", "0.11.0-3+b1", "fancy-regex+default", "fancy-regex-0.11+default"),
    librust("bitflags", "2.9.4-1", "bitflags+default", "bitflags-2+default"),
    librust("bitflags-1", "1.3.2-7", "bitflags-1+default"),
    librust("rustls", "0.23.45+ds-1", "rustls-0.23+ring", "rustls-0.23"),
    librust("rand", "0.8.5-1", "rand+default", "rand-0.8+default"),
    librust("rand-0.9", "0.9.2-1", "rand-0.9+default"),
    librust("rand-0.7", "0.7.3-1", "rand-0.7+default", "rand-0.7+stdweb"),
    librust("gap", "0.9.0-1", "gap-0.9"),
    librust("gap-0.5", "0.5.0-1", "gap-0.5.0"),
    librust("tide", "0.17.0~beta.1-1", "tide+default"),
    librust("free", "1.0.0-1", "free+default", component="contrib"),
)


def fine(package: str) -> tuple[str, ...] | None:
    return None


def judged(*crates: Crate, broken: Mapping[str, tuple[str, ...]] | None = None) -> tuple[BuildNeed, ...]:
    return judge_crates(SUITE, crates, "amd64", (broken or {}).get)


def one(*crates: Crate, broken: Mapping[str, tuple[str, ...]] | None = None) -> BuildNeed:
    (need,) = judged(*crates, broken=broken)
    return need


def test_satisfied() -> None:
    assert one(Crate("pyo3", "0.28.1", features=("extension-module",))) == BuildNeed(
        topic=Topic.CRATE,
        name="pyo3",
        requirement="0.28.1",
        package="librust-pyo3-dev",
        version="0.28.2-2",
        supply=Supply.SATISFIED,
        reason="librust-pyo3-dev has 0.28.2",
        features=("default", "extension-module"),
        askers=("Cargo.toml",),
    )


def test_the_version_that_satisfies_is_chosen() -> None:
    assert one(Crate("bitflags", "1.2")).package == "librust-bitflags-1-dev"
    assert one(Crate("bitflags", "2")).package == "librust-bitflags-dev"
    assert one(Crate("bitflags", "*")).package == "librust-bitflags-dev"


def test_too_new_and_too_old_are_relaxable() -> None:
    new, old = judged(Crate("pyo3", "0.25.0"), Crate("fancy-regex", "0.13.0"))[::-1]
    assert (new.supply, old.supply) == (Supply.RELAXABLE, Supply.RELAXABLE)
    assert new.reason == "librust-pyo3-dev has 0.28.2, above 0.25.0: loosen it to >=0.25, <0.29"
    assert old.reason == "librust-fancy-regex-dev has 0.11.0, below 0.13.0: loosen it to >=0.11, <0.14"
    assert relations_for_crate(SUITE, new) == (
        "librust-pyo3+default-dev (>= 0.25~)",
        "librust-pyo3+default-dev (<< 0.29~)",
    )


def test_the_nearest_version_is_relaxed_to() -> None:
    """The series asked for, else the lowest above, else the highest below."""
    assert one(Crate("rand", "0.8.9")).version == "0.8.5-1"
    assert one(Crate("rand", "0.6")).version == "0.7.3-1"
    assert one(Crate("rand", "0.10")).version == "0.9.2-1"
    assert one(Crate("gap", "0.7")).version == "0.9.0-1"


def test_a_version_with_the_features_is_preferred() -> None:
    assert one(Crate("rand", ">=0.7, <0.10")).version == "0.9.2-1"
    assert one(Crate("rand", ">=0.7, <0.10", features=("stdweb",))).version == "0.7.3-1"


def test_a_prerelease_that_isnt_named() -> None:
    need = one(Crate("tide", "*"))
    assert need.supply is Supply.RELAXABLE
    assert "0.17.0-beta.1, a pre-release that isn't named by *: loosen it to >=0.17.0-beta.1" in need.reason
    assert one(Crate("tide", "0.17.0-beta.1")).supply is Supply.SATISFIED


def test_missing_features() -> None:
    need = one(Crate("rustls", "0.23", features=("ring", "fips", "aws_lc_rs")))
    assert need.supply is Supply.RELAXABLE
    assert need.reason == (
        "librust-rustls-dev 0.23.45 doesn't provide the features aws_lc_rs, fips;"
        " it doesn't provide its default features: see which of them the code needs"
    )
    assert relations_for_crate(SUITE, need) == ("librust-rustls-0.23+ring-dev",)
    assert one(Crate("rustls", "0.23", default_features=False)).supply is Supply.SATISFIED


def test_missing() -> None:
    need = one(Crate("hf-hub", "0.4"))
    assert (need.supply, need.package, need.version) == (Supply.MISSING, "", "")
    assert need.reason == "the suite has no package of the crate hf-hub"
    assert relations_for_crate(SUITE, need) == ()


def test_uninstallable_with_its_chain() -> None:
    chain = ("librust-pyo3-dev", "librust-zip-dev", "librust-typed-path-0.12-dev")
    need = one(Crate("pyo3", "0.25"), broken={"librust-pyo3-dev": chain})
    assert (need.supply, need.chain) == (Supply.UNINSTALLABLE, chain)
    assert need.reason.endswith("<0.29; it can't be installed: " + " → ".join(chain))
    unexplained = one(Crate("pyo3", "0.28"), broken={"librust-pyo3-dev": ()})
    assert unexplained.supply is Supply.UNINSTALLABLE
    assert unexplained.reason == "librust-pyo3-dev 0.28.2 can't be installed"


def test_a_long_chain_is_told_by_its_ends() -> None:
    chain = ("librust-pyo3-dev", *"bcdefg", "librust-typed-path-0.12-dev")
    need = one(Crate("pyo3", "0.28"), broken={"librust-pyo3-dev": chain})
    assert need.reason == (
        "librust-pyo3-dev 0.28.2 can't be installed: librust-pyo3-dev → b → … → g → librust-typed-path-0.12-dev"
    )
    assert need.chain == chain


def test_another_version_that_can_be_installed_is_taken() -> None:
    broken = {"librust-rand-0.9-dev": ("librust-rand-0.9-dev", "x")}
    need = one(Crate("rand", ">=0.7, <0.10"), broken=broken)
    assert (need.package, need.supply) == ("librust-rand-dev", Supply.SATISFIED)
    assert one(Crate("rand", "0.9"), broken=broken).supply is Supply.UNINSTALLABLE


def test_a_feature_in_a_package_that_cant_be_installed() -> None:
    bare = librust("git2", "0.21.0-1", "git2+default", "git2-0.21+default")
    ssh = replace(librust("git2+ssh", "0.21.0-1"), source="rust-git2")
    suite = Suite(bare, ssh)
    crate = Crate("git2", "0.21", features=("ssh",))
    (need,) = judge_crates(suite, [crate], "amd64", {"librust-git2+ssh-dev": ("librust-git2+ssh-dev", "x")}.get)
    assert (need.package, need.supply) == ("librust-git2-dev", Supply.UNINSTALLABLE)
    assert crate_candidates(suite, [crate], "amd64") == ("librust-git2+ssh-dev", "librust-git2-dev")


def test_optional_crates_are_never_missing() -> None:
    absent = one(Crate("wasm-thing", "1", optional=True))
    assert absent.supply is Supply.RELAXABLE
    assert "no feature of the build switches it on: a patch can take it out" in absent.reason
    odd = one(Crate("pyo3", "0.28", optional=True, features=("unheard-of",)))
    assert (odd.supply, odd.optional, odd.replaced) == (Supply.RELAXABLE, True, (("unheard-of", ""),))
    there = one(Crate("pyo3", "0.28", optional=True))
    assert there.supply is Supply.SATISFIED
    assert "optional" in there.reason
    stuck = one(Crate("pyo3", "0.28", optional=True), broken={"librust-pyo3-dev": ("a", "b")})
    assert stuck.supply is Supply.RELAXABLE
    needed, unused = judged(Crate("hf-hub", "1", optional=True), Crate("hf-hub", "1"))
    assert (needed.supply, needed.optional) == (Supply.MISSING, False)
    assert (unused.supply, unused.optional) == (Supply.RELAXABLE, True)


PYO3 = Suite(
    librust("pyo3", "0.28.3-1", "pyo3+default", "pyo3+abi3", "pyo3+abi3-py310", "pyo3+abi3-py39", "pyo3+abi3-py314"),
)


def test_the_stable_abi_is_that_of_the_next_python_that_there_is() -> None:
    def replaced(feature: str, python: str = "3.14") -> tuple[tuple[str, str], ...]:
        (need,) = judge_crates(PYO3, [Crate("pyo3", "0.28", features=(feature,))], "amd64", fine, python=python)
        return need.replaced

    assert replaced("abi3-py38") == (("abi3-py38", "abi3-py39"),)
    assert replaced("abi3-py311") == (("abi3-py311", "abi3-py314"),)
    assert replaced("abi3-py311", "3.13") == (("abi3-py311", ""),)
    assert replaced("abi3-py315") == (("abi3-py315", ""),)
    assert replaced("abi3-py310") == ()
    (need,) = judge_crates(PYO3, [Crate("pyo3", "0.28", features=("abi3-py38", "gone"))], "amd64", fine, python="3.14")
    assert need.reason == (
        "librust-pyo3-dev 0.28.3 doesn't provide the feature gone; it doesn't provide the feature abi3-py38:"
        " take abi3-py39"
    )
    assert relations_for_crate(PYO3, need) == (
        "librust-pyo3+abi3-py39-dev (>= 0.28~)",
        "librust-pyo3+abi3-py39-dev (<< 0.29~)",
        "librust-pyo3+default-dev (>= 0.28~)",
        "librust-pyo3+default-dev (<< 0.29~)",
    )


def test_a_library_is_linked_shared_where_the_suite_has_no_static_feature() -> None:
    suite = Suite(librust("press", "0.8.0-1", "press+default", "press+xz-shared", "press+static-data", "press+dynamic"))
    crate = Crate("press", "0.8", features=("xz-static", "gzip-static", "static", "static-data"))
    (need,) = judge_crates(suite, [crate], "amd64", fine)
    assert need.replaced == (("gzip-static", ""), ("static", "dynamic"), ("xz-static", "xz-shared"))


def test_what_a_patch_writes() -> None:
    def loosened(requirement: str, source: str = "registry") -> str:
        (need,) = judge_crates(PYO3, [Crate("pyo3", requirement, source=source)], "amd64", fine)
        return need.loosened

    assert loosened("0.28.1") == loosened("") == ""
    assert loosened("=0.28.2") == ">=0.28.2, <0.29"  # a pin is a lower bound of its series
    assert loosened("=0.28.4") == ">=0.28.3, <0.29"
    assert loosened("=0.28.3") == "0.28.3"  # met, but not by the next upload
    assert loosened("0.25") == ">=0.25, <0.29"
    assert loosened("0.30") == ">=0.28.3, <0.31"
    assert loosened(">=0.26, <0.28") == ">=0.26, <0.29"
    assert loosened("latest") == "0.28"
    assert loosened("", "git https://example.org/pyo3") == "0.28"
    assert loosened("0.28", "git https://example.org/pyo3") == ""


def test_who_asks_and_where_it_comes_from() -> None:
    crates = [
        Crate("pyo3", "0.28", locked="0.28.1", manifest="b/Cargo.toml", via=("a/Cargo.toml", "b/Cargo.toml"),
              switches=("b/Cargo.toml#py",)),
        Crate("pyo3", "0.28", manifest="a/Cargo.toml", via=("a/Cargo.toml",), switches=("a/Cargo.toml#x",)),
    ]  # fmt: skip
    (need,) = judge_crates(PYO3, crates, "amd64", fine, origin={"librust-pyo3-dev": "forky"}.__getitem__)
    assert need.askers == ("a/Cargo.toml", "b/Cargo.toml")
    assert need.ways == (("a/Cargo.toml", "b/Cargo.toml", "pyo3"), ("a/Cargo.toml", "pyo3"))
    assert need.switches == ("a/Cargo.toml#x", "b/Cargo.toml#py")
    assert (need.locked, need.borrowed) == ("0.28.1", "forky")
    assert need.reason.endswith("; borrowed from forky")
    (always,) = judge_crates(PYO3, [*crates, Crate("pyo3", "0.28", manifest="c/Cargo.toml")], "amd64", fine)
    assert always.switches == ()


def test_entries_for_the_same_crate_are_one_need() -> None:
    need = one(
        Crate("pyo3", "0.28", default_features=False, features=("extension-module",)),
        Crate("pyo3", "0.28", default_features=False, manifest="other/Cargo.toml", features=("macros",)),
    )
    assert need.features == ("extension-module", "macros")
    some = one(Crate("pyo3", "0.28", default_features=False), Crate("pyo3", "0.28", manifest="other/Cargo.toml"))
    assert some.features == ("default",)
    assert [n.requirement for n in judged(Crate("pyo3", "0.28"), Crate("pyo3", "0.25"))] == ["0.25", "0.28"]


def test_sources_other_than_the_registry() -> None:
    assert judged(Crate("mine", "0.1", source="path ../mine")) == ()
    absent = one(Crate("tok", source="git https://example.org/tok v1"))
    assert absent.supply is Supply.MISSING
    assert "Cargo.toml takes it from git https://example.org/tok v1" in absent.reason
    there = one(Crate("pyo3", source="git https://example.org/pyo3"))
    assert there.supply is Supply.RELAXABLE
    assert "which has to become the suite's 0.28.2" in there.reason


def test_other_targets_are_left_out() -> None:
    assert judged(Crate("winapi", "0.3", target="cfg(windows)")) == ()
    assert len(judged(Crate("libc", "0.2", target="cfg(unix)"))) == 1
    arm = Crate("neon", "1", target='cfg(target_arch = "aarch64")')
    (elsewhere,) = judge_crates(SUITE, [arm], "amd64", fine)  # Cargo resolves it for amd64 all the same
    assert (elsewhere.supply, elsewhere.optional) == (Supply.RELAXABLE, True)
    assert 'only for other architectures (cfg(target_arch = "aarch64")): a patch can' in elsewhere.reason
    (here,) = judge_crates(SUITE, [arm], "arm64", fine)
    assert (here.supply, here.optional) == (Supply.MISSING, False)
    assert len(judged(Crate("odd", "1", target="cfg(((("))) == 1


def test_a_requirement_that_cargo_cant_read() -> None:
    need = one(Crate("pyo3", "latest"))
    assert need.supply is Supply.RELAXABLE
    assert "can't read the requirement 'latest'" in need.reason
    assert need.loosened == "0.28"
    assert relations_for_crate(SUITE, need) == ("librust-pyo3-0.28+default-dev",)


def test_a_component_outside_main_is_said() -> None:
    assert one(Crate("free", "1")).reason == "librust-free-dev has 1.0.0; librust-free-dev is in contrib"


# --- libraries


class Libraries(Suite):
    def pkg_config(self, name: str) -> tuple[str, ...]:
        return {"zlib": ("zlib1g-dev",)}.get(name, ())

    def cmake_config(self, name: str) -> tuple[str, ...]:
        return ()

    def link_library(self, name: str) -> tuple[str, ...]:
        return {"m": ("libc6-dev",)}.get(name, ())

    def program(self, name: str) -> tuple[str, ...]:
        return {"nvcc": ("nvidia-cuda-toolkit",)}.get(name, ())

    def header(self, name: str) -> tuple[str, ...]:
        return ()


LIBRARIES = Libraries(
    Binary("zlib1g-dev", "1:1.3.1-1", "amd64", "zlib", "1:1.3.1-1", "main", "libdevel", "", "", ""),
    Binary("nvidia-cuda-toolkit", "12.4-1", "amd64", "n", "12.4-1", "non-free", "devel", "", "", ""),
)


def test_libraries() -> None:
    needs = judge_libraries(
        LIBRARIES,
        [
            Library(LibraryKind.PKG_CONFIG, "zlib", "setup.py:1", required=False),
            Library(LibraryKind.PKG_CONFIG, "zlib", "setup.py:9"),
            Library(LibraryKind.CMAKE, "ZLIB", "CMakeLists.txt:3", required=False),
            Library(LibraryKind.CMAKE, "Threads", "CMakeLists.txt:4"),
            Library(LibraryKind.CMAKE, "CUDAToolkit", "CMakeLists.txt:5"),
            Library(LibraryKind.LINK, "m", "setup.py:2"),
            Library(LibraryKind.LINK, "absent", "setup.py:3"),
            Library(LibraryKind.LINK, "spare", "setup.py:4", required=False),
        ],
    )
    assert [(need.name, need.package, need.supply) for need in needs] == [
        ("CUDAToolkit", "nvidia-cuda-toolkit", Supply.SATISFIED),
        ("ZLIB", "zlib1g-dev", Supply.SATISFIED),
        ("absent", "", Supply.MISSING),
        ("spare", "", Supply.RELAXABLE),
        ("zlib", "zlib1g-dev", Supply.SATISFIED),
    ]
    assert all(need.topic is Topic.LIBRARY and need.requirement == "" for need in needs)
    by_name = {need.name: need for need in needs}
    assert by_name["zlib"].version == "1:1.3.1-1"
    assert by_name["zlib"].reason == "zlib1g-dev: it has zlib.pc; zlib is asked for in setup.py:9"
    assert by_name["CUDAToolkit"].reason.endswith("; nvidia-cuda-toolkit is in non-free")
    assert by_name["spare"].reason.endswith("spare is asked for in setup.py:4, and the build goes on without it")
    assert by_name["absent"].reason == "no package of the suite has it; absent is asked for in setup.py:3"
    assert by_name["ZLIB"].reason.endswith("ZLIB is asked for in CMakeLists.txt:3, and the build goes on without it")


def test_needs_are_sorted() -> None:
    needs = judged(Crate("pyo3", "0.28"), Crate("hf-hub", "1"), Crate("bitflags", "1"), Crate("bitflags", ""))
    assert [(need.name, need.requirement) for need in needs] == [
        ("bitflags", ""),
        ("bitflags", "1"),
        ("hf-hub", "1"),
        ("pyo3", "0.28"),
    ]
