"""Changes to Cargo.toml: what goes, what stays as it stands, and what is said of it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_debianize_package import FACTS, inputs, made

from debgen.debianize import cargo_manifest as manifests
from debgen.debianize.build_depends import without_compilers
from debgen.debianize.cargo_build import maturin_patches, steers_build
from debgen.debianize.cargo_patch import CargoPlan, cargo_plan
from debgen.debianize.cargo_reasons import relaxed
from debgen.debianize.model import Inputs
from debgen.errors import UnsupportedSourceError
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.recipes import Layer, Package, Unbuilt, Vendor, Without
from debgen.upstream.buildcargo import Choice, crates_of
from debgen.upstream.buildmodel import BuildFacts, CargoSource, Manifest

REASON = "a reason that says something"
PACKAGE = '[package]\nname = "quick"\nversion = "1.0.0"\n'


def edited(text: str, edit: manifests.Edit) -> str:
    return manifests.edited(text, "Cargo.toml", edit)


def need(name: str, requirement: str = "1", **more: Any) -> BuildNeed:
    told = BuildNeed(
        Topic.CRATE,
        name,
        requirement,
        f"librust-{name}-dev",
        "1.0.0-1",
        Supply.SATISFIED,
        "there",
        features=("default",),
    )
    return replace(told, **more)


def rust(texts: dict[str, str], *needs: BuildNeed, layer: Layer | None = None, start: str = "Cargo.toml") -> Inputs:
    """Inputs of a source whose manifests are ``texts``, built from ``start``."""
    told = inputs(replace(FACTS, compiled=("Rust (src/lib.rs)",)), layer)
    build = BuildFacts(languages=("Rust",), cargo=CargoSource((Manifest(start),), texts))
    return replace(told, texts={"pyproject.toml": "", **texts}, build=build, crates=needs)


def planned(told: Inputs) -> tuple[CargoPlan, dict[str, str]]:
    """The plan, and the texts after its patches."""
    plan, texts = cargo_plan(told, told.texts, tested=True), dict(told.texts)
    for patch in plan.patches:
        for path, (old, new) in patch.changes.items():
            assert texts[path] == old, patch.name
            texts[path] = new
    return plan, texts


def test_what_is_for_tests_and_for_other_systems_goes_and_the_rest_stays_as_it_stands() -> None:
    text = PACKAGE + (
        "# what we need\n"
        "[dependencies] \n"
        "serde   = '1'   # why not\n"
        "\n"
        "[target.'cfg(windows)'.dependencies]\n"
        'winapi = { version = "0.3" }\n'
        "[target.'cfg(unix)'.dependencies]\n"
        'libc = "0.2"\n'
        "[target.'cfg(unix)'.dev-dependencies]\n"
        'nix = "0.2"\n'
        "[dev-dependencies.criterion]\n"
        'version = "0.6"\n'
    )
    assert edited(edited(text, manifests.without_development), manifests.without_foreign_targets) == PACKAGE + (
        "# what we need\n"
        "[dependencies] \n"
        "serde   = '1'   # why not\n"
        "\n"
        "[target.'cfg(unix)'.dependencies]\n"
        'libc = "0.2"\n'
    )


def test_features_lose_what_names_a_line_that_is_gone() -> None:
    text = (
        '[dependencies]\nclap = { version = "4", optional = true }\nlog = "1"\n'
        '[features]\ndefault = ["clap", "log"]\ncli = ["dep:clap", "clap/derive", "log/std"]\nweak = ["clap?/std"]\n'
        "clap-like = []\n"
    )
    new = tomllib.loads(edited(text, lambda data: manifests.without_lines(data, lambda key, spec: key == "clap")))
    assert new["dependencies"] == {"log": "1"}
    assert new["features"] == {"default": ["log"], "cli": ["log/std"], "weak": [], "clap-like": []}
    named = '[dependencies]\nclap = { version = "4", optional = true }\n[features]\nall = ["clap"]\nclap = []\n'
    new = tomllib.loads(edited(named, lambda data: manifests.without_lines(data, lambda key, spec: key == "clap")))
    assert new["features"] == {"all": ["clap"], "clap": []}  # a feature of that name is another thing


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('pyo3 = "0.25" # note', 'pyo3 = ">=0.25, <0.29" # note'),
        ('pyo3 = { version = "0.25", features = ["a"] }', 'pyo3 = { version = ">=0.25, <0.29", features = ["a"] }'),
        ('python = { package = "pyo3", version = "0.25" }', 'python = { package = "pyo3", version = ">=0.25, <0.29" }'),
        ('pyo3 = "0.26"', 'pyo3 = "0.26"'),
        ("pyo3.workspace = true", "pyo3.workspace = true"),
        ('pyo3 = { version = "0.25", path = "../pyo3" }', 'pyo3 = { version = "0.25", path = "../pyo3" }'),
        ('[dependencies.pyo3]\nversion = "0.25"', '[dependencies.pyo3]\nversion = ">=0.25, <0.29"'),
    ],
)
def test_a_bound_is_loosened_where_it_stands(before: str, after: str) -> None:
    head = "" if before.startswith("[") else "[dependencies]\n"
    edit = partial(manifests.with_requirement, crate="pyo3", old="0.25", new=">=0.25, <0.29")
    assert edited(f"{PACKAGE}{head}{before}\n", edit) == f"{PACKAGE}{head}{after}\n"


def test_a_crate_of_a_repository_becomes_the_registrys() -> None:
    text = '[dependencies]\nfast = { git = "https://example.org/fast", rev = "abc", features = ["x"] }\n'
    edit = partial(manifests.with_requirement, crate="fast", old="", new="1")
    assert tomllib.loads(edited(text, edit))["dependencies"]["fast"] == {"features": ["x"], "version": "1"}
    patched = '[dependencies]\nfast = "1"\n[patch.crates-io]\nfast = { git = "https://example.org/fast" }\n'
    assert tomllib.loads(edited(patched, manifests.without_git_patches)) == {"dependencies": {"fast": "1"}}


def test_features_are_replaced_wherever_they_are_named() -> None:
    text = (
        '[dependencies]\npyo3 = { version = "1", features = ["abi3-py38", "odd", "macros"] }\n'
        '[features]\nstable = ["pyo3/abi3-py38", "pyo3?/odd", "other/odd"]\n'
    )
    edit = partial(manifests.with_replaced_features, crate="pyo3", replaced={"abi3-py38": "abi3-py310", "odd": ""})
    new = tomllib.loads(edited(text, edit))
    assert new["dependencies"]["pyo3"]["features"] == ["abi3-py310", "macros"]
    assert new["features"]["stable"] == ["pyo3/abi3-py310", "other/odd"]


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        ('["a", "b"]', ["a"]),
        ('["*"]', ["a"]),
        ('["a", "gone"]', ["a"]),
        ('["a*"]', ["a*"]),
    ],
)
def test_members_of_a_workspace_that_are_not_built(members: str, kept: list[str]) -> None:
    edit = partial(manifests.with_members, folder="", wanted=["a"], known=["a", "b"])
    assert tomllib.loads(edited(f"[workspace]\nmembers = {members}\n", edit))["workspace"]["members"] == kept


def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UnsupportedSourceError, match=r"Cargo\.toml can't be patched"):
        edited("[package", manifests.without_development)


NAMES = st.sampled_from(["serde", "libc", "clap", "odd-name", "under_score"])


@given(st.dictionaries(NAMES, st.sampled_from(['"1"', '{ version = "1", optional = true }', "{ workspace = true }"])))
def test_every_line_but_the_one_that_goes_stays(lines: dict[str, str]) -> None:
    text = "[dependencies]\n" + "".join(f"{key} = {value} # {key}\n" for key, value in lines.items())
    new = edited(text, lambda data: manifests.without_lines(data, lambda key, spec: key == "clap"))
    left = [line for line in text.splitlines() if not line.startswith("clap ")]
    assert new.splitlines() == left


def test_only_what_the_build_takes_is_asked_for() -> None:
    text = PACKAGE + (
        '[dependencies]\nserde = "1"\nclap = { version = "4", optional = true }\n'
        "[target.'cfg(windows)'.dependencies]\nwinapi = \"0.3\"\n"
        '[target.\'cfg(target_arch = "aarch64")\'.dependencies]\nneon = "1"\nlacks = "2"\n'
        '[dev-dependencies]\ncriterion = "0.6"\n'
    )
    neon = need("neon", optional=True)
    lacks = need("lacks", "2", optional=True, package="", version="", supply=Supply.RELAXABLE)
    clap = need("clap", "4", optional=True)
    plan, texts = planned(rust({"Cargo.toml": text}, need("serde"), clap, neon, lacks))
    data = tomllib.loads(texts["Cargo.toml"])
    assert [kept.name for kept in plan.kept] == ["serde", "neon"]  # Cargo resolves for all architectures
    assert data["dependencies"] == {"serde": "1"}
    assert data["target"] == {'cfg(target_arch = "aarch64")': {"dependencies": {"neon": "1"}}}
    assert "dev-dependencies" not in data
    assert plan.locks == ("Cargo.lock",)
    assert [patch.name for patch in plan.patches] == [
        "cargo-no-dev-dependencies", "cargo-no-foreign-targets", "cargo-no-unused-features"
    ]  # fmt: skip
    assert not plan.lacking


def test_features_of_crates_that_only_what_is_off_asks_for_go() -> None:
    text = PACKAGE + (
        '[dependencies]\nzmij = { version = "1", default-features = false }\n'
        '[features]\ndefault = ["fast"]\nfast = ["zmij/simd"]\nno_panic = ["zmij/no-panic", "zmij?/odd"]\n'
    )
    plan, texts = planned(rust({"Cargo.toml": text}, need("zmij", features=("simd",))))
    features = tomllib.loads(texts["Cargo.toml"])["features"]
    assert features == {"default": ["fast"], "fast": ["zmij/simd"], "no_panic": []}
    assert [patch.name for patch in plan.patches] == ["cargo-no-unused-features"]


def test_after_the_patches_cargo_finds_each_crate_in_the_suite() -> None:
    """What is asked for after the patches is what is kept, with bounds that the suite's versions meet."""
    texts = {
        "Cargo.toml": '[workspace]\nmembers = ["core", "py"]\n[workspace.dependencies]\nrand = "0.9"\n',
        "core/Cargo.toml": '[package]\nname = "core"\n[dependencies]\nrand.workspace = true\n',
        "py/Cargo.toml": '[package]\nname = "py"\n[dependencies]\ncore = { path = "../core" }\n',
    }
    rand = need("rand", "0.9", version="0.10.3-1", supply=Supply.RELAXABLE, loosened=">=0.9, <0.11", locked="0.9.2")
    plan, after = planned(rust(texts, rand, start="py/Cargo.toml"))
    crates, _ = crates_of([Manifest("py/Cargo.toml")], after)
    assert [(c.name, c.requirement) for c in crates if c.source == "registry"] == [("rand", ">=0.9, <0.11")]
    (patch,) = plan.patches
    assert (patch.name, list(patch.changes)) == ("relax-crate-rand", ["Cargo.toml"])
    assert "Upstream wants rand 0.9 (its Cargo.lock has 0.9.2); sid has 0.10.3" in patch.reason
    assert "NEEDS A LOOK" in patch.reason
    assert "Upstream's tests passed with 0.10.3" in patch.reason
    assert plan.notes
    assert "needs a look" in plan.notes[0]


