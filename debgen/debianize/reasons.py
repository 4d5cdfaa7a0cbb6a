"""Why each line of a generated debian/ is there, file by file; pure, and read by reviewers only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.debianize.model import Inputs
from debgen.debianize.provenance import Cause, Lines, Origin, Provenance, Why, one_line
from debgen.debianize.reasons_control import control_reasons, overrides_reasons, tests_reasons
from debgen.debianize.reasons_copyright import copyright_reasons
from debgen.debianize.reasons_rules import how_tests_run, rules_reasons, skipped
from debgen.debianize.requirements import Judged
from debgen.debianize.system_libraries import SystemLibraries
from debgen.debianize.tests import EXAMPLES, SMOKE, TestPlan, autopkgtests_of

_RULE = Origin.RULE


@dataclass(frozen=True)
class Decided:
    """What was decided on the way to the files of debian/."""

    judged: Judged
    tests: TestPlan
    system: SystemLibraries
    built_with: Mapping[str, tuple[Cause, ...]]
    existing: Match | None
    binary: str


def provenance(
    inputs: Inputs, decided: Decided, files: Mapping[str, str], *, overlaid: Collection[str], notes: tuple[str, ...]
) -> Provenance:
    """The reasons for ``files``, of which the recipe brings ``overlaid``, and what else a reviewer should know."""
    found: list[Why] = []
    for path, text in sorted(files.items()):
        lines = Lines(path, text)
        if path in overlaid:
            lines.whole(Cause(f"the recipe brings this file: debian/{path}", Origin.RECIPE))
        else:
            _reasons(lines, inputs, decided)
        found += sorted(lines.found, key=lambda why: (why.first, why.last))
    return Provenance(
        reasons=tuple(found),
        skipped=tuple(skipped(inputs, decided.tests)),
        tests=how_tests_run(inputs, decided.tests),
        notes=notes,
        disagreements=inputs.scan.disagreements,
        human=tuple(_for_a_human(inputs, decided, overlaid)),
        sdist=inputs.sdist_name,
    )


def _for_a_human(inputs: Inputs, decided: Decided, overlaid: Collection[str]) -> Iterator[str]:
    if inputs.recipe.layer.description is None and "control" not in overlaid:
        yield "debian/control: the Description was made by rules from upstream's summary and README; read it"
    if decided.tests.runner == "smoke":
        yield f"no test of upstream's runs, as {one_line(decided.tests.reason)}; only a smoke test shows that it works"
    if inputs.itp is None and decided.existing is None:
        yield "debian/changelog closes no ITP: file one, and give its number with --itp"
    if inputs.scan.disagreements:
        count = len(inputs.scan.disagreements)
        yield f"debian/copyright: the scans of licences disagree on {count} file{'s' if count > 1 else ''}; look there"
    rules = [r for r, relax in decided.judged.relaxed if relax not in inputs.recipe.layer.relax]
    if rules:
        names = ", ".join(requirement.name for requirement in rules)
        yield f"debian/patches: a rule relaxed the bounds on {names}; no human has said that this is right"


def _reasons(lines: Lines, inputs: Inputs, decided: Decided) -> None:
    path, binary = lines.file, re.escape(decided.binary)
    if path == "control":
        control_reasons(lines, inputs, decided.judged, decided.built_with, decided.existing)
    elif path == "rules":
        rules_reasons(lines, inputs, decided.tests, decided.system)
    elif path == "copyright":
        copyright_reasons(lines, inputs)
    elif path == "py3dist-overrides":
        overrides_reasons(lines, inputs, decided.judged)
    elif path == "tests/control":
        tests_reasons(lines, inputs, autopkgtests_of(decided.tests, inputs, decided.binary))
    elif path == "watch":
        _watch(lines, inputs)
    elif path == "changelog":
        _changelog(lines, inputs)
    elif path == "upstream/metadata":
        _metadata(lines, inputs)
    elif path == "pybuild.testfiles":
        _testfiles(lines, inputs)
    elif path.startswith("patches/"):
        _patch(lines, inputs, decided)
    elif cause := _whole(path, inputs, decided, binary):
        lines.whole(cause)


def _whole(path: str, inputs: Inputs, decided: Decided, binary: str) -> Cause | None:
    """The reason for a file of one purpose."""
    reason = one_line(decided.tests.reason)
    found = {
        "source/format": Cause("the format that has an orig tarball and patches (dpkg-source(1))", _RULE),
        "salsa-ci.yml": Cause("Debian's own pipeline, where the repository is on Salsa", _RULE),
        "gbp.conf": Cause("the branches of DEP-14", _RULE),
        "README.source": Cause(f"policy 4.14: {inputs.repack.reason or 'the orig tarball leaves files out'}", _RULE),
        SMOKE: Cause(f"{reason}: it imports every module and starts every command"),
        EXAMPLES: Cause(f"{reason}: upstream's README has examples that can run alone"),
        "clean": Cause("the build makes it", _RULE),
    }.get(path)
    if found:
        return found
    if path.startswith("manpages/"):
        return Cause("installed where the command can't tell its help in a build (policy 12.1)", _RULE)
    if re.fullmatch(rf"{binary}\.manpages", path):
        return Cause("a manual page for each of upstream's commands (policy 12.1)", _RULE)
    if re.fullmatch(rf"{binary}\.docs", path):
        return Cause("the Apache License asks that NOTICE goes with the work (section 4d)", _RULE)
    if re.fullmatch(rf"{binary}\.install", path):
        return Cause("embedded copies have a NOTICE, which goes with them (Apache License, section 4d)", _RULE)
    return None


def _watch(lines: Lines, inputs: Inputs) -> None:
    suite = inputs.suite
    lines.block(r"(?i)version\s*[:=]", Cause(f"the newest format that uscan of {suite.codename} reads", _RULE))
    named = Cause(f"upstream's archive is {inputs.sdist_name}")
    lines.block("Template:", Cause("upstream releases on the package index", _RULE))
    lines.block(r"Dist:|https?://", named)
    mangle = Cause("pre-releases sort as PEP 440 has them: 1.1rc1 is 1.1~rc1", _RULE)
    lines.block(r"Uversion-Mangle:|opts=", mangle)
    lines.block("Matching-Pattern:", named)
    lines.block(r"Dversion-Mangle:|Repack-Suffix:|opts=.*repacksuffix", Cause(_repacked(inputs)))


def _repacked(inputs: Inputs) -> str:
    left_out = f"left out: {', '.join(inputs.repack.excluded[:3])}" if inputs.repack.excluded else ""
    return f"the orig tarball is repacked: {'; '.join(filter(None, (inputs.repack.reason, left_out)))}"


def _changelog(lines: Lines, inputs: Inputs) -> None:
    end = next((number for number, line in enumerate(lines.lines) if line.startswith(" -- ")), len(lines.lines))
    kind = inputs.continued.upload.value if inputs.continued else ""
    told = f"the archive's package goes on{f' ({kind})' if kind else ''}" if inputs.continued else "the first upload"
    lines.block(r"\S.* \(.*\) ", Cause(f"{told}; the suite decides the distribution", _RULE))
    for line in dict.fromkeys(lines.lines[1:end]):
        if "Closes:" in line:
            lines.line(line.strip(), Cause("the number that you gave with --itp", _RULE))
    lines.block(" -- ", Cause("you, and upstream's day of release or the day of the suite's index", _RULE))


def _metadata(lines: Lines, inputs: Inputs) -> None:
    for label, url in inputs.facts.urls:
        for number, line in enumerate(lines.lines):
            if number and url in line:
                lines.line(line.strip(), Cause(f"upstream's metadata: Project-URL {label!r}"))
    told = "follows from upstream's repository, by the forge's own addresses"
    lines.block(r"(?:Repository|Bug|Security)[\w-]*:", Cause(told))


def _testfiles(lines: Lines, inputs: Inputs) -> None:
    tests = inputs.facts.tests
    for line in lines.lines:
        name = line.partition(" ")[0]
        if any(name in (place.path, place.copied) for place in tests.places):
            cause = Cause(f"upstream's tests, which run beside the modules ({tests.runner_evidence or 'found there'})")
        elif name in tests.beside:
            cause = Cause("the tests import or open it")
        else:
            cause = Cause("it steers the tests' runner")
        lines.line(line, cause)


def _patch(lines: Lines, inputs: Inputs, decided: Decided) -> None:
    name = lines.file.removeprefix("patches/")
    if name == "series":
        lines.whole(Cause("the patches in their order: the recipe's, then those that rules make", _RULE))
        return
    if name in inputs.recipe.patches():
        lines.whole(Cause("the recipe brings this patch; its header says why", Origin.RECIPE))
        return
    layer = inputs.recipe.layer
    human = {
        *(f"relax-{canonicalize_name(r.name)}.patch" for r, x in decided.judged.relaxed if x in layer.relax),
        *(f"drop-{canonicalize_name(r.name)}.patch" for r, x in decided.judged.dropped if x in layer.drop),
    }
    if name in human:
        lines.whole(Cause("the recipe relaxes or drops this requirement; the header has its reason", Origin.RECIPE))
    else:
        lines.whole(Cause("made by a rule; its header says why"))
