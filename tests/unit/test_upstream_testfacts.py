"""Where tests are, what runs them and what they use, in layouts that upstreams have."""

from __future__ import annotations

import configparser
import tomllib
from pathlib import Path

import pytest

from debgen.upstream.pytestsettings import read_settings
from debgen.upstream.testcommands import read_commands
from debgen.upstream.testdeclarations import Declared, Purpose, purpose_of, read_declarations
from debgen.upstream.testfacts import TestFacts, read_tests
from debgen.upstream.testfiles import How

CASE = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): ...\n"
PLAIN = "def test_a(): ...\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def facts(root: Path, files: dict[str, str]) -> TestFacts:
    tree(root, files)
    pyproject = tomllib.loads(files.get("pyproject.toml", ""))
    return read_tests(root, pyproject, configparser.ConfigParser())


def places(found: TestFacts) -> list[tuple[str, str, str]]:
    return [(place.path, place.target, place.module) for place in found.places]


# --- where


PLACES = {
    "usual": ({"tests/test_a.py": PLAIN}, [("tests", "tests", "")]),
    "testing": ({"testing/test_a.py": PLAIN}, [("testing", "testing", "")]),
    "testpaths": (
        {"t1/test_a.py": PLAIN, "tests/test_b.py": PLAIN, "pytest.ini": "[pytest]\ntestpaths = t1\n"},
        [("t1", "t1", "")],
    ),
    "testpaths below": (
        {"tests/unit/test_a.py": PLAIN, "tests/conftest.py": "", "pytest.ini": "[pytest]\ntestpaths = tests/unit\n"},
        [("tests/unit", "tests/unit", "")],
    ),
    "tox": (
        {"checks/test_a.py": PLAIN, "tox.ini": "[testenv]\ncommands = pytest checks\n"},
        [("checks", "checks", "")],
    ),
    "inside, on its own": (
        {"pkg/__init__.py": "", "pkg/tests/__init__.py": "", "pkg/tests/test_a.py": "from pkg import x\n" + PLAIN},
        [("pkg/tests", "tests", "")],
    ),
    "inside, relative": (
        {
            "src/pkg/__init__.py": "",
            "src/pkg/tests/__init__.py": "",
            "src/pkg/tests/test_a.py": "from .. import x\n" + PLAIN,
        },
        [("src/pkg/tests", "pkg/tests", "pkg.tests")],
    ),
    "inside, without __init__": (
        {"src/pkg/__init__.py": "", "src/pkg/tests/test_a.py": PLAIN},
        [("src/pkg/tests", "tests", "")],
    ),
    "inside, several": (
        {
            "pkg/__init__.py": "",
            "pkg/a/__init__.py": "",
            "pkg/a/tests/__init__.py": "",
            "pkg/a/tests/test_a.py": PLAIN,
            "pkg/b/__init__.py": "",
            "pkg/b/tests/__init__.py": "",
            "pkg/b/tests/test_b.py": PLAIN,
        },
        [("pkg/a/tests", "pkg/a/tests", "pkg.a.tests"), ("pkg/b/tests", "pkg/b/tests", "pkg.b.tests")],
    ),
    "inside a namespace": (
        {
            "src/ns/pkg/__init__.py": "",
            "src/ns/pkg/tests/__init__.py": "",
            "src/ns/pkg/tests/test_a.py": "from ..m import x",
        },
        [("src/ns/pkg/tests", "ns/pkg/tests", "ns.pkg.tests")],
    ),
    "beside setup.py": (
        {"test_foo.py": PLAIN, "foo_test.py": PLAIN, "foo.py": "", "setup.py": ""},
        [("foo_test.py", "foo_test.py", ""), ("test_foo.py", "test_foo.py", "")],
    ),
    "examples aren't tests": ({"examples/tests/test_a.py": PLAIN, "docs/test_b.py": PLAIN}, []),
    "hidden": ({".tox/tests/test_a.py": PLAIN, "build/tests/test_a.py": PLAIN}, []),
}


@pytest.mark.parametrize("case", PLACES)
def test_where(tmp_path: Path, case: str) -> None:
    files, expected = PLACES[case]
    assert places(facts(tmp_path, files)) == expected


