"""A plan as Graphviz source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debgen.report.graph import Edge, Graph, constrains, debian_version, part, ranks, read_graph

#: Fill and line of each decision; the page's light colours are the same.
COLOURS = {
    "use": ("#e4f2e7", "#2c6e3f"),
    "relax": ("#dbf1f1", "#0f6b6f"),
    "update": ("#e3ebfb", "#2f55a8"),
    "package": ("#fbeed3", "#8a5a00"),
    "drop": ("#ebebeb", "#5c5c5c"),
    "blocked": ("#fbe3e1", "#a8261c"),
}
_CYCLE = "#a8261c"
_SHAPES = {"blocked": "shape=octagon", "drop": 'style="filled,rounded,dashed"'}


def dot(plan: Mapping[str, Any], everything: bool = False) -> str:
    """Graphviz source of a plan in its JSON form; the same plan gives the same text.

    What the work reaches, or all distributions with ``everything``. An arrow leads from what asks to what is asked
    for; what stands in one stage of the build order stands in one rank. UsageError where ``plan`` is none.
    """
    graph = read_graph(plan)
    shown = part(graph, everything)
    title = f"{graph.plan['requirement']} on {graph.plan['suite']}, variant {graph.plan['variant']['name']}"
    lines = [
        f"digraph {_quote(graph.plan['root'])} {{",
        f'  graph [rankdir=LR, ranksep=1, nodesep=0.15, label={_text(title)}, labelloc=t, fontname="sans-serif"];',
        '  node [shape=box, style="filled,rounded", fontname="sans-serif", fontsize=11, fontcolor="#1c1c1c"];',
        '  edge [color="#707070", fontname="sans-serif", fontsize=9, arrowsize=0.7];',
    ]
    lines += [f"  {_quote(name)} [{_node(graph, name)}];" for name in shown.names]
    lines += [
        f"  {{ rank=same; {' '.join(_quote(name) + ';' for name in rank)} }}" for rank in ranks(graph, shown.names)
    ]
    lines += [f"  {_quote(e.parent)} -> {_quote(e.child)} [{_edge(graph, e)}];" for e in shown.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _node(graph: Graph, name: str) -> str:
    node = graph.nodes[name]
    fill, line = COLOURS[node["decision"]]
    label = rf"{_escape(name)} {_escape(node['version'])}\n{node['decision']}: {_escape(debian_version(node))}"
    words = [f'label="{label}"', f"tooltip={_text(node['reason'])}", f'fillcolor="{fill}"', f'color="{line}"']
    if node["decision"] in _SHAPES:
        words.append(_SHAPES[node["decision"]])
    if name in graph.cyclic:
        words.append("peripheries=2")
    return ", ".join(words)


def _edge(graph: Graph, edge: Edge) -> str:
    words = [f"tooltip={_text(f'{edge.parent} asks for {edge.child} {edge.label}')}"]
    if edge.build:
        words.append("style=dashed")
    elif edge.dropped:
        words.append("style=dotted")
    if edge.cyclic:
        words += ['label="cycle"', f'color="{_CYCLE}"', f'fontcolor="{_CYCLE}"', "penwidth=2"]
    if not constrains(graph, edge):
        words.append("constraint=false")
    return ", ".join(words)


def _quote(name: str) -> str:
    """A name as an identifier: in quotes, a backslash stands for itself except before a quote."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(text: str) -> str:
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    """A text inside quotes, where Graphviz reads escapes and character entities."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
