"""The dossier's page in Debian's Chromium; screenshots go to $DEBGEN_SCREENSHOTS."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser, chromium

from debgen.review.dossier import dossier
from debgen.review.origin import Told
from debgen.review.page import page
from debgen.review.results import read_results

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from review_cases import make, make_hostile

pytestmark = pytest.mark.integration

#: Elements that are wider than what is around them, and can't be seen whole.
CUT = """[...document.querySelectorAll('main *')].filter(e => e.checkVisibility()
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
#: The least contrast (WCAG 2, as a ratio) of all visible text with what is behind it.
CONTRAST = """(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (parse(c).length === 3) return c; } return 'rgb(255, 255, 255)'; };
  let least = [99, ''];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, e.outerHTML.slice(0, 120)];
  }
  return least;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def write(folder: Path) -> str:
    results = read_results(folder, "sid", "foo", "1.0")
    path = folder / "review.html"
    path.write_text(page(dossier(results, Told(problem="not in this test"))), encoding="utf-8")
    return path.as_uri()


def quiet(browser: Browser) -> None:
    assert browser.complaints() == []
    assert [r.partition("#")[0].rpartition("/")[2] for r in browser.requests()] == ["review.html"]


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (1400, True), (390, False), (390, True)])
def test_it_fits_and_can_be_read(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    folder = make(tmp_path)
    control = folder / "source/foo-1.0/debian/control"
    control.write_text(control.read_text().replace("Section: python", "Section: science"))
    browser.window(width, dark=dark)
    browser.open(write(folder))
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.settle()
    assert browser.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert browser.evaluate(CUT) == []
    assert browser.evaluate("Math.min(...[...document.querySelectorAll('caption')].map(e => e.clientWidth))") > 200
    least, where = browser.evaluate(CONTRAST)
    assert least >= 4.5, where
    if shots := os.environ.get("DEBGEN_SCREENSHOTS"):
        browser.screenshot(Path(shots) / f"review-{width}{'-dark' if dark else ''}.png", tallest=4000)
    # beside the lines where there is room, below them where there is none
    line = "document.querySelector('#control .code li:has(.why)')"
    beside = browser.evaluate(
        f"{line}.querySelector('.why').getBoundingClientRect().left"
        f" >= {line}.querySelector('code').getBoundingClientRect().right"
    )
    assert beside is (width == 1400)
    signs = browser.evaluate("[...document.querySelectorAll('#control .human .sign')].map(e => e.textContent)")
    assert set(signs) == {"H"}
    quiet(browser)


def test_the_keyboard_reaches_everything(browser: Browser, tmp_path: Path) -> None:
    browser.window(1400)
    browser.open(write(make(tmp_path)))
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter", 13)
    assert browser.evaluate("location.hash") == "#verdict"
    copyright_ = "document.querySelector('#licences details')"
    assert browser.evaluate(f"{copyright_}.open") is False
    browser.evaluate(f"{copyright_}.querySelector('summary').focus()")
    browser.press("Enter", 13)
    assert browser.evaluate(f"{copyright_}.open") is True
    quiet(browser)


@pytest.mark.parametrize("width", [1400, 390])
def test_hostile_texts_do_nothing(browser: Browser, tmp_path: Path, width: int) -> None:
    browser.window(width)
    browser.open(write(make_hostile(tmp_path)))
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.settle()
    assert browser.evaluate("typeof window.pwned") == "undefined"
    assert browser.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
    assert browser.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert "<script>window.pwned=1</script>" in browser.evaluate("document.body.innerText")
    quiet(browser)


def test_it_prints(browser: Browser, tmp_path: Path) -> None:
    browser.window(1400)
    browser.open(write(make(tmp_path)))
    assert browser.pdf().startswith(b"%PDF-")
    quiet(browser)
