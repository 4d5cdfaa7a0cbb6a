"""Crates that a suite lacks: what comes before them, where their source is, and what the plan says of it all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from test_planning_build_needs import Suite, librust

from debgen.planning.crate_findings import crate_findings, order_of, told_order
from debgen.planning.missing_crates import AtHand, with_order
from debgen.planning.model import BuildNeed, CrateToPackage, Finding, Supply, Topic

SUITE = Suite(
    librust("serde", "1.0.229-1", "serde+default", "serde-1+default"),
    librust("ureq", "3.4.2-1", "ureq+default", "ureq-3+default"),
    librust("rand", "0.10.3-1", "rand+default", "rand-0.10+default"),
)


def lock(**crates: str) -> dict[str, str]:
    """A Cargo.lock by path; the words of each crate are its version and its dependencies."""
    text = "version = 4\n"
    for name, words in crates.items():
        version, *below = words.split(" ", 1)
        listed = [f'"{line}"' for line in (below[0].split(",") if below else [])]
        text += f'[[package]]\nname = "{name.replace("_", "-")}"\nversion = "{version}"\n'
        text += f"dependencies = [{', '.join(listed)}]\n"
    return {"Cargo.lock": text}


TREE = lock(
    module="1.0.0 tokens",
    tokens="0.22.2 deep,serde,rand,monostate,windows-sys,optional-one,jni",
    deep="0.1.0 deeper,ureq,serde",
    deeper="0.2.0 tokens",  # a cycle, as with dev-dependencies
    serde="1.0.300 serde-only",
    serde_only="1.0.0",
    ureq="2.12.1 ureq-only",
    ureq_only="0.4.0",
    rand="0.9.2",
    monostate="0.1.18",
    windows_sys="0.60.2 windows-targets",
    windows_targets="0.53.0",
    optional_one="1.0.0 optional-two",
    optional_two="1.0.0",
    jni="0.21.1",
)
NEED = BuildNeed(
    Topic.CRATE, "tokens", "0.22", "", "", Supply.MISSING, "the suite has no package of the crate tokens",
    locked="0.22.2", features=("onig",),
)  # fmt: skip


def nothing(need: BuildNeed) -> tuple[AtHand, ...]:
    return ()


def test_what_is_missing_comes_first_and_what_it_needs_before_it() -> None:
    need = with_order(NEED, SUITE, TREE, nothing, "amd64")
    assert need.first == (
        CrateToPackage("deeper", "0.2.0", "", "deep"),
        CrateToPackage("ureq", "2.12.1", "3.4.2", "deep"),
        CrateToPackage("deep", "0.1.0", "", "tokens"),
        CrateToPackage("rand", "0.9.2", "0.10.3", "tokens"),
        CrateToPackage("monostate", "0.1.18", "", "tokens"),
        CrateToPackage("optional-two", "1.0.0", "", "optional-one"),
        CrateToPackage("optional-one", "1.0.0", "", "tokens"),
        CrateToPackage("jni", "0.21.1", "", "tokens"),
        CrateToPackage("tokens", "0.22.2", "", ""),
    )
    assert need.remarks == ("for other systems only, by its name: windows-sys",)  # jni is for Debian too
    assert told_order(need.first) == (
        "to package first, in this order: deeper 0.2.0, deep 0.1.0, monostate 0.1.18, optional-two 1.0.0, optional-one"
        " 1.0.0, jni 0.21.1, tokens 0.22.2; to relax in these, or to package too: ureq 2.12.1 of deep (the suite has"
        " 3.4.2), rand 0.9.2 of tokens (the suite has 0.10.3)"
    )


SOURCE = {
    "Cargo.toml": '[workspace]\nmembers = ["rs"]\n',
    "rs/Cargo.toml": """
        [package]
        name = "tokens"
        version = "0.23.0"
        [dependencies]
        serde = "1"
        rand = "0.9"
        deep = "0.1"
        optional-one = { version = "1", optional = true }
        onig = { version = "6", optional = true }
        [target.'cfg(windows)'.dependencies]
        monostate = "0.1"
        """,
}


def test_a_source_at_hand_tells_what_is_not_needed_and_what_is() -> None:
    source = AtHand("tokens", "0.23.0", "pytokens 1.5", "rs/Cargo.toml", SOURCE)
    need = with_order(NEED, SUITE, TREE, lambda need: [source], "amd64")
    assert [crate.name for crate in need.first] == ["deeper", "ureq", "deep", "rand", "jni", "tokens"]
    assert need.remarks == (
        "the sdist of pytokens 1.5 has its source in rs/, in version 0.23.0, where 0.22 is asked for: a recipe"
        " can vendor it, or librust-tokens-dev be made of it",
        "to build the source in pytokens 1.5, the suite lacks deep 0.1, onig 6 and has to relax"
        " rand 0.9 → >=0.9, <0.11",
        "for other systems only, by its name: windows-sys",
    )
    deeper = lock(tokens="0.22.2 deep", deep="0.1.0 monostate", monostate="0.1.18")
    need = with_order(NEED, SUITE, deeper, lambda need: [source], "amd64")
    assert [crate.name for crate in need.first] == ["monostate", "deep", "tokens"]  # what another asks for is needed
    same = replace(source, release="tokens 0.23.0")
    assert (
        "its source in rs/, where 0.22 is asked for: a recipe"
        in with_order(NEED, SUITE, TREE, lambda need: [same], "amd64").remarks[0]
    )


def test_without_a_lock_that_knows_it() -> None:
    for texts, locked in (({}, ""), (TREE, "0.22.9"), ({"Cargo.lock": "= odd"}, "")):
        need = with_order(replace(NEED, locked=locked), SUITE, texts, nothing, "amd64")
        assert need.first == (CrateToPackage("tokens", locked or "0.22"),)
        assert need.remarks == ("no Cargo.lock tells what it needs in turn",)


def test_other_needs_stay_as_they_are() -> None:
    for need in (replace(NEED, supply=Supply.RELAXABLE), replace(NEED, topic=Topic.LIBRARY)):
        assert with_order(need, SUITE, TREE, nothing, "amd64") is need


def test_a_deep_lock_is_walked() -> None:
    deep = lock(tokens="0.22.2 c0", **{f"c{n}": f"1.0.0 c{n + 1}" for n in range(3000)}, c3000="1.0.0")
    first = with_order(NEED, SUITE, deep, nothing, "amd64").first
    assert (len(first), first[0].name, first[-1].name) == (3002, "c3000", "tokens")


# --- what the plan says


def crate(name: str, supply: Supply, **more: Any) -> BuildNeed:
    return replace(BuildNeed(Topic.CRATE, name, "1.2", f"librust-{name}-dev", "1.0-1", supply, f"about {name}"), **more)


def test_satisfied_crates_and_libraries_are_no_finding() -> None:
    library = BuildNeed(Topic.LIBRARY, "z", "", "", "", Supply.MISSING, "about z")
    assert list(crate_findings([crate("a", Supply.SATISFIED), library])) == []


def test_all_missing_crates_are_named_with_their_order() -> None:
    low = CrateToPackage("low", "0.1.0", "", "a")
    a = crate("a", Supply.MISSING, first=(low, CrateToPackage("a", "1.2.3")), switches=("Cargo.toml#cli",),
              remarks=("the sdist of x 1 has its source in a/: so", "another remark"))  # fmt: skip
    b = crate("b", Supply.MISSING, requirement="", ways=(("p/Cargo.toml", "b"), ("p/Cargo.toml", "q/Cargo.toml", "b")),
              first=(low, CrateToPackage("b", "2.0.0")))  # fmt: skip
    assert [(c.name, c.version) for c in order_of([a, b])] == [("low", "0.1.0"), ("a", "1.2.3"), ("b", "2.0.0")]
    assert list(crate_findings([a, b])) == [
        Finding(
            Topic.CRATE,
            "the suite has no package of the crates a 1.2 (only for Cargo.toml#cli), b (by way of p/Cargo.toml →"
            " q/Cargo.toml → b); to package first, in this order: low 0.1.0, a 1.2.3, b 2.0.0;"
            " a: the sdist of x 1 has its source in a/: so",
            blocking=True,
        )
    ]
    alone = crate("a", Supply.MISSING, first=(CrateToPackage("a", "1.2.3"),))
    assert [f.text for f in crate_findings([alone])] == ["the suite has no package of the crate a 1.2"]


def test_crates_that_fail_for_one_reason_are_told_together() -> None:
    stuck = Supply.UNINSTALLABLE
    found = list(
        crate_findings(
            [
                crate("a", stuck, chain=("librust-a-dev", "x", "zip", "gone")),
                crate("b", stuck, chain=("librust-b-dev", "zip", "gone"), loosened=">=1, <2"),
                crate("c", stuck, chain=("librust-c-dev", "other")),
            ]
        )
    )
    assert [(f.text, f.chain, f.blocking) for f in found] == [
        ("the suite's packages of the crates a 1.2 (librust-a-dev 1.0-1), b 1.2 (librust-b-dev 1.0-1) can't be"
         " installed: librust-b-dev → zip → gone", ("librust-b-dev", "zip", "gone"), True),
        ("the suite's package of the crate c 1.2 (librust-c-dev 1.0-1) can't be installed: librust-c-dev → other",
         ("librust-c-dev", "other"), True),
        ("patches to Cargo.toml are needed for 1 crate: b (1.2 → >=1, <2, the suite has 1.0-1)", (), False),
    ]  # fmt: skip


def test_what_patches_change_blocks_nothing() -> None:
    found = list(
        crate_findings(
            [
                crate("a", Supply.RELAXABLE, loosened=">=1, <2", replaced=(("x", ""), ("y", "z"))),
                crate("b", Supply.RELAXABLE),
                crate("c", Supply.RELAXABLE, optional=True),
            ]
        )
    )
    assert [(f.text, f.blocking) for f in found] == [
        ("patches to Cargo.toml are needed for 2 crates: a (1.2 → >=1, <2, without x, y → z, the suite has 1.0-1),"
         " b (from its package)", False),
        ("1 crate that the build doesn't take has to be taken out of Cargo.toml: c 1.2", False),
    ]  # fmt: skip
