"""``debgen build NAME``: generate, build, check, install and exercise, then say where everything is."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debgen.archive.index import SuiteIndex
from debgen.archive.mirror import MirrorSettings
from debgen.building.chroots import ChrootStore, Flavour
from debgen.building.exercise import exercise
from debgen.building.lintian import check
from debgen.building.result import BuildResult, ExerciseReport, LintianReport, Severity, Tag
from debgen.building.sbuild import build
from debgen.cli.options import (
    SubParsers,
    add_source_options,
    add_suite_options,
    index_client,
    mirror_settings,
    source_settings,
    suite_index,
)
from debgen.errors import CheckError
from debgen.narrate import say
from debgen.pipeline import GENERATING_TOOLS, Written, choose_release, generate
from debgen.run import require_tools
from debgen.workspace import cache_directory, write_atomically

SCHEMA = 1
#: The one finding that only a human can mend, by filing the bug: numbers are never made up.
_NEEDS_ITP = "initial-upload-closes-no-bugs"


@dataclass(frozen=True)
class Outcome:
    """All that a build leaves: files, findings and times."""

    suite: str
    written: Written
    build: BuildResult
    lintian: LintianReport
    exercise: ExerciseReport
    seconds: float
    itp: bool

    @property
    def findings(self) -> tuple[Tag, ...]:
        """Errors and warnings of lintian that count."""
        found = self.lintian.of(Severity.ERROR, Severity.WARNING)
        return tuple(tag for tag in found if self.itp or tag.tag != _NEEDS_ITP)

    @property
    def good(self) -> bool:
        """Whether lintian has nothing to say and the result works."""
        return not self.findings and self.exercise.passed


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "build",
        help="generate, build, check and test a package in clean chroots",
        description="Generate the source package, build it with sbuild, check it with the suite's lintian, install "
        "it with apt in a clean chroot and run its autopkgtests there. Chroots are made when they are missing.",
    )
    add_source_options(parser)
    add_suite_options(parser)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Do it; CheckError where the package built but lintian or its tests found something."""
    settings = source_settings(args)
    require_tools(*GENERATING_TOOLS, "sbuild", "mmdebstrap", "autopkgtest", "newuidmap")
    began = time.monotonic()
    client = index_client(args)
    mirror = mirror_settings(args)
    with suite_index(args, mirror) as index:
        name, version = choose_release(args.name, args.root, index, client, settings)
        out = args.output.absolute() / index.codename / f"{name}-{version}"
        written = generate(name, version, index, client, settings, out / "source")
        say(f"source package: {written.dsc}")
        outcome = _build(written, index, mirror, out / "result", began, itp=settings.itp is not None)
    summary = as_json(outcome)
    write_atomically(out / "summary.json", json.dumps(summary, indent=2).encode() + b"\n")
    print(json.dumps(summary, indent=2) if args.json else _summary(outcome))
    if not outcome.good:
        raise CheckError(
            f"{written.package.source} {written.package.version} is built, but not fit for upload",
            hint="The findings are above; their logs are named with them.",
        )
    return 0


def _build(
    written: Written, index: SuiteIndex, mirror: MirrorSettings, out: Path, began: float, *, itp: bool
) -> Outcome:
    store = ChrootStore(cache_directory("chroots"), mirror)
    key = index.date.isoformat()
    chroot = store.ensure(index.codename, Flavour.BUILD, index_key=key)
    built = build(written.dsc, chroot, out, distribution=written.package.distribution)
    say(f"built in {built.seconds:.0f} s: {', '.join(deb.name for deb in built.debs)}")
    findings = check(built.changes, store, store.ensure(index.codename, Flavour.LINTIAN, index_key=key))
    say(f"lintian {findings.version}: {_counts(findings)}")
    report = exercise(built.changes, store, store.ensure(index.codename, Flavour.CLEAN, index_key=key))
    return Outcome(index.codename, written, built, findings, report, time.monotonic() - began, itp)


def _counts(report: LintianReport) -> str:
    named = (
        (Severity.ERROR, "errors"),
        (Severity.WARNING, "warnings"),
        (Severity.INFO, "hints"),
        (Severity.PEDANTIC, "pedantic"),
    )
    return ", ".join(f"{len(report.of(severity))} {word}" for severity, word in named)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The summary as plain data."""
    package = outcome.written.package
    return {
        "schema": SCHEMA,
        "source": package.source,
        "version": package.version,
        "suite": outcome.suite,
        "good": outcome.good,
        "debs": [str(path) for path in outcome.build.debs],
        "changes": str(outcome.build.changes),
        "source_tree": str(outcome.written.tree),
        "log": str(outcome.build.log),
        "lintian": {
            "version": outcome.lintian.version,
            "log": str(outcome.lintian.log),
            "tags": [
                {"severity": tag.severity.name.lower(), "package": tag.package, "tag": tag.tag, "detail": tag.detail}
                for tag in outcome.lintian.tags
            ],
        },
        "exercise": {
            "verdict": outcome.exercise.verdict,
            "log": str(outcome.exercise.log),
            "tests": [
                {"name": test.name, "outcome": test.outcome.value, "detail": test.detail}
                for test in outcome.exercise.tests
            ],
        },
        "seconds": round(outcome.seconds, 1),
    }


def _summary(outcome: Outcome) -> str:
    package = outcome.written.package
    lines = [f"{package.source} {package.version} for {outcome.suite}: {'good' if outcome.good else 'NOT GOOD'}"]
    lines += [f"  package  {path}" for path in outcome.build.debs]
    lines += [
        f"  changes  {outcome.build.changes}",
        f"  debian/  {outcome.written.tree / 'debian'}",
        f"  log      {outcome.build.log}",
        f"  lintian  {_counts(outcome.lintian)} (lintian {outcome.lintian.version}): {outcome.lintian.log}",
        f"  tests    {outcome.exercise.verdict}: {outcome.exercise.log}",
    ]
    lines += [f"    {tag}" for tag in outcome.findings]
    lines += [f"    {test.name}: {test.outcome.value} {test.detail}".rstrip() for test in outcome.exercise.tests]
    lines.append(f"  took     {outcome.seconds:.0f} s")
    return "\n".join(lines)
