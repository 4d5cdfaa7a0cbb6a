"""What tests need, what the runner is told, and what a package without tests gets instead."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debgen.archive.model import Match, Origin
from debgen.debianize import test_needs as needs_module
from debgen.debianize.model import Inputs, SuiteFacts, Team
from debgen.debianize.pytest_options import rewritten
from debgen.debianize.pytest_plugins import starts
from debgen.debianize.smoke import smoke
from debgen.debianize.templates import Templates
from debgen.debianize.test_needs import TestNeeds
from debgen.debianize.tests import TestPlan, autopkgtests_of, plan_tests, render_examples, render_smoke
from debgen.errors import RecipeError
from debgen.identity import Identity
from debgen.recipes import Layer, Recipe, Skip
from debgen.upstream.facts import SdistFacts, read_facts
from debgen.upstream.licences import LicenceScan
from debgen.upstream.model import Target

find_needs = needs_module.test_needs
SUITE = SuiteFacts(
    codename="sid", changelog_distribution="unstable", version_suffix="", compat=14, standards_version="4.7.4",
    watch_version=5, implied_rules_requires_root=True, implied_priority=True, python_version="3.14",
    architecture="amd64",
)  # fmt: skip
INFO = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"
CASE = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): ...\n"
PLAIN = "def test_a(): ...\n"
REASON = "A reason that says something,\nin two lines."


def match(name: str, package: str, version: str) -> Match:
    return Match(name, package, package, f"{version}-1", version, "main", Origin.CONTENTS, "")


def inputs(
    root: Path,
    files: Mapping[str, str],
    suite: Mapping[str, str] | Iterable[str] = (),
    *,
    requires: Iterable[str] = (),
    skip: Iterable[str] = (),
    taken: Iterable[str] = (),
) -> Inputs:
    """An sdist of ``files`` on a suite that has the distributions ``suite``: packages by name, or all python3-*."""
    info = INFO + "".join(f"Requires-Dist: {line}\n" for line in requires)
    for name, text in {"PKG-INFO": info, "foo/__init__.py": "", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    named = dict(suite) if isinstance(suite, Mapping) else {name: f"python3-{name}" for name in suite}
    named.setdefault("pytest", "python3-pytest")
    have = {name: match(name, package, "9.1" if name == "pytest" else "1.0") for name, package in named.items()}
    facts: SdistFacts = read_facts(root)
    layer = Layer(skip=tuple(Skip(select=select, reason=REASON) for select in skip))
    packages = {found.package for found in have.values()} | set(taken)
    return Inputs(
        facts=facts, scan=LicenceScan((), ()), texts={name: "" for name in files if "/" not in name},
        sdist_name="foo-1.0.tar.gz", suite=SUITE, lookup=have.get, taken=packages.__contains__,
        marker_environment=Target("3.14", "amd64").marker_environment(), recipe=Recipe("foo", "sid", layer, None),
        identity=Identity("Jane Doe", "jane@example.org"), team=Team(), date=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip


def needs(root: Path, tests: str, *suite: str, **more: object) -> TestNeeds:
    return find_needs(inputs(root, {"tests/test_a.py": tests}, suite, **more))  # type: ignore[arg-type]


# --- what they need


def test_imports_are_found_by_name_and_by_policy(tmp_path: Path) -> None:
    suite = {"numpy": "python3-numpy", "pyyaml": "python3-yaml", "attrs": "python3-attr", "extra": "python3-extra"}
    told = inputs(
        tmp_path,
        {"tests/test_a.py": "import numpy.linalg, yaml, attr, os, foo\nfrom serial import x\n" + PLAIN},
        suite,
        requires=["pyyaml; extra == 'test'", "numpy", "extra; extra == 'test'"],
        taken=["python3-serial"],
    )
    found = find_needs(told)
    # numpy is a run-time requirement; extra is listed and not used
    assert found.packages == ("python3-attr", "python3-pytest", "python3-serial", "python3-yaml")
    evidence = {need.package: need.evidence for need in found.needed}
    assert evidence["python3-yaml"] == "tests/test_a.py:1 imports yaml; the extra test lists pyyaml"
    assert evidence["python3-serial"].endswith("python3-serial is named after that module")
    assert (found.notes, found.ignored) == ((), ())


def test_guarded_imports_count_where_they_are_listed(tmp_path: Path) -> None:
    text = "try:\n    import numpy\n    import scipy\nexcept ImportError:\n    pass\n" + PLAIN
    assert needs(tmp_path, text, "numpy", "scipy", requires=["scipy; extra == 'fast'"]).packages == (
        "python3-pytest", "python3-scipy",
    )  # fmt: skip


def test_what_a_file_skips_itself_for_is_not_needed(tmp_path: Path) -> None:
    text = "import sys, pytest\npytest.importorskip('mypy')\nargv = [sys.executable, '-m', 'mypy']\n" + PLAIN
    assert needs(tmp_path, text, "mypy", requires=["mypy; extra == 'test'"]).packages == ("python3-pytest",)


def test_pyximport_compiles_with_distutils(tmp_path: Path) -> None:
    text = "import pytest\npytest.importorskip('pyximport')\n" + PLAIN
    assert needs(tmp_path, text, "setuptools").packages == ("python3-pytest", "python3-setuptools")
    assert needs(tmp_path, "import distutils.util\n" + PLAIN, "setuptools").packages == (
        "python3-pytest", "python3-setuptools",
    )  # fmt: skip


def test_a_conftest_that_cannot_load_takes_its_folder_along(tmp_path: Path) -> None:
    files = {"tests/conftest.py": "import gone\n", "tests/a/test_a.py": PLAIN, "tests/test_b.py": PLAIN}
    found = find_needs(inputs(tmp_path, files, {}))
    assert [problem.path for problem in found.ignored] == ["tests/a/test_a.py", "tests/test_b.py"]
    assert found.ignored[0].reason == "tests/conftest.py imports gone, which sid does not have"
    assert plan_tests(inputs(tmp_path, files, {})).runner == "smoke"


def test_what_the_suite_lacks_leaves_out_the_files_that_import_it(tmp_path: Path) -> None:
    files = {
        "tests/test_a.py": "import gone\n" + PLAIN,
        "tests/test_b.py": "def test_b():\n    import gone, made_here\n",
        "tests/test_c.py": PLAIN,
        "pyproject.toml": '[dependency-groups]\ntest = ["gone"]\n',
    }
    found = find_needs(inputs(tmp_path, files))
    assert [(i.path, i.reason) for i in found.ignored] == [("tests/test_a.py", "Imports gone, which sid does not have")]
    assert found.notes == (
        "tests/test_a.py:1 imports gone, and sid has no package of gone; what needs it can't be tested",
    )


def test_plugins_show_themselves(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.asyncio\nasync def test_a(mocker): ...\ndef test_b(httpbin, tmp_path): ...\n"
    ini = "[pytest]\naddopts = --timeout=3 --cov\nenv =\n  A=1\n"
    told = inputs(
        tmp_path,
        {"tests/test_a.py": text, "pytest.ini": ini},
        ["pytest-asyncio", "pytest-mock", "pytest-httpbin", "pytest-env", "pytest-timeout", "pytest-cov"],
    )
    found = find_needs(told)
    assert found.packages == (
        "python3-pytest", "python3-pytest-asyncio", "python3-pytest-env", "python3-pytest-httpbin",
        "python3-pytest-mock",
    )  # fmt: skip
    assert {n.evidence for n in found.needed if "mock" in n.package} == {"tests/test_a.py:3 uses pytest-mock"}


def test_tests_of_a_plugin_that_the_suite_lacks(tmp_path: Path) -> None:
    found = needs(tmp_path, "def test_a(httpx_mock): ...\n")
    assert [(i.path, i.reason) for i in found.ignored] == [
        ("tests/test_a.py", "Uses fixtures of pytest-httpx, which sid does not have")
    ]


def test_declared_plugins_but_not_those_for_ci(tmp_path: Path) -> None:
    lines = ["pytest-order", "pytest-cov", "pytest-xdist", "ruff", "mypy", "pytest-subtests", "unused"]
    requires = [f"{line}; extra == 'test'" for line in lines]
    requires += ["pytest-trio; extra == 'dev'", "pytest-qt; extra == 'docs'"]
    found = needs(tmp_path, PLAIN, *lines, "pytest-trio", "pytest-qt", requires=requires)
    assert found.packages == ("python3-pytest", "python3-pytest-order", "python3-pytest-trio")


def test_a_listed_plugin_that_the_suite_lacks_is_noted(tmp_path: Path) -> None:
    found = needs(tmp_path, PLAIN, requires=["pytest-riddles; extra == 'test'"])
    assert (found.packages, found.ignored) == (("python3-pytest",), ())
    assert found.notes == ("the extra test lists pytest-riddles, of which sid has no package",)


def test_what_is_listed_for_tests_and_used_by_the_package(tmp_path: Path) -> None:
    files = {
        "tests/test_a.py": PLAIN,
        "foo/__init__.py": "def f():\n    import lazy\n",
        "setup.py": "setup(tests_require=['lazy', 'idle'])",
    }
    assert find_needs(inputs(tmp_path, files, ["lazy", "idle"])).packages == ("python3-lazy", "python3-pytest")


def test_extras_that_name_extras(tmp_path: Path) -> None:
    requires = ["foo[deep]; extra == 'all'", "foo[all]; extra == 'deep'", "numpy; extra == 'deep'"]
    files = {
        "tests/test_a.py": PLAIN,
        "foo/__init__.py": "def f():\n    import numpy\n",
        "tox.ini": "[testenv]\nextras = all\n",
    }
    assert find_needs(inputs(tmp_path, files, ["numpy"], requires=requires)).packages == (
        "python3-numpy", "python3-pytest",
    )  # fmt: skip


# --- what the runner is told


def plan(root: Path, files: Mapping[str, str], suite: Iterable[str] = (), **more: object) -> TestPlan:
    return plan_tests(inputs(root, files, suite, **more))  # type: ignore[arg-type]


def rules(made: TestPlan) -> str:
    return Templates().render("rules-tests.j2", tests=made)


def test_nothing_is_said_where_pybuild_knows_by_itself(tmp_path: Path) -> None:
    made = plan(tmp_path, {"tests/test_a.py": PLAIN})
    assert (made.arguments, made.blocks, made.files) == ((), (), ("tests",))
    assert rules(made) == ""


def test_other_places_are_named(tmp_path: Path) -> None:
    made = plan(
        tmp_path, {"testing/test_a.py": PLAIN, "test_b.py": PLAIN, "tox.ini": "[pytest]\ntestpaths = testing test_b.py"}
    )
    assert made.arguments == ("testing", "test_b.py")
    assert made.files == ("tox.ini", "testing", "test_b.py")
    assert "PYBUILD_TEST_ARGS = testing test_b.py\nexport PYBUILD_TEST_ARGS\n" in rules(made)


def test_tests_that_belong_into_their_package(tmp_path: Path) -> None:
    made = plan(tmp_path, {"foo/tests/__init__.py": "", "foo/tests/test_a.py": "from .. import x\n" + PLAIN})
    assert (made.arguments, made.files) == (("foo/tests",), ("foo/tests foo/tests",))
    assert "ifdef PYBUILD_AUTOPKGTEST\n" in rules(made)
    assert "PYBUILD_BEFORE_TEST = cp -r /usr/lib/python3/dist-packages/foo {build_dir}\n" in rules(made)


def test_a_package_of_tests_that_is_not_installed_is_not_copied(tmp_path: Path) -> None:
    tests = {"src/foo_tests/__init__.py": "", "src/foo_tests/test_a.py": "from . import x\n" + PLAIN}
    toml = '[tool.setuptools]\npackages = ["foo"]\npackage-dir = {"" = "src"}\n'
    made = plan(tmp_path, {"src/foo/__init__.py": "", "pyproject.toml": toml, **tests})
    assert "src/foo_tests/test_a.py foo_tests/test_a.py" in made.files
    assert made.surrounding == ()
    assert "dist-packages/foo_tests" not in rules(made)


def test_tests_that_name_files_of_their_package(tmp_path: Path) -> None:
    text = "import subprocess, sys\nA = [sys.executable, 'foo/tool.py']\n" + PLAIN
    made = plan(tmp_path, {"tests/test_a.py": text, "foo/tool.py": ""})
    assert (made.surrounding, made.arguments) == (("foo",), ())
    assert "dist-packages/foo {build_dir}\n" in rules(made)
    assert plan(tmp_path / "x", {"tests/test_a.py": text}).surrounding == ()


def test_proxies(tmp_path: Path) -> None:
    own = rules(plan(tmp_path / "a", {"tests/test_a.py": "E = 'HTTP_PROXY'\nS = '127.0.0.1'\n" + PLAIN}))
    assert "export http_proxy =\nexport https_proxy =\nexport no_proxy =\n" in own
    local = rules(plan(tmp_path / "b", {"tests/test_a.py": "S = '127.0.0.1'\n" + PLAIN}))
    assert "export no_proxy = localhost,127.0.0.1\n" in local
    assert "http_proxy" not in local


def test_the_rest_of_an_extra_that_tests_use(tmp_path: Path) -> None:
    files = {"tests/test_a.py": "import click\n" + PLAIN, "foo/__init__.py": "def f():\n    import rich, h2\n"}
    requires = ["click; extra == 'cli'", "rich; extra == 'cli'", "idle; extra == 'cli'", "h2; extra == 'http2'"]
    made = plan(tmp_path, files, ["click", "rich", "h2", "idle"], requires=requires)
    assert made.packages == ("python3-click", "python3-pytest", "python3-rich")


def test_extras_that_tests_speak_of(tmp_path: Path) -> None:
    files = {
        "tests/test_a.py": "U = 'socks5://x'\ndef test_http2(): ...\n",
        "foo/__init__.py": "def f():\n    import h2, no\n",
    }
    requires = ["pysocks; extra == 'socks'", "h2; extra == 'http2'", "no; extra == 'other'", "idle; extra == 'http2'"]
    suite = {"pysocks": "python3-socks", "h2": "python3-h2", "no": "python3-no", "idle": "python3-idle"}
    made = plan(tmp_path, files, suite, requires=requires)
    assert made.packages == ("python3-h2", "python3-pytest", "python3-socks")


def test_unittest_must_find_tests(tmp_path: Path) -> None:
    made = plan(tmp_path, {"tests/__init__.py": "", "tests/test_a.py": CASE})
    assert (made.runner, made.packages) == ("unittest", ())
    assert "export PYBUILD_TEST_UNITTEST = 1\n" in rules(made)


def test_pytest_takes_over_where_unittests_tests_are_skipped(tmp_path: Path) -> None:
    files = {"tests/__init__.py": "", "tests/test_a.py": CASE}
    made = plan(tmp_path, files, skip=["tests/test_a.py::A::test_a"])
    assert (made.runner, made.packages) == ("pytest", ("python3-pytest",))
    assert made.blocks[0].arguments == ("--deselect=tests/test_a.py::A::test_a",)


def test_upstreams_own_script(tmp_path: Path) -> None:
    files = {
        "tests/__init__.py": "",
        "tests/test_a.py": CASE,
        "runtests.py": "",
        "tox.ini": "[testenv]\ncommands = python runtests.py -v",
    }
    made = plan(tmp_path, files)
    assert made.arguments == ("{interpreter} runtests.py -v",)
    assert made.files == ("tests", "runtests.py")
    assert "export PYBUILD_TEST_CUSTOM = 1\n" in rules(made)


def test_braces_and_blanks_survive_pybuild_and_the_shell(tmp_path: Path) -> None:
    made = plan(tmp_path, {"tests/test_a.py": PLAIN}, skip=["tests/test_a.py::test_a[{x} $y]"])
    assert made.blocks[0].arguments == ("'--deselect=tests/test_a.py::test_a[{{x}} $y]'",) or made.blocks[
        0
    ].arguments == ("--deselect='tests/test_a.py::test_a[{{x}} $y]'",)
    assert "[{{x}} $$y]" in rules(made)


@pytest.mark.parametrize("select", ["tests/test_gone.py", "tests/test_gone.py::test_a", "gone"])
def test_a_skip_that_is_out_of_date(tmp_path: Path, select: str) -> None:
    with pytest.raises(RecipeError, match="gone") as caught:
        plan(tmp_path, {"tests/test_a.py": PLAIN}, skip=[select])
    assert caught.value.hint


def test_a_skip_without_tests(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="skips tests"):
        plan(tmp_path, {}, skip=["tests/test_a.py"])


def test_a_whole_folder_may_be_skipped(tmp_path: Path) -> None:
    made = plan(tmp_path, {"tests/gpu/test_a.py": PLAIN, "tests/test_b.py": PLAIN}, skip=["tests/gpu"])
    assert made.blocks[0].arguments == ("--ignore=tests/gpu",)


def test_what_only_files_that_do_not_run_import_is_not_needed(tmp_path: Path) -> None:
    files = {
        "tests/test_a.py": "import one\n" + PLAIN,
        "tests/gpu/test_b.py": "import one, two\n" + PLAIN,
        "tests/test_c.py": "import gone, three\n" + PLAIN,
    }
    told = inputs(tmp_path, files, ("one", "two", "three"), skip=["tests/gpu"])
    made = plan_tests(told)
    assert [n.distribution for n in made.needs.needed] == ["one", "pytest"]
    assert [i.path for i in made.needs.ignored] == ["tests/test_c.py"]
    assert "imports gone" in made.needs.notes[0]
    alone = plan_tests(replace(told, recipe=replace(told.recipe, layer=Layer())))
    assert [n.distribution for n in alone.needs.needed] == ["one", "pytest", "two"]


def test_folders_without_init(tmp_path: Path) -> None:
    files = {"tests/test_a.py": "from .helpers import x\n" + PLAIN, "tests/helpers.py": ""}
    made = plan(tmp_path, files)
    assert made.blocks[0].arguments == ("-o consider_namespace_packages=true",)
    told = inputs(tmp_path / "old", files)
    old = plan_tests(replace(told, lookup=lambda name: match(name, f"python3-{name}", "8.0")))
    assert (old.runner, old.reason) == (
        "smoke",
        "imports its siblings relatively, but the sdist lacks tests/__init__.py",
    )


OPTIONS = {
    "--cov=foo --cov-report term-missing": [],
    "-n 4": [],
    "-n4": [],
    "-nauto --dist loadfile": [],
    "-ra -Werror": [],
    "-W error": [],
    "-W error::DeprecationWarning --strict-markers": ["--strict-markers"],
    "-W ignore::FutureWarning -n2": ["-W", "ignore::FutureWarning"],
    "--reruns 3 --import-mode=importlib": ["--import-mode=importlib"],
    "-p no:cacheprovider -p xdist --cov": ["-p", "no:cacheprovider"],
    "-p pytest_cov": [],
    "--asyncio-mode=auto --cov": ["--asyncio-mode=auto"],
    "--benchmark-skip": [],
    "--slow --cov": ["--slow"],
    "--unheard-of value --doctest-modules": ["--doctest-modules"],
    "-k 'not slow' --cov": ["-k", "not slow"],
    "tests --cov": [],
    "--log-cli-level INFO --log-cli-format=%(message)s --cov --strict-markers": ["--strict-markers"],
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_for_upstreams_ci_go(tmp_path: Path, options: str) -> None:
    files = {
        "tests/test_a.py": PLAIN,
        "tests/conftest.py": "def pytest_addoption(parser):\n    parser.addoption('--slow')\n",
        "pytest.ini": f"[pytest]\naddopts = {options}\n",
    }
    tests = inputs(tmp_path, files).facts.tests
    kept, dropped = rewritten(tests, {"pytest", "pytest-asyncio"})
    assert (kept, bool(dropped)) == (OPTIONS[options], True)


@pytest.mark.parametrize(
    "options", ["", "-ra", "-v -q", "--import-mode=importlib", "--no-header --tb=short", "-m 'not x'"]
)
def test_other_options_stay_as_they_are(tmp_path: Path, options: str) -> None:
    made = plan(tmp_path, {"tests/test_a.py": PLAIN, "pytest.ini": f"[pytest]\naddopts = {options}\n"})
    assert made.blocks == ()


def test_settings_that_insist(tmp_path: Path) -> None:
    ini = "[pytest]\nrequired_plugins = pytest-cov>=2\nfilterwarnings =\n  error\n  ignore::Foo\n"
    made = plan(tmp_path, {"tests/test_a.py": PLAIN, "pytest.ini": ini})
    assert [block.arguments for block in made.blocks] == [("-o required_plugins=",), ("-o filterwarnings=",)]
    mild = "[pytest]\nfilterwarnings = ignore::Foo\n"
    assert plan(tmp_path / "x", {"tests/test_a.py": PLAIN, "pytest.ini": mild}).blocks == ()


def test_how_options_begin() -> None:
    assert starts("--cov-report=xml", ["--cov"])
    assert starts("-n8", ["-n"])
    assert not starts("--coverage-like", ["--cov"])
    assert not starts("--new", ["-n"])


# --- without tests


def test_the_smoke_test(tmp_path: Path) -> None:
    files = {
        "foo/__init__.py": "from .core import x\n",
        "foo/core.py": "import numpy\nx = 1\n",
        "foo/cli.py": "import argparse\n",
        "foo/play.py": "import click\n",
        "foo/more/__init__.py": "",
        "foo/more/fast.py": "import absent\n",
        "foo/more/uses.py": "from . import fast\n",
        "foo/more/lazy.py": "def f():\n    import absent\n",
        "foo/_private.py": "",
        "foo/tests.py": "",
        "foo.egg-info/entry_points.txt": "[console_scripts]\nfoo = foo.cli:main\nplay = foo.play:main\n"
        "bad = foo;evil:x\n",
    }
    told = inputs(tmp_path, files, ["numpy"], requires=["numpy"])
    found = smoke(told)
    assert found.modules == ("foo", "foo.cli", "foo.core", "foo.more", "foo.more.lazy")
    assert [(c.name, c.loads, c.helps) for c in found.commands] == [("foo", True, True), ("play", False, False)]
    assert not found.superficial
    made = plan_tests(told)
    assert (made.runner, made.reason, made.files) == ("smoke", "the sdist has no tests", ())
    assert "export PYBUILD_TEST_ARGS = {interpreter} {dir}/debian/tests/smoke\n" in rules(made)
    assert rules(made).startswith("# The sdist has no tests: ")
    script = render_smoke(made, Templates())
    ast.parse(script)
    assert '("foo", "foo.cli:main", True, True),' in script
    (test,) = autopkgtests_of(made, told, "python3-foo")
    assert (test.name, test.script, test.restrictions) == ("smoke", True, ("allow-stderr",))


def test_a_recipe_that_leaves_no_test_leaves_a_smoke_test(tmp_path: Path) -> None:
    files = {"tests/test_a.py": PLAIN, "tests/b/test_b.py": PLAIN, "foo/__init__.py": ""}
    all_of = ["tests/test_a.py", "tests/b"]
    plan = plan_tests(inputs(tmp_path, files, {}, skip=all_of))
    assert (plan.runner, plan.reason) == ("smoke", " ".join(REASON.split()).rstrip("."))
    assert plan_tests(inputs(tmp_path, files, {}, skip=all_of[:1])).runner == "pytest"


def test_tests_for_an_accelerator_are_left_out_with_what_their_conftest_is_for(tmp_path: Path) -> None:
    taken = "import torch\nD = torch.accelerator.current_accelerator()\nX = D.type\n"
    files = {
        "tests/test_off/conftest.py": taken, "tests/test_off/test_a.py": PLAIN, "tests/test_b.py": PLAIN,
        "tests/more/test_c.py": PLAIN, "tests/more/test_d.py": f"import torch\ntorch.cuda.get_device_name()\n{PLAIN}",
        "tests/test_e.py": f"import torch\nif torch.cuda.is_available():\n    torch.cuda.init()\n{PLAIN}",
    }  # fmt: skip
    files |= {
        "tests/helper.py": "from tests.test_off import conftest\n", "tests/__init__.py": "",
        "tests/more/__init__.py": "", "tests/more/test_f.py": f"from ..helper import x\n{PLAIN}",
        "tests/more/test_g.py": f"def f():\n    import tests.helper\n{PLAIN}",
    }  # fmt: skip
    plan = plan_tests(inputs(tmp_path, files, {"torch": "python3-torch"}))
    # pytest would load test_off/conftest.py before it looks at what it is told to ignore
    assert plan.arguments == ("tests/more", "tests/test_b.py", "tests/test_e.py")
    left_out = {argument: block.reason for block in plan.blocks for argument in block.arguments}
    reason = "an accelerator is taken for granted, which a build hasn't (tests/test_off/conftest.py:3)"
    assert left_out["--ignore=tests/test_off/test_a.py"] == reason
    assert "--ignore=tests/more/test_d.py" in left_out
    assert left_out["--ignore=tests/more/test_f.py"] == reason
    names = ("test_off/conftest.py", "more/test_g.py", "helper.py")
    assert not {f"--ignore=tests/{name}" for name in names} & left_out.keys()
    assert "--ignore=tests/test_e.py" not in left_out


def test_what_torch_compiles_takes_headers(tmp_path: Path) -> None:
    files = {"tests/test_a.py": PLAIN, "foo/a.py": "import torch\n@torch.compile\ndef f(): pass\n"}
    found = find_needs(inputs(tmp_path, files, {}, taken=["libtorch-dev", "python3-dev"]))
    assert found.packages == ("libtorch-dev", "python3-dev", "python3-pytest")
    files["foo/a.py"] = "import torch\n# torch.compile\n"
    assert find_needs(inputs(tmp_path, files, {}, taken=["libtorch-dev", "python3-dev"])).packages == (
        "python3-pytest",
    )


INSTALLING = """\
import pytest, subprocess, sys
def venv(name):
    subprocess.check_call([sys.executable, "-m", "pip", "install", "setuptools"])
