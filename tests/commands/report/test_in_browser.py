"""The reports in headless Chromium: no complaint, no request, tables that sort, and texts that can be read."""

import pytest

from minunet import paper
from tests.browser import Browser, find_browser
from tests.commands.paper.small_studies import TINY, write_pairs
from tests.commands.report.conftest import FOLDERS

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(find_browser() is None, reason="there is no Chromium and no Chrome"),
]
# The contrast of every text with what is behind it, by WCAG 2.1; the page has no pictures behind texts.
CONTRASTS = """
(() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    throw new Error("nothing is behind it");
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || parent.closest("script, style")) continue;
    const style = getComputedStyle(parent);
    const text = luminance(parts(parent.closest("svg") ? style.fill : style.color));
    const ground = luminance(behind(parent));
    const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    found.push([contrast, walker.currentNode.textContent.trim().slice(0, 40)]);
  }
  return found;
})()
"""
COLUMN = "Array.from(document.querySelectorAll('.table table')[0].tBodies[0].rows, (row) => row.cells[{}].textContent)"
HEAD = "document.querySelectorAll('.table table')[0].tHead.rows[0].cells[{}]"
# Those in closed parts of the page take no focus.
_IN_SIGHT = "Array.from(document.querySelectorAll('.table table')).filter((table) => table.checkVisibility())"
FIRST_IN_SIGHT = f"{_IN_SIGHT}[0].tHead.rows[0].cells[0]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a tiny study, a half of it."""
    out = tmp_path_factory.mktemp("studies") / "study"
    assert (
        paper.main([str(write_pairs(tmp_path_factory.mktemp("discs"))), "--out", str(out), *TINY, "--only", "m1m2"])
        == 0
    )
    return out


@pytest.fixture(params=[*FOLDERS, "study"])
def report(request, results):
    folder = request.getfixturevalue("study") if request.param == "study" else results / request.param
    return folder / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_shown_without_a_complaint_or_a_request(browser, report, width, scheme):
    browser.open(report, width, scheme=scheme)
    assert browser.requests == [report.resolve().as_uri()]
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") <= width  # nothing is wider than the window
    assert browser.run("Array.from(document.images).every((image) => image.naturalWidth > 0)")
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 50
    assert not [one for one in contrasts if one[0] < 4.5]


def test_the_scheme_is_that_of_the_system(browser, report):
    colours = []
    for scheme in ("light", "dark"):
        browser.open(report, scheme=scheme)
        colours.append(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 29)"]


def test_a_click_sorts_and_another_sorts_the_other_way_round(browser, report):
    browser.open(report)
    column = browser.run(
        "Array.from(document.querySelector('.table table th.number').parentElement.cells).indexOf("
        "document.querySelector('.table table th.number'))"
    )
    before = browser.run(COLUMN.format(0))
    for way, reverse in (("ascending", False), ("descending", True)):
        browser.run(f"{HEAD.format(column)}.querySelector('button').click()")
        numbers = [float(text) for text in browser.run(COLUMN.format(column)) if text]
        assert numbers == sorted(numbers, reverse=reverse)
        assert browser.run(f"{HEAD.format(column)}.getAttribute('aria-sort')") == way
    assert sorted(browser.run(COLUMN.format(0))) == sorted(before)
    browser.run(f"{HEAD.format(0)}.querySelector('button').click()")
    names = browser.run(COLUMN.format(0))
    assert names == browser.run(
        f"{names!r}.sort(new Intl.Collator('en', {{numeric: true, sensitivity: 'base'}}).compare)"
    )
    assert browser.run("document.querySelectorAll('[aria-sort]').length") == 1


@pytest.mark.parametrize("key", ["Enter", " "])
def test_the_keyboard_sorts(browser, report, key):
    browser.open(report)
    browser.run(f"{FIRST_IN_SIGHT}.querySelector('button').focus()")
    browser.press(key, "\r" if key == "Enter" else " ")
    assert browser.run(f"{FIRST_IN_SIGHT}.getAttribute('aria-sort')") == "ascending"


def test_tab_reaches_links_tables_and_columns(browser, report):
    browser.open(report)
    reached = set()
    for _ in range(60):
        browser.press("Tab")
        reached.add(browser.run("document.activeElement.tagName"))
    assert {"A", "PRE", "DIV", "BUTTON"} <= reached


def test_the_names_of_columns_stay_in_sight(browser, results):
    browser.open(results / "found" / "report.html")
    browser.run("document.querySelectorAll('.table').forEach((table) => { table.scrollTop = 1000; })")
    tops = browser.run(
        "Array.from(document.querySelectorAll('.table'), (table) => table.querySelector('thead th').getBoundingClientRect().top"
        " - table.getBoundingClientRect().top)"
    )
    assert tops and all(abs(top) < 3 for top in tops)


def test_a_name_that_would_be_a_script_is_text(browser, results):
    browser.open(results / "found" / "report.html")
    assert browser.run("document.querySelectorAll('[onerror]').length") == 0
    assert "onerror=alert(1)" in browser.run("document.body.textContent")
    # Even an element with a handler, had one got into the page, would do nothing.
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.evil = 1\">')")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert browser.run("window.evil") is None