def test_a_recipe_switches_a_crate_and_a_member_off_everywhere() -> None:
    texts = {
        "Cargo.toml": (
            PACKAGE + '[workspace]\nmembers = ["net", "extra"]\n'
            '[dependencies]\nnet = { path = "net", features = ["fetch"] }\n'
            'extra = { optional = true, path = "extra" }\n'
            '[features]\ndefault = ["more", "fetch"]\nmore = ["extra"]\nfetch = ["net/fetch"]\n'
        ),
        "net/Cargo.toml": (
            '[package]\nname = "net"\n[dependencies]\nhttp = { version = "2", optional = true }\n'
            '[features]\nfetch = ["dep:http"]\n'
        ),
        "extra/Cargo.toml": '[package]\nname = "extra"\n[dependencies]\nlacks = "1"\n',
    }
    layer = Layer(
        without=(Without(crate="http", reason=REASON),), unbuilt=(Unbuilt(manifest="extra/*", reason=REASON),)
    )
    plan, after = planned(rust(texts, layer=layer))
    top, net = tomllib.loads(after["Cargo.toml"]), tomllib.loads(after["net/Cargo.toml"])
    assert top["workspace"]["members"] == ["net"]
    assert top["dependencies"] == {"net": {"path": "net", "features": []}}
    assert top["features"] == {"default": ["fetch"], "more": [], "fetch": []}
    assert net["features"] == {"fetch": []}
    assert "http" not in net.get("dependencies", {})
    reasons = {patch.name: patch.reason for patch in plan.patches}
    assert reasons["without-crate-http"] == reasons["cargo-unbuilt"] == REASON
    assert not crates_of([Manifest("Cargo.toml")], after, Choice())[0][0].optional


