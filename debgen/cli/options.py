"""Options that several verbs share, and what they stand for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from debgen.archive import mirror
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings
from debgen.borrowing import lenders
from debgen.planner import Workbench
from debgen.recipes import VARIANTS
from debgen.upstream.configuration import index_settings
from debgen.upstream.index import IndexClient

#: What ``add_subparsers`` returns; argparse has no public name for it.
SubParsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_mirror_options(parser: argparse.ArgumentParser) -> None:
    """The Debian mirror, for verbs that use it."""
    group = parser.add_argument_group("Debian mirror")
    group.add_argument("--mirror", metavar="URI", help="mirror to use (default: $DEBGEN_MIRROR, then apt's own)")
    group.add_argument(
        "--ignore-valid-until",
        action="store_true",
        default=None,
        help="accept expired Release files, as snapshots and frozen mirrors have them (default: "
        "$DEBGEN_IGNORE_VALID_UNTIL, then apt's own Acquire::Check-Valid-Until)",
    )


def mirror_settings(args: argparse.Namespace) -> MirrorSettings:
    """The mirror that the options, the environment or apt's configuration name."""
    return mirror.mirror_settings(mirror=args.mirror, ignore_valid_until=args.ignore_valid_until)


def add_suite_options(parser: argparse.ArgumentParser) -> None:
    """The target suite and the two sources of facts."""
    parser.add_argument("--dist", metavar="SUITE", default="sid", help="target suite: sid (default), forky, trixie, …")
    add_source_of_facts(parser)


def add_borrow_option(parser: argparse.ArgumentParser) -> None:
    """Packages of other suites to build with."""
    parser.add_argument(
        "--borrow", metavar="SUITE[:PATTERN]", action="append", default=[],
        help="build with the packages of another suite whose names match PATTERN (librust-* by default) in the place "
        "of the target suite's own, for example forky:librust-*; may be repeated. What is installed with the result "
        "never comes from there",
    )  # fmt: skip


def add_source_of_facts(parser: argparse.ArgumentParser) -> None:
    """The package index and the Debian mirror."""
    parser.add_argument("--refresh", action="store_true", help="ask mirror and index again, whatever is cached")
    parser.add_argument("--index-url", metavar="URL", help="package index (default: uv's or pip's configuration)")
    add_mirror_options(parser)


def add_variant_option(parser: argparse.ArgumentParser) -> None:
    """The device variant of a plan."""
    parser.add_argument(
        "--variant", metavar="|".join(VARIANTS), default=os.environ.get("DEBGEN_VARIANT", ""),
        help="device variant (default: $DEBGEN_VARIANT, then detected: cuda or rocm where this machine has nvcc or "
        "hipcc and the suite can carry it, else cpu)",
    )  # fmt: skip


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """What a plan is for, and how deep it looks."""
    add_variant_option(parser)
    parser.add_argument(
        "--quick", action="store_true",
        help="requirements at run time only: no sdist is read, and apt isn't asked whether packages can be installed",
    )  # fmt: skip
    add_recipe_option(parser)


def add_recipe_option(parser: argparse._ActionsContainer) -> None:
    """Recipes of the user's own."""
    parser.add_argument(
        "--recipes", type=Path, action="append", metavar="DIR", default=[], help="recipes that come before debgen's own"
    )


def index_client(args: argparse.Namespace) -> IndexClient:
    """The client of the package index."""
    return IndexClient(index_settings(args.index_url), refresh=args.refresh)


@contextmanager
def suite_index(
    args: argparse.Namespace, settings: MirrorSettings, meanwhile: Callable[[], object] | None = None
) -> Iterator[SuiteIndex]:
    """The index of the target suite; ``meanwhile`` is that of :func:`debgen.archive.index.open_suite`."""
    with open_suite(args.dist, settings, refresh=args.refresh, meanwhile=meanwhile) as index:
        yield index


@contextmanager
def workbench(
    args: argparse.Namespace, index: SuiteIndex, client: IndexClient, mirror: MirrorSettings
) -> Iterator[Workbench]:
    """The workbench of ``index``, with what ``--borrow`` lends and the recipes that ``--recipes`` names."""
    with lenders(args.borrow, index, mirror, refresh=args.refresh) as found:
        yield Workbench(index, client, mirror, tuple(args.recipes), lenders=found)
