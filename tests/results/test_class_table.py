"""The class table: a row for each class, dashes for what has no score."""

from minunet.data.class_legend import ClassLegend
from minunet.results.class_table import class_table


def row(dice, cells=None, error=None):
    return {
        "dice": dice,
        "iou": None if dice is None else dice / 2,
        "true_cells": cells,
        "predicted_cells": cells,
        "count_error": error,
        "cell_f1": None if error is None else 0.5,
    }


def test_rows_and_their_columns():
    legend = ClassLegend(("background", "white", "nucleus", "platelet"), (0, 1, 1, 3))
    scores = {
        "background": row(0.9),
        "white": row(0.8, 12, 0.25),
        "nucleus": row(0.7),
        "platelet": row(None, 0, None),
    }
    lines = class_table(scores, legend, 0.75)
    assert (
        len({line.index(number) for line, number in ((lines[2], "0.9000"), (lines[3], "0.8000"), (lines[4], "0.7"))})
        == 1
    )
    assert lines[3].split() == ["white", "0.8000", "0.4000", "12", "12", "25.0", "%", "0.5000"]
    assert lines[4].split() == ["nucleus", "(in", "white)", "0.7000", "0.3500"]
    assert lines[5].split() == ["platelet", "-", "-", "0", "0", "-", "-"]
    assert lines[6].split()[:2] == ["mean", "0.7500"]
    assert len(class_table(scores, legend, None)) == 6
