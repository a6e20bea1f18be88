"""The HTML of a page: escaped, closed, and without anything that is loaded."""

import base64
import hashlib
import re
import sys

import numpy as np
import pytest

from minunet.errors import UserError
from minunet.results.report.report_page import (
    ReportPage,
    ReportSection,
    ReportWarning,
    missing_for_report,
    render_report,
    shown,
)
from minunet.results.report.report_pictures import ERROR_LEGEND, ReportCase, ShownImage
from minunet.results.report.report_plots import ReportPlot
from minunet.results.report.report_tables import report_table
from tests.html_page import HtmlPage

pytest.importorskip("jinja2")
EVIL = "<img src=x onerror=alert(1)>.png\"'&amp;{{ 7*7 }}"


def page_of(text):
    """A page in which every text is the same."""
    shown_image = ShownImage(text, np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.float32), np.ones((4, 6)))
    table = report_table(
        [f"{text.replace(chr(34), '')},b", "x,1", f'"{text.replace(chr(34), chr(34) * 2)}",2'], text, text
    )
    return ReportPage(
        text,
        [text],
        text,
        [ReportWarning(text, text)],
        [(text, text)],
        [
            ReportSection(
                "everything",
                text,
                [text],
                [text],
                [(text, text)],
                [ReportPlot('<svg aria-label="a"></svg>', text)],
                [ReportCase(text, shown_image.pictures(), text)],
                ERROR_LEGEND,
                table,
            ),
            ReportSection("empty", "nothing below"),
            ReportSection("folded", "folded", ["a"], folded=True),
        ],
    )


def test_every_text_is_escaped():
    html = render_report(page_of(EVIL), "minunet.test")
    page = HtmlPage(html)
    page.check()
    assert all(attributes["src"].startswith("data:image/") for attributes in page.all("img"))
    assert page.text.count(EVIL) >= 12  # as text
    assert "49" not in page.text  # no text is taken for a template


def test_sections_without_content_are_left_out():
    page = HtmlPage(render_report(page_of("a"), "minunet.test"))
    assert "nothing below" not in page.text
    assert [attributes["href"] for attributes in page.all("a")] == ["#everything", "#folded"]
    assert len(page.all("details")) == 1


def test_warnings_come_first():
    page = HtmlPage(render_report(page_of("a"), "minunet.test"))
    sections = [attributes["id"] for attributes in page.all("section")]
    assert sections == ["warnings", "everything", "folded"]
    assert "No warnings" in HtmlPage(render_report(ReportPage("a"), "minunet.test")).text


def test_the_script_is_the_one_that_the_policy_allows():
    html = render_report(page_of("a"), "minunet.test")
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_the_same_page_gives_the_same_text():
    assert render_report(page_of("a"), "minunet.test") == render_report(page_of("a"), "minunet.test")


def test_letters_without_a_shape_are_escaped():
    assert shown("a\u202eb\x1b\x00\ud800") == "a\\u202eb\\x1b\\x00\\ud800"
    assert shown("é 日本") == "é 日本"


def test_without_jinja2(monkeypatch):
    assert missing_for_report() is None
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "python -m pip install 'minunet[report]'" in missing_for_report()
    with pytest.raises(UserError, match="Jinja2"):
        render_report(ReportPage("a"), "minunet.test")
