"""What a recipe switches off, leaves out or vendors, and which crates Cargo then takes."""

from __future__ import annotations

import pytest

from debgen.cargo.features import needing, switched_off
from debgen.upstream.buildcargo import Choice, crates_of
from debgen.upstream.buildmodel import Crate, Manifest
from debgen.upstream.cargolock import Lock

TREE = {
    "Cargo.toml": """
        [workspace]
        members = ["py", "core", "server"]
        [workspace.dependencies]
        core = { path = "core", default-features = false }
        shared = "2"
        """,
    "py/Cargo.toml": """
        [package]
        name = "py"
        [dependencies]
        core = { workspace = true, features = ["hub", "fast"] }
        server = { path = "../server", optional = true }
        pyo3 = "0.25"
        [features]
        default = ["serve", "core/hub"]
        serve = ["dep:server"]
        """,
    "core/Cargo.toml": """
        [package]
        name = "core"
        [dependencies]
        hf-hub = { version = "=0.4.1", optional = true }
        tokens = { version = "0.22", features = ["onig"], default-features = false }
        simd = { package = "fast-simd", version = "1", optional = true }
        shared.workspace = true
        [features]
        default = []
        hub = ["hf-hub", "tokens/http", "simd?/hub"]
        fast = ["simd"]
        """,
    "server/Cargo.toml": '[package]\nname = "server"\n[dependencies]\ntokio = "1"\n',
}
START = (Manifest("py/Cargo.toml"),)


def crates(choice: Choice | None = None, more: dict[str, str] | None = None) -> dict[str, Crate]:
    found, notes = crates_of(START, {**TREE, **(more or {})}, choice)
    assert notes == ()
    return {crate.name: crate for crate in found}


def on(found: dict[str, Crate]) -> set[str]:
    return {name for name, crate in found.items() if not crate.optional}


def test_all_of_it() -> None:
    found = crates()
    assert on(found) == {"core", "server", "pyo3", "hf-hub", "tokens", "fast-simd", "shared", "tokio"}
    assert found["tokens"].features == ("http", "onig")
    assert found["fast-simd"].features == ("hub",)


def test_ways_and_switches() -> None:
    found = crates()
    assert found["pyo3"].via == ("py/Cargo.toml",)
    assert found["tokens"].via == ("py/Cargo.toml", "core/Cargo.toml")
    assert found["tokio"].via == ("py/Cargo.toml", "server/Cargo.toml")
    assert found["tokens"].switches == found["pyo3"].switches == ()
    assert found["hf-hub"].switches == ("core/Cargo.toml#hub",)
    assert found["fast-simd"].switches == ("core/Cargo.toml#fast",)
    assert found["tokio"].switches == found["server"].switches == ("py/Cargo.toml#serve",)


def test_switches_are_found_through_a_workspace_where_everything_asks_for_everything() -> None:
    """Two of each of 40 layers ask for both of the next: a million million ways, and back up from the last."""
    last = 40
    tree = {
        f"{side}{n}/Cargo.toml": f'[package]\nname = "{side}{n}"\n[dependencies]\n'
        + "".join(f'{other}{n + 1} = {{ path = "../{other}{n + 1}" }}\n' for other in "ab" if n < last)
        + ('deep = "1"\na1 = { path = "../a1" }\n' if n == last else "")
        for n in range(1, last + 1)
        for side in "ab"
    }
    tree["Cargo.toml"] = """
        [package]
        name = "top"
        [dependencies]
        a1 = { path = "a1", optional = true }
        b1 = { path = "b1", optional = true }
        [features]
        default = ["one", "two"]
        one = ["dep:a1"]
        two = ["dep:b1"]
        """
    found, _ = crates_of([Manifest("Cargo.toml")], tree)
    switches = {crate.switches for crate in found if crate.name == "deep"}
    assert switches == {("Cargo.toml#one", "Cargo.toml#two")}
    always = tree | {"Cargo.toml": tree["Cargo.toml"].replace('"b1", optional = true', '"b1"')}
    found, _ = crates_of([Manifest("Cargo.toml")], always)
    assert {crate.switches for crate in found if crate.name == "deep"} == {()}


def test_without_a_crate_the_features_that_need_it_are_off() -> None:
    found = crates(Choice(without=("hf-hub",)))
    assert "hf-hub" not in found
    assert found["tokens"].features == ("onig",)  # tokens/http was the feature's too
    assert found["core"].features == ("fast", "hub")  # what is asked for; the feature isn't there to be had
    renamed = crates(Choice(without=("fast-simd",)))
    assert "fast-simd" not in renamed
    assert renamed["tokens"].features == ("http", "onig")


def test_a_crate_that_is_always_needed_goes_too() -> None:
    found = crates(Choice(without=("tokens",)))
    assert "tokens" not in found
    assert found["hf-hub"].optional  # the feature that names both is off


def test_what_is_not_built_is_not_followed() -> None:
    found = crates(Choice(unbuilt=("server/*",)))
    assert not found.keys() & {"tokio", "server"}
    assert "tokens" in found
    assert crates(Choice(unbuilt=("py/*",))) == {}


