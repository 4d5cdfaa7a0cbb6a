"""How upstream's tests are run at build time and as autopkgtest, and what is left out with which reason.

pybuild(1) and pybuild-autopkgtest(1) do the work: they copy what debian/pybuild.testfiles names beside the modules,
and run PYBUILD_TEST_ARGS there for each Python, against what was built or what is installed.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from packaging.version import Version

from debgen.debianize.examples import Example, examples
from debgen.debianize.model import Inputs
from debgen.debianize.project_settings import project_settings
from debgen.debianize.pytest_options import Block as Block
from debgen.debianize.pytest_options import option_blocks, rewritten
from debgen.debianize.smoke import Smoke, smoke
from debgen.debianize.templates import Templates
from debgen.debianize.test_needs import TestNeeds, test_needs
from debgen.debianize.test_switches import (
    library_variables,
    marks_expression,
    network_options,
    network_variables,
    quoted,
    unwanted_marks,
)
from debgen.errors import RecipeError
from debgen.recipes import Variable
from debgen.upstream.testfacts import TestFacts, TestPlace, Unimportable

#: Files beside the tests that steer the runner, whether or not they have its settings.
_STEERING = ("pyproject.toml", "conftest.py")
#: Where pybuild looks for tests by itself.
_USUAL = ("tests", "test")
#: The release of pytest since when ``consider_namespace_packages`` is there.
_KNOWS_NAMESPACES = Version("8.1")
#: Of more places than these, only the folder that they have in common is named.
_MANY = 3
#: The scripts of the smoke test and of upstream's documented examples, below debian/.
SMOKE = "tests/smoke"
EXAMPLES = "tests/examples"
_NO_TESTS = "the sdist has no tests"


@dataclass(frozen=True)
class DebianTest:
    """One paragraph of debian/tests/control: a script of that name, or a command."""

    name: str
    depends: tuple[str, ...]
    command: str = ""
    restrictions: tuple[str, ...] = ()
    script: bool = field(default=False)


@dataclass(frozen=True)
class TestPlan:
    """How the tests of one package run.

    ``runner`` is ``pytest``, ``unittest``, ``custom`` or ``smoke``, with ``reason`` in the last case. ``files`` are
    the lines of debian/pybuild.testfiles; ``arguments`` say what to run, and ``blocks`` what else the runner is told.
    """

    __test__ = False  # not a test class, whatever its name says

    runner: str
    needs: TestNeeds = TestNeeds()  # noqa: RUF009 - frozen
    files: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    variables: tuple[Variable, ...] = ()
    loopback: bool = False
    proxies: bool = False
    reason: str = ""
    smoke: Smoke | None = None
    #: Upstream's documented examples, with which a package without tests is tried besides.
    examples: tuple[Example, ...] = ()
    places: tuple[TestPlace, ...] = ()
    #: Top-level packages that have to lie beside the tests: the autopkgtest takes copies of the installed ones.
    surrounding: tuple[str, ...] = ()
    #: What the packager should know of the variables that the tests insist on.
    remarks: tuple[str, ...] = ()

    @property
    def tested(self) -> bool:
        """Whether upstream's own tests run."""
        return self.runner != "smoke"

    @property
    def packages(self) -> tuple[str, ...]:
        """What the tests need beyond the run-time requirements: packages for Build-Depends, ``<!nocheck>``."""
        return self.needs.packages

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the packager."""
        return (*self.needs.notes, *self.remarks)


def plan_tests(inputs: Inputs) -> TestPlan:
    """Decide how the tests run; RecipeError for a line of the recipe that skips what isn't there."""
    inputs = _runnable(inputs)
    tests = inputs.facts.tests
    variables = _variables(inputs)
    insisted = _insisted(tests, variables)
    _refuse_stale_skips(inputs)
    skipped = {
        skip.select.rstrip("/"): " ".join(skip.reason.split()).rstrip(".")
        for skip in inputs.recipe.layer.skip
        if "::" not in skip.select
    }
    needs = _needs(inputs, {*(problem.path for problem in insisted), *_below(tests.test_files, skipped)})
    unusable = (*_unimportable(inputs), *needs.ignored, *insisted)
    left = set(tests.test_files) - {problem.path for problem in unusable} - _below(tests.test_files, skipped)
    if not tests.directory or (tests.test_files and not left):
        reason = tests.reason or _first((*(problem.reason for problem in unusable), *skipped.values())) or _NO_TESTS
        return TestPlan(
            "smoke",
            reason=reason,
            smoke=smoke(inputs),
            examples=examples(inputs.facts.description, inputs.facts.modules),
            variables=variables,
            remarks=_remarks(insisted),
        )
    arguments = _arguments(tests, {problem.path for problem in unusable})
    blocks = _blocks(inputs, needs, unusable) if tests.runner == "pytest" else []
    usual = len(tests.places) == 1 and tests.places[0].target in _USUAL
    if tests.runner in ("pytest", "unittest") and usual and (not blocks or tests.runner == "unittest"):
        arguments = ()  # pybuild finds them by itself
    return TestPlan(
        runner=tests.runner,
        needs=needs,
        files=tuple(_files(inputs)),
        arguments=arguments,
        blocks=tuple(blocks),
        places=tests.places,
        surrounding=tuple(sorted({*_tops(tests), *tests.inside} & set(inputs.facts.modules))),
        variables=variables,
        remarks=_remarks(insisted),
        loopback=tests.loopback,
        proxies=tests.proxies,
    )


