"""The curves of a run: loss, Dice and IoU on training and validation images, and the learning rate, over the epochs.

They are drawn with matplotlib, an extra: nothing else of the package needs it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

TRAIN, VALIDATION, RATE = "#1f5fa8", "#d1495b", "#3c7d3c"
SPLITS = {"train": ("training", TRAIN), "validation": ("validation", VALIDATION), "val": ("validation", VALIDATION)}
RATES = ("lr", "learning_rate")


class PlotsMissing(RuntimeError):
    """matplotlib, which draws the curves, is not installed; the message says how to get it."""

    def __init__(self) -> None:
        super().__init__("curves need matplotlib: pip install 'minunet[plots]'")


def curves(history: Sequence[Mapping[str, object]], path: str | os.PathLike, *, title: str = "") -> Path:
    """Draw a run's history.

    Parameters
    ----------
    history : sequence of mappings
        A row per epoch, as `csv.DictReader` gives them or with numbers: `epoch`, `lr`, and `train_` or `validation_`
        before `loss`, `dice` and `iou`. What is absent or empty is left out.
    path : path
        The picture to write; the ending chooses the format (.png, .svg, .pdf).
    title : str
        Over the figure.

    Returns
    -------
    Path

    Raises
    ------
    PlotsMissing
        Where matplotlib is not installed.
    ValueError
        For a history without epochs.
    """
    if not history:
        raise ValueError("a history without epochs has no curves")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise PlotsMissing from error

    rate = next((name for name in RATES if _present(history, name)), None)
    panels = 3 if rate else 2
    figure = Figure(figsize=(4.6 * panels, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels)
    epochs = _column(history, "epoch") if _present(history, "epoch") else list(range(1, len(history) + 1))

    _draw(axes[0], history, epochs, {"loss": "-"})
    axes[0].set(title="Loss", ylabel="loss")
    if _lowest(axes[0]) > 0:
        axes[0].set_yscale("log")
        axes[0].yaxis.set_major_formatter(_decimal)
        axes[0].yaxis.set_minor_formatter(_decimal)
    _draw(axes[1], history, epochs, {"dice": "-", "iou": "--"})
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


def _draw(panel, history: Sequence[Mapping[str, object]], epochs: list[float], styles: dict[str, str]) -> None:
    for measure, style in styles.items():
        name = {"dice": "Dice", "iou": "IoU"}.get(measure, measure)
        for prefix, (split, colour) in SPLITS.items():
            column = f"{prefix}_{measure}"
            if _present(history, column):
                label = f"{name}, {split}"
                panel.plot(epochs, _column(history, column), style, color=colour, marker=_marker(history), label=label)


def _column(history: Sequence[Mapping[str, object]], name: str) -> list[float]:
    """A column as numbers; what is absent, empty or no number is NaN, which leaves a gap in a curve."""
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
    """Points as well as a line where there are few: one epoch alone would be no line."""
    return "o" if len(history) <= 5 else None


def _decimal(value: float, position: int | None) -> str:
    """A tick of a logarithmic axis as a plain decimal; only 1, 2, 3 and 6 of a decade have one."""
    return f"{value:g}" if f"{value:e}"[0] in "1236" else ""


def _values(panel) -> list[float]:
    return [value for line in panel.get_lines() for value in line.get_ydata() if math.isfinite(value)]


def _lowest(panel) -> float:
    return min(_values(panel), default=0.0)


def _limits(panel) -> tuple[float, float]:
    """From a little under the lowest value to a little over 1."""
    return max(0.0, min(_values(panel), default=0.0) - 0.03), 1.01
