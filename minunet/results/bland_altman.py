"""The plot of Bland and Altman: the difference of two counts over their mean, with the bias and the limits of agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from minunet.cells.agreement import Agreement
from minunet.results.curves import TRAIN
from minunet.results.matplotlib_figure import matplotlib_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bland_altman(agreement: Agreement, path: Path) -> None:
    """Draw the plot.

    Parameters
    ----------
    agreement : Agreement
    path : Path
        Of the PNG file.

    Raises
    ------
    MatplotlibMissing
        If matplotlib is not installed.
    """
    figure = matplotlib_figure(figsize=(7, 4.5), layout="constrained")
    draw_bland_altman(figure.add_subplot(), agreement)
    figure.savefig(path, dpi=120)


def draw_bland_altman(axes: Axes, agreement: Agreement, names: tuple[str, str] = ("A", "B")) -> None:
    """Draw the plot on the axes of a figure.

    Parameters
    ----------
    axes : Axes
    agreement : Agreement
    names : (str, str)
        What the two counts are.
    """
    axes.plot(agreement.means, agreement.differences, "o", color=TRAIN, alpha=0.7)
    lines = [(agreement.bias, f"bias {agreement.bias:+.2f}", "-")]
    if agreement.limits is not None:
        lines += [(limit, f"{limit:+.2f} (1.96 SD)", "--") for limit in agreement.limits]
    for height, label, style in lines:
        axes.axhline(height, color="black", linestyle=style, linewidth=1)
        # At the right end of each line, where a legend would cover points.
        axes.text(
            1,
            height,
            label,
            transform=axes.get_yaxis_transform(),
            horizontalalignment="right",
            verticalalignment="bottom",
        )
    axes.margins(y=0.15)
    axes.set_xlabel(f"cells of an image, mean of {names[0]} and {names[1]}")
    axes.set_ylabel(f"cells, {names[1]} - {names[0]}")
