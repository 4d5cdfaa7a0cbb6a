"""A plan drawn as SVG: Graphviz computes where things stand, the markup is written here.

Graphviz sees numbers only, no text of upstream's, so what it makes of a name can't matter, and neither can the fonts
of the machine. Colours, and what a click does, are the page's business: elements have classes and links.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from debgen.report.graph import Edge, Graph, anchor, constrains, debian_version, drawable, ranks, read_graph
from debgen.run import Runner, run

_INCH = 72.0
_HEIGHT = 34.0
_LONGEST = 34
# Widths of a character in pixels, of the widest of the usual sans-serif fonts: text has to fit in any of them.
_BOLD, _PLAIN = 7.6, 6.3
_MARGIN = 20.0
_ARROW = 7.0

Point = tuple[float, float]


def drawing(plan: Mapping[str, Any], run: Runner = run) -> str:
    """An SVG element that shows a plan in its JSON form, for :func:`debgen.report.html.html`.

    Every distribution is a link to its place on the page. See :func:`debgen.report.graph.drawable` for what is shown
    of a large plan. MissingToolError where Graphviz isn't installed.
    """
    graph = read_graph(plan)
    shown = drawable(graph)
    index = {name: number for number, name in enumerate(shown.names)}
    lines = {name: _lines(graph, name) for name in shown.names}
    source = ["digraph {", "graph [rankdir=LR, ranksep=0.8, nodesep=0.11, nslimit=8, mclimit=2];",
              "node [shape=box, fixedsize=true, label=\"\"]; edge [arrowsize=0.7];"]  # fmt: skip
    source += [
        f"{n} [width={_width(lines[name]) / _INCH:.3f}, height={_HEIGHT / _INCH:.3f}];" for name, n in index.items()
    ]
    source += [f"{{ rank=same; {' '.join(f'{index[n]};' for n in rank)} }}" for rank in ranks(graph, shown.names)]
    source += [
        f"{index[e.parent]} -> {index[e.child]}{'' if constrains(graph, e) else ' [constraint=false]'};"
        for e in shown.edges
    ]
    plain = run(["dot", "-Tplain"], stdin="\n".join([*source, "}"]) + "\n", env={"LC_ALL": "C"}).stdout
    return _svg(graph, plain, shown.names, lines, {(index[e.parent], index[e.child]): e for e in shown.edges})


def _lines(graph: Graph, name: str) -> tuple[str, str]:
    node = graph.nodes[name]
    return _short(f"{name} {node['version']}"), _short(f"{node['decision']} · {debian_version(node)}")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _width(lines: tuple[str, str]) -> float:
    return max(len(lines[0]) * _BOLD, len(lines[1]) * _PLAIN) + _MARGIN


def _svg(
    graph: Graph,
    plain: str,
    names: tuple[str, ...],
    lines: Mapping[str, tuple[str, str]],
    edges: Mapping[tuple[int, int], Edge],
) -> str:
    """Markup from Graphviz' plain format: a line each for the graph, its nodes and its edges; inches, upwards."""
    width = height = 0.0
    drawn_nodes: list[str] = []
    drawn_edges: list[str] = []

    def point(x: str, y: str) -> Point:
        return float(x) * _INCH, height - float(y) * _INCH

    for line in plain.splitlines():
        match line.split():
            case ["graph", _, w, h]:
                width, height = float(w) * _INCH, float(h) * _INCH
            case ["node", number, x, y, w, _, *_]:
                name = names[int(number)]
                drawn_nodes.append(_node(graph, name, lines[name], point(x, y), float(w) * _INCH))
            case ["edge", tail, head, count, *rest]:
                numbers = rest[: 2 * int(count)]
                points = [point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
                drawn_edges.append(_edge(edges[int(tail), int(head)], points))
            case _:
                continue
    return "\n".join([
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="group" aria-label="Graph of the plan">',
        *drawn_edges, *drawn_nodes, "</svg>",
    ])  # fmt: skip


def _node(graph: Graph, name: str, lines: tuple[str, str], centre: Point, width: float) -> str:
    node = graph.nodes[name]
    x, y = centre[0] - width / 2, centre[1] - _HEIGHT / 2
    classes = ["node", node["decision"]]
    classes += ["root"] if name == graph.plan["root"] else []
    classes += ["cyclic"] if name in graph.cyclic else []
    return (
        f'<a class="{" ".join(classes)}" href="#{anchor(name)}" data-node="{anchor(name)}">'
        f"<title>{escape(name + ': ' + node['reason'])}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEIGHT:.0f}" rx="4"/>'
        f'<text class="name" x="{x + 10:.1f}" y="{y + 14:.1f}">{escape(lines[0])}</text>'
        f'<text x="{x + 10:.1f}" y="{y + 27:.1f}">{escape(lines[1])}</text></a>'
    )


def _edge(edge: Edge, points: list[Point]) -> str:
    """Graphviz ends its curve where the arrowhead begins: the head goes on from there."""
    classes = ["edge", *(word for word in ("build", "dropped", "cyclic") if getattr(edge, word))]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in points[1:])
    (x1, y1), (x2, y2) = points[-2:]
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 0.01)
    dx, dy = (x2 - x1) / length * _ARROW, (y2 - y1) / length * _ARROW
    head = ((x2 + dx, y2 + dy), (x2 - dy * 0.4, y2 + dx * 0.4), (x2 + dy * 0.4, y2 - dx * 0.4))
    return (
        f'<g class="{" ".join(classes)}" data-from="{anchor(edge.parent)}" data-to="{anchor(edge.child)}">'
        f"<title>{escape(f'{edge.parent} asks for {edge.child} {edge.label}')}</title>"
        f'<path d="M{points[0][0]:.1f},{points[0][1]:.1f}C{curve}"/>'
        f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in head)}"/></g>'
    )
