"""``debgen plan NAME``: the dependency tree judged against a suite."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from debgen.cli.options import (
    SubParsers,
    add_borrow_option,
    add_plan_options,
    add_suite_options,
    index_client,
    mirror_settings,
    suite_index,
    workbench,
)
from debgen.errors import UsageError
from debgen.hints import hints
from debgen.narrate import say
from debgen.planning.asjson import as_json
from debgen.planning.explain import bound, of_suite
from debgen.planning.model import Decision, Node, Plan, Topic
from debgen.planning.saved import save
from debgen.recipes import requirement_files
from debgen.report.dot import dot
from debgen.report.drawing import drawing
from debgen.report.html import html
from debgen.upstream.model import ReleaseFile
from debgen.upstream.tree import read_ahead
from debgen.upstream.variants import VariantSource
from debgen.workspace import write_atomically

COLOURS = {
    Decision.USE: "green", Decision.RELAX: "cyan", Decision.UPDATE: "yellow", Decision.PACKAGE: "magenta",
    Decision.DROP: "dim", Decision.BLOCKED: "red",
}  # fmt: skip
#: What wants attention first.
SHOWN = (
    Decision.BLOCKED, Decision.PACKAGE, Decision.UPDATE, Decision.RELAX, Decision.DROP, Decision.USE,
)  # fmt: skip
#: A file or a pipe has no width of its own; nothing should be cut there.
_PIPE_WIDTH = 180
#: Below this, five columns are too narrow to be read.
_TABLE_WIDTH = 100
#: Characters from which on a reason is broken into lines.
_LONG = 200


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "plan", help="judge a dependency tree against a suite",
        description="Say for every distribution of a dependency tree what becomes of it in a suite: use, relax, "
        "update, package, drop or blocked, each with its reason.",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME[SPECIFIER]", help="root of the tree, for example vllm or 'vllm<0.30'")
    add_plan_options(parser)
    add_suite_options(parser)
    add_borrow_option(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--all",
        action="store_true",
        help="list also what is asked for only by packages of the suite, or by what is dropped or blocked",
    )
    output.add_argument("--no-color", action="store_true", help="no colours even on a terminal")
    output.add_argument("--save", type=Path, metavar="FILE", help="keep the plan, for `debgen check FILE`")
    output.add_argument(
        "--html", type=Path, metavar="FILE", help="write one page with tree, graph and reasons (needs graphviz)"
    )
    form = output.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the plan as JSON")
    form.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Make the plan and print it."""
    for path in filter(None, (args.save, args.html)):
        if path.is_dir():
            raise UsageError(f"{path} is a folder", hint="Name a file.")
    client = index_client(args)
    mirror = mirror_settings(args)
    likely = args.variant or "cpu"
    source = VariantSource(likely, requirement_files(args.dist, likely, directories=tuple(args.recipes)))
    sdists: list[ReleaseFile | None] = []

    def ahead() -> None:
        sdists.append(read_ahead(args.name, mirror.architecture, client, source))

    with (
        suite_index(args, mirror, ahead) as index,
        workbench(args, index, client, mirror) as bench,
        ThreadPoolExecutor() as pool,
    ):
        for sdist in filter(None, sdists if not args.quick else ()):
            pool.submit(bench.reader.read, sdist)  # while uv resolves; what goes wrong is told when it is wanted
        variant = bench.variant(args.name, args.variant)
        say(f"variant: {variant.name} ({variant.reason})")
        resolved = bench.resolve(args.name, variant)
        told = pool.submit(hints, bench, resolved[0], variant)
        plan = bench.plan(args.name, variant, resolved=resolved, read_sdists=not args.quick, ask_apt=not args.quick)
        plan = replace(plan, notes=(*told.result(), *plan.notes))
    document = as_json(plan)
    if args.save:
        save(args.save, document, saved=datetime.now(UTC), quick=args.quick)
        say(f"The plan is kept in {args.save}; `debgen check {args.save}` says later what has changed since.")
    if args.html:
        write_atomically(args.html, html(document, drawing(document)).encode())
        say(f"The page is {args.html}")
    if args.json:
        print(json.dumps(document, indent=2))
    elif args.dot:
        print(dot(document, everything=args.all), end="")
    else:
        _print(plan, everything=args.all, colour=not args.no_color)
        for note in plan.notes:
            say(f"note: {note}")
    return 0


