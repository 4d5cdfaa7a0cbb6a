"""``debgen itp NAME``: the mail that announces a new package."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from debgen.archive.model import Origin
from debgen.cli.options import SubParsers, add_suite_options, index_client, mirror_settings, suite_index
from debgen.cli.source_options import add_source_options, source_settings
from debgen.debianize.itp import itp_mail, itp_of
from debgen.debianize.templates import Templates
from debgen.errors import UsageError
from debgen.pipeline import GENERATING_TOOLS, Settings, choose_release, parse_name, prepare
from debgen.planner import Workbench
from debgen.planning.paths import ways
from debgen.run import require_tools

SCHEMA = 1


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "itp",
        help="write the mail that announces a new package to Debian",
        description="Print the mail of an ITP (intent to package), with headers, as `sendmail -t` takes it. "
        "It says the same as the package that `debgen generate` writes with these options.",
    )
    add_source_options(parser, writes=False, again=False, continues=False)
    parser.add_argument("--json", action="store_true", help="print what the mail says as JSON")
    add_suite_options(parser)
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Print the mail; UsageError where the suite has the distribution already."""
    settings = source_settings(args)
    require_tools(*GENERATING_TOOLS)
    client = index_client(args)
    mirror = mirror_settings(args)
    with suite_index(args, mirror) as index:
        bench = Workbench(index, client, mirror, settings.recipes)
        refuse_packaged(args.name, bench)
        name, version = choose_release(args.name, args.root, bench, settings)
        with prepare(name, version, bench, settings) as prepared:
            found = itp_of(
                prepared.package,
                prepared.facts,
                settings.identity,
                settings.team,
                chain_to(name, args.root, bench, settings),
            )
        if args.json:
            print(json.dumps({"schema": SCHEMA, **asdict(found)}, indent=2, ensure_ascii=False))
        else:
            print(itp_mail(found, Templates(settings.templates)), end="")
    return 0


def refuse_packaged(requirement: str, bench: Workbench) -> None:
    """Raise UsageError where the suite has a package of the distribution: an ITP is for new ones."""
    name, _ = parse_name(requirement)
    existing = bench.lookup(name)
    if existing is not None and existing.origin in (Origin.CONTENTS, Origin.PROVIDES):
        raise UsageError(
            f"{bench.index.codename} has {name} already: source {existing.source}, {existing.package} "
            f"{existing.debian_version}",
            hint="An ITP is for a source that Debian doesn't have; for a newer version, ask its maintainers.",
        )


def chain_to(name: str, root: str, bench: Workbench, settings: Settings) -> tuple[str, ...]:
    """The way from the root of the plan to the distribution; empty where there is no root, or it isn't needed."""
    if not root:
        return ()
    plan = bench.plan(root, bench.variant(root, settings.variant), read_sdists=False, ask_apt=False)
    return next(iter(ways(plan, name, limit=1)), ())
