"""The page of a plan: what stands on it, and that nothing in a plan can add markup to it."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import UsageError
from debgen.planning.model import Decision
from debgen.report.dot import COLOURS
from debgen.report.graph import read_graph
from debgen.report.html import MEANING, html
from debgen.report.tree import DEEPEST, Step, tree

Plan = dict[str, Any]
ROOT = Path(__file__).parents[2]
PLAN = json.loads((ROOT / "tests" / "data" / "plan.json").read_text(encoding="utf-8"))
CSS = "".join((ROOT / "debgen" / "report" / name).read_text(encoding="utf-8") for name in ("base.css", "plan.css"))
VOID = {"meta", "link", "br", "input", "path", "rect", "polygon"}
HOSTILE = (
    "<script>window.pwned=1</script>",
    "</script><img src=x onerror=window.pwned=1>",
    "</style></svg></title><svg onload=window.pwned=1>",
    "\" onmouseover=window.pwned=1 x=\"",
    "' autofocus onfocus='window.pwned=1",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.pwned=1",
    "a`<b>`c``",
    "\u202ereversed\x00 \ud800 two\nlines",
)  # fmt: skip


class Page(HTMLParser):
    """The elements and texts of a page; fails where one isn't closed or an attribute is there twice."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, (tag, self.getpos())
        assert self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.raw:
            self.raw[self._open[-1]].append(data)
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))

    def having(self, attribute: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.elements if attribute in a]

    def values(self, attribute: str) -> list[str]:
        return [str(a[attribute]) for a in self.having(attribute)]


@pytest.fixture
def plan() -> Plan:
    return copy.deepcopy(PLAN)


