"""Why each line of debian/ is there: that every one has a reason, whatever the source is like, and that it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from provenance_cases import unexplained
from test_debianize_package import FACTS, REASON, inputs, made, match

from debgen.debianize.evidence import asked_for_building, asked_when_run, build_requires_line
from debgen.debianize.model import Inputs, Repack, SourcePackage, Team
from debgen.debianize.provenance import Cause, Lines, Origin
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.recipes import Drop, Layer, Package, Relax, Skip, Variable
from debgen.upstream.buildmodel import BuildFacts, Library, LibraryKind
from debgen.upstream.facts import EntryPoint
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.systemlibs import SystemSwitch
from debgen.upstream.testfacts import TestFacts, TestPlace, Unimportable

TESTED = TestFacts("tests", "pytest", places=(TestPlace("tests", "tests"),), test_files=("tests/test_a.py",),
                   files=("tests/test_a.py",), runner_evidence="tox.ini:3")  # fmt: skip
NEEDS = (BuildNeed(Topic.LIBRARY, "libzmq", "", "libzmq3-dev", "4.3-1", Supply.SATISFIED, "is there"),)
COMPILED = replace(FACTS, compiled=("C (foo.c)",))


def cases() -> Mapping[str, Inputs]:
    """Sources of many kinds."""
    plain = inputs()
    build = BuildFacts(
        requires=("setuptools>=61", "numpy"), languages=("C", "Cython"),
        libraries=(Library(LibraryKind.PKG_CONFIG, "libzmq", "setup.py:14"),),
    )  # fmt: skip
    switch = SystemSwitch("USE_SYSTEM_ZMQ", "1", "", ("libzmq",), "setup.py:20")
    option = SystemSwitch("", "", "build_ext --system", ("libzmq",), "setup.py:21")
    have = dict.fromkeys(("setuptools", "numpy", "cython", "bar", "baz", "pytest", "tox"), "1.0-1")
    compiled = inputs(replace(COMPILED, system_switches=(switch, option)), packages=have)
    asking = replace(FACTS, requirements=(Requirement("bar>=0.5,<1"), Requirement("baz; extra == 'fast'")))
    recipe = Layer(
        relax=(Relax(distribution="bar", specifier=">=0.5", reason=REASON),),
        drop=(Drop(distribution="gone", reason=REASON),),
        skip=(Skip(select="tests/test_a.py::test_x", reason=REASON),),
        depends=(Package(relation="git", reason=REASON),), suggests=(Package(relation="vim", reason=REASON),),
        build_depends=(Package(relation="libq-dev", reason=REASON),),
        test_depends=(Package(relation="hg", reason=REASON),),
        test_environment=(Variable(name="A_B", value="$x #", reason=REASON),),
    )  # fmt: skip
    return {
        "plain": plain,
        "compiled": replace(
            compiled, build=build, libraries=NEEDS, texts={"CMakeLists.txt": "set(CMAKE_INSTALL_RPATH /usr/lib)"}
        ),
        "asking": inputs(asking, packages=have | {"bar": "1.0-1"}, layer=Layer(relax=recipe.relax)),
        "recipe": replace(
            inputs(
                replace(asking, requirements=(*asking.requirements, Requirement("gone")), tests=TESTED), recipe, have
            ),
            texts={"pyproject.toml": "", "tests/test_a.py": ""},
        ),
        "unittest": inputs(replace(FACTS, tests=replace(TESTED, runner="unittest"))),
        "custom": inputs(replace(FACTS, tests=replace(TESTED, runner="custom", command="runtests.py -v"))),
        "loopback": inputs(replace(FACTS, tests=replace(TESTED, loopback=True))),
        "proxies": inputs(replace(FACTS, tests=replace(TESTED, proxies=True))),
        "inside": inputs(replace(FACTS, tests=replace(TESTED, places=(TestPlace("foo/tests", "foo", module="foo"),)))),
        "broken": inputs(
            replace(FACTS, tests=replace(TESTED, unimportable=(Unimportable("tests/test_a.py", "is broken"),)))
        ),
        "some broken": inputs(
            replace(
                FACTS,
                tests=replace(
                    TESTED,
                    test_files=("tests/test_a.py", "tests/test_b.py"),
                    unimportable=(Unimportable("tests/test_a.py", "is broken"),),
                ),
            )
        ),
        "version": inputs(replace(FACTS, version_environment=(("SETUPTOOLS_SCM_PRETEND_VERSION", "no git here"),))),
        "unwanted": inputs(replace(FACTS, unwanted_modules=("tests",), scripts=(EntryPoint("foo", "foo:main"),))),
        "team": replace(plain, team=Team("Team <t@example.org>", "https://salsa.example.org/team"), itp=123456),
        "repacked": replace(plain, repack=Repack("a zip", ("vendor",), "+dfsg"), sdist_name="foo-1.0.zip"),
        "zip": replace(plain, sdist_name="foo-1.0.zip", suite=replace(plain.suite, watch_version=4)),
        "licences": replace(
            plain,
            scan=LicenceScan(
                (FileLicence("NOTICE", "", ()), FileLicence("v/a.c", "ISC", ("2020, B",), tagged=True)),
                ("v/a.c: ISC or X",),
            ),
        ),
    }  # fmt: skip


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_every_line_has_a_reason(name: str) -> None:
    package = made(CASES[name])
    assert list(unexplained(package)) == []
    for why in package.provenance.reasons:
        assert 1 <= why.first <= why.last <= len(package.files[why.file].splitlines())
        assert len(why.cause) > 5, why


def reasons(package: SourcePackage, file: str) -> dict[str, list[tuple[Origin, str]]]:
    """The reasons of a file by the text of the line that they begin at."""
    lines = package.files[file].splitlines()
    found: dict[str, list[tuple[Origin, str]]] = {}
    for why in package.provenance.reasons:
        if why.file == file:
            found.setdefault(lines[why.first - 1].strip(" ,"), []).append((why.origin, why.cause))
    return found


def test_what_a_human_decided_is_told_from_what_a_machine_did() -> None:
    package = made(CASES["recipe"])
    control, rules = reasons(package, "control"), reasons(package, "rules")
    human = [(Origin.RECIPE, REASON)]
    for relation in ("git", "vim", "libq-dev", "hg <!nocheck>"):
        assert control[relation] == human
    assert rules["export A_B = $$x \\#"] == human
    assert rules["PYBUILD_TEST_ARGS += --deselect=tests/test_a.py::test_x"] == human
    assert [s.origin for s in package.provenance.skipped] == [Origin.RECIPE]
    assert control["python3-baz"][0][1].startswith("upstream's extra fast asks for baz")
    assert [origin for origin, _ in control["python3-bar <!nocheck>"]] == [Origin.FACT, Origin.RECIPE]


def test_facts_name_their_places() -> None:
    control = reasons(made(CASES["compiled"]), "control")
    assert control["libzmq3-dev"] == [(Origin.FACT, "setup.py:14: the build takes libzmq (is there)")]
    assert control["pkgconf"] == [(Origin.FACT, "setup.py:14: the build asks pkg-config for libzmq")]
    assert control["chrpath"][0][1].startswith("CMakeLists.txt may set")
    rules = reasons(made(CASES["compiled"]), "rules")
    assert "setup.py:20" in rules["export USE_SYSTEM_ZMQ = 1"][0][1]


def test_all_that_causes_a_relation_is_told() -> None:
    told = inputs(replace(FACTS, requirements=(Requirement("setuptools>=0.5"),)), packages={"setuptools": "1.0-1"})
    told = replace(told, build=BuildFacts(requires=("setuptools",)))
    causes = [cause for _, cause in reasons(made(told), "control")["python3-setuptools"]]
    assert len(causes) == 2
    assert "PEP 517" in causes[0]
    assert "Requires-Dist" in causes[1]


def test_what_is_left_for_a_human() -> None:
    human = " ".join(made(CASES["plain"]).provenance.human)
    for word in ("Description", "smoke test", "--itp"):
        assert word in human
    assert "--itp" not in " ".join(made(CASES["team"]).provenance.human)
    assert "disagree on 1 file;" in " ".join(made(CASES["licences"]).provenance.human)
    known = replace(inputs(), lookup={"foo": match("python3-foo", "0.5-1")}.get)
    assert "--itp" not in " ".join(made(known).provenance.human)


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        ("pyproject.toml", '[project]\ndependencies = [\n  "Bar>=1",\n]\n', "pyproject.toml:3"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3"\nbar = "^1"\n', "pyproject.toml:3"),
        ("setup.cfg", "[options]\ninstall_requires =\n  foo\n  bar>=1\n", "setup.cfg:4"),
        ("setup.py", "setup(\n  install_requires=['foo',\n  'bar>=1'])\n", "setup.py:3"),
        ("setup.py", "setup()\n", "upstream's metadata (Requires-Dist)"),
    ],
)
def test_where_a_requirement_stands(path: str, text: str, place: str) -> None:
    told = replace(inputs(replace(FACTS, requirements=(Requirement("bar>=1"),))), texts={path: text})
    assert asked_when_run(told, Requirement("bar")) == f"{place} asks for bar>=1"


def test_where_a_build_requirement_stands() -> None:
    text = '[project]\nrequires = ["flit_core"]\n[build-system]\nrequires = ["a",\n"Flit-Core>=3"]\nx = "b"\n'
    assert build_requires_line(text, "flit-core") == 5
    assert build_requires_line(text, "a") == 4
    assert build_requires_line(text, "b") == 0
    assert build_requires_line("", "b") == 0
    told = replace(inputs(), texts={"setup.py": "x = 1\nsetup_requires = ['Cython>=3']\n"})
    assert asked_for_building(told, Requirement("cython>=3")) == "setup.py:2 asks for cython>=3"
    assert asked_for_building(told, Requirement("other")) == "upstream's build asks for other"


def test_reasons_for_lines() -> None:
    lines = Lines("f", "a\n b,\n\nc: 1\n d\ne\n")
    lines.block("c:", Cause("block"), r"\S")
    lines.line("a", Cause("one"), Cause("two\n lines", Origin.RULE))
    lines.relation("c", "b", [Cause("elsewhere")])
    lines.block("never", Cause("x"))
    assert [(w.first, w.last, w.cause, w.origin) for w in lines.found] == [
        (4, 5, "block", Origin.FACT), (1, 1, "one", Origin.FACT), (1, 1, "two lines", Origin.RULE),
    ]  # fmt: skip
    lines.block("e", Cause("rest"), "never")
    assert (lines.found[-1].first, lines.found[-1].last) == (6, 6)
