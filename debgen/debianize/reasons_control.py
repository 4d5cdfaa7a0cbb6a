"""The reasons for the lines of debian/control, debian/tests/control and debian/py3dist-overrides."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.debianize.depends import lower_bound, suggested
from debgen.debianize.evidence import asked_when_run
from debgen.debianize.model import Inputs
from debgen.debianize.provenance import Cause, Lines, Origin, one_line
from debgen.debianize.requirements import Judged
from debgen.debianize.tests import DebianTest

_RULE = Origin.RULE


def control_reasons(
    lines: Lines, inputs: Inputs, judged: Judged, built_with: Mapping[str, tuple[Cause, ...]], existing: Match | None
) -> None:
    """Add to ``lines``, those of debian/control, what caused each; ``built_with`` is that of Build-Depends."""
    _fields(lines, inputs, existing)
    for relation, causes in built_with.items():
        lines.relation("Build-Depends", relation, causes)
    lines.relation("Depends", "${misc:Depends}", [Cause("debhelper puts what its programs find there", _RULE)])
    told = "dh_python3 puts upstream's run-time requirements there, as py3dist-overrides tells it"
    lines.relation("Depends", "${python3:Depends}", [Cause(told, _RULE)])
    told = "dpkg-shlibdeps puts the libraries that the modules are linked with there"
    lines.relation("Depends", "${shlibs:Depends}", [Cause(told, _RULE)])
    for relation, told in judged.more.items():
        lines.relation("Depends", relation, [Cause(told)])
    layer = inputs.recipe.layer
    for name, packages in (("Depends", layer.depends), ("Recommends", layer.recommends), ("Suggests", layer.suggests)):
        for package in packages:
            lines.relation(name, package.relation, [Cause(one_line(package.reason), Origin.RECIPE)])
    for suggestion, asked in suggested(inputs, judged).items():
        lines.relation("Suggests", suggestion, [Cause(f"{asked}; who installs the package asked for no extra")])


def _fields(lines: Lines, inputs: Inputs, existing: Match | None) -> None:
    facts, suite, team = inputs.facts, inputs.suite, inputs.team
    held, whose = ("as the archive's source has it", Origin.FACT) if inputs.continued else ("", _RULE)
    modules = ", ".join(facts.modules[:3]) or facts.name
    new = "the distribution's name, or python- before it (Python Policy 4.3.1)"
    named = f"the archive's source of {facts.name}" if existing else new
    lines.block("Source:", Cause(named, Origin.FACT if existing else _RULE))
    lines.block("Package:", Cause(f"after the module {modules} (Python Policy 4.3.2)", _RULE))
    section = Cause("the archive's section of it") if existing else Cause("where Python modules go", _RULE)
    lines.block("Section:", section)
    lines.block("Priority:", Cause(f"the policy of {suite.codename} still asks for the field", _RULE))
    lines.block("Rules-Requires-Root:", Cause(f"dpkg of {suite.codename} doesn't have it as its default", _RULE))
    lines.block("Standards-Version:", Cause(f"the policy that {suite.codename} has", _RULE))
    who = "the team that you named" if team.maintainer else "your name and address"
    adopted = inputs.continued.maintainer if inputs.continued else ""
    human = not inputs.continued or adopted in (team.maintainer, str(inputs.identity))
    lines.block("Maintainer:", Cause(held if not human else who, Origin.FACT if not human else _RULE))
    lines.block("Uploaders:", Cause(held or "you, where a team is the maintainer (policy 5.6.3)", whose))
    lines.block("Vcs-", Cause(held or "the group of repositories that you named", whose))
    labels = [label for label, url in facts.urls if f"Homepage: {url}" in lines.lines]
    page = f"the project URL {labels[0]!r}" if labels else "the field Home-page" if facts.homepage else "a project URL"
    lines.block("Homepage:", Cause(f"upstream's metadata: {page}"))
    what = facts.compiled[0] if facts.compiled else "an extension module"
    compiled = f"the build compiles {what}" if facts.architecture == "any" else "nothing is compiled"
    lines.block("Architecture:", Cause(f"{compiled} (policy 5.6.8)"))
    linked = "Rust links crates into the module, and dh-cargo's helper names their sources (policy 7.8)"
    lines.block("(?:Static-|XB-X-Cargo-)?Built-Using:", Cause(linked, _RULE))
    if told := inputs.recipe.layer.description:
        cause = Cause(one_line(told.reason), Origin.RECIPE)
    else:
        cause = Cause("made by rules from upstream's summary and README; a human should read it")
    lines.block("Description:", cause, r"\S")


def overrides_reasons(lines: Lines, inputs: Inputs, judged: Judged) -> None:
    """Add to ``lines``, those of debian/py3dist-overrides, why dh_python3 has to be told."""
    for requirement, match in judged.met:
        name = str(canonicalize_name(requirement.name))
        causes = [Cause(asked_when_run(inputs, requirement))]
        if lower_bound(match, requirement):
            causes.append(Cause("dh_python3 drops bounds unless it is told", _RULE))
        if inputs.siblings(name):
            causes.append(Cause(f"{', '.join(inputs.siblings(name))}: the same, built for accelerators"))
        if inputs.derived(name) != match.package:
            causes.append(Cause(f"dh_python3 would take {inputs.derived(name)} by its name"))
        for cause in causes:
            lines.block(f"{re.escape(name)} ", cause)
    for requirement, drop in judged.dropped:
        human = drop in inputs.recipe.layer.drop
        cause = Cause(f"dropped: {one_line(drop.reason)}", Origin.RECIPE if human else Origin.FACT)
        lines.line(str(canonicalize_name(requirement.name)), cause)


def tests_reasons(lines: Lines, inputs: Inputs, tests: list[DebianTest]) -> None:
    """Add to ``lines``, those of debian/tests/control, what each paragraph is for."""
    asked = {test.name: test for test in inputs.recipe.layer.autopkgtest}
    for test in tests:
        if recipe := asked.get(test.name):
            cause = Cause(one_line(recipe.reason), Origin.RECIPE)
        elif test.script:
            told = "shows that what is installed works, as upstream's own tests don't run"
            cause = Cause(told)
        else:
            cause = Cause("upstream's tests once more, on what is installed (pybuild-autopkgtest(1))", _RULE)
        begin = f"Tests: {test.name}" if test.script else f"Test-Command: {test.command}"
        lines.block(f"{re.escape(begin)}$", cause, r"$")
