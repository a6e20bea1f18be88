"""The curves of a run: loss, Dice and IoU on training and validation images, and the learning rate, over the epochs.

They are drawn with matplotlib, an optional dependency.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, VALIDATION, RATE = "#1f5fa8", "#d1495b", "#3c7d3c"
SPLITS = {"train": ("training", TRAIN), "validation": ("validation", VALIDATION), "val": ("validation", VALIDATION)}
RATES = ("lr", "learning_rate")


class MatplotlibMissing(RuntimeError):
    """matplotlib, which draws the plots, is not installed; the message says how to install it."""

    def __init__(self) -> None:
        super().__init__("plots need matplotlib: pip install 'minunet[plots]'")


def plot_curves(history: Sequence[Mapping[str, object]], path: str | os.PathLike, *, title: str = "") -> Path:
    """Plot the history of a run.

    Parameters
    ----------
    history : sequence of mappings
        A row per epoch, as `csv.DictReader` gives them or with numbers: `epoch`, `lr`, and `train_` or `validation_`
        before `loss`, `dice` and `iou`. Columns that are missing or empty are left out.
    path : path
        The file to write; its ending determines the format (.png, .svg, .pdf).
    title : str
        Above the figure.

    Returns
    -------
    Path

    Raises
    ------
    MatplotlibMissing
        If matplotlib is not installed.
    ValueError
        If the history has no epochs.
    """
    if not history:
        raise ValueError("a history without epochs has no curves")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise MatplotlibMissing from error

    rate = next((name for name in RATES if _present(history, name)), None)
    panels = 3 if rate else 2
    figure = Figure(figsize=(4.6 * panels, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels)
    epochs = _column(history, "epoch") if _present(history, "epoch") else [1.0 + row for row in range(len(history))]

    _plot_measures(axes[0], history, epochs, {"loss": "-"})
    axes[0].set(title="Loss", ylabel="loss")
    if _lowest(axes[0]) > 0:
        axes[0].set_yscale("log")
        axes[0].yaxis.set_major_formatter(_decimal)
        axes[0].yaxis.set_minor_formatter(_decimal)
    _plot_measures(axes[1], history, epochs, {"dice": "-", "iou": "--"})
    axes[1].set(title="Agreement with the masks", ylabel="Dice, IoU (1 = perfect)", ylim=_limits(axes[1]))
    if rate:
        axes[2].plot(epochs, _column(history, rate), color=RATE, marker=_marker(history))
        axes[2].set(title="Learning rate", ylabel="learning rate", ylim=(0, None))
        axes[2].ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    for panel in axes:
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3, which="both")
        if panel.get_legend_handles_labels()[1]:
            panel.legend(frameon=False)
    if title:
        figure.suptitle(title)
    figure.savefig(path)
    return Path(path)


def _plot_measures(
    panel: Axes, history: Sequence[Mapping[str, object]], epochs: list[float], styles: dict[str, str]
) -> None:
    for measure, style in styles.items():
        name = {"dice": "Dice", "iou": "IoU"}.get(measure, measure)
        for prefix, (split, colour) in SPLITS.items():
            column = f"{prefix}_{measure}"
            if _present(history, column):
                label = f"{name}, {split}"
                panel.plot(epochs, _column(history, column), style, color=colour, marker=_marker(history), label=label)


def _column(history: Sequence[Mapping[str, object]], name: str) -> list[float]:
    """A column as numbers; what is missing, empty or not a number becomes NaN, which leaves a gap in a curve."""
    values = []
    for row in history:
        try:
            values.append(float(row.get(name)))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            values.append(math.nan)
    return values


def _present(history: Sequence[Mapping[str, object]], name: str) -> bool:
    return any(math.isfinite(value) for value in _column(history, name))


def _marker(history: Sequence[Mapping[str, object]]) -> str | None:
    """Points as well as a line where there are few epochs: a single one has no line."""
    return "o" if len(history) <= 5 else None


def _decimal(value: float, position: int | None) -> str:
    """The label of a tick of a logarithmic axis: a plain decimal for 1, 2, 3 and 6 of a decade, else none."""
    return f"{value:g}" if f"{value:e}"[0] in "1236" else ""


def _values(panel: Axes) -> list[float]:
    return [
        value
        for line in panel.get_lines()
        for value in np.asarray(line.get_ydata(), np.float64).tolist()
        if math.isfinite(value)
    ]


def _lowest(panel: Axes) -> float:
    return min(_values(panel), default=0.0)


def _limits(panel: Axes) -> tuple[float, float]:
    """The limits of the y axis: from slightly below the lowest value to slightly above 1."""
    return max(0.0, min(_values(panel), default=0.0) - 0.03), 1.01
