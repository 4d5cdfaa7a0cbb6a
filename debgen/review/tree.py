"""The plan's part of the tree around one package: who needs it, what it needs, what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debgen.errors import UsageError
from debgen.report.graph import Graph, debian_version, read_graph
from debgen.review.document import Block, Facts, Items, Mark, Para, Section, Table
from debgen.review.origin import missing
from debgen.review.results import Results

_MARKS = {"blocked": Mark.BAD, "package": Mark.LOOK, "update": Mark.LOOK}


def tree(results: Results) -> Section:
    """The section on the plan; without one it says so."""
    title = "Its place in the plan"
    needs = results.summary.needs if results.summary else ()
    before: list[Block] = [Facts((("Built before it", ", ".join(needs)),))] if needs else []
    if results.plan is None:
        return Section("plan", title, Mark.NONE, "no plan was kept", (missing("A plan", results), *before))
    try:
        graph = read_graph(results.plan)
    except UsageError as error:
        return Section("plan", title, Mark.NONE, "the plan can’t be read", (Para(str(error), Mark.NONE), *before))
    node = graph.nodes.get(results.name)
    if node is None:
        told = f"the plan of {graph.plan['requirement']} does not have it"
        return Section("plan", title, Mark.NONE, told, tuple(before))
    facts = [
        ("Plan of", f"{graph.plan['requirement']} on {graph.plan['suite']}, variant {graph.plan['variant']['name']}"),
        ("Decision", f"{node['decision']}: {node['reason']}"),
        ("In the suite", debian_version(node)),
        ("Way from the root", " → ".join(node["chain"])),
    ]
    asks = tuple((r["name"] or "you", _bound(r), r["verdict"], r["reason"]) for r in node["required_by"])
    needed = tuple(_row(graph, other, r) for other, r in _asked(graph, results.name))
    blocks: list[Block] = [Facts(tuple(facts)), *before]
    blocks.append(Table("Who needs it", ("who", "asks for", "the suite’s is", "why"), asks))
    if needed:
        heads = ("what", "asked for", "when", "decision", "in the suite", "why")
        blocks.append(Table("What it needs", heads, needed))
    found = tuple((Mark.BAD if f["blocking"] else Mark.LOOK, f"{f['topic']}: {f['text']}") for f in node["findings"])
    if found:
        blocks.append(Items("What the plan found", found))
    mark = next(
        (_MARKS[d] for d in ("blocked",) for n, r in _asked(graph, results.name) if n["decision"] == d), Mark.PLAIN
    )
    return Section("plan", title, mark, f"{node['decision']}: {node['reason']}", tuple(blocks))


def _asked(graph: Graph, name: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """What a distribution asks for: the node and the requirement."""
    return [(n, r) for n in graph.nodes.values() for r in n["required_by"] if r["name"] == name]


def _row(graph: Graph, node: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[str, ...]:
    decision = asked["decision"] or node["decision"]
    why = asked["reason"] or node["reason"]
    return f"{node['name']} {node['version']}", _bound(asked), asked["kind"], decision, debian_version(node), why


def _bound(asked: Mapping[str, Any]) -> str:
    extras = f"[{','.join(asked['extras'])}] " if asked["extras"] else ""
    return f"{extras}{asked['specifier'] or 'any version'}"
