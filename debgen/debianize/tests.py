"""How upstream's tests are run at build time and as autopkgtest, and what is left out with which reason."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from debgen.debianize.model import Inputs
from debgen.debianize.names import main_module
from debgen.errors import RecipeError

#: Settings in upstream's pytest options that need plug-ins or make a newer library's warning a failure.
_NOISE = re.compile(
    r"--cov|--numprocesses|(?:^|\s)-n(?:\b|\d|auto)|--reruns|-W\s*error|-Werror|--pdb|--strict-warnings"
)
#: Files beside the tests that steer the runner or are read by it.
_SETTINGS = ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini", "conftest.py")


@dataclass(frozen=True)
class Block:
    """Arguments for the test runner that share one reason."""

    reason: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class DebianTest:
    """One paragraph of debian/tests/control: a script of that name, or a command."""

    name: str
    depends: tuple[str, ...]
    command: str = ""
    restrictions: tuple[str, ...] = ()
    script: bool = field(default=False)


def test_arguments(inputs: Inputs) -> list[Block]:
    """The arguments for pytest: upstream's unusable options cleared, then what is left out, by reason."""
    tests = inputs.facts.tests
    if tests.runner != "pytest":
        if inputs.recipe.layer.skip:
            raise RecipeError(
                f"the recipe skips tests, but {inputs.facts.name} {inputs.facts.version} has none that pytest runs",
                hint="Remove the lines.",
            )
        return []
    blocks = []
    if _NOISE.search(tests.addopts):
        blocks.append(
            Block(
                "upstream's options are for its own CI: coverage, plug-ins, warnings as errors",
                ("-o addopts=",),
            )
        )
    by_reason: dict[str, list[str]] = {}
    for problem in tests.unimportable:
        by_reason.setdefault(problem.reason, []).append(f"--ignore={shlex.quote(problem.path)}")
    broken = {problem.path for problem in tests.unimportable}
    for skip in inputs.recipe.layer.skip:
        path, _, test = skip.select.partition("::")
        if path not in inputs.texts and path not in broken:
            raise RecipeError(
                f"the recipe skips {skip.select!r}, but {inputs.facts.name} {inputs.facts.version} has no {path}",
                hint="Remove the line, or correct the path.",
            )
        option = "deselect" if test else "ignore"
        by_reason.setdefault(" ".join(skip.reason.split()), []).append(f"--{option}={shlex.quote(skip.select)}")
    blocks += [Block(reason, tuple(arguments)) for reason, arguments in by_reason.items()]
    return blocks


def test_files(inputs: Inputs) -> list[str]:
    """What pybuild copies beside the built modules to run the tests there."""
    return [*(name for name in _SETTINGS if name in inputs.texts), inputs.facts.tests.directory]


def autopkgtests(inputs: Inputs, binary: str) -> list[DebianTest]:
    """The tests of the installed package: upstream's through pybuild, else an import, then the recipe's."""
    found = []
    if inputs.facts.tests.directory:
        found.append(
            DebianTest("pybuild-autopkgtest", (binary, "@builddeps@"), "pybuild-autopkgtest", ("allow-stderr",))
        )
    else:
        command = f"""cd "$AUTOPKGTEST_TMP" && python3 -c "import {main_module(inputs.facts)}\""""
        found.append(DebianTest("import", (binary,), command, ("allow-stderr", "superficial")))
    for test in inputs.recipe.layer.autopkgtest:
        depends = tuple(binary if relation == "@" else relation for relation in test.depends)
        found.append(DebianTest(test.name, depends, restrictions=test.restrictions, script=True))
    return found