def test_paths_both_ways(tmp_path: Path) -> None:
    (place,) = facts(tmp_path, PLACES["testpaths below"][0]).places
    assert (place.copied, place.run_path("tests/conftest.py")) == ("tests", "tests/conftest.py")
    (inner,) = facts(tmp_path / "x", PLACES["inside, on its own"][0]).places
    assert inner.run_path("pkg/tests/test_a.py") == "tests/test_a.py"
    assert inner.sdist_path("tests/test_a.py") == "pkg/tests/test_a.py"
    assert inner.sdist_path("other/test_a.py") == ""


def test_why_there_are_none(tmp_path: Path) -> None:
    assert facts(tmp_path / "a", {"foo.py": ""}).reason == "the sdist has no tests"
    helpers = facts(tmp_path / "b", {"tests/__init__.py": "", "tests/helpers.py": "x = 1"})
    assert (helpers.directory, helpers.reason) == ("", "the sdist has tests, but no tests in it")


# --- what runs them


RUNNERS = {
    "test cases in a package": ({"tests/__init__.py": "", "tests/test_a.py": CASE}, "unittest", ""),
    "test cases and a plain function": (
        {"tests/__init__.py": "", "tests/test_a.py": CASE, "tests/test_b.py": PLAIN},
        "pytest",
        "",
    ),
    "test cases in no package": ({"tests/test_a.py": CASE}, "pytest", ""),
    "a command": (
        {
            "tests/__init__.py": "",
            "tests/test_a.py": CASE,
            "tox.ini": "[testenv]\ncommands = coverage run -m pytest {posargs}",
        },
        "pytest",
        "",
    ),
    "a command for something else": (
        {"tests/__init__.py": "", "tests/test_a.py": CASE, "tox.ini": "[testenv:docs]\ncommands = pytest docs"},
        "unittest",
        "",
    ),
    "a module": (
        {
            "pkg/__init__.py": "",
            "pkg/tests/__init__.py": "",
            "pkg/tests/test_a.py": CASE,
            "Makefile": "test:\n\tpython -m pkg.tests -v\n",
        },
        "custom",
        "-m pkg.tests -v",
    ),
    "a script": (
        {
            "tests/__init__.py": "",
            "tests/test_a.py": CASE,
            "runtests.py": "",
            "noxfile.py": "def tests(session):\n    session.run('python', 'runtests.py')\n",
        },
        "custom",
        "runtests.py",
    ),
    "a script alone": ({"test.py": "if __name__ == '__main__':\n    check()\n", "foo.py": ""}, "custom", "test.py"),
}


@pytest.mark.parametrize("case", RUNNERS)
def test_runner(tmp_path: Path, case: str) -> None:
    files, runner, command = RUNNERS[case]
    found = facts(tmp_path, files)
    assert (found.runner, found.command) == (runner, command)
    assert found.runner_evidence


def test_commands_of_all_tools(tmp_path: Path) -> None:
    files = {
        "tox.ini": "[testenv]\ncommands =\n  py{39,310}: python -m pytest {posargs:tests/a} \\\n   -q\n"
        "  - coverage report\n"
        "[testenv:lint]\ncommands = pytest lint\n",
        "noxfile.py": "import nox\n@nox.session\ndef tests(s):\n    s.run('pytest', 'tests/b', *s.posargs)\n",
        "Makefile": "test: build\n\t@$(PYTHON) -m unittest discover\ndocs:\n\tpytest docs\n",
        "pyproject.toml": "[tool.hatch.envs.default.scripts]\ntest = 'pytest {args:tests/c}'\n"
        "docs = ['mkdocs build']\n",
    }
    tree(tmp_path, files)
    found = read_commands(tmp_path, tomllib.loads(files["pyproject.toml"]))
    assert [(c.runner, c.paths) for c in found] == [
        ("pytest", ("tests/a",)), ("pytest", ("tests/c",)), ("pytest", ("tests/b",)), ("unittest", ("discover",)),
    ]  # fmt: skip
    assert [c.evidence for c in found] == ["tox.ini:3", "pyproject.toml:1", "noxfile.py:4", "Makefile:2"]


@pytest.mark.parametrize("text", ["((", "[testenv\n", "commands = '", "def f(): ..."])
def test_broken_files_of_tools_are_survived(tmp_path: Path, text: str) -> None:
    for name in ("tox.ini", "noxfile.py", "setup.cfg", "setup.py", "Pipfile", "pytest.ini", "Makefile"):
        (tmp_path / name).write_text(text)
    assert read_commands(tmp_path, {"tool": {"tox": {"env": 5}, "hatch": {"envs": {"a": 5}}}}) == ()
    assert read_declarations(tmp_path, {"tool": {"poetry": {"group": {"dev": 5}}, "hatch": {"envs": {"a": 5}}}}) == ()