def test_a_crate_that_comes_with_the_source_has_its_bound_loosened_too() -> None:
    texts = {
        "Cargo.toml": PACKAGE + '[dependencies]\ntokens = "0.21"\n',
        "vendor/tokens/Cargo.toml": '[package]\nname = "tokens"\nversion = "0.23.1"\n[dev-dependencies]\nx = "1"\n',
    }
    layer = Layer(vendor=(Vendor(crate="tokens", source="tokens==0.23.1", reason=REASON),))
    plan, after = planned(rust(texts, need("serde"), layer=layer))
    assert tomllib.loads(after["Cargo.toml"])["dependencies"]["tokens"] == ">=0.21, <0.24"
    assert "dev-dependencies" not in after["vendor/tokens/Cargo.toml"]
    assert plan.vendored == ("tokens",)
    assert any("the source comes with 0.23.1" in patch.reason for patch in plan.patches)


def test_a_crate_that_the_suite_cannot_give_is_a_question_with_the_ways_there_are() -> None:
    lacking = need("rare", "3", package="", version="", supply=Supply.MISSING, reason="the suite has no package of it")
    package = made(rust({"Cargo.toml": PACKAGE + '[dependencies]\nrare = "3"\n'}, lacking))
    asked = " ".join(fixme.question for fixme in package.fixmes)
    assert "the build takes the crate rare 3: the suite has no package of it" in asked
    for way in ("[[without]]", "[[vendor]]", "--borrow"):
        assert way in asked


