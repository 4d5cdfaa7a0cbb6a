"""``debgen build NAME``: build whatever it needs that the suite lacks, check all of it, and say where everything is."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from debgen.building.capacity import capacity
from debgen.building.chroots import ChrootStore
from debgen.building.result import ExerciseReport
from debgen.chainplan import plan_chain
from debgen.chainrun import End, Outcome, Run, blocked
from debgen.checking import checked
from debgen.checks.all import CHECKS, tests_of
from debgen.checks.all import as_json as checks_json
from debgen.cli.board import Board
from debgen.cli.buildreport import as_json, as_text, dry_json, dry_text
from debgen.cli.options import (
    SubParsers,
    add_borrow_option,
    add_suite_options,
    index_client,
    mirror_settings,
    suite_index,
    workbench,
)
from debgen.cli.source_options import add_source_options, source_settings
from debgen.cli.triage import run_triage
from debgen.errors import BlockedError, BuildError, CheckError, UsageError
from debgen.gitrepo import GIT_TOOLS, refuse_existing
from debgen.narrate import say
from debgen.pipeline import GENERATING_TOOLS, Written, create_repository
from debgen.planning.asjson import as_json as plan_json
from debgen.planning.chain import Chain, Link, chosen
from debgen.planning.model import Plan
from debgen.run import require_tools
from debgen.workshop import Workshop
from debgen.workspace import cache_directory, write_atomically

_TOOLS = (*GENERATING_TOOLS, "sbuild", "mmdebstrap", "autopkgtest", "newuidmap", "apt-ftparchive", "gpg")


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "build",
        help="build and check a package, and whatever it needs that the suite lacks",
        description="Build NAME and whatever it needs that the suite lacks or has too old, in the plan's order, in "
        "clean chroots that see what was built before; then check each: with the suite's lintian, beside upstream's "
        "wheel, by installing and testing it. Chroots are made when they are missing. What hasn't changed since it was "
        "built is not built again, and a run that was ended goes on where it was.",
    )
    add_source_options(parser, several=True)
    add_suite_options(parser)
    add_borrow_option(parser)
    group = parser.add_argument_group("building")
    group.add_argument("--dry-run", action="store_true", help="say what would be built, in which order, and why")
    group.add_argument(
        "--only", action="append", metavar="NAME", default=[],
        help="build this of all that is to be built, and nothing else; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--keep-going", action="store_true", help="after a failure, build whatever does not need what failed"
    )
    group.add_argument(
        "--jobs", type=int, metavar="N", default=0,
        help="how many packages to build at once (default: as many as this machine's cores and memory carry)",
    )  # fmt: skip
    group.add_argument(
        "--fresh", action="store_true", help="build again, even if nothing has changed since it was built"
    )
    group.add_argument(
        "--checks", metavar="LIST", default="all",
        help=f"checks after the build: all (default), none, or some of {','.join(CHECKS)}",
    )  # fmt: skip
    group.add_argument(
        "--git", type=Path, metavar="DIR",
        help="make a packaging repository for git-buildpackage (DEP-14) in DIR, which must be new",
    )  # fmt: skip
    group.add_argument(
        "--triage", action="store_true",
        help="where tests fail, say why; print [[skip]] entries for the recipe for those that want the network, a "
        "device, or what is absent, and build once more with them; real failures are listed and never skipped",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Do it; the first failure's error, or CheckError where all is built but a check failed."""
    checks = _wanted(args.checks)
    _refuse_nonsense(args)
    settings = source_settings(args)
    require_tools(*_TOOLS, *(GIT_TOOLS if args.git else ()))
    if args.git:
        refuse_existing(args.git)
    client = index_client(args)
    mirror = mirror_settings(args)
    with suite_index(args, mirror) as index, workbench(args, index, client, mirror) as bench:
        chain, plans = plan_chain(args.name, args.root, bench, settings)
        for note in chain.notes:
            say(f"note: {note}")
        store = ChrootStore(cache_directory("chroots"), mirror)
        shop = Workshop(bench, settings, store, args.output.absolute() / index.codename, fresh=args.fresh)
        run = _run(chain, shop, checks, args)
        if args.dry_run:
            run.settle()
            print(json.dumps(dry_json(run), indent=2) if args.json else dry_text(run))
            return 0
        _keep_plans(plans, run)
        if args.triage:
            return _triage(run, args)
        with run.watcher.shown():
            outcomes = run.go()
        if args.json:
            print(json.dumps(as_json(run), indent=2))
        elif len(outcomes) > 1 or outcomes[0].summary is not None:  # else the error says all there is
            print(as_text(run))
        if args.git:
            _repository(run, args.git)
    raise_worst(outcomes)
    return 0


def _wanted(text: str) -> tuple[str, ...]:
    """The checks that ``--checks`` asks for, in their order."""
    if text in ("all", "none"):
        return CHECKS if text == "all" else ()
    names = [name.strip() for name in text.split(",")]
    if not any(names):
        raise UsageError("--checks names no check", hint=f"all, none, or some of {','.join(CHECKS)}")
    if unknown := [name for name in names if name not in CHECKS]:
        raise UsageError(f"--checks: there is no check {', '.join(unknown)}", hint=f"There are: {', '.join(CHECKS)}.")
    return tuple(name for name in CHECKS if name in names)


