"""The curves of a run: loss, Dice and IoU on training and validation images, and the learning rate, over the epochs.

They are drawn with matplotlib, an optional dependency.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minunet.results.matplotlib_figure import matplotlib_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, VALIDATION, RATE = "#1f5fa8", "#d1495b", "#3c7d3c"
SPLITS = {"train": ("training", TRAIN), "validation": ("validation", VALIDATION), "val": ("validation", VALIDATION)}
RATES = ("lr", "learning_rate")
History = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class CurvePanel:
    """Some of the curves, which share their axes.

    Attributes
    ----------
    name : str
    caption : str
    draw : callable
        Draws them on the axes that it is given.
    """

    name: str
    caption: str
    draw: Callable[[Axes], None]


def curve_panels(history: History) -> list[CurvePanel]:
    """The panels of a history: loss, agreement with the masks, and the learning rate where the history has one.

    The parameter is that of `plot_curves`.
    """
    panels = [
        CurvePanel("loss", "Loss", lambda axes: _draw_loss(axes, history)),
        CurvePanel("agreement", "Agreement with the masks", lambda axes: _draw_agreement(axes, history)),
    ]
    if any(_present(history, name) for name in RATES):
        panels.append(CurvePanel("learning rate", "Learning rate", lambda axes: _draw_rate(axes, history)))
    return panels


def plot_curves(history: History, path: str | os.PathLike, *, title: str = "") -> Path:
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
    panels = curve_panels(history)
    figure = matplotlib_figure(figsize=(4.6 * len(panels), 3.6), dpi=120, layout="constrained")
    for panel, axes in zip(panels, figure.subplots(1, len(panels)), strict=True):
        panel.draw(axes)
        axes.set_title(panel.caption)
    if title:
        figure.suptitle(title)
    figure.savefig(path)
    return Path(path)


def _draw_loss(axes: Axes, history: History) -> None:
    _draw_measures(axes, history, {"loss": "-"})
    axes.set(ylabel="loss")
    if _lowest(axes) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_decimal)
        axes.yaxis.set_minor_formatter(_decimal)
    _finish(axes)


def _draw_agreement(axes: Axes, history: History) -> None:
    _draw_measures(axes, history, {"dice": "-", "iou": "--"})
    axes.set(ylabel="Dice, IoU (1 = perfect)", ylim=_limits(axes))
    _finish(axes)


def _draw_rate(axes: Axes, history: History) -> None:
    rate = next(name for name in RATES if _present(history, name))
    axes.plot(_epochs(history), _column(history, rate), color=RATE, marker=_marker(history))
    axes.set(ylabel="learning rate", ylim=(0, None))
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    _finish(axes)


def _finish(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, which="both")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False)


def _epochs(history: History) -> list[float]:
    return _column(history, "epoch") if _present(history, "epoch") else [1.0 + row for row in range(len(history))]


def _draw_measures(axes: Axes, history: History, styles: dict[str, str]) -> None:
    for measure, style in styles.items():
        name = {"dice": "Dice", "iou": "IoU"}.get(measure, measure)
        for prefix, (split, colour) in SPLITS.items():
            column = f"{prefix}_{measure}"
            if _present(history, column):
                label = f"{name}, {split}"
                axes.plot(
                    _epochs(history),
                    _column(history, column),
                    style,
                    color=colour,
                    marker=_marker(history),
                    label=label,
                )


def _column(history: History, name: str) -> list[float]:
    """A column as numbers; what is missing, empty or not a number becomes NaN, which leaves a gap in a curve."""
    values = []
    for row in history:
        try:
            values.append(float(row.get(name)))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            values.append(math.nan)
    return values


def _present(history: History, name: str) -> bool:
    return any(math.isfinite(value) for value in _column(history, name))


def _marker(history: History) -> str | None:
    """Points as well as a line where there are few epochs: a single one has no line."""
    return "o" if len(history) <= 5 else None


def _decimal(value: float, position: float | None) -> str:
    """The label of a tick of a logarithmic axis: a plain decimal for 1, 2, 3 and 6 of a decade, else none."""
    return f"{value:g}" if f"{value:e}"[0] in "1236" else ""


def _values(axes: Axes) -> list[float]:
    return [
        value
        for line in axes.get_lines()
        for value in np.asarray(line.get_ydata(), np.float64).tolist()
        if math.isfinite(value)
    ]


def _lowest(axes: Axes) -> float:
    return min(_values(axes), default=0.0)


def _limits(axes: Axes) -> tuple[float, float]:
    """The limits of the y axis: from slightly below the lowest value to slightly above 1."""
    return max(0.0, min(_values(axes), default=0.0) - 0.03), 1.01
