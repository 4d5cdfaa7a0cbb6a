"""What tests say of their surroundings, and upstream's own ways to leave out what a build can't run."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from test_debianize_tests import PLAIN, find_needs, inputs
from test_upstream_testfacts import facts, places

from debgen.debianize.test_switches import marks_expression, network_options, quoted, unwanted_marks
from debgen.debianize.tests import TestPlan, plan_tests
from debgen.upstream.tables import words
from debgen.upstream.testfacts import TestFacts
from debgen.upstream.testpaths import climbed, wanted_variables
from debgen.upstream.testprograms import programs_wrapped


def said(plan: TestPlan) -> list[str]:
    return [argument for block in plan.blocks for argument in block.arguments]


# --- paths


@pytest.mark.parametrize(
    ("expression", "folders"),
    [
        ("Path(__file__)", 0),
        ("Path(__file__).parent", 1),
        ("Path(__file__).resolve().parent.parent", 2),
        ("Path(__file__).parents[2] / 'data'", 3),
        ("os.path.dirname(os.path.dirname(os.path.abspath(__file__)))", 2),
        ("os.path.join(os.path.dirname(__file__), '..', 'data')", 2),
        ("Path(__file__).parent / '../..'", 3),
        ("HERE.parent", 2),
        ("ROUND", None),
        ("Path(foo.__file__).parent", None),
        ("', '.join(names)", None),
    ],
)
def test_how_far_up(expression: str, folders: int | None) -> None:
    bound = {
        "HERE": ast.parse("Path(__file__).parent", mode="eval").body,
        "ROUND": ast.parse("ROUND.parent", mode="eval").body,
    }
    assert climbed(ast.parse(expression, mode="eval").body, bound) == folders


def test_tests_that_look_beyond_their_package_stay_in_it(tmp_path: Path) -> None:
    start = "from pathlib import Path\nSUITE = Path(__file__).parent"
    package = {"pkg/__init__.py": "", "pkg/tests/__init__.py": "", "suite/a.json": "{}"}
    up = facts(tmp_path / "up", {**package, "pkg/tests/test_a.py": f"{start}.parent.parent / 'suite'\n{PLAIN}"})
    assert places(up) == [("pkg/tests", "pkg/tests", "pkg.tests")]
    assert up.beside == ("suite",)
    here = facts(tmp_path / "here", {**package, "pkg/tests/test_a.py": f"{start} / 'data'\n{PLAIN}"})
    assert places(here) == [("pkg/tests", "tests", "")]
    assert here.beside == ()


def test_a_folder_that_is_joined_to_the_package_s_own_path(tmp_path: Path) -> None:
    text = f"import pkg, os\nROOT = os.path.join(os.path.dirname(pkg.__file__), '..', 'cases')\n{PLAIN}"
    found = facts(tmp_path, {"tests/test_a.py": text, "cases/a.json": "", "others/a.json": "", "pkg/__init__.py": ""})
    assert found.beside == ("cases",)


def test_modules_on_the_path_of_the_settings(tmp_path: Path) -> None:
    settings = '[tool.pytest.ini_options]\npythonpath = [".", "tasks", "unused"]\n'
    files = {
        "pyproject.toml": settings, "tests/test_a.py": f"import helping\nimport foreign\n{PLAIN}",
        "tasks/helping.py": "", "unused/other.py": "",
    }  # fmt: skip
    found = facts(tmp_path, files)
    assert [used.name for used in found.foreign] == ["foreign"]
    assert found.beside == ("tasks",)


# --- options


def test_words_of_options_stay_together(tmp_path: Path) -> None:
    settings = '[tool.pytest.ini_options]\naddopts = ["--strict-config", "-m", "not slow and x"]\n'
    plan = plan_tests(inputs(tmp_path, {"tests/test_a.py": PLAIN, "pyproject.toml": settings}))
    assert [words(argument) for argument in said(plan)] == [("-o", "addopts=-m 'not slow and x'")]


@pytest.mark.parametrize("text", ["plain", "two words", "it's", 'a "b" c\'d', "$x 'y'", "-m 'not a'"])
def test_quoted_for_a_shell(text: str) -> None:
    assert words(quoted(text)) == (text,)


def test_a_module_that_a_command_line_starts_is_needed(tmp_path: Path) -> None:
    text = "import sys, subprocess\ndef test_a():\n    subprocess.run([sys.executable, '-m', 'measuring', 'run'])\n"
    other = "def test_a():\n    assert ['git', 'commit', '-m', 'wording'] and ['-m', 'timeit']\n"
    found = find_needs(inputs(tmp_path, {"tests/test_a.py": text, "tests/test_b.py": other}, ("measuring", "wording")))
    assert found.packages == ("python3-measuring", "python3-pytest")


# --- marks


def marked(*names: str) -> str:
    lines = (f"@pytest.mark.{name}\ndef test_{at}(): ...\n" for at, name in enumerate(names))
    return "import pytest\n" + "".join(lines)


def with_marks(root: Path, names: list[str], declared: str = "", conftest: str = "", addopts: str = "") -> TestFacts:
    lines = "".join(f"    {line}\n" for line in declared.splitlines())
    settings = f"[pytest]\naddopts = {addopts}\nmarkers =\n{lines}"
    return facts(root, {"tests/test_a.py": marked(*names), "pytest.ini": settings, "tests/conftest.py": conftest})


def test_marks_for_the_network_and_for_devices(tmp_path: Path) -> None:
    declared = "api: tests that hit the real service over the internet\nfast: needs no network\nlocal: uses a socket\n"
    names = ["network", "needs_internet", "api", "fast", "local", "gpu", "no_network", "parametrize", "slow"]
    found = unwanted_marks(with_marks(tmp_path, names, declared))
    assert {mark.name: mark.reason for mark in found} == {
        "api": "need the network", "gpu": "need a GPU", "needs_internet": "need the network",
        "network": "need the network",
    }  # fmt: skip


def test_marks_that_a_conftest_declares(tmp_path: Path) -> None:
    conftest = "def pytest_configure(config):\n    config.addinivalue_line('markers', 'live(x): requires network')\n"
    assert [mark.name for mark in unwanted_marks(with_marks(tmp_path, ["live"], conftest=conftest))] == ["live"]
    assert unwanted_marks(with_marks(tmp_path / "b", ["live"])) == ()


@pytest.mark.parametrize(
    ("kept", "expression"),
    [
        ([], "not network"),
        (["-m", "not slow"], "not slow and not network"),
        (["-mx or y"], "(x or y) and not network"),
        (["-m", "not network"], ""),
    ],
)
def test_upstream_s_own_choice_of_marks_is_kept(tmp_path: Path, kept: list[str], expression: str) -> None:
    assert marks_expression(unwanted_marks(with_marks(tmp_path, ["network"])), kept) == expression


def test_the_runner_is_told_of_marks_and_options(tmp_path: Path) -> None:
    conftest = (
        "def pytest_addoption(parser):\n    parser.addoption('--offline', action='store_true')\n"
        "    parser.addoption('--skip-network', default='x')\n"
    )
    files = {"tests/test_a.py": marked("network"), "tests/conftest.py": conftest}
    plan = plan_tests(inputs(tmp_path, files))
    assert said(plan) == ["-m 'not network'", "--offline"]
    assert network_options(inputs(tmp_path, files).facts.tests) == ("--offline",)
    assert plan.arguments == ("tests",)
    assert plan_tests(inputs(tmp_path / "none", {"tests/test_a.py": marked("slow")})).blocks == ()


# --- variables

INSISTING = """
import os
NAME = "FOO_BACKENDS"
def parse():
    if NAME not in os.environ:
        raise RuntimeError(NAME)
    return os.environ[NAME]
