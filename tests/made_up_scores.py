"""Scores made up for the tests of what is said of them."""

from minunet.experiments.bounds import Bounds
from minunet.experiments.seed_scores import Scores

SHARP = Bounds(floor=0.0, ceiling=1.0, background=0.7, cells=0.3)


def made_up(keras, dice=0.95, loss=0.1, bounds=SHARP, iou=0.9):
    """Scores of one or several seeds; numbers or lists of them."""
    columns = [value if isinstance(value, list) else [value] for value in (loss, keras, dice, iou)]
    longest = max(map(len, columns))
    rows = zip(*(column * (longest // len(column)) for column in columns), strict=True)
    names = ("loss", "keras_accuracy", "dice", "iou")
    return Scores(tuple({"seed": seed, **dict(zip(names, row, strict=True))} for seed, row in enumerate(rows)), bounds)
