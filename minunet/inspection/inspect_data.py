"""Inspecting a data set: it is found and split as a training would do it, and then looked at pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from minunet.data.fitting_size import fitting_size, size_warnings
from minunet.data.pair_statistics import PairStatistics
from minunet.data.pairs import Survey, survey
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import Split, split_pairs
from minunet.errors import UserError
from minunet.inspection.findings import capped, cell_warnings, outlier_warnings, similarity_warnings
from minunet.inspection.inspection import Inspection, image_sizes
from minunet.inspection.pair_measures import PairMeasures, PreparedPair, inspect_pairs
from minunet.runs.train_config import TrainConfig

Progress = Callable[[str], AbstractContextManager[ProgressCallback]]  # makes a progress bar with this label


@dataclass(frozen=True)
class FoundData:
    """A data set before its pairs are looked at.

    Attributes
    ----------
    config : TrainConfig
    survey : Survey
    split : Split or None
    preprocessing : Preprocessing or None
    problems, warnings : tuple of str
    """

    config: TrainConfig
    survey: Survey
    split: Split | None
    preprocessing: Preprocessing | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def find_data(
    config: TrainConfig, known_problems: Sequence[str], progress: Progress, *, fit_size: bool = False
) -> FoundData:
    """Find the pairs, decode each file once, and decide what a training would decide.

    Parameters
    ----------
    config : TrainConfig
    known_problems : sequence of str
        Problems of the settings; with any of them nothing is decided.
    progress : callable
    fit_size : bool
        Whether nobody named a size or a crop: the size is then that of `fitting_size` for the images, as in a training.
    """
    with progress("checking the data") as update:
        surveyed = survey(
            config.data, images=config.images, masks=config.masks, skip_unpaired=config.skip_unpaired, progress=update
        )
    sizes = image_sizes(surveyed)
    if fit_size and sizes:
        config = replace(config, size=fitting_size(sizes, least=2**config.depth))
    problems, split, preprocessing = [*known_problems, *surveyed.problems], None, None
    if not problems:
        try:
            split = split_pairs(
                surveyed.pairs, fractions=config.split, seed=config.seed, group=config.group, digests=surveyed.digests
            )
        except UserError as error:
            problems += error.problems
    if not known_problems:
        preprocessing = config.preprocessing()
    distorted = [] if config.size is None or not sizes else size_warnings(config.size, sizes, least=2**config.depth)
    return FoundData(config, surveyed, split, preprocessing, tuple(problems), (*surveyed.warnings, *distorted))


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
    measures: list[PairMeasures] = []
    problems = list(found.problems)
    if found.preprocessing is not None:
        usable = [one.pair for one in found.survey.statistics if one.readable and _same_size(one)]
        with progress("measuring") as update:
            measures, failed = inspect_pairs(usable, found.preprocessing, keep=keep, progress=update)
        problems += capped(failed, "pairs that cannot be measured")
    inspection = Inspection(
        config=found.config,
        survey=found.survey,
        split=found.split,
        preprocessing=found.preprocessing,
        measures=tuple(measures),
        problems=tuple(problems),
        warnings=found.warnings,
        command=None,
    )
    warnings = (
        *found.warnings,
        *cell_warnings(inspection),
        *similarity_warnings(inspection),
        *outlier_warnings(inspection),
    )
    return replace(inspection, warnings=warnings, command=None if problems else suggest(inspection))


def _same_size(statistics: PairStatistics) -> bool:
    image, mask = statistics.image.header, statistics.mask.header
    return image is not None and mask is not None and image.size == mask.size