def test_the_generated_package_builds_with_debians_cargo() -> None:
    told = rust({"Cargo.toml": PACKAGE + '[dependencies]\nserde = "1"\n', "Cargo.lock": ""}, need("serde"))
    told = replace(told, crate_relations=lambda n: (f"{n.package} (>= 1~)", f"{n.package} (<< 2~)"))
    package = made(told)
    rules = package.files["rules"]
    assert "\tdh-cargo-built-using python3-foo\n" in rules
    assert "CARGO_ASIDE = Cargo.lock\n" in rules
    assert package.files["clean"] == "debian/cargo_home/\ndebian/cargo_registry/\ntarget/\n"
    control = package.files["control"]
    assert "\n librust-serde-dev (>= 1~),\n librust-serde-dev (<< 2~),\n" in control
    assert "\nStatic-Built-Using: ${cargo:Static-Built-Using}\n" in control
    older = made(replace(told, suite=replace(told.suite, static_built_using=False)))
    assert "\nXB-X-Cargo-Built-Using: ${cargo:X-Cargo-Built-Using}\n" in older.files["control"]
    unlocked = made(replace(told, texts={k: v for k, v in told.texts.items() if k != "Cargo.lock"}))
    assert "Cargo.lock\n" in unlocked.files["clean"]
    assert "CARGO_ASIDE" not in unlocked.files["rules"]


def test_the_profile_decides_where_the_build_is_and_whether_it_strips() -> None:
    text = PACKAGE + '[profile.wheels]\ninherits = "release"\nstrip = true\n'
    told = rust({"Cargo.toml": text})
    told = replace(told, texts={**told.texts, "pyproject.toml": '[tool.maturin]\nprofile = "wheels"\n'})
    rules = made(told).files["rules"]
    assert "\tCARGO_CHANNEL=wheels dh-cargo-built-using python3-foo\n" in rules
    assert "CARGO_PROFILE_WHEELS_STRIP = none" in rules


@pytest.mark.parametrize(
    ("text", "steers"),
    [
        ('[source.crates-io]\nreplace-with = "vendored"\n', True),
        ("[build]\nrustflags = []\n", True),
        ("[target.'cfg(unix)']\nrustflags = []\n", True),
        ("[target.x86_64-apple-darwin]\nrustflags = []\n", False),
        ('[alias]\nxtask = "run"\n[env]\nA = "b"\n', False),
        ("not toml", True),
    ],
)
def test_which_configuration_of_cargo_is_moved_aside(text: str, steers: bool) -> None:
    assert steers_build(text) is steers


def test_what_of_maturins_settings_is_patched() -> None:
    text = '[tool.maturin]\nstrip = true\nlocked = true\ncargo-extra-args = "--locked --jobs 2 --frozen"\n'
    text += 'features = ["a"]\n'
    (strip, locked) = maturin_patches({"pyproject.toml": text})
    assert tomllib.loads(locked.changes["pyproject.toml"][1])["tool"]["maturin"] == {
        "cargo-extra-args": "--jobs 2", "features": ["a"]
    }  # fmt: skip
    assert strip.changes["pyproject.toml"][1] == locked.changes["pyproject.toml"][0]
    assert not list(maturin_patches({"pyproject.toml": '[tool.maturin]\nfeatures = ["a"]\n'}))


