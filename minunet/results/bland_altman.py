"""The plot of Bland and Altman: the difference of two counts over their mean, with the bias and the limits of agreement."""

from __future__ import annotations

from pathlib import Path

from minunet.cells.agreement import Agreement
from minunet.results.curves import MatplotlibMissing


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
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MatplotlibMissing from error
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(agreement.means, agreement.differences, "o", alpha=0.7)
    axes.axhline(agreement.bias, color="black", label=f"bias {agreement.bias:+.2f}")
    if agreement.limits is not None:
        for limit in agreement.limits:
            axes.axhline(limit, color="black", linestyle="--", label=f"bias {limit - agreement.bias:+.2f} (1.96 SD)")
    axes.set_xlabel("cells of an image, mean of A and B")
    axes.set_ylabel("cells, B - A")
    axes.legend()
    figure.savefig(path, dpi=120)
