"""The plots of a report: figures of matplotlib as SVG that is part of the page, and takes its colours from the page's style."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.cells.agreement import Agreement
from minunet.results.bland_altman import draw_bland_altman
from minunet.results.curves import RATE, TRAIN, VALIDATION, curve_panels
from minunet.results.matplotlib_figure import matplotlib_figure
from minunet.wording import count_noun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (4.2, 2.9)  # inches
# The colours of a figure, and what they are in the page, which has others where it is dark.
SERIES = (TRAIN, VALIDATION, RATE, "#7a4fa3")
STYLE = {
    "#000000": "currentColor",
    "#b0b0b0": "var(--faint)",
    TRAIN: "var(--blue)",
    VALIDATION: "var(--red)",
    RATE: "var(--green)",
    SERIES[3]: "var(--purple)",
}
FONT = "system-ui, 'Segoe UI', Roboto, sans-serif"
LEAST_FOR_AGREEMENT = 5  # images; the limits of fewer say nothing
MOST_BINS = 60
MOST_INTERVALS = 60  # images whose counts are drawn one by one


@dataclass(frozen=True)
class ReportPlot:
    """A plot in the page.

    Attributes
    ----------
    svg : str
        Its element, which is put into the page as it is.
    caption : str
    """

    svg: str
    caption: str


class SvgFigure:
    """A figure with one set of axes, which becomes SVG.

    Parameters
    ----------
    name : str
        Before the ids of its parts, which must differ from those of other plots of a page.
    left : float
        The share of the width that the labels of the vertical axis take.

    Raises
    ------
    MatplotlibMissing
        If matplotlib is not installed.
    """

    def __init__(self, name: str, left: float = 0.16):
        self.name = name
        self._figure = matplotlib_figure(figsize=SIZE)
        # Fixed margins: a layout that measures the labels would take as long as the drawing.
        self._figure.subplots_adjust(left=left, right=0.97, bottom=0.17, top=0.92)
        self.axes: Axes = self._figure.add_subplot()

    def plot(self, label: str, caption: str) -> ReportPlot:
        """The plot.

        Parameters
        ----------
        label : str
            What it shows, for readers who do not see it.
        caption : str
        """
        import matplotlib

        self.axes.spines[["top", "right"]].set_visible(False)
        buffer = io.StringIO()
        # The same figure gives the same text: no date, no random ids; words stay words.
        settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": self.name}
        with matplotlib.rc_context(settings):
            self._figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        return ReportPlot(in_page(buffer.getvalue(), self.name, label), caption)


def in_page(svg: str, name: str, label: str) -> str:
    """SVG of matplotlib as an element of an HTML page: in the page's colours and font, with ids that no other plot has."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->|<style.*?</style>", "", svg, flags=re.DOTALL)  # its style is in that of the page
    box = re.search(r'viewBox="[-0-9. ]+"', svg)
    head = f'<svg role="img" aria-label="{escape(label)}" {box[0] if box else ""}'
    svg = re.sub(r"<svg[^>]*", lambda _: head, svg, count=1)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'((?:href="|url\()#)', rf"\g<1>{name}-", svg)
    for colour, style in STYLE.items():
        svg = svg.replace(colour, style)
    return re.sub(r"font: ([0-9.]+px) [^;\"]+", rf"font: \1 {FONT}", svg).strip()


def curve_plots(history: Sequence[Mapping[str, object]]) -> list[ReportPlot]:
    """The curves of a training, a plot each; none without epochs."""
    plots = []
    for panel in curve_panels(history) if history else ():
        figure = SvgFigure(f"curve-{panel.name.replace(' ', '-')}")
        panel.draw(figure.axes)
        last = history[-1].get("epoch", len(history))
        plots.append(figure.plot(f"Curve: {panel.name} over {last} epochs", panel.caption))
    return plots


def count_plots(
    true: Sequence[float],
    predicted: Sequence[float],
    labels: tuple[str, str] = ("cells in the mask", "cells predicted"),
    names: tuple[str, str] = ("mask", "prediction"),
) -> list[ReportPlot]:
    """The predicted number of cells of each image over the true one, and, of enough images, the plot of Bland and Altman.

    Parameters
    ----------
    true, predicted : sequence of float
        Of each image.
    labels : (str, str)
        Of the two axes.
    names : (str, str)
        What the two numbers are from.
    """
    agreement = Agreement.of(true, predicted)
    figure = SvgFigure("counts")
    axes = figure.axes
    most = max([1.0, *true, *predicted])
    over = labels[1][:1].upper() + labels[1][1:]
    axes.plot([0, 1.04 * most], [0, 1.04 * most], color="black", linewidth=1, label="equal")
    axes.plot(true, predicted, "o", color=TRAIN, alpha=0.75, label="an image")
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(0, 1.08 * most), ylim=(0, 1.08 * most))
    axes.legend(frameon=False)
    plots = [
        figure.plot(
            f"{over} over {labels[0]}, of {count_noun(len(true), 'image')}",
            f"{over} against {labels[0]}, an image each; the mean difference is {agreement.bias:+.2f} cells.",
        )
    ]
    if len(true) >= LEAST_FOR_AGREEMENT and agreement.limits is not None:
        low, high = agreement.limits
        figure = SvgFigure("agreement")
        draw_bland_altman(figure.axes, agreement, names)
        plots.append(
            figure.plot(
                "Bland-Altman plot: the difference of the two numbers of cells of each image over their mean",
                f"Bland and Altman: bias {agreement.bias:+.2f} cells; limits of agreement, in which 95 % of normally distributed "
                f"differences are, {low:+.2f} to {high:+.2f} cells.",
            )
        )
    return plots


