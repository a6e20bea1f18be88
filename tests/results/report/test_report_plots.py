"""The plots of a report: deterministic, in the page's colours, with ids of their own."""

import re
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minunet.results.matplotlib_figure import MatplotlibMissing
from minunet.results.report.report_plots import count_plots, curve_plots, interval_plot, size_plot
from tests.html_page import HtmlPage

HISTORY = [
    {
        "epoch": epoch,
        "lr": 1e-3 / epoch,
        "train_loss": 0.7 / epoch,
        "val_loss": 0.8 / epoch,
        "val_dice": 1 - 0.5 / epoch,
    }
    for epoch in range(1, 9)
]


@pytest.fixture(scope="module")
def plots():
    """One of each kind."""
    return [
        *curve_plots(HISTORY),
        *count_plots([10, 20, 30, 40, 50], [11, 19, 33, 40, 48]),
        interval_plot([3, 9, 5], [(2, 4), None, (4, 7)]),
        size_plot({"": np.linspace(60, 80, 50)}, "px"),
    ]


def test_all_are_parts_of_one_page(plots):
    page = HtmlPage("".join(plot.svg for plot in plots))
    assert not page.mistakes
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:href="|url\()#([^")]+)', "".join(plot.svg for plot in plots))
    assert used and set(used) <= set(ids)
    assert len(page.all("svg")) == len(plots) == 7
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in page.all("svg"))


def test_colours_are_those_of_the_page(plots):
    for plot in plots:
        assert "http" not in plot.svg
        assert not re.findall(r"#[0-9a-f]{6}", plot.svg)
        assert "currentColor" in plot.svg
    assert "var(--blue)" in plots[0].svg and "var(--red)" in plots[0].svg


def test_words_are_text(plots):
    page = HtmlPage(plots[3].svg)
    assert "cells in the mask" in page.text and "cells predicted" in page.text


def test_the_same_numbers_give_the_same_plot(plots):
    assert curve_plots(HISTORY)[0] == plots[0]


def test_agreement_needs_some_images():
    assert len(count_plots([1, 2, 3, 4], [1, 2, 3, 4])) == 1
    plots = count_plots([10, 20, 30, 40, 50], [12, 18, 33, 40, 52])
    assert "bias +1.00 cells" in plots[1].caption and "limits of agreement" in plots[1].caption
    assert "bias +1.00" in HtmlPage(plots[1].svg).text


def test_sizes_of_several_classes():
    plot = size_plot({"red": np.array([7.0, 7.5]), "white": np.array([12.0])}, "um")
    text = HtmlPage(plot.svg).text
    assert "red" in text and "white" in text
    assert "Red: 2 cells, median 7.25 um, mean 7.25 um, CV 4.9 %; white: 1 cell, median 12 um" in plot.caption


@pytest.mark.parametrize("diameters", [[5.0], [5.0, 5.0], [5.0, 5.0, 5.0, 5.0, 9.0]])
def test_few_or_equal_sizes(diameters):
    assert "<svg" in size_plot({"": np.array(diameters)}, "px").svg


def test_many_images_have_a_histogram():
    counts = list(range(100))
    assert "Histogram" in interval_plot(counts, [None] * 100).svg


def test_no_epochs_no_curves():
    assert curve_plots([]) == []


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MatplotlibMissing):
        curve_plots(HISTORY)