def test_what_is_said_of_a_loosened_bound() -> None:
    same = need("serde", "=1.0.1", version="1.0.9-1", loosened=">=1.0.1, <2")
    told = relaxed([same], "sid", tested=False)
    assert (told.title, told.look) == ("Build with serde 1.0.9", "")
    assert "no tests" in told.reason
    assert "; sid has 1.0.9 (librust-serde-dev 1.0.9-1)." in told.reason
    borrowed = relaxed([replace(same, borrowed="forky")], "sid", tested=True).reason
    assert "; forky, which lends it to the build, has 1.0.9 (" in borrowed
    lost = replace(same, replaced=(("odd", ""),))
    assert "doesn't have the feature odd, which is left out." in relaxed([lost], "sid", tested=True).look
    more = replace(same, replaced=(("odd", ""), ("new", "old"), ("even", "")))
    assert "doesn't have the features even, odd, which are left out." in relaxed([more], "sid", tested=True).look


def test_tests_of_the_installed_package_need_no_compiler() -> None:
    relations = (
        "debhelper-compat (= 14)", "dh-cargo (>= 31)", "cargo", "rustc", "librust-a-dev (>= 1~)", "python3-maturin",
        "python3-pytest <!nocheck>", "python3-all-dev", "python3-x (>= 2) <!nocheck> | python3-y <!nocheck>",
    )  # fmt: skip
    assert without_compilers(relations) == (
        "debhelper-compat (= 14)", "python3-pytest", "python3-all-dev", "python3-x (>= 2) | python3-y"
    )  # fmt: skip


def test_packages_that_another_brings_are_not_asked_for() -> None:
    needs = (
        Package(relation="python3-dev", reason="headers of Python for C"),
        Package(relation="g++-for-host", reason="a part is C++"),
    )
    rust_one = rust({"Cargo.toml": PACKAGE}, layer=Layer(build_depends=needs))
    control = made(rust_one).files["control"].partition("\nPackage:")[0]
    assert " python3-all-dev," in control
    assert " g++-for-host," in control
    assert " python3-dev" not in control
    plain = replace(rust_one, facts=replace(FACTS, compiled=()), build=BuildFacts())
    assert " python3-dev," in made(plain).files["control"]


def test_torch_that_compiles_in_the_tests_finds_a_compiler() -> None:
    told = rust({"Cargo.toml": PACKAGE})
    tests = replace(told.facts.tests, directory="tests", runner="pytest", test_files=("tests/test_a.py",))

    def depends(compiles: str) -> list[str]:
        facts = replace(told.facts, tests=replace(tests, compiles=compiles))
        control = made(replace(told, facts=facts)).files["tests/control"]
        return [line.strip(" ,") for line in control.partition("Depends:")[2].partition("\n\n")[0].splitlines()]

    found = depends("foo/a.py")
    assert "g++" in found
    assert found.index("g++") < found.index("python3-all-dev")
    assert "g++" not in depends("")


def test_what_the_source_compiles_from_c_is_told_to_be_its_own() -> None:
    text = PACKAGE + '[build-dependencies]\ncc = "1"\n'
    rules = made(rust({"Cargo.toml": text}, need("cc"))).files["rules"]
    assert "target/$(DEB_HOST_RUST_TYPE)/release/build/quick-*/output; do" in rules
    assert "build/quick-" not in made(rust({"Cargo.toml": PACKAGE})).files["rules"]


def test_a_pin_that_is_met_is_loosened_with_its_reason_and_needs_no_look() -> None:
    pin = need("serde", "=1.0.9", version="1.0.9-1", loosened="1.0.9")
    told = relaxed([pin], "sid", tested=True)
    assert (told.title, told.look) == ("Don't pin serde", "")
    assert "would shut out the crate's next upload" in told.reason
    broken = replace(pin, requirement="=1.0.8", loosened=">=1.0.8, <2")
    assert "next upload" not in relaxed([pin, broken], "sid", tested=True).reason
    assert "next upload" not in relaxed([pin], "sid", tested=True, vendored=True).reason


def test_build_depends_ask_once_for_what_one_bound_implies() -> None:
    relations = {
        "0.4": ("librust-log+std-dev", "librust-log-dev (<< 0.6~)"),
        "0.4.25": ("librust-log+std-dev (>= 0.4.9~)", "librust-log+std-dev (>= 0.4.25~)", "librust-log-dev (<< 0.5~)"),
    }
    texts = {
        "Cargo.toml": PACKAGE + '[dependencies]\nlog = "0.4"\nb = { path = "b" }\n',
        "b/Cargo.toml": '[package]\nname = "b"\n[dependencies]\nlog = "0.4.25"\n',
    }
    told = rust(texts, need("log", "0.4"), need("log", "0.4.25"))
    control = made(replace(told, crate_relations=lambda n: relations[n.requirement])).files["control"]
    found = [line.strip(" ,") for line in control.splitlines() if "librust-log" in line]
    assert found == ["librust-log+std-dev (>= 0.4.25~)", "librust-log-dev (<< 0.5~)"]