@pytest.fixture
def made():
    return venv("x")
def test_fixture(made): pass
def test_direct(): venv("y")
def test_other(): pass
def test_at_hand():
    subprocess.check_call((sys.executable, "-m", "pip", "install", ".", "--no-build-isolation"))
class TestA:
    def help(self): venv("z")
    def test_a(self): self.help()
    def test_b(self): pass
class TestB:
    def setup_method(self): venv("z")
    def test_a(self): pass
"""


def test_what_installs_from_an_index_is_left_out(tmp_path: Path) -> None:
    plan = plan_tests(inputs(tmp_path, {"tests/test_a.py": INSTALLING}, {}))
    [block] = plan.blocks
    assert block.reason == "Installs from a package index, which a build can't reach (tests/test_a.py:3)"
    selected = ["TestA::test_a", "TestB", "test_direct", "test_fixture"]
    assert list(block.arguments) == [f"--deselect=tests/test_a.py::{name}" for name in selected]


def test_documented_examples_are_tried_where_there_are_no_tests(tmp_path: Path) -> None:
    readme = "```python\nimport foo\nfoo.load('1')\n```\n"
    told = inputs(tmp_path, {"foo/__init__.py": ""}, {})
    told = replace(told, facts=replace(told.facts, description=readme, modules=("foo",)))
    plan = plan_tests(told)
    assert [example.code for example in plan.examples] == ["import foo\nfoo.load('1')\n"]
    [smoke, documented] = autopkgtests_of(plan, told, "python3-foo")
    assert (smoke.name, documented.name, documented.script) == ("smoke", "examples", True)
    assert documented.restrictions == ("allow-stderr", "skippable")
    text = render_examples(plan, told.facts.modules, Templates())
    compile(text, "examples", "exec")
    assert '("import foo\\n"\n     "foo.load(\'1\')\\n",\n     False, True),' in text
    assert "# There are no tests to run: the sdist has no tests.\n" in text


def test_what_only_imports_is_called_superficial(tmp_path: Path) -> None:
    told = inputs(tmp_path, {})
    (test,) = autopkgtests_of(plan_tests(told), told, "python3-foo")
    assert test.restrictions == ("allow-stderr", "superficial")


def test_the_smoke_test_runs_and_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = inputs(tmp_path, {"foo/__init__.py": "__all__ = ['there', 'gone']\nthere = 1\n"})
    script = render_smoke(plan_tests(told), Templates()).replace('"foo"', '"foo_of_smoke"')
    (tmp_path / "foo").rename(tmp_path / "foo_of_smoke")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AssertionError, match="gone"):
        exec(compile(script, "smoke", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own script


def test_the_smoke_test_leaves_out_what_wants_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module below the top may be for those who have installed more; one that lacks its own sibling is broken."""
    guarded = (
        "try:\n    import no_such_module\nexcept ImportError as error:\n    raise ImportError('sorry') from error\n"
    )
    told = inputs(tmp_path, {"foo/__init__.py": "", "foo/more.py": guarded})
    script = render_smoke(plan_tests(told), Templates()).replace('"foo', '"bar_of_smoke')
    (tmp_path / "foo").rename(tmp_path / "bar_of_smoke")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")
    exec(compile(script, "smoke", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own script
    assert "left out bar_of_smoke.more which wants no_such_module" in capsys.readouterr().out
    (tmp_path / "bar_of_smoke/more.py").write_text("import bar_of_smoke.gone\n")
    with pytest.raises(ModuleNotFoundError, match="gone"):
        exec(compile(script, "smoke", "exec"), {"__name__": "__main__"})  # noqa: S102
    for leaves in (
        "raise ModuleNotFoundError('gone in 2.x', name=__name__)",
        guarded.replace("raise", "raise SystemExit #"),
    ):
        (tmp_path / "bar_of_smoke/more.py").write_text(f"{leaves}\n")
        exec(compile(script, "smoke", "exec"), {"__name__": "__main__"})  # noqa: S102
        assert "left out bar_of_smoke.more which" in capsys.readouterr().out
    (tmp_path / "bar_of_smoke/more.py").unlink()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError, match="more"):
        exec(compile(script, "smoke", "exec"), {"__name__": "__main__"})  # noqa: S102


def test_tests_none_of_which_can_run(tmp_path: Path) -> None:
    files = {"tests/test_a.py": "import gone\n" + PLAIN, "tests/test_b.py": "import gone\n" + PLAIN}
    made = plan(tmp_path, files)
    assert (made.runner, made.reason) == ("smoke", "Imports gone, which sid does not have")
    assert not made.tested
