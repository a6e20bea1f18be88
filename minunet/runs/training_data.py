"""The data of a training run: the pairs that it was given or that it draws, checked and split before anything else happens."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import fmean

from minunet.cli.console import FileProgressBar
from minunet.cli.streams import is_terminal
from minunet.data.pair_statistics import PairStatistics
from minunet.data.pairs import Survey, survey
from minunet.data.reading.chosen_reading import ChosenReading, choose_reading
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.mask_choice import COMMAND
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.pair_files import mask_files
from minunet.data.split import Split, split_pairs
from minunet.errors import UserError
from minunet.files.folders import mixing_problems
from minunet.runs.class_occurrence import absent_class_warnings
from minunet.runs.run_folder import RunFolder
from minunet.runs.setting_checks import mask_problems, split_problems
from minunet.runs.split_file import read_split
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_range import MIXED, channel_problems, find_range
from minunet.wording import join_names

DRAWN_COUNT = 96
Progress = Callable[[str], AbstractContextManager[ProgressCallback]]  # makes a progress bar with a label


@dataclass(frozen=True)
class TrainingData:
    """The pairs of a run.

    Attributes
    ----------
    split : Split
    statistics : tuple of PairStatistics
        Statistics of the files of every pair.
    warnings : tuple of str
        What the user should know about the data.
    notes : tuple of str
        What was decided by the names of files and folders.
    reading : MaskReading or None
        How its masks are read; None: each by a threshold of its own.
    range : ImageRange or None
        Which values of its images are black and white; None: the largest number of its type is white in each.
    """

    split: Split
    statistics: tuple[PairStatistics, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    reading: MaskReading | None = None
    range: ImageRange | None = None

    @property
    def sizes(self) -> Counter[tuple[int, int]]:
        """The number of images of each (width, height)."""
        return Counter(pair.size for pair in self.statistics)

    @property
    def grey_share(self) -> float:
        """The share of mask pixels that are neither black nor white, averaged over the masks."""
        return fmean(pair.mask.grey_share for pair in self.statistics)


@dataclass(frozen=True)
class ExaminedData:
    """A data set as a training finds it, usable or not.

    Attributes
    ----------
    survey : Survey
    split : Split or None
        None where the pairs cannot be split, or have problems.
    reading : MaskReading or None
        How the masks are read; None where that is a problem, or no mask can be read.
    problems, warnings : tuple of str
        Those of the survey, and all others.
    range : ImageRange or None
        Which values of the images are black and white; None where that is a problem, or differs from image to image.
    """

    survey: Survey
    split: Split | None
    reading: MaskReading | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    range: ImageRange | None = None


def draw_smears(folder: RunFolder, size: tuple[int, int], seed: int) -> None:
    """Draw the smears of a run without data into its folder, unless they are there already.

    Parameters
    ----------
    folder : RunFolder
    size : (int, int)
        Width and height in pixels.
    seed : int
    """
    from minunet.data.synthetic.smear_set import is_whole, remove_unfinished, write_set  # most trainings do not draw

    if is_whole(folder.synthetic):
        remove_unfinished(folder.synthetic)
    else:  # or not to the end, if the process was killed
        write_set(folder.synthetic, DRAWN_COUNT, size, seed, progress=is_terminal(sys.stderr))


def find_training_data(
    config: TrainConfig,
    folder: RunFolder,
    *,
    resume: bool = False,
    known_problems: Sequence[str] = (),
    command: str = COMMAND,
    bar: bool = True,
) -> TrainingData:
    """Find, check and split the pairs, with a progress bar if `bar` is true; see `examine_training_data` for the parameters.

    Raises
    ------
    UserError
        With every problem.
    """
    examined = examine_training_data(
        config,
        folder,
        resume=resume,
        known_problems=known_problems,
        command=command,
        progress=functools.partial(FileProgressBar, show=bar),
    )
    if examined.problems or examined.split is None:
        raise UserError(examined.problems)
    surveyed = examined.survey
    return TrainingData(
        examined.split,
        surveyed.statistics,
        examined.warnings,
        surveyed.notes,
        reading=examined.reading,
        range=examined.range,
    )


def examine_training_data(
    config: TrainConfig,
    folder: RunFolder | None,
    *,
    resume: bool = False,
    known_problems: Sequence[str] = (),
    command: str = COMMAND,
    progress: Progress,
) -> ExaminedData:
    """Find, check and split the pairs, and decide how they are read; problems raise no error.

    Parameters
    ----------
    config : TrainConfig
    folder : RunFolder or None
        A resumed run has its split there, and a run without data its smears. None: there is no run.
    resume : bool
        Use the split of split.json, if there is one.
    known_problems : sequence of str
        Problems from before; reported together with those of the data.
    command : str
        What the user typed, for a message that says what to add to it.
    progress : callable
        Makes a progress bar with a label.
    """
    data, masks = config.data, config.masks
    if folder is not None and config.drawn:
        data = str(folder.synthetic)
        masks = str(folder.synthetic / "classes") if config.classes is not None else None
    begun = resume and (config.reading is not None or folder is None or folder.split.is_file())
    with progress("checking the data") as update:
        surveyed = survey(
            data,
            images=config.images,
            masks=masks,
            skip_unpaired=config.skip_unpaired,
            # A run that began without the numbers of cells, as those of older versions did, goes on without them.
            numbered=not begun or (config.reading is not None and config.reading.numbered),
            progress=update,
        )
    split = None
    problems = [*known_problems, *surveyed.problems]
    chosen = _reading(config, begun, surveyed, command)
    problems += chosen.problems
    if folder is not None and not resume:
        files = [file for pair in surveyed.pairs for file in (pair.image, *mask_files(pair))]
        problems += mixing_problems(folder.path, [folder.predictions], files)
    unfit = channel_problems(surveyed.statistics, config.channels)
    problems += unfit
    image_range = config.image_range
    if not surveyed.problems and not split_problems(vars(config)):
        try:
            split = _split(config, folder, resume, surveyed)
            if image_range is None and not unfit:
                image_range = find_range(config, surveyed.statistics, split.train)
        except UserError as error:
            problems += error.problems
    warnings = [*surveyed.warnings, *chosen.notes]
    crop = config.crop if config.crop is not None and config.diameter is None else 0
    small = {measured.pair.name: min(measured.size) for measured in surveyed.statistics if min(measured.size) < crop}
    if small:
        side = min(small.values())
        remedy = f"; with --crop {side} no crop is larger than its image" if side >= 2**config.depth else ""
        warnings.append(
            f"smaller than --crop {config.crop}, and mirrored at their borders: {join_names(small)}{remedy}."
        )
    if split is not None and chosen.reading is not None and chosen.reading.classes:
        warnings += absent_class_warnings(surveyed.statistics, split.train, chosen.reading)
    if split is not None and image_range is None and config.range is not None and not problems:
        warnings.append(MIXED)
    return ExaminedData(surveyed, split, chosen.reading, tuple(problems), tuple(warnings), image_range)


def _reading(config: TrainConfig, begun: bool, surveyed: Survey, command: str) -> ChosenReading:
    """How the masks are read: as the run that is resumed reads them, or as its settings and its masks tell."""
    if begun:
        return ChosenReading(config.reading)
    if not surveyed.mask_counts or mask_problems(vars(config)):
        return ChosenReading()
    return choose_reading(surveyed.mask_counts, config.mask_choice(command), surveyed.mask_names)


def _split(config: TrainConfig, folder: RunFolder | None, resume: bool, surveyed: Survey) -> Split:
    if folder is not None and resume and folder.split.is_file():
        return read_split(folder, surveyed.pairs, surveyed.statistics)
    return split_pairs(
        surveyed.pairs, fractions=config.split, seed=config.seed, group=config.group, digests=surveyed.digests
    )
