"""``debgen generate NAME``: write a source package."""

from __future__ import annotations

import argparse
from pathlib import Path

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
from debgen.gitrepo import GIT_TOOLS, refuse_existing
from debgen.narrate import say
from debgen.pipeline import GENERATING_TOOLS, choose_release, create_repository, generate
from debgen.run import require_tools


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "generate",
        help="write a source package with a complete debian/",
        description="Write a source package in the format 3.0 (quilt), with the orig tarball and a complete debian/.",
    )
    add_source_options(parser)
    parser.add_argument(
        "--git",
        type=Path,
        metavar="DIR",
        help="make a packaging repository for git-buildpackage (DEP-14) in DIR, which must be new",
    )
    add_suite_options(parser)
    add_borrow_option(parser)
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Write the source package and print the path of its .dsc."""
    settings = source_settings(args)
    require_tools(*GENERATING_TOOLS, *(GIT_TOOLS if args.git else ()))
    if args.git:
        refuse_existing(args.git)
    client = index_client(args)
    mirror = mirror_settings(args)
    with suite_index(args, mirror) as index, workbench(args, index, client, mirror) as bench:
        name, version = choose_release(args.name, args.root, bench, settings)
        out = args.output.absolute() / index.codename / f"{name}-{version}" / "source"
        written = generate(name, version, bench, settings, out)
        if args.git:
            create_repository(written, args.git.absolute(), settings)
            say(f"repository: {args.git}")
    print(written.dsc)
    return 0
