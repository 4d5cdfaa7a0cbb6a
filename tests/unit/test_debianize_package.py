"""The generator as a whole: what it refuses, watch and metadata files, tests, templates of the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debian.deb822 import Deb822
from packaging.requirements import Requirement

from debgen.archive.model import Match, Origin
from debgen.debianize.model import Inputs, Repack, SourcePackage, SuiteFacts, Team
from debgen.debianize.package import debianize
from debgen.debianize.source_files import homepage, repository, upstream_metadata
from debgen.debianize.templates import Templates
from debgen.errors import RecipeError, UnsupportedSourceError, UsageError
from debgen.identity import Identity
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.recipes import Autopkgtest, Drop, Layer, Package, Recipe, Relax, Skip
from debgen.upstream.buildmodel import BuildFacts, Library, LibraryKind
from debgen.upstream.facts import EntryPoint, SdistFacts, read_facts
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.model import Target
from debgen.upstream.oddfiles import Fate, OddFile
from debgen.upstream.systemlibs import SystemSwitch
from debgen.upstream.testfacts import TestFacts, Unimportable

FACTS = SdistFacts(
    name="foo", version="1.0", summary="frobnicator of things", description="", homepage="",
    urls=(), author="Jane Doe", licence="Apache-2.0", classifiers=(), requires_python="", requirements=(), backend="",
    build_requirements=(), modules=("foo",), namespaces=(), scripts=(), compiled=(), prebuilt=(), licence_files=(),
    tests=TestFacts(),
)  # fmt: skip
SUITE = SuiteFacts(
    codename="sid", changelog_distribution="unstable", version_suffix="", compat=14, standards_version="4.7.4",
    watch_version=5, implied_rules_requires_root=True, implied_priority=True, python_version="3.14",
    architecture="amd64",
)  # fmt: skip
REASON = "a reason that says something"


def match(package: str, version: str = "1.0-1") -> Match:
    return Match("x", package, "x", version, version.split("-")[0], "main", Origin.CONTENTS, "")


def inputs(facts: SdistFacts = FACTS, layer: Layer | None = None, packages: Mapping[str, str] | None = None) -> Inputs:
    have = {name: match(f"python3-{name}", version) for name, version in (packages or {}).items()}
    return Inputs(
        facts=facts,
        scan=LicenceScan((FileLicence("foo.py", "Apache-2.0", ("2020, Jane Doe",)),), ()),
        texts={"pyproject.toml": ""},
        sdist_name="foo-1.0.tar.gz",
        suite=SUITE,
        lookup=have.get,
        taken=lambda _: False,
        marker_environment=Target("3.14", "amd64").marker_environment(),
        recipe=Recipe("foo", "sid", layer or Layer(), None),
        identity=Identity("Jane Doe", "jane@example.org"),
        team=Team(),
        date=datetime(2026, 1, 2, tzinfo=UTC),
    )


def made(told: Inputs) -> SourcePackage:
    return debianize(told, Templates())


def test_upstream_version() -> None:
    package = made(inputs())
    assert (package.version, package.upstream_version) == ("1.0-1", "1.0")
    for version in ("2:1.0-1", "1.0-1", "2:1.0~rc1+dfsg-1~bpo12+1"):
        expected = version.removeprefix("2:").split("-")[0]
        assert replace(package, version=version).upstream_version == expected


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(FACTS, prebuilt=("foo/a.so",)), "foo/a.so"),
        (replace(FACTS, modules=()), "no Python module"),
    ],
)
def test_what_is_not_supported_yet(facts: SdistFacts, word: str) -> None:
    with pytest.raises(UnsupportedSourceError, match=word):
        made(inputs(facts))


def test_sources_in_rust_of_another_build_need_no_cargo() -> None:
    package = made(replace(inputs(), build=BuildFacts(languages=("C", "Rust"))))
    assert "cargo" not in package.files["control"] + package.files["rules"]


def test_what_is_compiled_is_made_for_each_architecture() -> None:
    build = BuildFacts(
        requires=("setuptools", "wheel", "numpy>=2", "Cython>=4"), languages=("C", "Cython"),
        libraries=(Library(LibraryKind.PKG_CONFIG, "libzmq", "setup.py:1"),),
    )  # fmt: skip
    facts = replace(FACTS, compiled=("C (foo.c)",))
    told = inputs(facts, packages={"setuptools": "80.0-1", "wheel": "0.46-1", "numpy": "2.4-1", "cython": "3.2-1"})
    needs = (
        BuildNeed(Topic.LIBRARY, "libzmq", "", "libzmq3-dev", "4.3-1", Supply.SATISFIED, "is there"),
        BuildNeed(Topic.LIBRARY, "tcmalloc", "", "", "", Supply.RELAXABLE, "the build can do without"),
        BuildNeed(Topic.LIBRARY, "gone", "", "", "", Supply.MISSING, "the suite has nothing for it"),
    )
    package = made(replace(told, build=build, libraries=needs, section="science"))
    source, binary = Deb822.iter_paragraphs(package.files["control"])
    assert [relation.strip() for relation in source["Build-Depends"].split(",") if relation.strip()] == [
        "debhelper-compat (= 14)", "dh-sequence-numpy3", "dh-sequence-python3", "dh-sequence-single-binary",
        "libzmq3-dev", "pkgconf", "pybuild-plugin-pyproject", "python3-all-dev", "python3-cython", "python3-numpy",
        "python3-setuptools",
    ]  # fmt: skip
    assert (source["Section"], binary["Architecture"]) == ("science", "any")
    assert "${shlibs:Depends}" in binary["Depends"]
    assert "hardening=+all" in package.files["rules"]
    assert "upstream builds with Cython>=4; sid has 3.2" in package.notes
    assert "gone: the suite has nothing for it" in [fixme.question for fixme in package.fixmes]


def test_a_repacked_source_says_so() -> None:
    package = made(replace(inputs(), repack=Repack("", ("foo/*.exe",), "+dfsg")))
    assert package.version == "1.0+dfsg-1"
    assert "Files-Excluded" in package.files["README.source"]
    package = made(replace(inputs(), repack=Repack("upstream's archive is a zip file")))
    assert package.version == "1.0-1"
    assert "upstream's archive is a zip file" in package.files["README.source"]
    assert "README.source" not in made(inputs()).files


def test_notices_of_embedded_copies_are_installed() -> None:
    paths = ("NOTICE", "src/vendor/x/NOTICE", "src/vendor/y/notice.txt", "tests/NOTICE", "docs/a/NOTICE", "a b/NOTICE")
    files = tuple(FileLicence(path, "", ()) for path in paths)
    told = replace(inputs(), scan=LicenceScan((FileLicence("foo.py", "Apache-2.0", ("2020, Jane Doe",)), *files), ()))
    assert made(told).files["python3-foo.install"] == (
        "src/vendor/x/NOTICE usr/share/doc/python3-foo/notices/src/vendor/x\n"
        "src/vendor/y/notice.txt usr/share/doc/python3-foo/notices/src/vendor/y\n"
    )
    assert "python3-foo.install" not in made(inputs()).files


@pytest.mark.parametrize(("has", "value"), [(True, "$(shell sed -n 's/^Version: *//p' PKG-INFO"), (False, "1.0\n")])
def test_the_version_is_told_from_the_metadata_where_the_tree_has_it(has: bool, value: str) -> None:
    facts = replace(FACTS, version_environment=(("X_VERSION", "x asks git"),), has_metadata=has)
    rules = made(replace(inputs(), facts=facts)).files["rules"]
    assert re.search(rf"# X asks git\nexport X_VERSION :?= {re.escape(value)}", rules)


def test_generic_names_are_removed_and_odd_files_are_asked_about() -> None:
    facts = replace(
        FACTS, unwanted_modules=("tests",), needed_generic=("utils",), version_environment=(("FOO_VERSION", "git"),),
        odd_files=(
            OddFile("foo/a.js", "minified", Fate.ASK, "its source is not there"),
            OddFile("tests/b.exe", "PE", Fate.KEEP, "only tests read it"),
        ),
    )  # fmt: skip
    package = made(inputs(facts))
    assert "\trm -rf debian/python3-foo/usr/lib/python3*/dist-packages/tests\n" in package.files["rules"]
    assert "# Git\nexport FOO_VERSION := $(shell sed" in package.files["rules"]
    asked = [fixme.question for fixme in package.fixmes]
    assert "foo/a.js (minified): its source is not there" in asked
    assert any("module utils has a generic name" in question for question in asked)
    assert "tests/b.exe (PE) stays: only tests read it" in package.notes


def test_with_modules_for_the_default_python_only_it_alone_is_used() -> None:
    told = replace(
        inputs(replace(FACTS, requirements=(Requirement("torch"),)), packages={"torch": "2.0-1"}),
        default_only=lambda package: package == "python3-torch",
    )  # fmt: skip
    package = made(told)
    assert "\n python3,\n" in package.files["control"]
    assert "python3-all" not in package.files["control"]
    assert any(note.startswith("python3-torch: built for the suite's default Python only") for note in package.notes)


STALE = {
    "drop": Layer(drop=(Drop(distribution="absent", reason=REASON),)),
    "relax": Layer(relax=(Relax(distribution="absent", specifier="", reason=REASON),)),
    "skip": Layer(skip=(Skip(select="tests/test_gone.py::test_x", reason=REASON),)),
}


@pytest.mark.parametrize("key", STALE)
def test_a_recipe_line_that_matches_nothing_is_out_of_date(key: str) -> None:
    facts = replace(FACTS, tests=TestFacts("tests", "pytest"))
    with pytest.raises(RecipeError, match=r"absent|test_gone") as caught:
        made(inputs(facts, STALE[key]))
    assert caught.value.hint


def test_a_test_that_cannot_be_imported_may_be_skipped_as_well() -> None:
    gone = "tests/test_gone.py"
    tests = TestFacts(
        "tests", "pytest", unimportable=(Unimportable(gone, "is broken"),), test_files=(gone, "tests/a.py")
    )
    rules = made(inputs(replace(FACTS, tests=tests), STALE["skip"])).files["rules"]
    assert "--ignore=tests/test_gone.py" in rules
    assert "--deselect=tests/test_gone.py::test_x" in rules


def test_a_requirement_that_is_found_in_no_file_is_passed_over_by_dh_python3() -> None:
    layer = Layer(drop=(Drop(distribution="bar", reason=REASON),))
    package = made(inputs(replace(FACTS, requirements=(Requirement("bar"),)), layer))
    assert not [f.question for f in package.fixmes if f.file == "debian/patches"]
    assert package.files["py3dist-overrides"] == "bar\n"
    assert any("the requirement on bar was not found in upstream's build files" in note for note in package.notes)


def build_depends(told: Inputs) -> list[str]:
    control = next(iter(Deb822.iter_paragraphs(made(told).files["control"].splitlines(keepends=True))))
    return [line.strip() for line in control["Build-Depends"].split(",") if line.strip()]


def test_build_profiles() -> None:
    packages = dict.fromkeys(("bar", "pytest"), "1.0-1")
    facts = replace(FACTS, requirements=(Requirement("bar>=0.5"),))
    scripts = replace(facts, scripts=(EntryPoint("foo", "foo:main"),))
    tests = TestFacts("tests", "pytest")
    bar = "python3-bar (>= 0.5~)"
    assert f"{bar} <!nocheck>" in build_depends(inputs(facts, packages=packages))
    assert f"{bar} <!nocheck> <!nodoc>" in build_depends(
        inputs(scripts, packages=packages)
    )  # the smoke test imports it
    both = build_depends(inputs(replace(scripts, tests=tests), packages=packages))
    assert f"{bar} <!nocheck> <!nodoc>" in both
    assert "python3-pytest <!nocheck>" in both
    assert "help2man <!nodoc>" in both


def test_one_relation_per_package_the_one_that_always_holds() -> None:
    told = inputs(replace(FACTS, requirements=(Requirement("setuptools>=0.5"),)), packages={"setuptools": "1.0-1"})
    build = BuildFacts(requires=("setuptools", "gone; python_version < '3'"))
    found = build_depends(replace(told, build=build))
    assert [r for r in found if "setuptools" in r] == ["python3-setuptools"]


def test_bounds_of_builds() -> None:
    """Lower bounds only; a hole inside the range is no lower bound, and an alternative would carry no profile."""
    for line, expected in (
        ("bar>=1,<3,!=1.5", "python3-bar (>= 1~) <!nocheck>"),
        ("bar!=1.5", "python3-bar <!nocheck>"),
        ("bar<3", "python3-bar <!nocheck>"),
    ):
        facts = replace(FACTS, requirements=(Requirement(line),))
        assert build_depends(inputs(facts, packages={"bar": "2.0-1"}))[-1] == expected


def test_profiles_stand_with_every_alternative() -> None:
    facts = replace(FACTS, tests=TestFacts("tests", "pytest"))
    layer = Layer(test_depends=(Package(relation="git | mercurial (>= 2)", reason=REASON),))
    assert "git <!nocheck> | mercurial (>= 2) <!nocheck>" in build_depends(inputs(facts, layer))


def test_library_paths_are_deleted() -> None:
    told = inputs(replace(FACTS, compiled=("C (foo.c)",)))
    told = replace(told, texts={**told.texts, "CMakeLists.txt": "set(CMAKE_INSTALL_RPATH /usr/lib)"})
    package = made(told)
    assert "\n# CMakeLists.txt may write the folder" in package.files["rules"]
    assert "\n chrpath,\n" in package.files["control"]
    assert "chrpath" not in str(made(replace(told, facts=FACTS)).files)


def test_patches_that_rules_make() -> None:
    facts = replace(FACTS, compiled=("C (foo.c)",))
    told = inputs(facts, packages={"flit-core": "4.1-1"})
    texts = {
        "setup.py": "setup(a=['-g0'])\n", "pyproject.toml": '[tool.flit.metadata]\nmodule = "foo"\n',
        "c/CMakeLists.txt": "FetchContent_Declare(x URL a SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/x)\n",
    }  # fmt: skip
    told = replace(told, texts={**told.texts, **texts}, has="c/x/CMakeLists.txt".__eq__)
    files = made(told).files
    assert files["patches/series"] == "standard-metadata.patch\nbundled-x.patch\ndebugging-symbols.patch\n"
    assert "+setup(a=['-g'])" in files["patches/debugging-symbols.patch"]
    assert "+[project]" in files["patches/standard-metadata.patch"]
    assert "+FetchContent_Declare(x SOURCE_DIR" in files["patches/bundled-x.patch"]
    assert "debugging-symbols" not in made(replace(told, facts=FACTS)).files["patches/series"]


def test_what_a_recipe_builds_with() -> None:
    layer = Layer(build_depends=(Package(relation="libfoo-dev", reason=REASON),))
    assert "libfoo-dev" in build_depends(inputs(FACTS, layer))


def test_autopkgtests() -> None:
    untested = made(inputs()).files["tests/control"]
    assert "Tests: smoke\n" in untested
    assert "superficial" in untested
    layer = Layer(autopkgtest=(Autopkgtest(name="run", depends=("@", "git"), reason=REASON),))
    tested = made(inputs(replace(FACTS, tests=TestFacts("tests", "pytest")), layer)).files["tests/control"]
    first, second = Deb822.iter_paragraphs(tested.splitlines(keepends=True))
    assert first["Test-Command"] == "pybuild-autopkgtest"
    assert "superficial" not in tested
    assert (second["Tests"], second["Depends"].split()) == ("run", ["python3-foo,", "git,"])


# --- watch, metadata, changelog


@pytest.mark.parametrize(
    ("name", "version", "dist", "pattern"),
    [
        ("foo_bar-1.0.tar.gz", "1.0", "foo_bar", ""),
        ("Foo.Bar-1.0.tar.gz", "1.0", "Foo.Bar", ""),
        ("foo-bar-1.0.tar.bz2", "1.0", "foo-bar", r"foo-bar-@ANY_VERSION@\.tar\.bz2"),
        ("foo-1.0.zip", "1.0", "foo", r"foo-@ANY_VERSION@\.zip"),
        ("foo-1.0-2.tar.gz", "1.0.post2", "foo", ""),  # another spelling of the version: the usual form
    ],
)
def test_watch(name: str, version: str, dist: str, pattern: str) -> None:
    told = replace(inputs(replace(FACTS, version=version)), sdist_name=name)
    *head, mangle = f"Version: 5\n\nTemplate: Pypi\nDist: {dist}\nUversion-Mangle: ".splitlines()
    lines = made(told).files["watch"].splitlines()
    assert lines[:4] == head
    assert lines[4].startswith(mangle)
    assert lines[5:] == ([f"Matching-Pattern: {pattern}"] if pattern else [])
    old = made(replace(told, suite=replace(SUITE, watch_version=4))).files["watch"]
    assert old.startswith("version=4\n")
    assert old.rstrip().endswith(pattern or f"{dist}-@ANY_VERSION@@ARCHIVE_EXT@")


def urls(*pairs: tuple[str, str], home: str = "") -> SdistFacts:
    return replace(FACTS, homepage=home, urls=pairs)


A_B = "https://github.com/a/b"


@pytest.mark.parametrize(
    ("facts", "home", "forge"),
    [
        (urls(), "", ""),
        (urls(home="https://foo.example.org"), "https://foo.example.org", ""),
        (urls(("Home Page", "https://a.example"), ("Source", f"{A_B}.git")), "https://a.example", A_B),
        (urls(("Code", "http://github.com/a/b/tree/x")), A_B, A_B),
        (urls(("Docs", "https://d.example"), ("GitHub", f"{A_B}#x")), A_B, A_B),
        (urls(("Docs", "https://d.example")), "https://d.example", ""),
        (urls(home="https://index.example/project/foo/"), "", ""),
        (urls(("Bug Tracker", "https://codeberg.org/x/y/issues"), ("Repository", A_B)), A_B, A_B),
    ],
)
def test_homepage_and_repository(facts: SdistFacts, home: str, forge: str) -> None:
    assert homepage(facts) == home
    assert repository(facts) == forge


def test_upstream_metadata() -> None:
    assert upstream_metadata(FACTS, Templates()) == ""
    facts = urls(
        ("Source", "https://github.com/a/b"),
        ("Issues", "https://tracker.example/b"),
        ("Release notes", "https://a.example/changes"),
        ("Docker", "https://docker.example"),
        ("Documentation", "https://docs.example"),
    )
    assert upstream_metadata(facts, Templates()).splitlines() == [
        "---",
        "Bug-Database: https://tracker.example/b",
        "Bug-Submit: https://github.com/a/b/issues/new",
        "Changelog: https://a.example/changes",
        "Documentation: https://docs.example",
        "Repository: https://github.com/a/b.git",
        "Repository-Browse: https://github.com/a/b",
    ]


def test_bug_numbers_are_never_made_up() -> None:
    assert "Closes" not in made(inputs()).files["changelog"]
    assert "* Initial release. (Closes: #123)\n" in made(replace(inputs(), itp=123)).files["changelog"]


def test_team_and_vcs() -> None:
    team = Team("A Team <team@example.org>", "https://salsa.example/team/")
    control = made(replace(inputs(), team=team)).files["control"]
    assert "Maintainer: A Team <team@example.org>\nUploaders: Jane Doe <jane@example.org>\n" in control
    assert (
        "Vcs-Git: https://salsa.example/team/python-foo.git\nVcs-Browser: https://salsa.example/team/python-foo\n"
        in control
    )
    alone = made(inputs()).files["control"]
    assert "Maintainer: Jane Doe <jane@example.org>\n" in alone
    assert "Uploaders" not in alone
    assert "Vcs" not in alone


# --- templates


def test_templates_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "gbp.conf.j2").write_text("[DEFAULT]\n# mine\n")
    assert debianize(inputs(), Templates([tmp_path])).files["gbp.conf"] == "[DEFAULT]\n# mine\n"


@pytest.mark.parametrize("text", ["{{ absent }}", "{{ source.absent.x }}", "{% if absent %}{% endif %}", "{% if %}"])
def test_broken_templates_are_the_users_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "control.j2").write_text(text)
    with pytest.raises(UsageError, match=r"control\.j2"):
        debianize(inputs(), Templates([tmp_path]))


def test_unknown_template() -> None:
    with pytest.raises(UsageError, match="nothing-like-it"):
        Templates().render("nothing-like-it.j2")


def test_upstream_text_is_never_a_template(tmp_path: Path) -> None:
    """Jinja syntax in what upstream wrote comes out as it went in."""
    facts = replace(FACTS, summary="reads {{ 7 * 7 }} and {% raw %}", urls=(("Docs", "https://d.example/{{ 7*7 }}"),))
    files = made(inputs(facts)).files
    assert "{{ 7 * 7 }}" in files["control"]
    assert "49" not in files["control"] + files["upstream/metadata"]


def test_upstream_text_cannot_break_out_of_its_field(tmp_path: Path) -> None:
    """Folded lines in what upstream wrote make no new fields, rules or licences; neither do names of commands."""
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil/__init__.py").touch()
    (tmp_path / "PKG-INFO").write_text(
        "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
        "Summary: evil\n Build-Depends: wickedness\n"
        "Author: Eve\n Files: wickedness\n"
        "License: Expat\nHome-page: https://evil.example/\n\tPriority: required\n"
        "Project-URL: Source, https://evil.example/x\n Evil: yes\n"
    )
    scripts = "".join(f'"{name}" = "x:y"\n' for name in ("x; touch /", "a b", "-rf", "../x", "$(x)", "ok"))
    (tmp_path / "pyproject.toml").write_text(f"[project.scripts]\n{scripts}")
    files = made(inputs(read_facts(tmp_path))).files
    for paragraph in Deb822.iter_paragraphs(files["control"].splitlines(keepends=True)):
        assert "wickedness" not in paragraph.get("Build-Depends", "")
        assert "Priority" not in paragraph
    assert "\nEvil" not in files.get("upstream/metadata", "")
    assert "\nFiles: wickedness" not in files["copyright"]
    assert "\n Files: wickedness" not in files["copyright"]
    assert files["clean"] == "debian/ok.1\n"
    assert "touch" not in files["rules"]


def test_a_build_takes_the_systems_libraries() -> None:
    switches = (
        SystemSwitch("USE_SYSTEM_X", "1", "", ("x",), "setup.py:3"),
        SystemSwitch("", "", "build_ext --use-system-y", ("y",), "setup.py:5"),
    )
    needs = tuple(
        BuildNeed(Topic.LIBRARY, name, "", f"lib{name}-dev", "1", Supply.SATISFIED, "found") for name in ("x", "y")
    )
    told = replace(inputs(replace(FACTS, system_switches=switches)), libraries=needs)
    package = made(told)
    assert (
        "# libx-dev in the place of the copy in the tree (setup.py:3)\nexport USE_SYSTEM_X = 1\n"
        in (package.files["rules"])
    )
    line = "export PYBUILD_BUILD_ARGS = --config-setting='--build-option=build_ext --use-system-y'\n"
    assert line in package.files["rules"]
    assert {" libx-dev,", " liby-dev,"} <= set(package.files["control"].splitlines())