def synthetic(count: int, *, deep: bool = False) -> Plan:
    """A plan of ``count`` distributions: a chain, or a tree with cross edges and a cycle back to the root."""
    plan: Plan = copy.deepcopy(PLAN)
    parents = [[i - 1] if deep else sorted({i // 7, i // 3}) for i in range(count)]
    request: dict[str, Any] = {
        "specifier": ">=1", "extras": [], "kind": "run", "extra": "", "verdict": "missing", "decision": None,
        "reason": "", "counts": True,
    }  # fmt: skip
    plan["distributions"] = [
        {
            "name": f"d{i}", "version": "1", "verdict": "missing", "decision": "package", "reason": "no package",
            "chain": [f"d{i}"], "needed": True, "debian": None, "alternatives": [], "findings": [], "build": [],
            "required_by": [{"name": f"d{p}" if i else None, **request} for p in parents[i] if p < i or not i],
        }
        for i in range(count)
    ]  # fmt: skip
    plan["distributions"][0]["required_by"].append({"name": f"d{count - 1}", **request})
    return {**plan, "root": "d0", "order": [], "cycles": []}


def test_the_page_says_what_the_plan_is_of(plan: Plan) -> None:
    page = Page(html(plan, ""))
    text = page.text
    assert "vllm 0.27.1 on sid" in text
    assert "sid of 2026-11-20 14:00 UTC, Python 3.14, amd64" in text
    assert "cpu: no nvcc and no hipcc was found" in text
    assert "chroot of sid: neither" in text
    assert "10 to package, in 5 stages" in text
    assert "sse-starlette → mcp → sse-starlette" in text
    assert "debgen plan vllm==0.33.0 says which" in text
    assert "<code>debgen plan vllm==0.33.0</code>" in page.source
    assert "23 of 23 shown" in text


def test_every_fact_of_a_distribution_stands_on_the_page(plan: Plan) -> None:
    text = Page(html(plan, "")).text
    for node in plan["distributions"]:
        assert f"{node['name']} {node['version']}" in text
        assert node["reason"].replace("`", "") in text
        for package in [node["debian"], *node["alternatives"]]:
            if package:
                assert f"{package['package']} {package['version']}" in text
                assert f"{package['component']}; found by {package['mapping']}: {package['evidence']}" in text
        for finding in node["findings"]:
            assert finding["text"] in text
            assert " → ".join(finding["chain"]) in text
        for need in node["build"]:
            assert need["reason"] in text
            assert need["supply"] in text
    assert "vllm >=0.21.1 satisfied transformers <=0.24,>=0.22 too old" in text  # tokenizers, asked for by two
    assert "vllm <81,>=77 build too new, relax: the upper bound is a guess" in text
    assert "vllm [standard] >=0.115 satisfied" in text
    assert "sse-starlette >=2 extra examples missing" in text
    assert "doesn’t count: only a package that Debian has asks" in text
    assert "vllm → tokenizers → huggingface-hub → hf-xet" in text


def test_requirements_that_count_come_first(plan: Plan) -> None:
    for node in plan["distributions"]:
        node["required_by"].sort(key=lambda r: bool(r["counts"]))
    assert "huggingface-hub >=8.4.2 too old ray >=7 satisfied doesn’t count" in Page(html(plan, "")).text


def test_long_lists_are_folded_with_the_worst_first(plan: Plan) -> None:
    (tokenizers,) = (n for n in plan["distributions"] if n["name"] == "tokenizers")
    page = Page(html(plan, ""))
    assert not [a for a in page.having("class") if a["class"] == "more"]
    order = ["onig ^6.5 missing", "pyo3 ^0.28 uninstallable", "indicatif ^0.17 relaxable", "rayon ^1.10 satisfied"]
    assert sorted(order, key=page.text.index) == order
    tokenizers["build"] += [{**tokenizers["build"][2], "name": f"crate{i}"} for i in range(5)]
    tokenizers["findings"] = [
        {"topic": "crate", "text": f"finding {i}", "chain": [], "blocking": i == 3} for i in range(6)
    ]  # fmt: skip
    folded = Page(html(plan, ""))
    assert len([a for a in folded.having("class") if a["class"] == "more"]) == 2
    assert "1 missing, 1 uninstallable, 1 relaxable, 6 satisfied" in folded.text
    assert "1 blocking, 5 other" in folded.text
    assert folded.text.index("finding 3") < folded.text.index("finding 0")


def test_what_is_known_of_a_crate_that_the_suite_lacks(plan: Plan) -> None:
    (tokenizers,) = (n for n in plan["distributions"] if n["name"] == "tokenizers")
    (onig,) = (need for need in tokenizers["build"] if need["name"] == "onig")
    more = {
        "ways": [["Cargo.toml", "onig"], ["Cargo.toml", "core/Cargo.toml", "onig"]], "switches": ["core/Cargo.toml#re"],
        "first": [
            {"name": "low", "version": "0.1.0", "suite": "0.3.0"}, {"name": "onig", "version": "6.5.1", "suite": ""},
        ],
        "remarks": ["its source is in `x`"],
    }  # fmt: skip
    assert "by way of" not in Page(html(plan, "")).text  # a plan that was kept earlier doesn't have these
    onig |= more
    text = Page(html(plan, "")).text
    told = ["by way of Cargo.toml → core/Cargo.toml → onig", "only with core/Cargo.toml#re", "to package first:",
            "low 0.1.0 or relax: the suite has 0.3.0", "onig 6.5.1", "its source is in x"]  # fmt: skip
    assert sorted(told, key=text.index) == told
    assert "by way of Cargo.toml → onig" not in text  # who asks is told already


def test_a_chain_that_the_sentence_tells_is_not_told_again(plan: Plan) -> None:
    (torch,) = (n for n in plan["distributions"] if n["name"] == "torch")
    assert Page(html(plan, "")).text.count("python3-torch-cuda → python3 (<< 3.14)") == 1
    torch["findings"][0]["text"] = "it can't be installed: python3-torch-cuda → python3 (<< 3.14)"
    assert Page(html(plan, "")).text.count("python3-torch-cuda → python3 (<< 3.14)") == 1


def test_totals_count_what_is_needed_and_filter(plan: Plan) -> None:
    page = Page(html(plan, ""))
    assert tuple(page.values("data-decision")[:6]) == tuple(MEANING)
    assert set(MEANING) == {d.value for d in Decision}
    for decision, count in plan["totals"].items():
        assert f'<span class="count">{count}</span> <span class="word">{decision}</span>' in page.source
    assert "satisfied 8" in page.text
    assert "missing 8" in page.text


def test_ids_are_unique_and_every_link_leads_somewhere_on_the_page(plan: Plan) -> None:
    page = Page(html(plan, ""))
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    links = page.values("href")
    assert "data:," in links
    assert {link[1:] for link in links if link != "data:,"} <= set(ids)
    assert all(link.startswith("#") for link in links if link != "data:,")


def test_the_page_needs_nothing_else_and_its_policy_allows_nothing_else(plan: Plan) -> None:
    page = Page(html(plan, ""))
    (policy,) = (str(a["content"]) for a in page.having("http-equiv"))
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (text,) = page.raw[tag]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"
        assert f"</{tag}" not in text
    assert page.having("src") == []
    assert page.having("style") == []
    assert "url(" not in CSS
    assert "@import" not in CSS


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_markup(text: str) -> None:
    def spoil(value: Any, key: str = "") -> Any:
        """The same plan with every free text replaced, and every occurrence of the name click."""
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(item, key) for item in value]
        free = {
            "reason", "text", "specifier", "evidence", "version", "facts", "notes", "requirement", "suite_date",
            "extras", "extra", "package", "source", "component", "mapping", "upstream_version", "supply", "topic",
            "python",
        }  # fmt: skip
        return text if isinstance(value, str) and (key in free or value == "click") else value

    plain, spoiled = Page(html(PLAN, "")), Page(html(spoil(PLAN), ""))
    # A text in backquotes is code, and an empty specifier or extra says less: else the elements are the same.
    kinds = [{tag for tag, _ in page.elements} for page in (plain, spoiled)]
    assert kinds[0] | {"code"} == kinds[1] | {"code"}
    names = [{name for _, attributes in page.elements for name in attributes} for page in (plain, spoiled)]
    assert names[0] == names[1]
    assert [len(page.raw["script"]) for page in (plain, spoiled)] == [1, 1]
    assert plain.raw == spoiled.raw
    assert len(plain.values("id")) == len(spoiled.values("id"))
    shown = re.sub("[\x00\ud800\u202e]", "\ufffd", text)
    if "`" not in text:
        assert re.sub(r"\s+", " ", shown) in spoiled.text
    spoiled.source.encode()


@pytest.mark.parametrize("count", [1, 25, 200, 2000])
@pytest.mark.parametrize("deep", [False, True])
def test_trees_of_any_size_and_depth(count: int, deep: bool) -> None:
    plan = synthetic(count, deep=deep)
    lines = tree(read_graph(plan))
    opened = [line.name for line in lines if line.step is Step.OPEN]
    assert sorted(opened) == sorted(n["name"] for n in plan["distributions"])  # each once
    depth = deepest = 0
    for line in lines:
        depth += {Step.OPEN: 1, Step.LINK: 0, Step.CLOSE: -1}[line.step]
        deepest = max(deepest, depth)
    assert depth == 0
    assert deepest <= DEEPEST + 1
    page = Page(html(plan, ""))
    assert len(page.values("data-verdict")) == count + 4


def test_a_requirement_that_leads_back_up_is_a_link_that_says_so(plan: Plan) -> None:
    lines = tree(read_graph(plan))
    (back,) = [line for line in lines if line.ancestor]
    assert (back.step, back.name, back.edge and back.edge.parent) == (Step.LINK, "mcp", "sse-starlette")
    assert "a cycle: stands above" in Page(html(plan, "")).text


def test_a_distribution_stands_as_near_to_the_root_as_it_can_and_elsewhere_is_a_link(plan: Plan) -> None:
    lines = tree(read_graph(plan))
    places = [(line.step, line.edge and line.edge.parent) for line in lines if line.name == "tokenizers"]
    assert places == [(Step.OPEN, "vllm"), (Step.CLOSE, None), (Step.LINK, "transformers")]


def test_what_is_needed_never_stands_below_what_is_not(plan: Plan) -> None:
    nodes = {n["name"]: n for n in plan["distributions"]}

    # anyio is nearest to the root by way of starlette, which isn't needed
    def asks(parent: str, counts: bool) -> dict[str, Any]:
        return {**nodes["numpy"]["required_by"][0], "name": parent, "counts": counts}

    nodes["starlette"]["required_by"].append(asks("vllm", False))
    nodes["anyio"]["required_by"] = [asks("sse-starlette", True), asks("starlette", False)]
    path: list[str] = []
    for line in tree(read_graph(plan)):
        if line.step is Step.OPEN:
            assert not nodes[line.name]["needed"] or all(nodes[above]["needed"] for above in path)
            path.append(line.name)
        elif line.step is Step.CLOSE:
            assert path.pop() == line.name


def test_what_the_root_does_not_reach_stands_apart(plan: Plan) -> None:
    for node in plan["distributions"]:
        if node["name"] == "mcp":
            node["required_by"] = []
    opened = [line for line in tree(read_graph(plan)) if line.step is Step.OPEN and line.edge is None]
    assert [line.name for line in opened] == ["vllm", "mcp"]


def test_what_most_work_is_comes_first(plan: Plan) -> None:
    names = [line.name for line in tree(read_graph(plan)) if line.edge and line.edge.parent == "vllm"]
    assert names[:3] == ["torchvision", "xformers", "llguidance"]
    assert names[-1] == "typing-extensions"


def test_the_page_says_what_is_drawn(plan: Plan) -> None:
    assert "There is no drawing: it takes Graphviz." in Page(html(plan, "")).text
    drawn = Page(html(plan, "<svg></svg>"))
    assert "What the work reaches: 23 distributions" in drawn.text
    assert ("svg", {}) in drawn.elements
    large = Page(html(synthetic(300), "<svg></svg>")).text
    assert "Only what the suite lacks is drawn" in large
    assert "200, those nearest to the root, of 300; all 300 would be too many to read" in large


def test_unknown_names_are_text_and_not_links(plan: Plan) -> None:
    plan["cycles"] = [["nobody", "mcp", "nobody"]]
    plan["order"].append(["nobody"])
    page = Page(html(plan, ""))
    assert "nobody → mcp → nobody" in page.text
    assert "#d-nobody" not in page.values("href")


def test_what_is_no_plan_is_refused(plan: Plan) -> None:
    for damaged in ({}, {**plan, "schema": 3}, {**plan, "variant": None}, {k: plan[k] for k in plan if k != "notes"}):
        with pytest.raises(UsageError) as caught:
            html(damaged, "")
        assert "Make the plan again" in caught.value.hint
    plan["distributions"][3]["required_by"] = [{"name": None}]
    with pytest.raises(UsageError):
        html(plan, "")


def palettes() -> list[dict[str, str]]:
    """The colours by name: those of the light scheme, and those of the dark one."""
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    assert len(blocks) == 2
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", palettes(), ids=["light", "dark"])
def test_colours_are_legible(colours: dict[str, str]) -> None:
    for paper in ("page", "panel", "mark", "glow"):
        for ink in ("text", "soft"):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    for paper in ("page", "panel"):
        assert contrast(colours["link"], colours[paper]) >= 4.5
        assert contrast(colours["strong"], colours[paper]) >= 3 or paper == "panel"  # frames of buttons
    for decision in MEANING:
        ink, fill, line = (colours[f"{decision}-{part}"] for part in ("ink", "fill", "line"))
        assert contrast(ink, fill) >= 4.5, decision
        assert contrast(ink, colours["page"]) >= 4.5, decision
        assert contrast(line, colours["page"]) >= 3, decision
        assert contrast(line, colours["panel"]) >= 3, decision


def test_both_pictures_have_the_same_colours() -> None:
    light = palettes()[0]
    assert {d: (light[f"{d}-fill"], light[f"{d}-line"]) for d in MEANING} == COLOURS
