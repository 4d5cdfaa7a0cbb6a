"""The page of a plan in Debian's Chromium, with the drawing by Graphviz; screenshots go to $DEBGEN_SCREENSHOTS."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser, chromium

from debgen.report.dot import dot
from debgen.report.drawing import drawing
from debgen.report.html import html
from debgen.run import run

pytestmark = pytest.mark.integration

Plan = dict[str, Any]
PLAN = json.loads((Path(__file__).parents[1] / "data" / "plan.json").read_text(encoding="utf-8"))
VISIBLE = (
    "[...document.querySelectorAll('.tree li[data-node]')].filter(e => e.checkVisibility() && !e.matches('.context'))"
)
NAMES = f"{VISIBLE}.map(e => e.querySelector('.name').textContent)"
HOSTILE = (
    "<script>window.pwned=1</script>",
    "</script><img src=x onerror=window.pwned=1>",
    "</style></title></svg><svg onload=window.pwned=1>",
    '" onmouseover=window.pwned=1 onfocus=window.pwned=1 autofocus x="',
    "javascript:window.pwned=1",
    "back\\ {{ 7 * 7 }} ]]> &lt;script&gt; \u202e\ud800\x00",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of the plan in tests/data."""
    return write(PLAN, tmp_path_factory.mktemp("page") / "plan.html")


@pytest.fixture(autouse=True)
def quiet(browser: Browser) -> Iterator[None]:
    """A wide window before each test; nothing on the console, and no request but for the page, after it."""
    browser.window(1400)
    yield
    assert browser.complaints() == []
    assert [r.partition("#")[0].rpartition("/")[2] for r in browser.requests()] == ["plan.html"]


def write(plan: Plan, path: Path) -> str:
    path.write_text(html(plan, drawing(plan)), encoding="utf-8")
    return path.as_uri()


