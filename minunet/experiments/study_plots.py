"""The plots of a paper study in its report: each score of a model beside what the masks allow and what needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minunet.experiments import paper_numbers
from minunet.experiments.seed_scores import SeedScores
from minunet.results.curves import RATE, TRAIN, VALIDATION
from minunet.results.report.report_plots import ReportPlot, SvgFigure

ScoreRow = tuple[str, float, float]  # a label, a mean and its standard deviation over the seeds
LABELS = 0.44  # share of the width that the labels take


def model_plots(rows: Sequence[tuple[str, SeedScores]]) -> list[ReportPlot]:
    """Loss, Keras accuracy and Dice of M1, M2 and what they are compared with; none without a score.

    Parameters
    ----------
    rows : sequence of (str, SeedScores)
        Labels and scores, each of at least one training.
    """
    if not rows:
        return []
    papers = (("the paper's M1", paper_numbers.M1), ("the paper's M2", paper_numbers.M2))
    losses = [(name, paper.loss, 0.0) for name, paper in papers] + rows_of(rows, "loss")
    accuracies = [(name, paper.accuracy, 0.0) for name, paper in papers] + rows_of(rows, "keras_accuracy")
    nothing = [None] * len(papers)
    limits = [score.limits for _, score in rows]
    return [
        score_plot(
            "loss",
            "cross-entropy, nats",
            losses,
            {"floor of the masks": [*nothing, *(limit.loss_floor for limit in limits)]},
            "Loss on the test images, and the floor: no network has a lower one on these masks.",
        ),
        score_plot(
            "keras-accuracy",
            "accuracy as Keras reports it",
            accuracies,
            {
                "ceiling of the masks": [*nothing, *(limit.keras_accuracy_ceiling for limit in limits)],
                "all background": [*nothing, *(limit.keras_baseline for limit in limits)],
            },
            "Accuracy as Keras reports it, the ceiling that the masks set, and what calling every pixel background has.",
        ),
        dice_plot("dice", rows),
    ]


def dice_plot(name: str, rows: Sequence[tuple[str, SeedScores]]) -> ReportPlot:
    """The Dice of several models beside that of the better of the two trivial answers; the rows are those of `model_plots`."""
    return score_plot(
        name,
        "Dice",
        rows_of(rows, "dice"),
        {"trivial answer": [score.trivial_dice for _, score in rows]},
        "Dice, beside that of the better of calling everything cell and everything background: a model that is not above it has "
        "learned nothing.",
    )


def rows_of(rows: Sequence[tuple[str, SeedScores]], measure: str) -> list[ScoreRow]:
    """The rows of a plot of one measure."""
    return [(label, score.mean(measure), score.spread(measure)) for label, score in rows]


def score_plot(
    name: str, label: str, rows: Sequence[ScoreRow], marks: Mapping[str, Sequence[float | None]], caption: str
) -> ReportPlot:
    """A plot with a line for each model: its score as a point, with the spread of its seeds, and marks to compare it with.

    Parameters
    ----------
    name : str
        See `SvgFigure`.
    label : str
        Of the axis of the scores.
    rows : sequence of (str, float, float)
        Labels, means and standard deviations, from top to bottom.
    marks : mapping of str to sequence
        By what they are: a value for each row, or None.
    caption : str
    """
    figure = SvgFigure(name, left=LABELS)
    axes = figure.axes
    places = range(len(rows), 0, -1)
    for (what, values), colour in zip(marks.items(), (VALIDATION, RATE), strict=False):
        known = [(value, place) for value, place in zip(values, places, strict=True) if value is not None]
        axes.plot(*zip(*known, strict=True), "|", color=colour, markersize=13, markeredgewidth=2.5, label=what)
    for (_, mean, spread), place in zip(rows, places, strict=True):
        if spread:
            axes.plot([mean - spread, mean + spread], [place, place], color=TRAIN, linewidth=2)
    axes.plot([mean for _, mean, _ in rows], [*places], "o", color=TRAIN, label="model")
    axes.set_yticks([*places], [shown for shown, _, _ in rows])
    axes.set(xlabel=label, ylim=(0.4, len(rows) + 0.6))
    axes.margins(x=0.08)
    # Above the axes, where it covers no point, and beside their left end, since it may be wider than they are.
    axes.legend(
        frameon=False,
        fontsize="small",
        loc="lower right",
        bbox_to_anchor=(1.03, 0.98),
        ncols=len(marks) + 1,
        columnspacing=1,
        handletextpad=0.2,
    )
    return figure.plot(f"{label} of {len(rows)} models", caption)
