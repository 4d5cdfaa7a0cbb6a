"""``debgen build NAME``: generate, build, check, install and exercise, then say where everything is."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debgen import __version__
from debgen.archive.index import SuiteIndex
from debgen.archive.mirror import MirrorSettings
from debgen.building.chroots import ChrootStore, Flavour
from debgen.building.contents import Need, compare
from debgen.building.contentsreport import ContentsReport
from debgen.building.exercise import exercise
from debgen.building.lintian import check
from debgen.building.result import BuildResult, ExerciseReport, LintianReport, Severity, Tag
from debgen.building.sbuild import build, configuration
from debgen.cli.options import (
    SubParsers,
    add_suite_options,
    index_client,
    mirror_settings,
    suite_index,
)
from debgen.cli.source_options import add_source_options, source_settings
from debgen.cli.triage import run_triage
from debgen.errors import CheckError
from debgen.narrate import say
from debgen.pipeline import GENERATING_TOOLS, Settings, Written, choose_release, generate
from debgen.planner import Workbench
from debgen.run import require_tools
from debgen.upstream.wheel import best_wheel
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
    contents: ContentsReport
    seconds: float
    itp: bool

    @property
    def findings(self) -> tuple[Tag, ...]:
        """Errors and warnings of lintian that count."""
        found = self.lintian.of(Severity.ERROR, Severity.WARNING)
        return tuple(tag for tag in found if self.itp or tag.tag != _NEEDS_ITP)

    @property
    def good(self) -> bool:
        """Whether lintian has nothing to say, nothing of upstream's is lacking, and the result works."""
        return not self.findings and self.exercise.passed and self.contents.good


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
    parser.add_argument(
        "--fresh", action="store_true", help="build again, even if nothing has changed since it was built"
    )
    parser.add_argument(
        "--triage", action="store_true",
        help="where tests fail, say why; print [[skip]] entries for the recipe for those that want the network, a "
        "device, or what is absent, and build once more with them; real failures are listed and never skipped",
    )  # fmt: skip
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
        bench = Workbench(index, client, mirror, settings.recipes)
        name, version = choose_release(args.name, args.root, bench, settings)
        out = args.output.absolute() / index.codename / f"{name}-{version}"
        if args.triage:
            return run_triage(
                name, version, bench, settings, out, _builder(bench, name, version, began, settings), args.json
            )
        written = generate(name, version, bench, settings, out / "source")
        say(f"source package: {written.dsc}")
        inputs = _inputs(written.dsc, index, mirror)
        summary = None if args.fresh else _kept(out / "summary.json", inputs)
        if summary is not None:
            say("nothing has changed since it was built; --fresh builds it again")
        else:
            outcome = _build(written, bench, name, version, settings, out / "result", began)
            summary = as_json(outcome, inputs)
            write_atomically(out / "summary.json", json.dumps(summary, indent=2).encode() + b"\n")
    print(json.dumps(summary, indent=2) if args.json else as_text(summary))
    if not summary["good"]:
        raise CheckError(
            f"{written.package.source} {written.package.version} is built, but not fit for upload",
            hint="The findings are above; their logs are named with them.",
        )
    return 0


def _builder(
    bench: Workbench, name: str, version: str, began: float, settings: Settings
) -> Callable[[Written, Path], tuple[dict[str, Any], ExerciseReport]]:
    """What builds and checks a source package and puts the result into a folder, as :func:`run_triage` wants it."""

    def built(written: Written, result: Path) -> tuple[dict[str, Any], ExerciseReport]:
        outcome = _build(written, bench, name, version, settings, result, began)
        return as_json(outcome, _inputs(written.dsc, bench.index, bench.apt_root.settings)), outcome.exercise

    return built


def _inputs(dsc: Path, index: SuiteIndex, mirror: MirrorSettings) -> str:
    """A hash over what decides a build: the source package, the suite's state, and how it is built."""
    digest = hashlib.sha256(dsc.read_bytes())
    state = (__version__, index.codename, index.architecture, index.date.isoformat(), mirror.uri)
    digest.update("\n".join((*state, configuration(index.codename))).encode())
    return digest.hexdigest()


