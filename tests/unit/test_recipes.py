"""Recipes: validation with messages that help, layers by suite, and the files beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.data import data_directory
from debgen.errors import RecipeError
from debgen.recipes import VARIANTS, Layer, Recipe, load_recipe, parse_recipe, requirement_files

REASON = 'reason = "a reason that says something"'


def write(folder: Path, text: str, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    return folder


def parse(tmp_path: Path, text: str, suite: str = "sid", variant: str = "cpu") -> Recipe:
    return parse_recipe("foo", suite, write(tmp_path / "foo", text), variant=variant)


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(tmp_path, text)
    assert str(tmp_path / "foo" / "recipe.toml") in str(caught.value) + caught.value.hint
    assert caught.value.hint
    return str(caught.value)


def test_none_and_empty(tmp_path: Path) -> None:
    assert load_recipe("No_Such.Thing", "sid", directories=[tmp_path]).directory is None
    empty = parse(tmp_path, "")
    assert empty.layer.drop == ()
    assert empty.layer.description is None
    assert empty.debian_files() == {}
    assert empty.patches() == {}


def test_own_recipes_come_first_and_names_are_normalised(tmp_path: Path) -> None:
    write(tmp_path / "a/foo-bar", f'[[drop]]\ndistribution = "One_Two"\n{REASON}')
    write(tmp_path / "b/foo-bar", "")
    recipe = load_recipe("Foo_Bar", "sid", directories=[tmp_path / "a", tmp_path / "b"])
    assert recipe.directory == tmp_path / "a/foo-bar"
    assert [d.distribution for d in recipe.layer.drop] == ["one-two"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("suite", ["sid", "trixie", "bookworm"])
@pytest.mark.parametrize("folder", sorted(data_directory("recipes").iterdir()), ids=lambda path: path.name)
def test_the_recipes_that_come_with_debgen(folder: Path, suite: str, variant: str) -> None:
    assert load_recipe(folder.name, suite, variant=variant).directory == folder


UNKNOWN = {
    "dorp = []": ["dorp: unknown key; did you mean 'drop'?"],
    f'[[drop]]\ndistributoin = "x"\n{REASON}': ["drop.distributoin: unknown key; did you mean 'distribution'?"],
    "[suite.sid]\nrelaxx = []": ["suite.sid.relaxx: unknown key; did you mean 'relax'?"],
    '[[suite.sid.skip]]\nselct = "t"': ["did you mean 'select'?", "suite.sid.skip.0.select: Field required"],
    "[description]\nzzz = 1": ["description.zzz: unknown key; known keys: reason, synopsis, text"],
    "qqqqqq = 1": ["qqqqqq: unknown key; known keys:"],
    "[variant.cpu]\nrelaxx = []": ["variant.cpu.relaxx: unknown key; did you mean 'relax'?"],
    f'[[variant.rocm.drop]]\ndistribution = "x"\nif_laking = true\n{REASON}': [
        "variant.rocm.drop.if_laking: unknown key; did you mean 'if_lacking'?"
    ],
    '[variant.cuda.requirements]\nfils = ["a.txt"]': [
        "variant.cuda.requirements.fils: unknown key; did you mean 'files'?",
        "variant.cuda.requirements.reason: Field required",
    ],
    f'[[unbuilt]]\nmanifets = "rust/*"\n{REASON}': ["unbuilt.manifets: unknown key; did you mean 'manifest'?"],
    f'[[variant.gpu.drop]]\ndistribution = "x"\n{REASON}': [
        "variant.gpu: there is no such variant; known: cpu, cuda, rocm"
    ],
    "[variant]\ncpu = 1": ["variant.cpu: Input should be"],
    "[variant.cpu.suite.sid]\nrelax = []": ["variant.cpu.suite: unknown key; "],
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_keys_are_refused_with_a_suggestion(tmp_path: Path, text: str) -> None:
    said = message(tmp_path, text)
    for part in UNKNOWN[text]:
        assert part in said


BAD = {
    "syntax": ("drop = [", "can't be read"),
    "no reason": ('[[drop]]\ndistribution = "x"', "drop.0.reason: Field required"),
    "empty reason": ('[[drop]]\ndistribution = "x"\nreason = "   short    "', "drop.0.reason"),
    "specifier": (f'[[relax]]\ndistribution = "x"\nspecifier = "=>1"\n{REASON}', "'=>1' is not a PEP 440 specifier"),
    "relation": (f'[[depends]]\nrelation = "Git (> 2)"\n{REASON}', "'Git (> 2)' is not a Debian relation"),
    "alternative": (f'[[depends]]\nrelation = "git |"\n{REASON}', "not a Debian relation"),
    "test relation": (f'[[autopkgtest]]\nname = "t"\ndepends = ["git,"]\n{REASON}', "not a Debian relation"),
    "type": ("drop = 5", "drop: Input should be"),
    "variable": (f'[[test_environment]]\nname = "A B"\nvalue = ""\n{REASON}', "test_environment.0.name"),
    "value": (f'[[test_environment]]\nname = "A"\nvalue = """x\ny"""\n{REASON}', "test_environment.0.value"),
    "long synopsis": (
        f'[description]\nsynopsis = "{"x" * 80}"\ntext = "long enough for a text"\n{REASON}',
        "description.synopsis",
    ),
    "if_lacking": (
        f'[[drop]]\ndistribution = "x"\nif_lacking = "maybe"\n{REASON}',
        "drop.0.if_lacking: Input should be",
    ),
    "no files": (f"[requirements]\nfiles = []\n{REASON}", "requirements.files"),
    "absolute file": (f'[requirements]\nfiles = ["/etc/passwd"]\n{REASON}', "requirements.files.0"),
    "empty file": (f'[requirements]\nfiles = [""]\n{REASON}', "requirements.files.0"),
    "unbuilt without a reason": ('[[unbuilt]]\nmanifest = "rust/*"', "unbuilt.0.reason: Field required"),
    "no script": (f'[[autopkgtest]]\nname = "run"\n{REASON}', "autopkgtest 'run' has no script"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_named(tmp_path: Path, name: str) -> None:
    text, part = BAD[name]
    assert part in message(tmp_path, text)


def test_a_folder_without_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "foo").mkdir()
    with pytest.raises(RecipeError, match=r"has no recipe.toml"):
        load_recipe("foo", "sid", directories=[tmp_path])


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "foo").mkdir()
    (tmp_path / "foo/recipe.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(RecipeError, match="can't be read"):
        parse_recipe("foo", "sid", tmp_path / "foo")


@pytest.mark.parametrize(
    "relation",
    ["git", "git (>= 1:2.30~)", "python3-a | bc [amd64 !i386]", "ab:any <!nocheck> <!nodoc>", "${shlibs:Depends}"],
)
def test_relations_that_are_fine(tmp_path: Path, relation: str) -> None:
    recipe = parse(tmp_path, f'[[depends]]\nrelation = "{relation}"\n{REASON}')
    assert recipe.layer.depends[0].relation == relation


LAYERS = f"""
[[relax]]
distribution = "A"
specifier = ">=1"
{REASON}
[[relax]]
distribution = "b"
specifier = ">=1"
{REASON}
[[skip]]
select = "tests/test_a.py"
{REASON}
[description]
synopsis = "the general one"
text = "a text that is long enough"
{REASON}
[[suite.trixie.relax]]
distribution = "B"
specifier = ">=2"
{REASON}
[[suite.trixie.drop]]
distribution = "c"
{REASON}
[suite.trixie.description]
synopsis = "trixie's own"
text = "a text that is long enough"
{REASON}
"""


def test_layers(tmp_path: Path) -> None:
    sid = parse(tmp_path, LAYERS).layer
    trixie = parse(tmp_path, LAYERS, "trixie").layer
    assert [(r.distribution, r.specifier) for r in sid.relax] == [("a", ">=1"), ("b", ">=1")]
    assert [(r.distribution, r.specifier) for r in trixie.relax] == [("a", ">=1"), ("b", ">=2")]
    assert (len(sid.drop), [d.distribution for d in trixie.drop]) == (0, ["c"])
    assert sid.skip == trixie.skip
    assert sid.description
    assert trixie.description
    assert (sid.description.synopsis, trixie.description.synopsis) == ("the general one", "trixie's own")


def test_files_of_a_recipe(tmp_path: Path) -> None:
    folder = write(tmp_path / "foo", f'[[autopkgtest]]\nname = "run"\n{REASON}')
    for name in (
        "debian/tests/run", "debian/rules", "debian/.rules.swp",
        "patches/b.patch", "patches/a.patch", "patches/series", "patches/sid/a.patch", "patches/trixie/c.patch",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    sid, trixie = parse_recipe("foo", "sid", folder), parse_recipe("foo", "trixie", folder)
    assert list(sid.debian_files()) == ["rules", "tests/run"]
    assert list(sid.patches()) == ["a.patch", "b.patch"]
    assert sid.patches()["a.patch"] == folder / "patches/sid/a.patch"
    assert list(trixie.patches()) == ["a.patch", "b.patch", "c.patch"]
    assert trixie.patches()["a.patch"] == folder / "patches/a.patch"


VARIANT_LAYERS = f"""
[[drop]]
distribution = "opentelemetry_*"
if_lacking = true
{REASON}
[[drop]]
distribution = "triton"
reason = "the general reason"
[[relax]]
distribution = "torch"
specifier = ">=1"
{REASON}
[[unbuilt]]
manifest = "rust/*"
{REASON}
[requirements]
files = ["requirements/common.txt"]
{REASON}
[[suite.trixie.relax]]
distribution = "Torch"
specifier = ">=2"
{REASON}
[[variant.cpu.drop]]
distribution = "triton"
if_lacking = true
reason = "the reason of the cpu"
[[variant.cpu.relax]]
distribution = "torch"
specifier = ">=3"
{REASON}
[variant.cpu.requirements]
files = ["requirements/cpu.txt", "requirements-cpu.txt"]
{REASON}
[[variant.rocm.unbuilt]]
manifest = "more/Cargo.toml"
{REASON}
"""


def test_layers_of_variants(tmp_path: Path) -> None:
    def layer(variant: str, suite: str = "sid") -> Layer:
        return parse(tmp_path, VARIANT_LAYERS, suite, variant).layer

    assert [(d.distribution, d.if_lacking, d.reason) for d in layer("cuda").drop] == [
        ("opentelemetry-*", True, "a reason that says something"), ("triton", False, "the general reason"),
    ]  # fmt: skip
    assert [(d.distribution, d.if_lacking) for d in layer("cpu").drop] == [("opentelemetry-*", True), ("triton", True)]
    assert [u.manifest for u in layer("rocm").unbuilt] == ["rust/*", "more/Cargo.toml"]
    assert [u.manifest for u in layer("cpu").unbuilt] == ["rust/*"]
    files = {v: r.files for v in VARIANTS if (r := layer(v).requirements)}
    assert files == {
        "cpu": ("requirements/cpu.txt", "requirements-cpu.txt"),
        "cuda": ("requirements/common.txt",), "rocm": ("requirements/common.txt",),
    }  # fmt: skip
    specifiers = {(s, v): layer(v, s).relax[0].specifier for s in ("sid", "trixie") for v in ("cpu", "cuda")}
    assert specifiers == {  # the variant is laid over the suite
        ("sid", "cpu"): ">=3", ("sid", "cuda"): ">=1", ("trixie", "cpu"): ">=3", ("trixie", "cuda"): ">=2",
    }  # fmt: skip


def test_what_a_pattern_drops(tmp_path: Path) -> None:
    entries = ("open_telemetry-*", "nvidia-*", "nvidia-ml-py", "x")
    text = "".join(f'[[drop]]\ndistribution = "{entry}"\nreason = "the reason of {entry}"\n' for entry in entries)
    layer = parse(tmp_path, text).layer

    def reason(name: str) -> str:
        found = layer.drop_of(name)
        return found.reason if found else ""

    assert reason("open-telemetry-api") == "the reason of open_telemetry-*"
    assert reason("nvidia-cublas") == "the reason of nvidia-*"
    assert reason("nvidia-ml-py") == "the reason of nvidia-ml-py"  # though the pattern comes first
    assert (reason("x"), reason("xx"), reason("opentelemetry-api"), reason("nvidia")) == ("the reason of x", "", "", "")


def test_files_of_requirements_from_all_recipes(tmp_path: Path) -> None:
    files = '[variant.{}.requirements]\nfiles = ["{}"]\n' + REASON
    write(tmp_path / "own/foo", files.format("cpu", "own.txt"))
    write(tmp_path / "own/vllm", "")
    write(tmp_path / "other/foo", files.format("cpu", "other.txt"))
    write(tmp_path / "other/bar", files.format("rocm", "bar.txt"))
    (tmp_path / "own/.git").mkdir()
    (tmp_path / "own/README").touch()
    roots = [tmp_path / "own", tmp_path / "other"]
    assert requirement_files("sid", "cpu", directories=roots) == {"foo": ("own.txt",)}  # and not debgen's own of vllm
    assert requirement_files("sid", "rocm", directories=roots) == {"bar": ("bar.txt",)}
    assert requirement_files("sid", "cuda", directories=roots) == {}
    assert requirement_files("sid", "cpu")["vllm"][0] == "requirements/cpu.txt"


def test_folders_of_recipes_that_do_not_serve(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for missing in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(RecipeError, match="can't be read") as caught:
            requirement_files("sid", "cpu", directories=[missing])
        assert str(missing) in str(caught.value)
        assert caught.value.hint
    write(tmp_path / "own/Foo_Bar", "")
    with pytest.raises(RecipeError, match="not named like") as caught:
        requirement_files("sid", "cpu", directories=[tmp_path / "own"])
    assert caught.value.hint == "Rename it to foo-bar."
    write(tmp_path / "broken/foo", "dorp = 1")
    with pytest.raises(RecipeError, match="did you mean 'drop'"):
        requirement_files("sid", "cpu", directories=[tmp_path / "broken"])