VENDORED = {
    "vendor/tokens/Cargo.toml": """
        [package]
        name = "tokens"
        version = "0.23.0"
        [dependencies]
        deep = "0.3"
        sibling = { version = "1.1", path = "../sibling" }
        inner = { path = "inner" }
        onig = { version = "6", optional = true }
        hub2 = { version = "1", optional = true }
        [features]
        http = ["dep:hub2"]
        """,
    "vendor/tokens/inner/Cargo.toml": '[package]\nname = "inner"\n[dependencies]\nleaf = "1"\n',
    "vendor/Cargo.toml": '[workspace]\n[workspace.dependencies]\ndeep = "9"\n',
}


def test_a_vendored_crate_takes_the_place_of_the_registrys() -> None:
    found = crates(Choice(vendor=("tokens",)), VENDORED)
    assert found["tokens"].source == "path vendor/tokens"
    assert (found["tokens"].requirement, found["tokens"].manifest) == ("0.22", "core/Cargo.toml")
    assert on(found) >= {"deep", "hub2", "onig", "leaf"}  # features of those who ask reach into it
    assert found["deep"].via == ("py/Cargo.toml", "core/Cargo.toml", "vendor/tokens/Cargo.toml")
    assert found["sibling"].source == "registry"  # as it is once published
    assert found["sibling"].requirement == "1.1"
    assert found["inner"].source == "path vendor/tokens/inner"
    assert found["deep"].requirement == "0.3"
    assert "deep" not in crates(None, VENDORED)  # a folder of that name means nothing by itself


def test_a_repositorys_crate_may_be_vendored() -> None:
    git = {**TREE, **VENDORED, "core/Cargo.toml": TREE["core/Cargo.toml"].replace(
        'version = "0.22"', 'git = "https://example.org/t"'
    )}  # fmt: skip
    found = {crate.name: crate for crate in crates_of(START, git, Choice(vendor=("tokens",)))[0]}
    assert found["tokens"].source == "path vendor/tokens"


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(without=("absent",)), "no Cargo.toml of the build asks for the crate absent, which the recipe names"),
        (Choice(vendor=("absent",)), "no Cargo.toml of the build asks for the crate absent, which the recipe names"),
        (Choice(unbuilt=("absent/*",)), "the recipe leaves out absent/*, and there is no such Cargo.toml"),
    ],
)
def test_what_matches_nothing_is_told(choice: Choice, told: str) -> None:
    assert crates_of(START, TREE, choice)[1] == (told,)


def test_what_a_vendored_crate_has_from_its_workspace_is_told() -> None:
    # The sdist's own workspace has a crate of that name; it isn't the one that is meant.
    text = '[package]\nname = "tokens"\n[dependencies]\nshared.workspace = true\n'
    _, notes = crates_of(START, {**TREE, "vendor/tokens/Cargo.toml": text}, Choice(vendor=("tokens",)))
    assert notes == (
        "vendor/tokens/Cargo.toml takes shared from its workspace, which isn't vendored: a patch has to write it out",
    )


def test_features_that_need_a_dependency() -> None:
    features = {
        "default": ["x", "other"], "a": ["dep:x"], "b": ["x/f"], "c": ["x?/f"], "d": ["a"], "other": ["y"], "e": "odd",
    }  # fmt: skip
    assert needing(features, "x") == {"a", "b", "default"}
    assert switched_off(features, ["x"]) == {"a", "b"}
    assert needing(features, "y") == {"other", "y"}  # nobody says dep:y, so y is a feature
    assert needing({"x": ["dep:x"], "all": ["x"]}, "x") == {"x"}
    assert switched_off({}, []) == frozenset()


def test_what_stands_below_a_crate_in_a_lock() -> None:
    text = """
        [[package]]
        name = "a"
        version = "1.0.0"
        dependencies = ["b 2.0.0", "c"]
        [[package]]
        name = "a"
        version = "2.0.0"
        [[package]]
        name = "b"
        version = "1.0.0"
        [[package]]
        name = "b"
        version = "2.0.0"
        [[package]]
        name = "c"
        version = "0.1.0"
        """
    lock, problem = Lock.parse(text)
    assert not problem
    assert lock.below("a", "1.0.0") == (("b", "2.0.0"), ("c", "0.1.0"))
    assert lock.below("a", "2.0.0") == lock.below("a", "3.0.0") == lock.below("z", "1") == ()


@pytest.mark.parametrize("wrapper_first", [True, False])
def test_a_module_may_have_the_name_of_the_crate_that_it_wraps(wrapper_first: bool) -> None:
    entries = [
        '[[package]]\nname = "a"\nversion = "1.0.0"\ndependencies = ["pyo3", "a 1.0.0"]\n',
        '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+x"\ndependencies = ["c 0.1.0"]\n',
    ]
    lock, _ = Lock.parse("".join(entries if wrapper_first else entries[::-1]))
    assert lock.below("a", "1.0.0") == (("c", "0.1.0"),)