def large(count: int) -> Plan:
    """``count`` distributions, each asked for by one or two others; every third is in Debian."""
    plan: Plan = copy.deepcopy(PLAN)
    request = {k: v for k, v in plan["distributions"][0]["required_by"][0].items() if k != "name"}
    plan["distributions"] = [
        {
            "name": f"dist-{i}", "version": "1", "verdict": "missing", "decision": "use" if i % 3 == 2 else "package",
            "reason": "no package", "chain": [f"dist-{i}"] * (1 + len(str(i))), "needed": True, "debian": None,
            "alternatives": [], "findings": [], "build": [],
            "required_by": [{"name": f"dist-{p}" if i else None, **request} for p in sorted({i // 9, i // 2})],
        }
        for i in range(count)
    ]  # fmt: skip
    return {**plan, "root": "dist-0", "order": [], "cycles": []}


def overflow(browser: Browser) -> int:
    """By how many pixels the page is wider than the window."""
    return int(browser.evaluate("document.documentElement.scrollWidth - innerWidth"))


def shown(browser: Browser) -> str:
    return str(browser.evaluate("document.getElementById('shown').textContent"))


def test_totals_filter_the_tree(browser: Browser, page: str) -> None:
    browser.open(page)
    assert shown(browser) == "23 of 23 shown"
    browser.click("document.querySelector('button[data-decision=update]')")
    assert browser.evaluate(NAMES) == ["tokenizers", "huggingface-hub", "click", "transformers"]
    assert shown(browser) == "4 of 23 shown"
    assert browser.evaluate("document.querySelector('button[data-decision=update]').ariaPressed") == "true"
    assert browser.evaluate("location.hash") == "#filter=update"
    assert browser.evaluate("document.querySelectorAll('.graph .node:not(.off)').length") == 4
    browser.click("document.querySelector('button[data-decision=blocked]')")
    assert shown(browser) == "6 of 23 shown"
    browser.click("document.querySelector('button[data-verdict=missing]')")
    assert browser.evaluate(NAMES) == ["xformers"]
    browser.click("document.getElementById('clear')")
    assert shown(browser) == "23 of 23 shown"
    assert browser.evaluate("location.hash") == ""
    assert browser.evaluate("document.querySelectorAll('.tree details[open]').length") == 1  # as it was before


def test_search_finds_names_packages_reasons_and_crates(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.click("document.getElementById('q')")
    browser.type("PYYAML")
    assert browser.evaluate(NAMES) == ["pyyaml"]
    for text, names in (
        ("python3-opencv", ["opencv-python-headless"]),
        ("more than one machine", ["ray"]),
        ("librust-onig", ["tokenizers"]),
        ("dev pyo3 openssl", ["hf-xet"]),
        ("no such thing", []),
    ):
        browser.evaluate("document.getElementById('q').select()")
        browser.type(text)
        assert browser.evaluate(NAMES) == names, text
    assert browser.evaluate("document.getElementById('none').checkVisibility()")
    assert browser.evaluate("location.hash") == "#q=no+such+thing"


def test_what_is_not_needed_is_shown_on_demand(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.click("document.getElementById('open')")
    assert len(browser.evaluate(NAMES)) == 23
    assert "starlette" not in browser.evaluate(NAMES)
    browser.click("document.getElementById('all')")
    assert {"starlette", "sniffio"} <= set(browser.evaluate(NAMES))
    assert shown(browser) == "25 of 25 shown"


def test_the_tree_opens_and_closes_with_mouse_and_keys(browser: Browser, page: str) -> None:
    browser.open(page)
    assert len(browser.evaluate(NAMES)) == 17
    browser.click("document.getElementById('d-vllm')")
    assert browser.evaluate(NAMES) == ["vllm"]
    browser.press("Enter", 13)
    assert len(browser.evaluate(NAMES)) == 17
    for _ in range(6):
        browser.press("ArrowDown", 40)
    assert browser.evaluate("document.activeElement.id") == "d-tokenizers"
    browser.press("ArrowRight", 39)
    assert "huggingface-hub" in browser.evaluate(NAMES)
    assert "librust-pyo3-dev → librust-zip-dev" in browser.evaluate(
        "document.activeElement.nextElementSibling.innerText"
    )
    browser.press("ArrowLeft", 37)
    assert "huggingface-hub" not in browser.evaluate(NAMES)
    browser.click("document.getElementById('open')")
    assert len(browser.evaluate(NAMES)) == 23
    browser.click("document.getElementById('close')")
    assert browser.evaluate(NAMES) == ["vllm"]


def test_addresses_lead_to_a_filter_or_a_distribution(browser: Browser, page: str) -> None:
    browser.open(f"{page}#filter=blocked,package&verdict=missing&q=no+package")
    assert browser.evaluate(NAMES) == ["vllm", "llguidance", "mcp", "sse-starlette", "outlines-core", "hf-xet"]
    assert browser.evaluate("document.getElementById('q').value") == "no package"
    browser.open(f"{page}#all=1&filter=nonsense&verdict=%3Cb%3E")
    assert shown(browser) == "25 of 25 shown"
    browser.open(f"{page}#d-hf-xet")
    assert browser.evaluate("document.activeElement.id") == "d-hf-xet"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().top") < 300
    browser.open(f"{page}#d-starlette")  # not needed, hence not shown at first
    assert browser.evaluate("document.activeElement.id") == "d-starlette"


def test_links_lead_into_the_tree_from_the_graph_and_the_build_order(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.click("document.querySelector('.graph [data-node=d-click] rect')")
    assert browser.evaluate("document.activeElement.id") == "d-click"
    assert browser.evaluate("document.activeElement.checkVisibility()")
    assert browser.evaluate("location.hash") == "#d-click"
    assert browser.evaluate("document.querySelectorAll('.graph .edge.near').length") == 1
    browser.click("document.querySelector('button[data-decision=blocked]')")
    browser.click("document.querySelector('.chip[data-node=d-hf-xet]')")  # what the filter hides is shown again
    assert browser.evaluate("document.activeElement.id") == "d-hf-xet"
    assert shown(browser) == "23 of 23 shown"
    target = "[...document.querySelectorAll('.target')].map(e => e.dataset.node)"
    assert set(browser.evaluate(target)) == {"d-hf-xet"}
    browser.click("document.getElementById('close')")
    browser.evaluate("document.getElementById('canvas').click()")  # beside all boxes
    assert browser.evaluate("document.querySelectorAll('.graph .target, .graph .near').length") == 0
    browser.click("document.querySelector('.chip[data-node=d-hf-xet]')")  # the address is the same as before
    assert browser.evaluate("document.getElementById('d-hf-xet').checkVisibility()")
    assert browser.evaluate("document.querySelectorAll('.graph .target').length") == 1


def test_the_drawing_zooms_and_moves(browser: Browser, page: str) -> None:
    browser.open(page)
    width = "document.querySelector('.graph').getBoundingClientRect().width"
    before = browser.evaluate(width)
    browser.click("document.querySelector('[data-zoom=in]')")
    assert browser.evaluate(width) == pytest.approx(before * 1.3, rel=0.01)
    browser.evaluate("document.getElementById('canvas').focus()")
    browser.press("+", 187)
    assert browser.evaluate(width) == pytest.approx(before * 1.69, rel=0.01)
    browser.press("0", 48)
    assert browser.evaluate(f"{width} <= document.getElementById('canvas').clientWidth + 1")
    browser.click("document.querySelector('[data-zoom=full]')")
    assert browser.evaluate(width) == pytest.approx(
        browser.evaluate("document.querySelector('.graph').viewBox.baseVal.width")
    )
    for _ in range(3):
        browser.click("document.querySelector('[data-zoom=in]')")
    browser.evaluate("document.getElementById('canvas').scrollTo(200, 0)")
    box = browser.evaluate("document.getElementById('canvas').getBoundingClientRect().toJSON()")
    x, y = box["x"] + 300, box["y"] + 40
    for kind, at in (("mousePressed", x), ("mouseMoved", x - 60), ("mouseReleased", x - 60)):
        browser.call("Input.dispatchMouseEvent", type=kind, x=at, y=y, button="left", buttons=1, clickCount=1)
    browser.settle()
    assert browser.evaluate("document.getElementById('canvas').scrollLeft") == pytest.approx(260, abs=1)


def test_text_fits_its_box_in_the_drawing(browser: Browser, page: str) -> None:
    browser.open(page)
    wide = browser.evaluate(
        "[...document.querySelectorAll('.graph .node')].filter(n => [...n.querySelectorAll('text')].some("
        "t => t.getBBox().x + t.getBBox().width > n.querySelector('rect').getBBox().x"
        " + n.querySelector('rect').getBBox().width)).map(n => n.textContent)"
    )
    assert wide == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(browser: Browser, tmp_path: Path, text: str) -> None:
    plan = copy.deepcopy(PLAN)
    for node in plan["distributions"]:
        node["reason"] = text
        for request in node["required_by"]:
            request["specifier"] = text
        if node["name"] == "ray":
            node["name"], node["version"] = text, text
    plan["notes"], plan["variant"]["facts"], plan["requirement"] = [text], [text], text
    browser.open(write(plan, tmp_path / "plan.html"))
    browser.click("document.getElementById('open')")
    browser.click("document.querySelector('.graph .node.drop rect')")
    assert browser.evaluate("window.pwned") is None
    assert browser.evaluate("document.querySelectorAll('script').length") == 1
    assert browser.evaluate("document.querySelectorAll('img, [onload], [onerror], [onfocus]').length") == 0
    assert browser.evaluate("document.activeElement.querySelector('.name').textContent") == re.sub(
        "[\u202e\ud800\x00]", "\ufffd", text
    )


def test_the_policy_stops_what_would_get_through(browser: Browser, tmp_path: Path) -> None:
    """The second line of defence: a script in a drawing that isn't debgen's doesn't run."""
    path = tmp_path / "plan.html"
    path.write_text(html(PLAN, "<svg class='graph'><script>window.pwned = 1</script></svg>"), encoding="utf-8")
    browser.open(path.as_uri())
    assert browser.evaluate("window.pwned") is None
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())
    browser.open(write(PLAN, path))


@pytest.mark.parametrize("width", [320, 400, 700, 1000, 1400])
def test_no_window_is_too_narrow(browser: Browser, page: str, width: int) -> None:
    browser.window(width)
    browser.open(f"{page}#all=1")
    assert overflow(browser) <= 0
    browser.click("document.getElementById('open')")
    assert overflow(browser) <= 0


def test_words_without_end_are_broken(browser: Browser, tmp_path: Path) -> None:
    plan = json.loads(json.dumps(PLAN).replace("tokenizers", "t" * 300).replace("sid has", "s" * 300))
    browser.window(320)
    browser.open(write(plan, tmp_path / "plan.html"))
    browser.click("document.getElementById('open')")
    assert overflow(browser) <= 0


@pytest.mark.parametrize("count", [200, 2000])
def test_large_plans(browser: Browser, tmp_path: Path, count: int) -> None:
    browser.open(write(large(count), tmp_path / "plan.html"))
    assert shown(browser) == f"{count} of {count} shown"
    assert 100 < browser.evaluate("document.querySelectorAll('.graph .node').length") <= 200
    took = browser.evaluate(
        "(() => { const q = document.getElementById('q'), t = performance.now(); q.value = 'dist-19';"
        " q.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - t; })()"
    )
    assert shown(browser) == f"{sum(f'dist-{i}'.startswith('dist-19') for i in range(count))} of {count} shown"
    assert took < 2000
    browser.window(400)
    assert overflow(browser) <= 0
    browser.click("document.getElementById('open')")
    assert overflow(browser) <= 0


def test_everything_is_printed(browser: Browser, page: str) -> None:
    browser.open(page)
    short = len(re.findall(rb"/Type\s*/Page\b", browser.pdf()))
    assert short >= 4  # all distributions with their facts, not only the rows that are open
    assert browser.evaluate("document.querySelectorAll('.tree details[open]').length") == 1  # as before


def test_screenshots(browser: Browser, page: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("DEBGEN_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    seen = set()
    for width in (1400, 420):
        for dark in (False, True):
            browser.window(width, 1000, dark=dark)
            browser.open(page)
            path = folder / f"plan-{width}-{'dark' if dark else 'light'}.png"
            browser.screenshot(path, tallest=3000)
            seen.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert path.stat().st_size > 50_000
    assert len(seen) == 2


@pytest.mark.parametrize("everything", [False, True])
def test_graphviz_reads_the_source_of_every_plan(everything: bool) -> None:
    for text in ("plain", *HOSTILE, '"', "a\nb", "<b>", 'x"]; evil [label="'):
        plan = copy.deepcopy(PLAN)
        for node in plan["distributions"]:
            node["reason"] = text
            if node["name"] == "ray":
                node["name"] = text
        drawn = json.loads(run(["dot", "-Tdot_json"], stdin=dot(plan, everything)).stdout)
        assert len([n for n in drawn["objects"] if "tooltip" in n]) == (25 if everything else 23), text


def test_graphviz_takes_large_plans() -> None:
    counts = run(["gc", "-n", "-e"], stdin=dot(large(2000))).stdout.split()  # Graphviz' own: counts, draws nothing
    assert counts[:2] == ["2000", str(sum(len(n["required_by"]) for n in large(2000)["distributions"]) - 1)]
