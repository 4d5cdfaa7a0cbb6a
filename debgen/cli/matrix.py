"""``debgen matrix NAME``: which release fits which suite best."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from rich.table import Table
from rich.text import Text

from debgen.archive.index import open_suite
from debgen.cli.options import SubParsers, add_recipe_option, add_source_of_facts, index_client, mirror_settings
from debgen.cli.plan import COLOURS, SHOWN, console
from debgen.comparison import cell_json, compare, releases_of
from debgen.errors import UnknownDistributionError, UsageError
from debgen.planner import Workbench
from debgen.planning.matrix import Cell, Fit, best
from debgen.recipes import VARIANTS
from debgen.upstream.index import normal_name

SCHEMA = 1


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "matrix", help="compare releases, suites and variants, and name the best fit",
        description="Count for each release, suite and variant what is used, relaxed, updated, packaged, dropped and "
        "blocked, and name the release that fits best. Run-time requirements only; the plan of one release tells more.",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="distribution, for example vllm")
    parser.add_argument(
        "--dist", metavar="SUITE[,SUITE]", default="sid", help="target suites, such as sid,trixie (default: sid)"
    )
    parser.add_argument(
        "--versions", metavar="SPECIFIER", default="", help="releases to look at, such as '>=0.8' (default: all)"
    )
    parser.add_argument(
        "--variant", metavar="VARIANT[,VARIANT]", default=os.environ.get("DEBGEN_VARIANT", ""),
        help=f"variants (default: $DEBGEN_VARIANT, then {', '.join(VARIANTS)})",
    )  # fmt: skip
    add_recipe_option(parser)
    add_source_of_facts(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours even on a terminal")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Plan every release, print the tables and the best fits."""
    name = normal_name(args.name)
    try:
        specifier = SpecifierSet(args.versions)
    except InvalidSpecifier:
        raise UsageError(
            f"{args.versions!r} is not a version specifier", hint="For example: --versions '>=0.8'"
        ) from None
    variants = _words(args.variant) or list(VARIANTS)
    if unknown := sorted(set(variants) - set(VARIANTS)):
        raise UsageError(f"there is no variant {unknown[0]!r}", hint=f"The variants are {', '.join(VARIANTS)}.")
    suites = _words(args.dist)
    if not suites:
        raise UsageError("--dist names no suite", hint="For example: --dist sid,trixie")
    client = index_client(args)
    mirror = mirror_settings(args)
    blocks: list[tuple[list[Cell], Fit | None]] = []
    for suite in suites:
        with open_suite(suite, mirror, refresh=args.refresh) as index:
            bench = Workbench(index, client, mirror, tuple(args.recipes))
            releases = releases_of(bench, name, specifier)
            if not releases:
                raise UnknownDistributionError(
                    f"{name} has no final release" + (f" that fits {specifier}" if args.versions else ""),
                    hint=f"The newest releases are {', '.join(client.versions(name)[:5])}.",
                )
            for variant in variants:
                cells = compare(bench, name, releases, variant)
                blocks.append((cells, best(cells)))
    if args.json:
        print(json.dumps({"schema": SCHEMA, "name": name, "fits": [_json(*block) for block in blocks]}, indent=2))
    else:
        for cells, fit in blocks:
            _print(name, cells, fit, colour=not args.no_color)
    return 0


def _words(text: str) -> list[str]:
    """The words of a list with commas, each once."""
    return list(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))


def _json(cells: list[Cell], fit: Fit | None) -> dict[str, Any]:
    return {
        "suite": cells[0].suite,
        "variant": cells[0].variant,
        "best": {"release": fit.cell.release, "reasons": list(fit.reasons)} if fit else None,
        "cells": [cell_json(cell) for cell in cells],
    }


def _print(name: str, cells: list[Cell], fit: Fit | None, *, colour: bool) -> None:
    out = console(colour=colour)
    out.print(Text(f"{name} on {cells[0].suite}, variant {cells[0].variant}", style="bold"))
    if fit is None:
        out.print(Text(f"  no release can be planned; of the newest, {cells[0].release}: {cells[0].problem}"))
        return
    table = Table()
    table.add_column("release")
    for decision in SHOWN:
        table.add_column(decision.value, justify="right")
    table.add_column("in the way", overflow="fold")
    for cell in cells:
        if cell.problem:
            continue
        chosen = cell is fit.cell
        counts = [Text(str(cell.totals.get(d, 0)), style=COLOURS[d] if cell.totals.get(d, 0) else "dim") for d in SHOWN]
        table.add_row(
            Text(f"{cell.release}{' *' if chosen else ''}", style="bold" if chosen else ""), *counts,
            " ".join(sorted(cell.obstacles)),
        )  # fmt: skip
    out.print(table)
    problems: dict[str, list[str]] = {}
    for cell in cells:
        if cell.problem:
            problems.setdefault(cell.problem.replace(cell.release, "…"), []).append(cell.release)
    for problem, releases in problems.items():
        out.print(Text(f"no plan for {', '.join(releases)}: {problem}", style="dim"))
    out.print(Text(f"* best fit: {fit.cell.release}. {'. '.join(fit.reasons)}."))
    out.print()
