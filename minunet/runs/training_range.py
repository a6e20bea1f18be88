"""The range of the training images, and whether all images of a set have the channels that a training takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from minunet.data.finding.matching import Pair
from minunet.data.pair_statistics import PairStatistics
from minunet.data.reading.channels import misfit
from minunet.data.reading.image_range import ImageRange, choose_range
from minunet.runs.train_config import TrainConfig
from minunet.wording import count_noun, join_names

MIXED = (
    "some images hold 8 bits and some 16: white is the largest number in each, 255 or 65535; if the 16-bit images come from a "
    "camera of 12 or 14 bits, convert all images to one type."
)


def channel_problems(statistics: Sequence[PairStatistics], channels: str) -> list[str]:
    """A sentence for each number of channels from which the chosen ones cannot be taken."""
    by_count = defaultdict(list)
    for pair in statistics:
        if pair.image.values is not None:
            by_count[len(pair.image.values.channels)].append(pair.image.path)
    problems = []
    for count, paths in sorted(by_count.items()):
        if remedy := misfit(channels, count):
            have = f"{count_noun(len(paths), 'image')} of {count_noun(count, 'channel')} ({join_names(paths, 3)})"
            problems.append(f"{have}, of which --channels {channels} cannot be taken: {remedy}.")
    return problems


def find_range(
    config: TrainConfig, statistics: Sequence[PairStatistics], training: Sequence[Pair]
) -> ImageRange | None:
    """The range of the training images; see `choose_range` for the errors. None for the settings of an older version."""
    if config.range is None:
        return None
    names = {pair.name for pair in training}
    measured = [pair.image.values for pair in statistics if pair.pair.name in names]
    return choose_range(config.range, [values for values in measured if values is not None], config.channels)