def _needs(inputs: Inputs, without: set[str]) -> TestNeeds:
    """What the tests need that run: a file that can't be loaded for want of one module needs none of its others."""
    first = test_needs(inputs, without)
    if not first.ignored:
        return first
    again = test_needs(inputs, without | {problem.path for problem in first.ignored})
    return replace(first, needed=again.needed)


def _below(paths: Iterable[str], places: Iterable[str]) -> set[str]:
    """Those of ``paths`` that are one of ``places``, or lie in one."""
    places = list(places)
    return {path for path in paths if any(f"{path}/".startswith(f"{place}/") for place in places)}


def render_smoke(plan: TestPlan, templates: Templates) -> str:
    """The text of debian/tests/smoke for a plan that has a smoke test."""
    return templates.render("tests-smoke.j2", smoke=plan.smoke, reason=plan.reason)


def render_examples(plan: TestPlan, modules: Iterable[str], templates: Templates) -> str:
    """The text of debian/tests/examples for a plan that has examples."""
    return templates.render("tests-examples.j2", examples=plan.examples, modules=sorted(modules), reason=plan.reason)


def autopkgtests_of(
    plan: TestPlan, inputs: Inputs, binary: str, tools: Sequence[str] = ("@builddeps@",)
) -> list[DebianTest]:
    """The tests of the installed package: upstream's through pybuild, else the smoke test, then the recipe's.

    ``tools`` is what upstream's tests take besides the package.
    """
    if plan.smoke is None:
        depends = (binary, *tools)
        found = [DebianTest("pybuild-autopkgtest", depends, "pybuild-autopkgtest", ("allow-stderr",))]
    else:
        superficial = ("superficial",) if plan.smoke.superficial else ()
        found = [DebianTest("smoke", (binary,), restrictions=("allow-stderr", *superficial), script=True)]
        if plan.examples:
            found.append(DebianTest("examples", (binary,), restrictions=("allow-stderr", "skippable"), script=True))
    for test in inputs.recipe.layer.autopkgtest:
        asked = tuple(binary if relation == "@" else relation for relation in test.depends)
        found.append(DebianTest(test.name, asked, restrictions=test.restrictions, script=True))
    return found


def _runnable(inputs: Inputs) -> Inputs:
    """Let pytest run unittest's tests where some are to be left out, which unittest can't do."""
    tests = inputs.facts.tests
    if tests.runner == "unittest" and (
        inputs.recipe.layer.skip or tests.unimportable or tests.unpackaged or tests.installs
    ):
        evidence = "unittest's tests, some of which are left out"
        tests = replace(tests, runner="pytest", runner_evidence=evidence)
        return replace(inputs, facts=replace(inputs.facts, tests=tests))
    return inputs


def _refuse_stale_skips(inputs: Inputs) -> None:
    tests, layer = inputs.facts.tests, inputs.recipe.layer
    about = f"{inputs.facts.name} {inputs.facts.version}"
    if layer.skip and tests.runner != "pytest":
        raise RecipeError(f"the recipe skips tests, but {about} has none that pytest runs", hint="Remove the lines.")
    known = {*inputs.texts, *tests.files, *(problem.path for problem in tests.unimportable)}
    for skip in layer.skip:
        path = skip.select.partition("::")[0]
        if path not in known and not any(name.startswith(f"{path.rstrip('/')}/") for name in known):
            raise RecipeError(
                f"the recipe skips {skip.select!r}, but {about} has no {path}",
                hint="Remove the line, or correct the path.",
            )