def _kept(path: Path, inputs: str) -> dict[str, Any] | None:
    """The summary of an earlier good build of the same inputs, if all its files are still there."""
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files = [*summary["debs"], summary["changes"], summary["log"], summary["lintian"]["log"]]
        same = summary["schema"] == SCHEMA and summary["inputs"] == inputs and summary["good"] and "orig" in summary
        return summary if same and all(Path(file).is_file() for file in files) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _build(
    written: Written, bench: Workbench, name: str, version: str, settings: Settings, out: Path, began: float
) -> Outcome:
    index = bench.index
    store = ChrootStore(cache_directory("chroots"), bench.apt_root.settings)
    key = index.date.isoformat()
    chroot = store.ensure(index.codename, Flavour.BUILD, index_key=key)
    built = build(written.dsc, chroot, out, distribution=written.package.distribution)
    say(f"built in {built.seconds:.0f} s: {', '.join(deb.name for deb in built.debs)}")
    layer = bench.layer(name, settings.variant or "cpu")
    contents = compare(
        built.debs,
        best_wheel(bench.client.files(name), version, bench.target),
        bench.client,
        written.tree,
        lacks=layer.lacks,
        need=Need(
            bench.target.marker_environment(), bench.lookup, lambda asked: bool(layer.drop_of(asked)),
            bench.pydist.packages,
        ),
    )  # fmt: skip
    say(f"contents: {contents.verdict}")
    findings = check(built.changes, store, store.ensure(index.codename, Flavour.LINTIAN, index_key=key))
    say(f"lintian {findings.version}: {_counts(findings)}")
    report = exercise(built.changes, store, store.ensure(index.codename, Flavour.CLEAN, index_key=key))
    seconds = time.monotonic() - began
    return Outcome(index.codename, written, built, findings, report, contents, seconds, settings.itp is not None)


def _counts(report: LintianReport) -> str:
    named = (
        (Severity.ERROR, "errors"),
        (Severity.WARNING, "warnings"),
        (Severity.INFO, "hints"),
        (Severity.PEDANTIC, "pedantic"),
    )
    return ", ".join(f"{len(report.of(severity))} {word}" for severity, word in named)


def as_json(outcome: Outcome, inputs: str) -> dict[str, Any]:
    """The summary as plain data."""
    package = outcome.written.package
    return {
        "schema": SCHEMA,
        "source": package.source,
        "version": package.version,
        "suite": outcome.suite,
        "good": outcome.good,
        "inputs": inputs,
        "debs": [str(path) for path in outcome.build.debs],
        "changes": str(outcome.build.changes),
        "source_tree": str(outcome.written.tree),
        "orig": outcome.written.orig.as_json(),
        "log": str(outcome.build.log),
        "lintian": {
            "version": outcome.lintian.version,
            "log": str(outcome.lintian.log),
            "counts": _counts(outcome.lintian),
            "findings": [str(tag) for tag in outcome.findings],
            "wants_itp": not outcome.itp and any(tag.tag == _NEEDS_ITP for tag in outcome.lintian.tags),
            "tags": [
                {"severity": tag.severity.name.lower(), "package": tag.package, "tag": tag.tag, "detail": tag.detail}
                for tag in outcome.lintian.tags
            ],
        },
        "contents": outcome.contents.as_json(),
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


def as_text(summary: Mapping[str, Any]) -> str:
    """The summary for people: where everything is, what was found, what was tested."""
    lintian, tests = summary["lintian"], summary["exercise"]
    rows = [
        *(("package", path) for path in summary["debs"]),
        ("changes", summary["changes"]),
        ("debian/", f"{summary['source_tree']}/debian"),
        ("log", summary["log"]),
        *([("orig", summary["orig"]["text"])] if summary["orig"]["archive"] else []),
        ("lintian", f"{lintian['counts']} (lintian {lintian['version']}): {lintian['log']}"),
        *(("", str(finding)) for finding in lintian["findings"]),
        *([("", f"{_NEEDS_ITP}: file the ITP and give its number with --itp")] if lintian["wants_itp"] else []),
        ("contents", summary["contents"]["verdict"]),
        *(("", f"lacks {lack['kind']} {lack['path']}: {lack['why']}") for lack in summary["contents"]["lacks"]),
        ("tests", f"{tests['verdict']}: {tests['log']}"),
        *(("", f"{t['name']}: {t['outcome']} {t['detail']}".rstrip()) for t in tests["tests"]),
        ("took", f"{summary['seconds']:.0f} s"),
    ]
    head = (
        f"{summary['source']} {summary['version']} for {summary['suite']}: {'good' if summary['good'] else 'NOT GOOD'}"
    )
    return "\n".join([head, *(f"  {label:<8} {text}" for label, text in rows)])
