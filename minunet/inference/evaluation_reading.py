"""The reading of the masks of an evaluation: that of the training, which the model stores, or what the user says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from minunet.data.pair_checks import find_problems, find_warnings
from minunet.data.pair_statistics import PairStatistics, measure_pairs
from minunet.data.pairs import Pair
from minunet.data.reading.chosen_reading import ChosenReading, choose_reading
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_misfits import misfits
from minunet.data.reading.mask_reading import GREYS, NUMBERED, TWO_VALUES, MaskReading
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel

Model = TypeVar("Model", bound=LoadedModel)


def model_for_masks(
    model: Model, pairs: Sequence[Pair], choice: MaskChoice, progress: ProgressCallback | None = None
) -> tuple[Model, list[str]]:
    """A model that reads the masks of these pairs as they are to be read.

    Parameters
    ----------
    model : LoadedModel
    pairs : sequence of Pair
    choice : MaskChoice
        What the user says of the masks.
    progress : callable, optional
        Called with the number of files that are checked, and of all.

    Returns
    -------
    model : LoadedModel
        The same one, with the reading of these masks in its preprocessing.
    warnings : list of str
        What the user should know of the files.

    Raises
    ------
    UserError
        With everything that cannot be read, or where the masks do not fit the reading.
    """
    statistics = measure_pairs(pairs, progress)
    if problems := find_problems(statistics):
        raise UserError(problems)
    chosen = evaluation_reading(model.preprocessing.reading, statistics, choice, model.outputs.classes)
    if chosen.problems:
        raise UserError(chosen.problems)
    warnings = [*find_warnings(statistics), *chosen.notes]
    if chosen.reading is None:
        return model, warnings
    return model.with_preprocessing(replace(model.preprocessing, reading=chosen.reading)), warnings


def evaluation_reading(
    stored: MaskReading | None,
    statistics: Sequence[PairStatistics],
    choice: MaskChoice,
    classes: Sequence[str] = (),
) -> ChosenReading:
    """How the masks of an evaluation are read: as the flags say, or else as those of the training were.

    Parameters
    ----------
    stored : MaskReading or None
        The reading of the model; None for models of older versions, which read each mask by a threshold of its own.
    statistics : sequence of PairStatistics
    choice : MaskChoice
    classes : sequence of str
        The names of the classes of the model; empty where it has none.

    Returns
    -------
    ChosenReading
        Without a reading where it is that of an older version; with problems where the masks do not fit the reading. Masks that
        number their cells are read by their numbers, also where those of the training only said what is cell; and masks that
        only say what is cell are read so, where those of the training had numbers.
    """
    counts = [pair.mask.counts for pair in statistics if pair.mask.counts is not None]
    names = [pair.mask.path for pair in statistics if pair.mask.counts is not None]
    if choice.classes is not None:
        return _with_classes_of_the_model(choose_reading(counts, choice, names), classes)
    if choice.cell is not None or choice.ignore is not None or choice.invert:
        return choose_reading(counts, choice, names)
    if stored is None or stored.kind in (TWO_VALUES, GREYS, NUMBERED):
        own = choose_reading(counts, choice, names).reading if counts else None
        numbers = stored is not None and stored.kind == NUMBERED
        if own is not None and own.kind == (TWO_VALUES if numbers else NUMBERED):
            return ChosenReading(own)
    if stored is None:
        return ChosenReading()
    return ChosenReading(replace(stored, share=None, count=None), problems=tuple(misfits(counts, stored, names)))


def _with_classes_of_the_model(chosen: ChosenReading, classes: Sequence[str]) -> ChosenReading:
    """The reading that was chosen, or the problem that its classes are others than those of the model."""
    if not classes:
        return ChosenReading(
            problems=("--classes: the model tells cell and background only; say which values are cell, with --cell.",)
        )
    if chosen.reading is not None and chosen.reading.class_names != tuple(classes):
        return ChosenReading(
            problems=(
                f"--classes {','.join(chosen.reading.class_names)}: the classes of the model are {', '.join(classes)}; give "
                f"the same, with the values that they have here, such as {classes[0]}=0,{classes[1]}=1.",
            )
        )
    return chosen