def interval_plot(counts: Sequence[float], intervals: Sequence[tuple[float, float] | None]) -> ReportPlot:
    """The number of cells of each image with its interval, in ascending order; of many images their histogram."""
    figure = SvgFigure("cells-per-image")
    axes = figure.axes
    if len(counts) > MOST_INTERVALS:
        axes.hist(counts, bins=_bins(counts), color=TRAIN)
        axes.set(xlabel="cells in an image", ylabel="images")
        return figure.plot(
            f"Histogram of the number of cells of {len(counts)} images", "How many images have how many cells."
        )
    from matplotlib.ticker import MaxNLocator

    order = sorted(range(len(counts)), key=lambda place: counts[place])
    for rank, place in enumerate(order, start=1):
        ends = intervals[place]
        if ends is not None:
            axes.plot([rank, rank], ends, color=RATE, linewidth=2)
    axes.plot(range(1, len(order) + 1), [counts[place] for place in order], "o", color=TRAIN)
    axes.set(xlabel="image, in the order of its number of cells", ylabel="cells", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with_intervals = any(ends is not None for ends in intervals)
    return figure.plot(
        f"The number of cells of {len(counts)} images" + (" with their intervals" if with_intervals else ""),
        "Cells of each image" + (", with the 90 % interval of the number." if with_intervals else "."),
    )


def size_plot(diameters: Mapping[str, np.ndarray], unit: str) -> ReportPlot:
    """The Price-Jones histogram: how many cells have which diameter.

    Parameters
    ----------
    diameters : mapping of str to ndarray
        Of the cells of each kind, by its name; at least one in all. Where there is one kind, its name is not shown.
    unit : str
        Of the diameters.
    """
    figure = SvgFigure("sizes")
    axes = figure.axes
    bins = _bins(np.concatenate([*diameters.values()]))
    for number, (kind, values) in enumerate(diameters.items()):
        if len(diameters) == 1:
            axes.hist(values, bins=bins, color=TRAIN)
            median = float(np.median(values))
            axes.axvline(median, color="black", linestyle="--", label=f"median {median:.3g} {unit}")
        else:
            colour = SERIES[number % len(SERIES)]
            axes.hist(values, bins=bins, histtype="step", linewidth=2, color=colour, label=kind)
    axes.legend(frameon=False)
    axes.set(xlabel=f"diameter of the disc of the same area, {unit}", ylabel="cells")
    described = "; ".join(
        (f"{kind}: " if len(diameters) > 1 else "") + _size_words(values, unit) for kind, values in diameters.items()
    )
    return figure.plot(
        f"Price-Jones histogram of the diameters of {sum(map(len, diameters.values())):,} cells",
        f"Price-Jones histogram of the cells that do not reach the edge of their image. {described[:1].upper()}{described[1:]}.",
    )


def _size_words(values: np.ndarray, unit: str) -> str:
    """The number, the median and the spread of diameters."""
    mean = float(np.mean(values))
    spread = "" if len(values) < 2 else f", CV {100 * float(np.std(values, ddof=1)) / mean:.1f} %"
    return f"{count_noun(len(values), 'cell')}, median {float(np.median(values)):.3g} {unit}, mean {mean:.3g} {unit}{spread}"


def _bins(values: Sequence[float] | np.ndarray) -> list[float]:
    """The edges of the bars of a histogram, by the rule of Freedman and Diaconis, between 5 and `MOST_BINS` bars."""
    array = np.asarray(values, np.float64)
    low, high = float(array.min()), float(array.max())
    if low == high:
        return [low - 0.5, low + 0.5]
    quarter, three_quarters = np.percentile(array, [25, 75])
    width = 2 * (three_quarters - quarter) / len(array) ** (1 / 3)
    count = MOST_BINS if width <= 0 else int(np.clip(np.ceil((high - low) / width), 5, MOST_BINS))
    return np.linspace(low, high, count + 1).tolist()