# --- pytest's settings


def test_the_settings_that_pytest_would_take(tmp_path: Path) -> None:
    tree(tmp_path, {"setup.cfg": "[tool:pytest]\naddopts = -a\n", "tox.ini": "[tox]\n"})
    assert (read_settings(tmp_path).addopts, read_settings(tmp_path).evidence) == ("-a", "setup.cfg:1")
    tree(tmp_path, {"tox.ini": "[tox]\n[pytest]\naddopts = -b\n"})
    assert (read_settings(tmp_path).addopts, read_settings(tmp_path).evidence) == ("-b", "tox.ini:2")
    tree(tmp_path, {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-c", "-d"]\ntestpaths = "a b"\n'})
    assert (read_settings(tmp_path).addopts, read_settings(tmp_path).testpaths) == ("-c -d", ("a", "b"))
    tree(tmp_path, {"pytest.ini": ""})
    assert (read_settings(tmp_path).addopts, read_settings(tmp_path).evidence) == ("", "pytest.ini")


def test_lists_in_settings(tmp_path: Path) -> None:
    ini = (
        "[pytest]\nfilterwarnings =\n  error\n  ignore:a b:Foo\nrequired_plugins = pytest-a pytest-b>=1\n"
        "asyncio_mode = auto\n"
    )
    found = read_settings(tree(tmp_path, {"pytest.ini": ini}))
    assert found.filterwarnings == ("error", "ignore:a b:Foo")
    assert found.required_plugins == ("pytest-a", "pytest-b>=1")
    assert "asyncio_mode" in found.keys


# --- what they use


def test_uses_with_their_places(tmp_path: Path) -> None:
    found = facts(tmp_path, {
        "tests/conftest.py": "import pytest\n@pytest.fixture\ndef local(tmp_path): ...\n"
        "def pytest_addoption(parser):\n    parser.addoption('--slow')\n",
        "tests/test_a.py": "import top\ntry:\n    import tried\nexcept BaseException:\n    tried = None\n"
        "if x:\n    import chosen\ndef test_a(local, mocker):\n    import inner\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import typed\n"
        "import pytest\nskipped = pytest.importorskip('skipped')\n@pytest.mark.asyncio\nasync def test_b(): ...\n"
        "@pytest.mark.parametrize('given, other', [])\ndef test_c(given, other, httpbin): ...\n",
    })  # fmt: skip
    assert {used.name: used.how for used in found.foreign} == {
        "top": How.TOP, "pytest": How.TOP, "tried": How.GUARDED, "chosen": How.GUARDED, "inner": How.INNER,
        "skipped": How.GUARDED,
    }  # fmt: skip
    assert next(u.places for u in found.foreign if u.name == "inner") == ("tests/test_a.py:9",)
    assert [used.name for used in found.fixtures] == ["httpbin", "mocker", "tmp_path"]
    assert {used.name for used in found.marks} == {"asyncio", "parametrize"}
    assert found.options == ("--slow",)


def test_what_a_unittest_method_takes_is_no_fixture(tmp_path: Path) -> None:
    text = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self, benchmark): ...\n"
    assert facts(tmp_path, {"tests/__init__.py": "", "tests/test_a.py": text}).fixtures == ()


def test_siblings_that_the_sdist_lacks(tmp_path: Path) -> None:
    found = facts(tmp_path, {"tests/test_a.py": "from . import utils\n" + PLAIN, "tests/test_b.py": PLAIN})
    assert [(u.path, u.reason) for u in found.unimportable] == [
        ("tests/test_a.py", "imports its sibling .utils, which the sdist lacks")
    ]


def test_what_lies_beside_and_is_read(tmp_path: Path) -> None:
    found = facts(tmp_path, {
        "pkg/__init__.py": "", "src/x.py": "", "examples/a.json": "", "docs/b.rst": "", "README.rst": "", "CHANGES": "",
        "helpers.py": "", "other.py": "", "tests/test_a.py":
        "import helpers\nA = open('examples/a.json')\nB = HERE / 'README.rst'\nC = 'docs/missing.rst'\nD = 'pkg/x'\n",
    })  # fmt: skip
    assert found.beside == ("README.rst", "examples", "helpers.py")


def test_tests_beside_a_folder_of_their_name_stay_where_they_are(tmp_path: Path) -> None:
    text = "import os\nTOP = os.path.join(HERE, 'tests')\nBRO = os.path.join(HERE, 'python', 'bro.py')\n"
    found = facts(tmp_path, {
        "python/x.py": "", "python/bro.py": "", "python/tests/__init__.py": "", "python/tests/a_test.py": text + PLAIN,
        "tests/testdata/a": "", "setup.py": "",
    })  # fmt: skip
    [place] = found.places
    assert (place.copied, place.copied_to, place.target) == ("python/tests", "python/tests", "python/tests")
    assert found.beside == ("tests", "python/bro.py python/bro.py")
    assert [place.run_path(path) for path in found.test_files] == ["python/tests/a_test.py"]


@pytest.mark.parametrize(
    ("said", "settings", "beside"),
    [
        ("src/pkg/x.h", "", ("src",)), ("../../src/pkg", "", ("src",)), ("../src/", "", ()), ("src/none.h", "", ()),
        ("src/pkg/x.h", "[pytest]\npythonpath = src\n", ()), ("src' / 'pkg' / 'x.h", "", ("src",)),
        ("src' / name / 'pkg", "", ()), ("' , TOP.joinpath('src', 'pkg'), '", "", ("src",)),
    ],
)  # fmt: skip
def test_sources_that_tests_read(tmp_path: Path, said: str, settings: str, beside: tuple[str, ...]) -> None:
    files = {"src/pkg/__init__.py": "", "src/pkg/x.h": "", "tests/test_a.py": f"A = TOP / '{said}'\n" + PLAIN}
    assert facts(tmp_path, {**files, "pytest.ini": settings}).beside == beside


@pytest.mark.parametrize(("options", "expected"), [("--doctest-modules -ra", ["objgraph"]), ("-ra", [])])
def test_doctests_of_modules_import_every_file(tmp_path: Path, options: str, expected: list[str]) -> None:
    files = {
        "tests/test_a.py": PLAIN, "tests/isolated/leaks.py": "import objgraph\n",
        "pytest.ini": f"[pytest]\naddopts = {options}\n",
    }  # fmt: skip
    assert [used.name for used in facts(tmp_path, files).foreign] == expected


def test_time_zones_of_the_old_style(tmp_path: Path) -> None:
    assert facts(tmp_path / "a", {"tests/test_a.py": "Z = 'US/Eastern'"}).old_zones == "tests/test_a.py"
    assert facts(tmp_path / "b", {"tests/test_a.py": "Z = 'Europe/Berlin'"}).old_zones == ""


# --- what is declared


def declared(root: Path, files: dict[str, str]) -> list[tuple[str, Purpose, str]]:
    tree(root, files)
    pyproject = tomllib.loads(files.get("pyproject.toml", ""))
    found: tuple[Declared, ...] = read_declarations(root, pyproject)
    return [(entry.requirement, entry.purpose, entry.evidence) for entry in found]


TEST, DEV, OTHER = Purpose.TEST, Purpose.DEVELOPMENT, Purpose.OTHER
DECLARATIONS = {
    "groups": (
        {
            "pyproject.toml": '[dependency-groups]\ntests = ["a>=1", {include-group = "more"}]\n'
            'more = ["b", {include-group = "tests"}]\n'
        },
        [
            ("a>=1", TEST, "pyproject.toml:2 (dependency group tests)"),
            ("b", TEST, "pyproject.toml:3 (dependency group tests)"),
            ("b", OTHER, "pyproject.toml:3 (dependency group more)"),
            ("a>=1", OTHER, "pyproject.toml:2 (dependency group more)"),
        ],
    ),
    "hatch": (
        {
            "pyproject.toml": '[tool.hatch.envs.test]\ndependencies = ["a"]\nfeatures = ["fast"]\n'
            '[tool.hatch.envs.lint]\ndependencies = ["ruff"]\n'
        },
        [
            ("a", TEST, "pyproject.toml:2 (hatch environment test)"),
            (".[fast]", TEST, "pyproject.toml (hatch environment test)"),
            ("ruff", OTHER, "pyproject.toml:5 (hatch environment lint)"),
        ],
    ),
    "poetry": (
        {
            "pyproject.toml": '[tool.poetry.dev-dependencies]\na = "^1"\n'
            '[tool.poetry.group.test.dependencies]\npython = "^3"\n'
            'b = {version = "1", extras = ["x"], python = "<3.9"}\n'
        },
        [
            ("b[x]; python_version < '3.9'", TEST, "pyproject.toml (poetry group test)"),
            ("a", DEV, "pyproject.toml (poetry's dev-dependencies)"),
        ],
    ),
    "pdm, uv, cibuildwheel": (
        {
            "pyproject.toml": '[tool.pdm.dev-dependencies]\ntest = ["a", "-e ."]\n[tool.uv]\ndev-dependencies = ["b"]\n'
            '[tool.cibuildwheel]\ntest-requires = "c d"\ntest-extras = ["e"]\n'
        },
        [
            ("a", TEST, "pyproject.toml:2 (pdm group test)"),
            ("c", TEST, "pyproject.toml (cibuildwheel's test-requires)"),
            ("d", TEST, "pyproject.toml (cibuildwheel's test-requires)"),
            (".[e]", TEST, "pyproject.toml (cibuildwheel's test-extras)"),
            ("b", DEV, "pyproject.toml:4 (uv's dev-dependencies)"),
        ],
    ),
    "tox": (
        {
            "tox.ini": "[testenv]\nextras = fast\ndeps =\n  a>=1\n  py39: b\n  lint: flake8\n"
            "  -r{toxinidir}/more.txt\n  .[own]\n[testenv:docs]\ndeps = sphinx\n",
            "more.txt": "c==2  # pinned\n-r sub/deep.txt\n--index-url x\n",
            "sub/deep.txt": "d\n-r ../more.txt\n-r ../../outside.txt\n",
        },
        [
            (".[fast]", TEST, "tox.ini:1"),
            ("a>=1", TEST, "tox.ini:4"),
            ("b", TEST, "tox.ini:5"),
            ("c==2", TEST, "more.txt:1"),
            ("d", TEST, "sub/deep.txt:1"),
            (".[own]", TEST, "tox.ini:8"),
            ("flake8", OTHER, "tox.ini:6"),
            ("sphinx", OTHER, "tox.ini:10"),
        ],
    ),
    "nox": (
        {
            "noxfile.py": "def tests(session):\n    session.install('a', '-r', 'req.txt')\n"
            "    session.install('-e', '.[own]')\n    session.install(*more)\n"
            "def lint(session):\n    session.install('ruff')\n",
            "req.txt": "b\n",
        },
        [
            ("a", TEST, "noxfile.py:2"),
            ("b", TEST, "req.txt:1"),
            (".[own]", TEST, "noxfile.py:3"),
            ("ruff", OTHER, "noxfile.py:6"),
        ],
    ),
    "setup": (
        {
            "setup.py": "NEEDS = ['a']\nsetup(tests_require=NEEDS)\nother(tests_require='b')\n"
            "third(tests_require=f())\n",
            "setup.cfg": "[options]\ntests_require =\n  c\n",
        },
        [("c", TEST, "setup.cfg:3"), ("a", TEST, "setup.py:2"), ("b", TEST, "setup.py:3")],
    ),
    "files": (
        {
            "requirements-test.txt": "a\n",
            "requirements/dev.in": "b\n",
            "requirements.txt": "c\n",
            "tests/requirements.txt": "d\n",
            "dev-requirements.txt": "e\n",
            "docs/requirements.txt": "f\n",
            "requirements/docs.txt": "g\n",
        },
        [
            ("a", TEST, "requirements-test.txt:1"),
            ("d", TEST, "tests/requirements.txt:1"),
            ("e", DEV, "dev-requirements.txt:1"),
            ("b", DEV, "requirements/dev.in:1"),
        ],
    ),
    "a list with pytest is for development": (
        {"requirements.txt": "pytest==8\nx\n"},
        [("pytest==8", DEV, "requirements.txt:1"), ("x", DEV, "requirements.txt:2")],
    ),
    "Pipfile": ({"Pipfile": "[packages]\nz = '*'\n[dev-packages]\na = '*'\n"}, [("a", DEV, "Pipfile:4")]),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_declarations(tmp_path: Path, case: str) -> None:
    files, expected = DECLARATIONS[case]
    assert declared(tmp_path, files) == expected


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("test", TEST), ("Testing", TEST), ("requirements/tests", TEST), ("ci-test", TEST), ("dev", DEV), ("all", DEV),
        ("docs", OTHER), ("test-docs", OTHER), ("latest", OTHER), ("yaml", OTHER),
    ],
)  # fmt: skip
def test_purposes(name: str, purpose: Purpose) -> None:
    assert purpose_of(name) is purpose
