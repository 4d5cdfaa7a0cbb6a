"""The reasons for the lines of debian/rules, and for each test that is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from debgen.debianize.model import Inputs
from debgen.debianize.provenance import Cause, Lines, Origin, Skipped, one_line
from debgen.debianize.rpath import sets_rpath
from debgen.debianize.system_libraries import SystemLibraries
from debgen.debianize.tests import Block, TestPlan

_LEAVES_OUT = re.compile(r"--(?:ignore|deselect)\b|-m |--(?:no|skip|disable|without|offline)\b")


def rules_reasons(lines: Lines, inputs: Inputs, tests: TestPlan, system: SystemLibraries) -> None:
    """Add to ``lines``, those of debian/rules, what caused each that dh doesn't ask of everybody."""
    facts = inputs.facts
    if inputs.build.cargo.manifests:
        _cargo(lines, inputs)
    lines.block(r"include ", Cause("the manual pages name the version, which this file of dpkg gives", Origin.RULE))
    if facts.architecture == "any":
        what = facts.compiled[0] if facts.compiled else "an extension module"
        told = f"the build compiles {what}; all hardening flags (lintian: hardening-no-*)"
        lines.block("export DEB_BUILD_MAINT_OPTIONS", Cause(told, Origin.RULE))
    lines.block("export PYBUILD_NAME ", Cause("the package's name without python3- (pybuild(1))", Origin.RULE))
    lines.block("export PYBUILD_SYSTEM ", Cause("the sdist has no pyproject.toml, by which pybuild would know PEP 517"))
    for variable, reason in facts.version_environment:
        lines.block(f"export {re.escape(variable)} ", Cause(reason))
    for variable, _, reason in system.variables:
        lines.block(f"export {re.escape(variable)} ", Cause(reason))
    lines.block("export PYBUILD_BUILD_ARGS ", Cause(system.reason))
    _tests(lines, inputs, tests)
    if path := sets_rpath(inputs.texts):
        told = f"{path} may set a path for libraries, which Debian's modules have no use for (lintian: custom-library-"
        lines.block(r"execute_before_dh_strip:", Cause(f"{told}search-path)", Origin.FACT), r"$|\S")
    if facts.unwanted_modules:
        told = f"upstream's build installs {', '.join(facts.unwanted_modules)} at the top of dist-packages by mistake"
        lines.block(r"execute_before_dh_install:", Cause(told), r"$|\S")
    if facts.scripts:
        commands = ", ".join(script.command for script in facts.scripts)
        told = f"every command has a manual page (policy 12.1), and upstream has none of {commands}"
        lines.block(r"execute_after_dh_auto_install:", Cause(told, Origin.RULE), r"\Z(?!)")


def _cargo(lines: Lines, inputs: Inputs) -> None:
    manifest = inputs.build.cargo.manifests[0].path
    told = f"{manifest}: the build compiles Rust with Debian's wrapper of cargo (/usr/share/cargo/bin/cargo)"
    lines.block(r"include |ifndef |endif", Cause(told, Origin.RULE))
    lines.block(r"export (?:CFLAGS|DEB_\w+_TYPE|DEB_CARGO_CRATE|PATH|CARGO_\w+)\b", Cause(told, Origin.RULE))
    aside = "upstream's choice of crates and flags is not Debian's, so its files are aside during the build"
    lines.block(r"CARGO_ASIDE ", Cause(aside, Origin.RULE))
    lines.block(r"execute_before_dh_auto_configure:", Cause(told, Origin.RULE), r"$|\S")
    lines.block(r"execute_after_dh_auto_clean:", Cause(aside, Origin.RULE), r"$|\S")
    linked = "Rust links the crates into the module; their sources are named (policy 7.8)"
    lines.block(r"execute_before_dh_gencontrol:", Cause(linked, Origin.RULE), r"$|\S")


def _tests(lines: Lines, inputs: Inputs, tests: TestPlan) -> None:
    facts = inputs.facts.tests
    if tests.runner == "smoke":
        cause = Cause(tests.reason, _smoke_origin(inputs, tests))
        lines.block(r"export PYBUILD_TEST_(?:CUSTOM|ARGS) ", cause)
    elif tests.runner == "custom":
        lines.block("export PYBUILD_TEST_CUSTOM ", Cause(f"upstream's own command runs the tests ({_runner(inputs)})"))
    lines.block("export PYBUILD_TEST_UNITTEST ", Cause(f"the tests are unittest's ({_runner(inputs)})"))
    lines.block("export PYBUILD_TEST_PYTEST ", Cause(f"pytest runs the tests ({_runner(inputs)}), which import tox"))
    told = "set or read the variables that name proxies" if tests.proxies else "talk to servers of their own here"
    lines.block(r"export (?:http_proxy|https_proxy|no_proxy) ", Cause(f"upstream's tests {told}"))
    for variable in tests.variables:
        human = variable in inputs.recipe.layer.test_environment
        cause = Cause(one_line(variable.reason), Origin.RECIPE if human else Origin.FACT)
        lines.block(f"export {variable.name} ", cause)
    if tests.arguments:
        lines.block("PYBUILD_TEST_ARGS = ", Cause(f"where the tests are: {facts.directory} ({_runner(inputs)})"))
    for block in tests.blocks:
        for argument in block.arguments:
            told = argument.replace("$", "$$").replace("#", "\\#")
            lines.line(f"PYBUILD_TEST_ARGS += {told}", Cause(one_line(block.reason), _block_origin(inputs, block)))
    lines.block("export PYBUILD_TEST_ARGS$", Cause("pybuild reads it from the environment (pybuild(1))", Origin.RULE))
    told = "the tests import their package relatively or name its files, which an autopkgtest has elsewhere"
    lines.block("ifdef PYBUILD_AUTOPKGTEST", Cause(told), "$")


def skipped(inputs: Inputs, tests: TestPlan) -> Iterator[Skipped]:
    """All that is left out of upstream's tests."""
    if tests.runner == "smoke" and inputs.facts.tests.directory:
        yield Skipped(f"all of {inputs.facts.tests.directory}", tests.reason, _smoke_origin(inputs, tests))
    for block in tests.blocks:
        for argument in block.arguments:
            if _LEAVES_OUT.match(argument):
                yield Skipped(argument, one_line(block.reason), _block_origin(inputs, block))


def how_tests_run(inputs: Inputs, tests: TestPlan) -> str:
    """One sentence on what runs, and where that is known from."""
    if tests.runner == "smoke":
        return f"none of upstream's, as {tests.reason}: a smoke test of debgen's imports the modules and runs commands"
    runner = "a command of upstream's" if tests.runner == "custom" else tests.runner
    return f"upstream's tests in {inputs.facts.tests.directory}, by {runner} ({_runner(inputs)})"


def _runner(inputs: Inputs) -> str:
    return inputs.facts.tests.runner_evidence or "as pybuild finds it"


def _smoke_origin(inputs: Inputs, tests: TestPlan) -> Origin:
    human = {one_line(skip.reason) for skip in inputs.recipe.layer.skip}
    return Origin.RECIPE if one_line(tests.reason) in human else Origin.FACT


def _block_origin(inputs: Inputs, block: Block) -> Origin:
    human = {one_line(skip.reason) for skip in inputs.recipe.layer.skip}
    return Origin.RECIPE if one_line(block.reason) in human else Origin.FACT