def _refuse_nonsense(args: argparse.Namespace) -> None:
    if args.jobs < 0:
        raise UsageError(f"--jobs {args.jobs}: less than one package can't be built", hint="Leave it out, or give 1.")
    for option, given in (("--itp", args.itp), ("--git", args.git), ("--triage", args.triage)):
        if given and len(args.name) > 1:
            raise UsageError(f"{option} is about one package, and {len(args.name)} are named", hint="Name one.")


def _run(chain: Chain, shop: Workshop, checks: tuple[str, ...], args: argparse.Namespace) -> Run[Board]:
    """What the command line asks for; BlockedError where ``--only`` leaves out what is needed and isn't built."""
    names = chosen(chain, args.only or tuple(chain.by_name))
    for option, given in (("--git", args.git), ("--triage", args.triage)):
        if given and not any(chain.by_name[name].asked for name in names):
            raise UsageError(f"{option} is about {args.name[0]}, which --only leaves out", hint="Leave out --only.")
    before = {}
    for link in chain.links:
        if link.name not in names and (record := shop.record(link)):
            before[link.name] = record
    for name in names:
        lacking = [need.name for need in chain.closure(name) if need.name not in {*names, *before}]
        if lacking:
            raise BlockedError(
                f"{name} needs {', '.join(lacking)}, which isn't built yet",
                hint=f"Leave out --only, or add{''.join(f' --only {need}' for need in lacking)}.",
            )
    return Run(
        chain, shop, lambda made, tell: checks_json(checked(made, shop, checks, tell)), checks,
        Board([chain.by_name[name] for name in names]), names, before,
        jobs=args.jobs or capacity(), keep_going=args.keep_going,
    )  # fmt: skip


def _keep_plans(plans: Sequence[Plan], run: Run[Board]) -> None:
    """Keep beside the results of each package the plan that it is built for."""
    for link in run.links:
        plan = next(plan for plan in plans if plan.node(link.name))
        path = run.shop.folder(link) / "plan.json"
        text = json.dumps(plan_json(plan), indent=2).encode() + b"\n"
        if not path.is_file() or path.read_bytes() != text:
            write_atomically(path, text)


def _triage(run: Run[Board], args: argparse.Namespace) -> int:
    """Build what the package needs, then itself, with proposals of what to skip."""
    link = _asked(run)
    if link.obstacle:
        raise blocked(link)
    needed = [other for other in run.links if other is not link]
    shop, began = run.shop, time.monotonic()
    first = replace(run, chosen=tuple(need.name for need in needed), checks=(), check=lambda made, tell: ())
    with run.watcher.shown():
        raise_worst(first.go())
    needs = first.needs(link) or ()

    def builder(written: Written, result: Path) -> tuple[dict[str, Any], ExerciseReport]:
        made = shop.build(link, needs, written, result, say)
        found = checked(made, shop, run.checks, say)
        return shop.summary(made, checks_json(found), time.monotonic() - began), tests_of(found)

    with shop.at(link) as folder:
        return run_triage(
            link.name, link.version, shop.bench_beside(needs), shop.settings_for(link), folder, builder, args.json
        )


def _repository(run: Run[Board], target: Path) -> None:
    """Make a packaging repository of what was asked for, if that is built."""
    link = _asked(run)
    if run.outcomes[link.name].summary is None:
        return
    with run.shop.at(link):
        written = run.shop.generate(link, run.needs(link) or ())
        create_repository(written, target.absolute(), run.shop.settings_for(link))
    say(f"repository: {target}")


def _asked(run: Run[Board]) -> Link:
    """The one package that the command names."""
    return next(link for link in run.links if link.asked)


def raise_worst(outcomes: Sequence[Outcome]) -> None:
    """Raise the error that a run ends with, if it does: what failed first counts, then what isn't fit for upload."""
    errors = {outcome.link.name: outcome.error for outcome in outcomes if outcome.error is not None}
    if errors:
        first, *others = errors.values()
        if not others and len(outcomes) == 1:
            raise first
        unbuildable = all(isinstance(error, BlockedError) for error in errors.values())
        left = sum(outcome.end is End.LEFT for outcome in outcomes)
        told = f"{len(errors)} of {len(outcomes)} packages can't be built: {', '.join(errors)}"
        raise (BlockedError if unbuildable else BuildError)(
            f"{told}; {left} more {'is' if left == 1 else 'are'} left out" if left else told,
            hint="What stands in the way of each is told above.",
        )
    bad = [f"{o.summary['source']} {o.summary['version']}" for o in outcomes if o.summary and not o.good]
    if bad:
        raise CheckError(
            f"{', '.join(bad)} {'is' if len(bad) == 1 else 'are'} built, but not fit for upload",
            hint="The findings are above; their logs are named with them.",
        )
