"""The inspection of a data set: everything that is known about it before a training, with a verdict and a command to go on with."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from minunet.data.pairs import Survey
from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import ConfusionCounts
from minunet.inspection.cell_statistics import CellStatistics
from minunet.inspection.mask_measures import without_specks
from minunet.inspection.outliers import Outlier, find_outliers
from minunet.inspection.pair_measures import PairMeasures
from minunet.inspection.similar_images import SimilarImages, find_similar
from minunet.runs.class_occurrence import ClassOccurrence
from minunet.runs.train_config import TrainConfig

SOUND, WARNINGS, ERRORS = range(3)  # exit codes
VERDICTS = ("sound", "warnings", "errors")


@dataclass(frozen=True)
class Inspection:
    """What an inspection found.

    Attributes
    ----------
    config : TrainConfig
        The settings of the training that was asked about.
    survey : Survey
    split : Split or None
        As the training would make it; None where the pairs cannot be split.
    preprocessing : Preprocessing or None
        Of the training; None where the masks or the images could not be read in one way.
    measures : tuple of PairMeasures
        Of the pairs that can be read; empty without a preprocessing.
    problems, warnings : tuple of str
        Those of the survey and of the settings, and what the measures show.
    command : str or None
        What to type to train; None where there are problems.
    """

    config: TrainConfig
    survey: Survey
    split: Split | None
    preprocessing: Preprocessing | None
    measures: tuple[PairMeasures, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    command: str | None

    @property
    def exit_code(self) -> int:
        """0 where the data is sound, 1 with warnings, 2 with problems."""
        return ERRORS if self.problems else WARNINGS if self.warnings else SOUND

    @cached_property
    def sides(self) -> dict[str, str]:
        """The side of the split of each pair, by its name."""
        if self.split is None:
            return {}
        return {name: side for side, names in self.split.to_dict().items() for name in names}

    @cached_property
    def cells(self) -> CellStatistics | None:
        """The cells of all masks; None where nothing was measured."""
        return CellStatistics.of(self.measures, *self._areas) if self.measures else None

    @property
    def cell_areas(self) -> list[np.ndarray]:
        """The areas in pixels of the cells of each of `measures`, without specks."""
        return self._areas[0]

    @cached_property
    def _areas(self) -> tuple[list[np.ndarray], int]:
        masks = [one.mask for one in self.measures]
        return without_specks([mask.areas for mask in masks], [mask.diameter for mask in masks])

    @cached_property
    def mask_values(self) -> str | None:
        """The values that the masks hold, with their shares: what their reading is based on. None where they hold too many."""
        with contextlib.suppress(UserError):
            if self.survey.mask_counts:
                return MaskLevels.of(self.survey.mask_counts).listed()
        return None

    @property
    def image_values(self) -> tuple[float, float] | None:
        """The smallest and the largest value of all images that can be read; None without one."""
        every = [one.image.values.channels for one in self.survey.statistics if one.image.values is not None]
        return (min(part[:, 0].min() for part in every), max(part[:, -1].max() for part in every)) if every else None

    @property
    def image_types(self) -> dict[str, int]:
        """How many of the images that can be read store which type of numbers, the commonest first."""
        return counted(one.image.values.dtype for one in self.survey.statistics if one.image.values)

    @property
    def image_formats(self) -> dict[str, int]:
        """How many of the images have which file format, the commonest first."""
        return counted(one.image.header.format for one in self.survey.statistics if one.image.header)

    @property
    def mask_formats(self) -> dict[str, int]:
        """How many of the masks have which file format, the commonest first."""
        return counted(one.mask.header.format for one in self.survey.statistics if one.mask.header)

    @property
    def sizes(self) -> Counter[tuple[int, int]]:
        """How many of the images that can be read have which (width, height)."""
        return image_sizes(self.survey)

    @cached_property
    def shares(self) -> dict[str, float] | None:
        """The shares of all pixels that are background, cell and ignored; None where nothing was measured."""
        if not self.measures:
            return None
        pixels = np.array([one.size[0] * one.size[1] for one in self.measures], np.float64)
        cell, ignored = (
            float(pixels @ [getattr(one.mask, name) for one in self.measures] / pixels.sum())
            for name in ("cell_share", "ignored_share")
        )
        return {"background": 1 - cell - ignored, "cell": cell, "ignored": ignored}

    @cached_property
    def classes(self) -> dict[str, tuple[float, int]] | None:
        """For each class of the masks its share of the pixels and the number of its cells; None where masks have no classes.

        The cells of a class that lies in another one are counted with that.
        """
        reading = self.config.reading
        counts = [one.mask.classes for one in self.measures if one.mask.classes is not None]
        if reading is None or not reading.classes or not counts:
            return None
        shares = ClassOccurrence.of(self.survey.mask_counts, reading).shares
        return {
            name: (share, int(cells))
            for (name, share), cells in zip(shares.items(), np.sum(counts, axis=0), strict=True)
        }

    @cached_property
    def similar(self) -> list[SimilarImages]:
        """Images that show the same picture; places are those of `measures`."""
        return find_similar([one.image.descriptor for one in self.measures])

    @cached_property
    def outliers(self) -> list[Outlier]:
        """Images that are unlike the others; places are those of `measures`."""
        return find_outliers([one.image for one in self.measures])

    @property
    def outliers_by_kind(self) -> dict[str, list[Outlier]]:
        """The outliers of each kind, the worst first."""
        kinds = defaultdict(list)
        for outlier in self.outliers:
            kinds[outlier.kind].append(outlier)
        return dict(kinds)

    @cached_property
    def greys(self) -> MaskLimits | None:
        """The limits of the scores where masks keep their greys; None where nothing was measured."""
        pixels = np.array([one.mask.pixels for one in self.measures], np.float64)
        if not pixels.sum():
            return None
        shares = pixels / pixels.sum()
        limits = [one.mask.greys for one in self.measures]
        return MaskLimits(
            *(
                float(shares @ np.array([getattr(one, name) for one in limits]))
                for name in ("loss_floor", "keras_accuracy_ceiling", "keras_baseline", "foreground")
            )
        )

    @cached_property
    def returned(self) -> ConfusionCounts:
        """The masks resized to the input of the network and back, compared with themselves."""
        return sum((one.mask.returned for one in self.measures), ConfusionCounts())

    def names(self, places: Sequence[int]) -> list[str]:
        """The names of the pairs at places of `measures`."""
        return [self.measures[place].pair.name for place in places]

    def sides_of(self, group: SimilarImages) -> list[str]:
        """The sides of the split on which the images of a group are."""
        return sorted({self.sides[name] for name in self.names(group.members) if name in self.sides})


def counted(values: Iterable[object]) -> dict[str, int]:
    """How often each value is there, by its text, the commonest first."""
    return dict(Counter(map(str, values)).most_common())


def image_sizes(survey: Survey) -> Counter[tuple[int, int]]:
    """How many of the images that can be read have which (width, height)."""
    return Counter(one.size for one in survey.statistics if one.image.header)
