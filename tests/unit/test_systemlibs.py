"""Switches with which a build takes the system's libraries, found in setup.py and set in debian/rules."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from debgen.debianize.system_libraries import system_libraries
from debgen.planning.model import BuildNeed, Supply, Topic
from debgen.upstream.builders import read_build_files
from debgen.upstream.systemlibs import SystemSwitch, system_switches

EXTENSION = "setup(ext_modules=[Extension('x', ['x.c'], libraries=libraries)])\n"
READER = "def asked(key):\n    value = os.environ.get(key)\n    return value == '1'\n"


def switches(script: str, *, pyproject: str = "", **others: str) -> tuple[SystemSwitch, ...]:
    texts = {"setup.py": script, "pyproject.toml": pyproject, **{f"{name}.py": text for name, text in others.items()}}
    return system_switches(read_build_files(frozenset(texts), texts))


@pytest.mark.parametrize(
    ("script", "variable", "value"),
    [
        ("if os.environ.get('USE_SYSTEM_X'):\n    libraries = ['x']\n", "USE_SYSTEM_X", "1"),
        ("if int(os.environ.get('P_USE_SYSTEM_LIBX', 0)):\n    libraries.append('x')\n", "P_USE_SYSTEM_LIBX", "1"),
        ("if os.getenv('X_LINK_SO'):\n    libraries = ['x']\nelse:\n    libraries = []\n", "X_LINK_SO", "1"),
        ("on = os.getenv('X_SYSTEM', '') in ('yes', 'y')\nif on:\n    libraries = ['x']\n", "X_SYSTEM", "yes"),
        ("if os.environ.get('SYSTEM_X', '0') == '0':\n    a = 1\nelse:\n    libraries = ['x']\n", "SYSTEM_X", "1"),
        ("if os.environ.get('SYSTEM_X') is not None:\n    libraries = ['x']\n", "SYSTEM_X", "1"),
        ("on = 'NO_BUNDLED_X' in os.environ\nlibraries = ['x'] if on else []\n", "NO_BUNDLED_X", "1"),
        (
            READER + "on = asked('USE_SYSTEM_X')\nif not on:\n    a = 1\nelse:\n    libraries = ['x']\n",
            "USE_SYSTEM_X",
            "1",
        ),
        (
            "on = bool(os.environ.get('A_SYSTEM_X'))\nclass B(build_ext):\n    def build_extensions(self):\n"
            "        if on:\n            self.compiler.add_library('x')\n",
            "A_SYSTEM_X",
            "1",
        ),
        (
            "if os.environ.get('A_SYSTEM_LIBS', os.environ.get('SYSTEM_LIBS')):\n    libraries = ['x']\n",
            "A_SYSTEM_LIBS",
            "1",
        ),
    ],
)
def test_variables(script: str, variable: str, value: str) -> None:
    [found] = switches(script + EXTENSION)
    assert (found.variable, found.value, found.option, found.libraries) == (variable, value, "", ("x",))
    assert found.evidence.startswith("setup.py:")


@pytest.mark.parametrize(
    "script",
    [
        "if os.environ.get('USE_SYSTEM_X', 'True'):\n    libraries = ['x']\n",  # it is so anyway
        "if os.environ.get('X_DISABLE_SYSTEM_X'):\n    libraries = ['x']\n",
        "if os.environ.get('USE_X'):\n    libraries = ['x']\n",  # what is switched on there is another matter
        "if os.environ.get('USE_SYSTEM_X'):\n    a = 1\nelse:\n    libraries = ['x']\n",
        "if not os.environ.get('USE_SYSTEM_X'):\n    libraries = ['x']\n",
        "if os.environ.get('USE_SYSTEM_X'):\n    libraries = ['m']\n",  # of the C library
        "if os.environ.get('SYSTEMROOT'):\n    libraries = ['x']\n",
    ],
)
def test_no_switch(script: str) -> None:
    assert switches(script + EXTENSION) == ()


def test_other_back_ends_read_no_setup_py() -> None:
    script = "if os.environ.get('USE_SYSTEM_X'):\n    libraries = ['x']\n" + EXTENSION
    assert switches(script)
    assert switches(script, pyproject="[build-system]\nrequires = []\nbuild-backend = 'mesonpy'\n") == ()


def test_options_of_build_ext() -> None:
    script = (
        "class Build(build_ext):\n"
        "    user_options = build_ext.user_options + [('use-system-x', None, 'x'), ('cython-always', None, ''),\n"
        "                                             ('use-system-y', None, 'y')]\n"
        "    def build_extensions(self):\n"
        "        if self.use_system_x:\n            self.extensions[0].libraries.append('x')\n"
        "        if not self.use_system_y:\n            pass\n        else:\n            libraries = ['y']\n"
    )
    found = switches(script + EXTENSION)
    assert {(s.option, s.libraries) for s in found} == {
        ("build_ext --use-system-x", ("x",)),
        ("build_ext --use-system-y", ("y",)),
    }


def test_a_word_on_the_command_line_goes_through_to_a_helper() -> None:
    script = (
        "import setup_x\nSYSTEM_X = False\nif '--system-x' in sys.argv:\n    SYSTEM_X = True\n"
        "    sys.argv.remove('--system-x')\nsetup(ext_modules=[setup_x.extension(system=SYSTEM_X)])\n"
    )
    helper = (
        "def extension(system=False):\n    libraries = ['x'] if system else []\n    return Extension('x', ['x.c'])\n"
    )
    [found] = switches(script, setup_x=helper)
    assert (found.option, found.libraries) == ("--system-x", ("x",))


def need(name: str, package: str) -> BuildNeed:
    return BuildNeed(Topic.LIBRARY, name, "", package, "1", Supply.SATISFIED if package else Supply.RELAXABLE, "")


def variable(name: str, *libraries: str) -> SystemSwitch:
    return SystemSwitch(name, "1", "", libraries, "setup.py:3")


def option(text: str, *libraries: str) -> SystemSwitch:
    return SystemSwitch("", "", text, libraries, "setup.py:5")


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["build_ext --a"], "--config-setting='--build-option=build_ext --a'"),
        (
            ["build_ext --a", "build_ext --b"],
            "--config-setting='--build-option=build_ext --a --b'",
        ),
        ([], ""),
    ],
)
def test_arguments_of_the_build(options: Iterable[str], arguments: str) -> None:
    assert system_libraries([option(text, "x") for text in options], [need("x", "libx-dev")]).arguments == arguments


def test_only_what_the_suite_has_is_asked_for() -> None:
    needs = [need("x", "libx-dev"), need("y", "")]
    made = system_libraries([variable("USE_SYSTEM_X", "x"), variable("USE_SYSTEM_Y", "x", "y")], needs)
    reason = "libx-dev in the place of the copy in the tree (setup.py:3)"
    assert made.variables == (("USE_SYSTEM_X", "1", reason),)
    [note] = made.notes
    assert "USE_SYSTEM_Y" in note
    assert "the system's y, which the suite lacks" in note


def test_a_word_for_setup_py_itself_is_left_to_the_packager() -> None:
    made = system_libraries([option("--system-x", "x")], [need("x", "libx-dev")])
    assert made.arguments == ""
    assert made.variables == ()
    assert "--system-x would build with libx-dev" in made.notes[0]


def test_a_source_that_builds_the_library_keeps_its_copy() -> None:
    needs = [need("x", "libx-dev")]
    made = system_libraries([variable("USE_SYSTEM_X", "x")], needs, own={"libx-dev", "python3-x"})
    assert made.variables == ()
    assert made.notes == ("setup.py:3: not with libx-dev, which this source builds itself",)