def _arguments(tests: TestFacts, unusable: Set[str]) -> tuple[str, ...]:
    """What the runner is told to run, which is not the files that are ``unusable``."""
    if tests.runner == "custom":
        return (f"{{interpreter}} {_escaped(tests.command)}",)
    targets = [place.target for place in tests.places]
    if not targets:
        return ()
    if tests.runner == "unittest":
        if len(targets) > 1 or targets[0].endswith(".py"):
            return () if targets[0].rpartition("/")[2].startswith("test") else ("-p '*test*.py'",)
        return (f"-s {shlex.quote(targets[0])} -t .",)
    if len(targets) > _MANY:
        targets = [posixpath.commonpath(targets) or "."]
    targets = [part for target in targets for part in _around_conftests(tests, target, unusable)]
    return tuple(shlex.quote(_escaped(target)) for target in targets)


def _around_conftests(tests: TestFacts, target: str, unusable: Set[str]) -> list[str]:
    """``target``, or what is in it where a folder of it has an unusable conftest.py.

    Before anything else, pytest loads the conftest.py of each folder ``test*`` in what it is told to run, also of one
    that is left out.
    """
    ran = {path: place.run_path(path) for path in tests.files if (place := _place(tests, path))}
    broken = {posixpath.dirname(ran[path]) for path in unusable & ran.keys() if path.endswith("/conftest.py")}
    if not any(posixpath.dirname(folder) == target for folder in broken):
        return [target]
    inside = (posixpath.relpath(path, target) for path in map(ran.__getitem__, tests.test_files) if path != target)
    children = {posixpath.join(target, path.partition("/")[0]) for path in inside if not path.startswith("..")}
    return sorted(children - broken)


def _tops(tests: TestFacts) -> set[str]:
    """The top-level packages into which tests belong."""
    return {place.module.partition(".")[0] for place in tests.places if place.module}


def _files(inputs: Inputs) -> list[str]:
    """What pybuild copies beside the modules to run the tests there."""
    tests = inputs.facts.tests
    settings = tests.settings.evidence.partition(":")[0]
    steering = [
        name
        for name in dict.fromkeys((*_STEERING, settings))
        if name and name in (*inputs.texts, *tests.files, settings)
    ]
    script = tests.command.split()[0] if tests.runner == "custom" and not tests.command.startswith("-m") else ""
    lines = [name for name in steering if name != "conftest.py" or "conftest.py" in (*inputs.texts, *tests.files)]
    for place in tests.places:
        if place.copied:
            moved = place.copied_to != place.copied.rpartition("/")[2]
            lines.append(f"{place.copied} {place.copied_to}" if moved else place.copied)
        elif not place.module:
            lines.append(place.path)
    lines += [script] if script and "/" not in script else []
    # A folder named like what is installed, but without its modules, would take its place.
    beside = [name for name in tests.beside if name not in inputs.facts.modules]
    return list(dict.fromkeys([*lines, *project_settings(inputs), *beside]))


def _variables(inputs: Inputs) -> tuple[Variable, ...]:
    """What is set for the tests: by the recipe, by upstream, and to say that there is no network."""
    tests = inputs.facts.tests
    found = {variable.name: variable for variable in inputs.recipe.layer.test_environment}
    for setting in tests.environment:
        reason = f"Set by upstream for its tests ({setting.evidence})"
        found.setdefault(setting.name, Variable(name=setting.name, value=setting.value, reason=reason))
    for name in network_variables(tests):
        reason = "Upstream's own switch for tests that need the network, which a build hasn't"
        found.setdefault(name, Variable(name=name, value="1", reason=reason))
    for name, module in library_variables(tests, inputs.facts.modules):
        reason = f"The switch of {module}, which the tests or what they test import, for machines without network"
        found.setdefault(name, Variable(name=name, value="1", reason=reason))
    return tuple(found.values())


def _insisted(tests: TestFacts, variables: Iterable[Variable]) -> tuple[Unimportable, ...]:
    """The test files that come to nothing without a variable that nobody sets."""
    known = {variable.name for variable in variables}
    return tuple(
        Unimportable(path, f"insists on {wanted.variable} in the environment ({wanted.evidence}), set by nothing here")
        for wanted in tests.wanted_variables
        if wanted.variable not in known
        for path in wanted.files
    )


