"""Graphviz source of a plan, and the drawing of it, without Graphviz."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from debgen.errors import UsageError
from debgen.planning.model import Decision
from debgen.report.dot import COLOURS, dot
from debgen.report.drawing import drawing
from debgen.report.graph import anchor, drawable, part, read_graph
from debgen.run import Completed

Plan = dict[str, Any]
PLAN = json.loads((Path(__file__).parents[1] / "data" / "plan.json").read_text(encoding="utf-8"))
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
HOSTILE = (
    'a"]; evil [label="x', "back\\", "two\nlines",
    "&lt;b&gt; & <b>", r"\N\G\L", "\u202eevil\x00\ud800", "-- //", "<<b>x</b>>",
)  # fmt: skip


@pytest.fixture
def plan() -> Plan:
    return copy.deepcopy(PLAN)


def asks(parent: str | None, specifier: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": parent, "specifier": specifier, "extras": [], "kind": "run", "extra": "", "verdict": "missing",
        "decision": None, "reason": "", "counts": True, **more,
    }  # fmt: skip


def distribution(name: str, *required_by: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name, "version": "1.0", "verdict": "missing", "decision": "package", "reason": "no package",
        "chain": [name], "needed": True, "required_by": list(required_by), "debian": None, "alternatives": [],
        "findings": [], "build": [], **more,
    }  # fmt: skip


def of(*distributions: dict[str, Any], **more: Any) -> Plan:
    return {
        **PLAN,
        "root": distributions[0]["name"],
        "distributions": list(distributions),
        "order": [],
        "cycles": [],
        **more,
    }


def wide(count: int) -> Plan:
    """A plan of ``count`` distributions that each ask for up to three others, every fourth of them in Debian."""
    parents = [sorted({i // 2, i // 3, i * 7 % max(i, 1)}) for i in range(count)]
    return of(
        *(
            distribution(
                f"d{i}",
                *(asks(f"d{p}", ">=1") for p in parents[i] if p != i),
                decision="use" if i % 4 == 3 else "package",
                chain=["d0"] * (i.bit_length() + 1),
            )
            for i in range(count)
        )
    )


def line_of(source: str, start: str) -> str:
    (line,) = [line for line in source.splitlines() if line.strip().startswith(start)]
    return line


def test_nodes_say_name_release_decision_and_what_debian_has(plan: Plan) -> None:
    source = dot(plan)
    click = line_of(source, '"click" [')
    assert r'label="click 8.5.1\nupdate: 8.3.3-3"' in click
    assert 'tooltip="sid has 8.3.3; huggingface-hub asks for >=8.4.2"' in click
    assert f'fillcolor="{COLOURS["update"][0]}"' in click
    assert r'label="xformers 0.0.33\nblocked: not in Debian"' in line_of(source, '"xformers" [')
    assert "shape=octagon" in line_of(source, '"xformers" [')
    assert "dashed" in line_of(source, '"ray" [')


def test_every_decision_has_its_colour() -> None:
    assert set(COLOURS) == {d.value for d in Decision}
    assert len({fill for fill, _ in COLOURS.values()}) == len(COLOURS)


def test_edges_have_the_requirement_and_how_it_counts(plan: Plan) -> None:
    source = dot(plan)
    assert 'tooltip="huggingface-hub asks for click >=8.4.2"' in line_of(source, '"huggingface-hub" -> "click" ')
    assert 'tooltip="vllm asks for fastapi [standard]>=0.115"' in line_of(source, '"vllm" -> "fastapi" ')
    assert "style=dashed" in line_of(source, '"vllm" -> "setuptools" ')
    assert "style=dashed" not in line_of(source, '"vllm" -> "torch" ')  # needed to run it, too
    assert "style=dotted" in line_of(source, '"vllm" -> "ray" ')


def test_only_what_is_needed_unless_everything_is_asked_for(plan: Plan) -> None:
    assert '"starlette"' not in dot(plan)
    assert '"ray" -> "click"' not in dot(plan)  # both are shown, and the requirement doesn't count
    everything = dot(plan, everything=True)
    assert '"fastapi" -> "starlette"' in everything
    assert '"ray" -> "click"' in everything


def test_stages_are_ranks_and_cycles_are_marked(plan: Plan) -> None:
    source = dot(plan)
    assert '{ rank=same; "huggingface-hub"; "mcp"; }' in source
    back = line_of(source, '"sse-starlette" -> "mcp" ')
    assert 'label="cycle"' in back
    assert "constraint=false" in back
    assert "constraint=false" not in line_of(source, '"mcp" -> "sse-starlette" ')
    plan["order"].pop()  # vllm is blocked, say
    assert "constraint=false" not in line_of(dot(plan), '"vllm" -> "transformers" ')
    assert "peripheries=2" in line_of(source, '"mcp" [')
    assert "peripheries=2" not in line_of(source, '"click" [')


def test_the_same_plan_gives_the_same_text(plan: Plan) -> None:
    turned = {**plan, "distributions": plan["distributions"][::-1]}
    for node in turned["distributions"]:
        node["required_by"] = node["required_by"][::-1]
    assert dot(turned) == dot(PLAN)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_inside_its_quotes(text: str) -> None:
    child = distribution(text, asks("root", text), version=text, reason=text)
    source = dot(of(distribution("root", asks(None)), child, requirement=text, order=[[text], ["root"]]))
    bare = STRING.sub("S", source)
    assert '"' not in bare
    assert "evil" not in bare
    assert source.count("\n") == source.rstrip().count("\n") + 1
    assert len(bare.splitlines()) == 10  # four of the frame, two nodes, two ranks, an edge, the end
    assert bare.splitlines()[5] == "  S [label=S, tooltip=S, fillcolor=S, color=S];"
    source.encode()


def test_backslashes_quotes_and_entities_mean_themselves() -> None:
    source = dot(of(distribution("root", asks(None)), distribution('a\\N"&amp;', asks("root"))))
    assert r'"a\\N\"&amp;" [label="a\\N\"&amp;amp; 1.0\n' in source


def test_what_is_no_plan_is_refused(plan: Plan) -> None:
    with pytest.raises(UsageError, match="schema is 1"):
        dot({**plan, "schema": 1})
    with pytest.raises(UsageError, match="damaged"):
        dot({**plan, "distributions": [{"name": "x"}]})
    with pytest.raises(UsageError, match="damaged"):
        dot({**plan, "distributions": None})
    plan["distributions"][0]["decision"] = "maybe"
    with pytest.raises(UsageError, match="maybe"):
        dot(plan)


def test_ids_are_different_for_different_names() -> None:
    names = ["a.b", "a_b", "a b", "a_20_b", "A", "ä", "a-b", "a/b", ""]
    assert len({anchor(n) for n in names}) == len(names)
    assert all(re.fullmatch(r"d-[a-z0-9._-]*", anchor(n)) for n in names)


def test_large_plans_are_drawn_in_part() -> None:
    graph = read_graph(wide(200))
    assert drawable(graph) == part(graph)
    assert drawable(graph).whole
    graph = read_graph(wide(240))
    some = drawable(graph)
    assert (some.whole, len(some.names), some.of) == (False, 180, 180)
    assert all(graph.nodes[n]["decision"] == "package" for n in some.names)
    few = drawable(read_graph(wide(2000)))
    assert (few.whole, len(few.names), few.of) == (False, 200, 1500)
    assert "d0" in few.names  # the root is nearest to itself
    assert all(e.parent in few.names and e.child in few.names for e in few.edges)


def fake(sources: list[str]) -> Callable[..., Completed]:
    """Stands for Graphviz: puts every node of the source in a row, and draws edges as straight lines."""

    def run(argv: Sequence[str | Path], *, stdin: str | None = None, **_: object) -> Completed:
        assert argv[0] == "dot"
        assert stdin
        sources.append(stdin)
        nodes = re.findall(r"^(\d+) \[width=([\d.]+), height=([\d.]+)\];$", stdin, re.MULTILINE)
        edges = re.findall(r"^(\d+) -> (\d+)", stdin, re.MULTILINE)
        lines = ["graph 1 10 2"]
        lines += [f'node {n} {1 + int(n)} 0.5 {w} {h} "" solid box black lightgrey' for n, w, h in nodes]
        lines += [f"edge {a} {b} 4 1 1 2 1 3 1 4 1 solid black" for a, b in edges]
        return Completed(("dot",), 0, "\n".join([*lines, "stop"]) + "\n", "")

    return run


def test_drawing(plan: Plan) -> None:
    sources: list[str] = []
    svg = ElementTree.fromstring(drawing(plan, fake(sources)))  # noqa: S314 - debgen's own
    space = "{http://www.w3.org/2000/svg}"
    nodes = {a.get("data-node"): a for a in svg.iter(f"{space}a")}
    assert len(nodes) == 23
    click = nodes["d-click"]
    assert (click.get("href"), click.get("class")) == ("#d-click", "node update")
    assert [t.text for t in click.iter(f"{space}text")] == ["click 8.5.1", "update · 8.3.3-3"]
    assert [t.text for t in click.iter(f"{space}title")] == ["click: sid has 8.3.3; huggingface-hub asks for >=8.4.2"]
    assert nodes["d-vllm"].get("class") == "node package root"
    assert nodes["d-mcp"].get("class") == "node package cyclic"
    edges = {(g.get("data-from"), g.get("data-to")): g for g in svg.iter(f"{space}g")}
    assert len(edges) == len(part(read_graph(plan)).edges)
    assert edges["d-vllm", "d-setuptools"].get("class") == "edge build"
    assert edges["d-vllm", "d-ray"].get("class") == "edge dropped"
    assert edges["d-sse-starlette", "d-mcp"].get("class") == "edge cyclic"
    edge = edges["d-vllm", "d-torch"]
    assert edge.findtext(f"{space}title") == "vllm asks for torch ==2.9.1"
    path, head = edge.find(f"{space}path"), edge.find(f"{space}polygon")
    assert path is not None
    assert head is not None
    assert path.get("d") == "M72.0,72.0C144.0,72.0 216.0,72.0 288.0,72.0"  # inches upwards to pixels downwards
    assert head.get("points") == "295.0,72.0 288.0,74.8 288.0,69.2"
    assert svg.get("viewBox") == "0 0 720 144"


def test_boxes_are_as_wide_as_their_text_and_long_text_is_cut() -> None:
    sources: list[str] = []
    svg = drawing(of(distribution("r", asks(None)), distribution("n" * 300, asks("r"))), fake(sources))
    assert f"{'n' * 33}…<" in svg
    narrow, broad = (float(w) for w in re.findall(r"width=([\d.]+),", sources[0])[::-1])
    assert narrow < broad < 5


@pytest.mark.parametrize("text", [*HOSTILE, "</svg><script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_a_drawing_of_hostile_text_is_well_formed(text: str) -> None:
    sources: list[str] = []
    child = distribution(text, asks("root", text), version=text, reason=text)
    svg = drawing(of(distribution("root", asks(None)), child), fake(sources))
    tags = {element.tag.partition("}")[2] for element in ElementTree.fromstring(svg).iter()}  # noqa: S314
    assert tags == {"svg", "g", "a", "title", "path", "polygon", "rect", "text"}
    assert re.sub(r"[\d.]", "", sources[0]).count('"') == 2  # the empty label: Graphviz is given no text at all
