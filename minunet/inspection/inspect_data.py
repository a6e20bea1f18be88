"""Inspecting a data set: it is found, read and split as a training would do it, and then looked at pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from minunet.data.fitting_size import fitting_size, size_warnings
from minunet.data.pair_statistics import PairStatistics
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inspection.findings import cell_warnings, outlier_warnings, similarity_warnings
from minunet.inspection.inspection import Inspection, image_sizes
from minunet.inspection.pair_measures import PairMeasures, PreparedPair, inspect_pairs
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_data import ExaminedData, Progress, examine_training_data
from minunet.runs.training_range import channel_problems
from minunet.wording import at_most


@dataclass(frozen=True)
class FoundData:
    """A data set before its pairs are looked at.

    Attributes
    ----------
    config : TrainConfig
        With the size of the network's input that the images got.
    examined : ExaminedData
    preprocessing : Preprocessing or None
        None where the masks or images cannot be read in one way.
    """

    config: TrainConfig
    examined: ExaminedData
    preprocessing: Preprocessing | None


def find_data(
    config: TrainConfig,
    known_problems: Sequence[str],
    command: str,
    progress: Progress,
    *,
    fit_size: bool = False,
) -> FoundData:
    """Find the pairs, decode each file once, and decide what a training would decide.

    Parameters
    ----------
    config : TrainConfig
    known_problems : sequence of str
        Problems of the settings; with any of them no pair is looked at.
    command : str
        For a message that says what to add to it.
    progress : callable
    fit_size : bool
        Whether nobody named a size or a crop: the size is then that of `fitting_size` for the images, as in a training.
    """
    examined = examine_training_data(config, None, known_problems=known_problems, command=command, progress=progress)
    sizes = image_sizes(examined.survey)
    if fit_size and sizes:
        config = replace(config, size=fitting_size(sizes, least=2**config.depth))
    config = replace(config, reading=examined.reading, image_range=examined.range)
    unfit = known_problems or examined.reading is None or channel_problems(examined.survey.statistics, config.channels)
    preprocessing = None if unfit else config.preprocessing()
    if config.size is not None and sizes and not known_problems:
        distorted = size_warnings(config.size, sizes, least=2**config.depth)
        examined = replace(examined, warnings=(*examined.warnings, *distorted))
    return FoundData(config, examined, preprocessing)


def inspect_found(
    found: FoundData,
    progress: Progress,
    suggest: Callable[[Inspection], str],
    keep: Callable[[PreparedPair], object] | None = None,
) -> Inspection:
    """Look at the pairs that can be read.

    Parameters
    ----------
    found : FoundData
    progress : callable
    suggest : callable
        Makes the command from the inspection.
    keep : callable or None
        See `minunet.inspection.pair_measures.inspect_pairs`.
    """
    examined = found.examined
    measures: list[PairMeasures] = []
    problems = list(examined.problems)
    if found.preprocessing is not None:
        usable = [one.pair for one in examined.survey.statistics if one.readable and _same_size(one)]
        with progress("measuring") as update:
            measures, failed = inspect_pairs(usable, found.preprocessing, keep=keep, progress=update)
        problems += at_most(failed, "pairs that cannot be measured")
    inspection = Inspection(
        config=found.config,
        survey=examined.survey,
        split=examined.split,
        preprocessing=found.preprocessing,
        measures=tuple(measures),
        problems=tuple(problems),
        warnings=examined.warnings,
        command=None,
    )
    shown = (*cell_warnings(inspection), *similarity_warnings(inspection), *outlier_warnings(inspection))
    command = None if problems else suggest(inspection)
    return replace(inspection, warnings=(*examined.warnings, *shown), command=command)


def _same_size(statistics: PairStatistics) -> bool:
    image, mask = statistics.image.header, statistics.mask.header
    return image is not None and mask is not None and image.size == mask.size
