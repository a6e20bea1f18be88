"""SeedScores made up for the tests of what is said of them."""

from minunet.experiments.seed_scores import SeedScores
from minunet.inference.mask_limits import MaskLimits

SHARP = MaskLimits(loss_floor=0.0, keras_accuracy_ceiling=1.0, keras_baseline=0.7, foreground=0.3)


def made_up(keras, dice=0.95, loss=0.1, limits=SHARP, iou=0.9):
    """SeedScores of one or several seeds; numbers or lists of them."""
    columns = [value if isinstance(value, list) else [value] for value in (loss, keras, dice, iou)]
    longest = max(map(len, columns))
    rows = zip(*(column * (longest // len(column)) for column in columns), strict=True)
    names = ("loss", "keras_accuracy", "dice", "iou")
    return SeedScores(
        tuple({"seed": seed, **dict(zip(names, row, strict=True))} for seed, row in enumerate(rows)), limits
    )