def console(*, colour: bool) -> Console:
    """Where tables go: as wide as the terminal, or wide enough in a file."""
    found = Console(color_system="auto" if colour else None, highlight=False)
    if not found.is_terminal:
        found.width = _PIPE_WIDTH
    return found


def _print(plan: Plan, *, everything: bool, colour: bool) -> None:
    out = console(colour=colour)
    root = plan.node(plan.root)
    release = f"{plan.root} {root.version}" if root else plan.requirement
    out.print(Text(f"{release} on {plan.suite} (Python {plan.python_version}, {plan.architecture})", style="bold"))
    out.print(Text(f"variant {plan.variant.name}: {plan.variant.reason}"))
    for fact in plan.variant.facts:
        out.print(Text(f"  {fact}", style="dim"))
    nodes = [node for node in plan.nodes if node.needed or everything]
    nodes.sort(key=lambda node: (not node.needed, SHOWN.index(node.decision), node.name))
    if out.width >= _TABLE_WIDTH:
        out.print(_table(nodes, plan.suite))
    else:
        _list(out, nodes)
    totals = plan.totals()
    needed = sum(totals.values())
    out.print(f"{needed} distributions: " + ", ".join(f"{totals[d]} {d.value}" for d in SHOWN if totals[d]))
    if rest := len(plan.nodes) - needed:
        out.print(f"{rest} more are asked for only by what {plan.suite} has, or by what nothing is made of (--all)")
    if plan.order:
        out.print("build order:")
    for number, stage in enumerate(plan.order, 1):
        out.print(Text(f"  {number}. {' '.join(stage)}"))
    for cycle in plan.cycles:
        out.print(Text(f"  cycle, cut at its last step: {' → '.join(cycle)}"))


def _table(nodes: Sequence[Node], suite: str) -> Table:
    table = Table()
    for heading, least in (("distribution", 12), ("release", 7), ("decision", 8), (suite, 12), ("why", 24)):
        table.add_column(heading, overflow="fold", min_width=least)
    for node in nodes:
        table.add_row(_name(node), node.version, _decision(node), _package(node), _why(node))
    return table


def _list(out: Console, nodes: Sequence[Node]) -> None:
    """One entry after the other, for narrow terminals."""
    for node in nodes:
        out.print(Text.assemble(_name(node), f" {node.version}: ", _decision(node)), overflow="fold")
        for text in filter(None, (Text(_package(node)), _why(node))):
            out.print(Padding(text, (0, 0, 0, 2)), overflow="fold")
    out.print()


def _name(node: Node) -> Text:
    return Text(node.name, style="" if node.needed else "dim")


def _decision(node: Node) -> Text:
    return Text(node.decision.value, style=COLOURS[node.decision])


def _package(node: Node) -> str:
    match = node.match
    if match is None:
        return ""
    component = "" if match.component == "main" else f" ({match.component})"
    return f"{of_suite(match)}{component}"


def in_lines(node: Node) -> str:
    """The reason of a decision, for a display with all findings below it.

    Where crates are in the way, which takes many words, it has a line for each subject.
    """
    told = re.sub(r" \(and \d+ more in the way\)$", "", node.reason)
    for finding in node.findings:
        if finding.topic is Topic.CRATE and finding.blocking and len(told) > _LONG:
            told = told.replace(f"; {finding.text}", "\n" + finding.text.replace("; ", "\n"))
    return told


def _why(node: Node) -> Text:
    """What the other columns don't say: who asks where the suite does, else the reason, then the findings."""
    if node.decision is Decision.USE and node.needed:
        counting = [a for a in node.asked if a.counts]
        text = Text("; ".join(f"{a.parent or 'you'}: {bound(a)}" for a in counting[:3]))
        if len(counting) > 3:
            text.append(f"; and {len(counting) - 3} more")
    else:
        text = Text(in_lines(node))
    if len(node.chain) > 2:
        text.append(f" ({' → '.join(node.chain[:-1])})", style="dim")
    rest = [f for f in node.findings if f.text not in node.reason]
    for finding in (f for f in rest if f.blocking):
        text.append(f"\n{finding.text}", style="yellow")
    rest = [f for f in rest if not f.blocking]
    for topic in Topic:
        same = [f for f in rest if f.topic is topic]
        if same:
            more = f" (and {len(same) - 1} more like it: `debgen why {node.name}`)" if len(same) > 1 else ""
            text.append(f"\n{same[0].text}{more}", style="yellow")
    return text
