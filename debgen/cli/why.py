"""``debgen why NAME``: who asks for a distribution, on which ways, and which requirement decides."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name
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
from debgen.cli.plan import COLOURS, console, in_lines
from debgen.errors import UnknownDistributionError
from debgen.narrate import say
from debgen.planning.asjson import asked_json, node_json
from debgen.planning.crate_findings import told_order
from debgen.planning.explain import bound
from debgen.planning.model import Asked, BuildNeed, Kind, Node, Plan, Supply, Topic
from debgen.planning.paths import binding, ways

SCHEMA = 1


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "why", help="explain one distribution of a plan",
        description="Say what becomes of one distribution in the plan of another: who asks for it and on which ways, "
        "which requirement decides, what the suite has and where that is known from, and what was found.",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="distribution or Debian package, for example click")
    parser.add_argument(
        "--for", dest="root", metavar="ROOT[SPECIFIER]", default="vllm", help="whose plan (default: vllm)"
    )
    add_plan_options(parser)
    add_suite_options(parser)
    add_borrow_option(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours even on a terminal")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Make the plan and print what it says of one node."""
    client = index_client(args)
    mirror = mirror_settings(args)
    with suite_index(args, mirror) as index, workbench(args, index, client, mirror) as bench:
        variant = bench.variant(args.root, args.variant)
        say(f"variant: {variant.name} ({variant.reason})")
        plan = bench.plan(args.root, variant, read_sdists=not args.quick, ask_apt=not args.quick)
    name = str(canonicalize_name(args.name))
    node = plan.node(name) or _by_package(plan, args.name)
    if node is None:
        raise UnknownDistributionError(
            f"the plan of {plan.requirement} on {plan.suite} ({plan.variant.name}) has no {name}",
            hint=f"`debgen plan {plan.requirement} --all` lists what it has.",
        )
    if args.json:
        print(json.dumps(_json(plan, node), indent=2))
    else:
        _print(plan, node, colour=not args.no_color)
    return 0


def _by_package(plan: Plan, package: str) -> Node | None:
    """The node of a Debian package: people know one name or the other."""
    return next((n for n in plan.nodes if n.match and package in (n.match.package, n.match.source)), None)


def _json(plan: Plan, node: Node) -> dict[str, Any]:
    binds = binding(node)
    return {
        "schema": SCHEMA,
        "root": plan.root,
        "suite": plan.suite,
        "variant": plan.variant.name,
        **node_json(node),
        "binding": asked_json(binds) if binds else None,
        "ways": [list(way) for way in ways(plan, node.name)],
    }


def _print(plan: Plan, node: Node, *, colour: bool) -> None:
    out = console(colour=colour)
    head = Text(f"{node.name} {node.version}".strip() + ": ")
    head.append(node.decision.value, style=COLOURS[node.decision])
    out.print(head.append(f", in the plan of {plan.requirement} on {plan.suite} ({plan.variant.name})"))
    for line in in_lines(node).splitlines():
        out.print(Text(f"  {line}"))
    if node.match:
        out.print(Text(f"Debian: {node.match.package} {node.match.debian_version} ({node.match.component}), upstream's "
                       f"{node.match.upstream_version}"))  # fmt: skip
        out.print(Text(f"  known from {node.match.origin.value}: {node.match.evidence}"))
    for other in node.alternatives:
        out.print(Text(f"  also {other.package} {other.debian_version} ({other.component}): {other.evidence}"))
    binds = binding(node)
    out.print("asked for by:")
    for asked in sorted(node.asked, key=lambda a: (not a.counts, a.parent or "")):
        out.print(_line(asked, binding=asked == binds))
    found = ways(plan, node.name)
    if found and node.name != plan.root:
        out.print("ways to it:")
        for way in found:
            out.print(Text(f"  {' → '.join(way)}"))
    for finding in node.findings:
        if finding.chain or finding.text not in node.reason:
            out.print(Text(f"{finding.topic.value}: {finding.text}", style="yellow"))
        if finding.chain:
            out.print(Text(f"  {' → '.join(finding.chain)}", style="yellow"))
    if node.build:
        satisfied = sum(need.supply is Supply.SATISFIED for need in node.build)
        out.print(
            f"building it takes {len(node.build)} crates and libraries, {satisfied} of them as the suite has them:"
        )
        for need in node.build:
            package = f"{need.package} {need.version}".strip() or "no package"
            style = "" if need.supply is Supply.SATISFIED else "yellow"
            out.print(Text(f"  {need.supply.value:13} {need.name} {need.requirement}: {package}; {need.reason}", style))
            if need.topic is Topic.CRATE and need.supply is not Supply.SATISFIED:
                for detail in _details(need):
                    out.print(Text(f"  {'':13} {detail}", style))


def _details(need: BuildNeed) -> Iterator[str]:
    """What else is known of a crate that the suite hasn't as it is asked for."""
    if need.askers:
        yield f"asked for by {', '.join(need.askers)}" + (f", locked {need.locked}" if need.locked else "")
    for names in need.ways:
        if len(names) > 2:
            yield f"by way of {' → '.join(names)}"
    if need.switches:
        yield f"only with the feature{'s' * (len(need.switches) > 1)} {', '.join(need.switches)}"
    if len(need.first) > 1:
        yield told_order(need.first)
    yield from need.remarks


def _line(asked: Asked, *, binding: bool) -> Text:
    text = Text(f"  {asked.parent or 'you'}: {bound(asked)}")
    if asked.extra:
        text.append(f", with its extra {asked.extra}")
    if asked.kind is Kind.BUILD:
        text.append(", to be built")
    text.append(f" ({asked.verdict.value}")
    if asked.decision is not None and asked.reason:
        text.append(f"; {asked.decision.value}: {' '.join(asked.reason.split()).removesuffix('.')}")
    text.append(")")
    if not asked.counts:
        text.append(f"; doesn't count, as no package is made of {asked.parent}", style="dim")
    if binding:
        text.append("  ← binding", style="bold")
    return text
