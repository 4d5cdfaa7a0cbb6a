"""Options of the verbs that write source packages, and what they stand for."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from debgen.cli.options import add_recipe_option, add_variant_option
from debgen.debianize.model import Team
from debgen.identity import identity
from debgen.pipeline import Settings


def add_source_options(
    parser: argparse.ArgumentParser,
    *,
    writes: bool = True,
    again: bool = True,
    continues: bool = True,
    several: bool = False,
) -> None:
    """What goes into a source package beyond upstream's facts.

    ``writes`` is for verbs that leave results, ``again`` for those that may write them over earlier ones, and
    ``continues`` for those that take what the archive has; ``several`` for those that take more than one name.
    """
    parser.add_argument(
        "name", metavar="NAME[==VERSION]", nargs="+" if several else None,
        help="distribution to package, and its version if not chosen by the plan",
    )  # fmt: skip
    parser.add_argument(
        "--for", dest="root", metavar="ROOT", default="vllm",
        help="choose the newest version that satisfies every bound in the plan of ROOT (default: vllm; '' for none)",
    )  # fmt: skip
    add_variant_option(parser)
    if writes:
        parser.add_argument(
            "-o", "--output", type=Path, metavar="DIR", default=Path("debgen-output"),
            help="folder of results (default: ./debgen-output)",
        )  # fmt: skip
    group = parser.add_argument_group("source package")
    group.add_argument(
        "--maintainer", metavar="NAME", help="your name (default: DEBFULLNAME and so on, as in devscripts)"
    )
    group.add_argument("--email", metavar="MAIL", help="your mail address (default: DEBEMAIL and so on)")
    group.add_argument(
        "--team", metavar="'NAME <MAIL>'", default=os.environ.get("DEBGEN_TEAM", ""),
        help="a team as Maintainer, you as Uploader (default: $DEBGEN_TEAM)",
    )  # fmt: skip
    group.add_argument(
        "--vcs", metavar="URL", default=os.environ.get("DEBGEN_VCS", ""),
        help="group that holds the packaging repositories, for Vcs-Git and Vcs-Browser (default: $DEBGEN_VCS)",
    )  # fmt: skip
    if again:
        group.add_argument(
            "--keep-edits", action="store_true",
            help="put your changes in earlier results together with what is generated now",
        )  # fmt: skip
    if continues:
        group.add_argument(
            "--adopt", action="store_true",
            help="take over a package that the archive has: you (or --team) as Maintainer instead of the archive's",
        )  # fmt: skip
    if writes:
        group.add_argument(
            "--itp", type=_bug_number, metavar="NUMBER", help="bug number of the ITP that the upload closes"
        )
    add_recipe_option(group)
    group.add_argument(
        "--templates",
        type=Path,
        action="append",
        metavar="DIR",
        default=[],
        help="templates that come before debgen's own",
    )


def _bug_number(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a bug")
    return int(text)


def source_settings(args: argparse.Namespace) -> Settings:
    """The settings behind the source options; UsageError where nobody is named as maintainer."""
    return Settings(
        identity=identity(os.environ, name=args.maintainer, email=args.email),
        team=Team(args.team, args.vcs),
        itp=getattr(args, "itp", None),
        variant=args.variant,
        recipes=tuple(args.recipes),
        templates=tuple(args.templates),
        keep_edits=getattr(args, "keep_edits", False),
        adopt=getattr(args, "adopt", False),
    )