def collect():
    return parse()
def other(): ...
"""
TESTS = {
    "tests/__init__.py": INSISTING,
    "tests/test_a.py": f"import numpy\nfrom . import collect\n{PLAIN}",
    "tests/test_b.py": f"import yaml\nfrom . import other\n{PLAIN}",
}


def test_who_comes_to_a_variable() -> None:
    assert list(wanted_variables(ast.parse(INSISTING))) == [("FOO_BACKENDS", 5, frozenset({"parse", "collect"}))]
    top = "import os\nif not os.environ.get('X'):\n    raise SystemExit\nif not os.environ.get('Y'):\n    print(1)\n"
    assert list(wanted_variables(ast.parse(top))) == [("X", 2, frozenset())]


def test_what_insists_on_a_variable_is_left_out_with_its_reason(tmp_path: Path) -> None:
    plan = plan_tests(inputs(tmp_path, TESTS, ("numpy", "yaml")))
    assert said(plan) == ["--ignore=tests/test_a.py"]
    assert "FOO_BACKENDS" in plan.blocks[0].reason
    assert "tests/__init__.py:5" in plan.blocks[0].reason
    assert plan.packages == ("python3-pytest", "python3-yaml")
    assert "tests/test_a.py: left out" in plan.notes[0]
    alone = {name: text for name, text in TESTS.items() if name != "tests/test_b.py"}
    smoke = plan_tests(inputs(tmp_path / "alone", alone, ("numpy",)))
    assert smoke.runner == "smoke"
    assert "FOO_BACKENDS" in smoke.reason


@pytest.mark.parametrize(
    "declared",
    [
        {"tox.ini": "[testenv]\nset_env =\n    FOO_BACKENDS = numpy\n    FOO_UNUSED = 1\n"},
        {"tox.toml": "[env_run_base]\nset_env.FOO_BACKENDS = 'numpy'\n"},
        {"pyproject.toml": "[tool.hatch.envs.test.env-vars]\nFOO_BACKENDS = 'numpy'\n"},
        {"noxfile.py": "def tests(session):\n    session.run('pytest', env={'FOO_BACKENDS': 'numpy'})\n"},
        {"noxfile.py": "def tests(session):\n    session.env['FOO_BACKENDS'] = 'numpy'\n"},
    ],
    ids=lambda files: next(iter(files)),
)
def test_variables_that_upstream_sets(tmp_path: Path, declared: dict[str, str]) -> None:
    plan = plan_tests(inputs(tmp_path, {**TESTS, **declared}, ("numpy", "yaml")))
    assert [(variable.name, variable.value) for variable in plan.variables] == [("FOO_BACKENDS", "numpy")]
    assert next(iter(declared)) in plan.variables[0].reason
    assert said(plan) == []
    assert plan.packages == ("python3-numpy", "python3-pytest", "python3-yaml")


def test_variables_that_are_not_taken_over(tmp_path: Path) -> None:
    asking = (
        "import os\nfor x in ('FOO_MODE', 'FOO_ROOT', 'FOO_TOKEN', 'TEST_NETWORK', 'COVERAGE_FILE'): os.environ[x]\n"
    )
    tox = (
        "[testenv]\nsetenv =\n    FOO_MODE = a\n    FOO_ROOT = {toxinidir}/x\n    FOO_TOKEN = t\n    TEST_NETWORK = 1\n"
        "    COVERAGE_FILE = c\n[testenv:b]\nsetenv = FOO_MODE = b\n"
    )
    assert facts(tmp_path, {"tests/test_a.py": asking + PLAIN, "tox.ini": tox}).environment == ()


def test_upstream_s_own_variable_for_no_network(tmp_path: Path) -> None:
    text = f"import os\nSKIP = os.environ.get('FOO_SKIP_NETWORK_TESTS')\n{PLAIN}"
    plan = plan_tests(inputs(tmp_path, {"tests/test_a.py": text}))
    assert [(variable.name, variable.value) for variable in plan.variables] == [("FOO_SKIP_NETWORK_TESTS", "1")]


def test_the_variable_of_a_library_for_no_network(tmp_path: Path) -> None:
    """Of the libraries that are only reached over the package's own modules too; not of the library itself."""
    text = f"import transformers\n{PLAIN}"
    told = inputs(tmp_path, {"tests/test_a.py": text}, suite={"transformers": "python3-transformers"})
    [variable] = plan_tests(told).variables
    assert (variable.name, variable.value) == ("HF_HUB_OFFLINE", "1")
    assert variable.reason.startswith("The switch of transformers, ")
    own = replace(told.facts, modules=("huggingface_hub",))
    assert plan_tests(replace(told, facts=own)).variables == ()


# --- programs


@pytest.mark.parametrize(
    ("name", "text", "programs"),
    [
        ("xvfbwrapper", 'return shutil.which("Xvfb") is not None', {"Xvfb"}),
        ("xvfbwrapper", 'self.xvfb_cmd = ["Xvfb", display_var]', {"Xvfb"}),
        ("py-pandoc", "subprocess.run(['pandoc', '--version'])", {"pandoc"}),
        ("foo", 'which("pandoc")', set()),
        ("git-things", 'words = ["git", "hub"]', set()),
        ("dockerlike", 'which("docker")', set()),
    ],
)
def test_the_program_that_a_distribution_is_named_after(name: str, text: str, programs: set[str]) -> None:
    assert programs_wrapped(name, text) == programs
