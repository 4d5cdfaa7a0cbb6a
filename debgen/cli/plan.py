"""``debgen plan NAME``: the dependency tree judged against a suite."""

from __future__ import annotations

import argparse
import json
from typing import Any

from packaging.version import Version
from rich.console import Console
from rich.table import Table
from rich.text import Text

from debgen.cli.options import SubParsers, add_suite_options, index_client, mirror_settings, suite_index
from debgen.narrate import say
from debgen.pipeline import lookup_in
from debgen.planning.plan import Node, Plan, make_plan
from debgen.planning.verdict import Verdict
from debgen.upstream.index import IndexClient
from debgen.upstream.model import DependencyTree, Target
from debgen.upstream.tree import build_tree

SCHEMA = 1
_COLOURS = {Verdict.SATISFIED: "green", Verdict.TOO_OLD: "yellow", Verdict.TOO_NEW: "magenta", Verdict.MISSING: "red"}


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser("plan", help="judge a dependency tree against a suite")
    parser.add_argument("name", metavar="NAME[SPECIFIER]", help="root of the tree, for example vllm or 'vllm<0.30'")
    add_suite_options(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours even on a terminal")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Make the plan and print it."""
    client = index_client(args)
    with suite_index(args, mirror_settings(args)) as index:
        tree = build_tree(args.name, Target(index.python_version, index.architecture), client)
        plan = make_plan(tree, index.codename, lookup_in(index), _newer(tree, client))
    if args.json:
        print(json.dumps(as_json(plan), indent=2))
    else:
        _print(plan, colour=not args.no_color)
    return 0


def _newer(tree: DependencyTree, client: IndexClient) -> tuple[str, ...]:
    """Say where the root's newest release is not the one that resolution found."""
    chosen = Version(tree.distributions[tree.root].version)
    newer = [v for v in client.versions(tree.root) if not Version(v).is_prerelease and Version(v) > chosen]
    if not newer or tree.request.specifier:
        return ()
    note = (
        f"{tree.root} {newer[0]} is newer than the {chosen} planned here, but its requirements can't all be met by "
        f"the index; `debgen plan '{tree.root}=={newer[0]}'` says which"
    )
    return (note,)


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain data; its form is described in README.md and versioned by ``schema``."""
    return {
        "schema": SCHEMA,
        "root": plan.root,
        "requirement": plan.requirement,
        "suite": plan.suite,
        "python": plan.python_version,
        "architecture": plan.architecture,
        "totals": {verdict.value: count for verdict, count in plan.totals().items()},
        "order": [list(stage) for stage in plan.order],
        "cycles": [list(cycle) for cycle in plan.cycles],
        "notes": list(plan.notes),
        "distributions": [_node_json(node) for node in plan.nodes],
    }


def _node_json(node: Node) -> dict[str, Any]:
    match = node.match
    return {
        "name": node.name,
        "version": node.version,
        "verdict": node.verdict.value,
        "needed": node.needed,
        "required_by": [
            {"name": a.parent, "specifier": a.specifier, "extras": list(a.extras), "verdict": a.verdict.value}
            for a in node.asked
        ],
        "debian": None if match is None else {
            "package": match.package, "source": match.source, "version": match.debian_version,
            "upstream_version": match.upstream_version, "component": match.component,
            "mapping": match.origin.value, "evidence": match.evidence,
        },
    }  # fmt: skip


def _print(plan: Plan, *, colour: bool) -> None:
    console = Console(no_color=not colour, highlight=False)
    if not console.is_terminal:
        console.width = 180  # a file or a pipe has no width of its own; nothing should be cut there
    table = Table(
        title=f"{plan.requirement} on {plan.suite} (Python {plan.python_version}, {plan.architecture})",
        title_justify="left",
    )
    for heading in ("distribution", "release", "verdict", "Debian package", "version", "mapping", "required by"):
        table.add_column(heading, overflow="fold")
    for node in plan.nodes:
        match = node.match
        package = (
            ""
            if match is None
            else match.package
            if match.component == "main"
            else f"{match.package} ({match.component})"
        )
        table.add_row(
            Text(node.name, style="" if node.needed else "dim"), node.version,
            Text(node.verdict.value, style=_COLOURS[node.verdict]), package,
            match.debian_version if match else "", match.origin.value if match else "", _asked(node),
        )  # fmt: skip
    console.print(table)
    totals = plan.totals()
    console.print(f"{len(plan.nodes)} distributions: " + ", ".join(f"{n} {v.value}" for v, n in totals.items()))
    todo = sum(n.to_package for n in plan.nodes)
    console.print(f"{todo} to package (the rest is satisfied, or only a satisfied package asks for it); build order:")
    for number, stage in enumerate(plan.order, 1):
        console.print(Text(f"  {number}. {' '.join(stage)}"))
    for cycle in plan.cycles:
        console.print(Text(f"  cycle, cut at its last step: {' → '.join(cycle)}"))
    for note in plan.notes:
        say(f"note: {note}")


def _asked(node: Node) -> Text:
    """Who asks with which bound; what the suite's package fails is in the colour of its verdict."""
    text = Text()
    for asked in node.asked:
        extras = f"[{','.join(asked.extras)}]" if asked.extras else ""
        words = (asked.parent or "you", extras, asked.specifier)
        style = "" if asked.verdict is Verdict.SATISFIED else _COLOURS[asked.verdict]
        text.append("; " if text else "").append(" ".join(word for word in words if word), style)
    return text