def _remarks(insisted: Iterable[Unimportable]) -> tuple[str, ...]:
    """One line for each thing that tests insist on, with the way to have them run."""
    by_reason: dict[str, list[str]] = {}
    for problem in insisted:
        by_reason.setdefault(problem.reason, []).append(problem.path)
    return tuple(
        f"{', '.join(paths)}: left out; {reason}. Set it with [[test_environment]] in a recipe"
        for reason, paths in by_reason.items()
    )


def _switched_off(tests: TestFacts, kept: Sequence[str]) -> Iterator[Block]:
    """Upstream's own marks and options for tests that can't run in a build."""
    unwanted = unwanted_marks(tests)
    if expression := marks_expression(unwanted, kept):
        told = "; ".join(f"{mark.name}, on tests that {mark.reason}" for mark in unwanted)
        yield Block(f"upstream's own mark for what a build hasn't: {told}", (f"-m {quoted(_escaped(expression))}",))
    if options := network_options(tests):
        yield Block("upstream's own option for tests that need the network, which a build hasn't", options)


def _blocks(inputs: Inputs, needs: TestNeeds, unusable: Iterable[Unimportable]) -> list[Block]:
    """The arguments for pytest: upstream's unusable options cleared, then what is left out, by reason."""
    tests = inputs.facts.tests
    plugins = {need.distribution for need in needs.needed}
    by_reason: dict[str, list[str]] = {}
    for problem in unusable:
        if problem.path not in tests.test_files:  # a helper, or a conftest.py: pytest doesn't collect it
            continue
        by_reason.setdefault(problem.reason, []).append(_ignored(tests, problem.path))
    for path, test, place in tests.installs:
        reason = f"Installs from a package index, which a build can't reach ({place})"
        by_reason.setdefault(reason, []).append(_deselected(tests, path, test))
    for skip in inputs.recipe.layer.skip:
        path, _, test = skip.select.partition("::")
        argument = _deselected(tests, path, test) if test else _ignored(tests, path)
        by_reason.setdefault(" ".join(skip.reason.split()), []).append(argument)
    missing = dict.fromkeys(f"{path.rpartition('/')[0]}/__init__.py" for path in tests.unpackaged)
    if missing and _knows_namespaces(inputs):
        reason = f"the tests import their siblings relatively, but the sdist lacks {', '.join(missing)}"
        together = [Block(reason, ("-o consider_namespace_packages=true",))]
    else:
        together = []
    left_out = [Block(reason, tuple(dict.fromkeys(arguments))) for reason, arguments in by_reason.items()]
    switches = _switched_off(tests, rewritten(tests, plugins)[0])
    return [*option_blocks(tests, plugins), *switches, *together, *left_out]


def _deselected(tests: TestFacts, path: str, test: str) -> str:
    """Pytest's option for all tests whose names begin with ``path::test``."""
    place = _place(tests, path)
    return f"--deselect={shlex.quote(_escaped(f'{place.run_path(path) if place else path}::{test}'))}"


def _unimportable(inputs: Inputs) -> tuple[Unimportable, ...]:
    """The test files that can't be imported with the suite's pytest."""
    tests = inputs.facts.tests
    if _knows_namespaces(inputs):
        return tests.unimportable
    apart = (
        Unimportable(
            path, f"imports its siblings relatively, but the sdist lacks {path.rpartition('/')[0]}/__init__.py"
        )
        for path in tests.unpackaged
    )
    return (*tests.unimportable, *apart)


def _knows_namespaces(inputs: Inputs) -> bool:
    """Whether the suite's pytest can take folders without ``__init__.py`` for packages."""
    pytest = inputs.lookup("pytest")
    return pytest is not None and Version(pytest.upstream_version) >= _KNOWS_NAMESPACES


def _place(tests: TestFacts, path: str) -> TestPlace | None:
    def holds(place: TestPlace) -> bool:
        folder = place.copied or place.path
        return path == folder or path.startswith(f"{folder}/")

    return next((place for place in tests.places if holds(place)), None)


def _ignored(tests: TestFacts, path: str) -> str:
    place = _place(tests, path)
    if place is None:
        return f"--ignore={shlex.quote(_escaped(path))}"
    return f"--ignore={shlex.quote(_escaped(place.run_path(path)))}"


def _escaped(argument: str) -> str:
    """Double the braces, which pybuild would take for its own variables."""
    return argument.replace("{", "{{").replace("}", "}}")


def _first(items: Iterable[str]) -> str:
    return next(iter(items), "")
