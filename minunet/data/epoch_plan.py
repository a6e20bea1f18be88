"""The plan of an epoch: the samples of one side of the split, whole images or parts of them, with their shapes."""

from __future__ import annotations

import functools
from collections import Counter

from minunet.data.crops import CropWindow, crop_count, grid_windows
from minunet.data.image_store import ImageStore
from minunet.data.reading.preprocessing import Preprocessing

PlannedSample = tuple[int, CropWindow | None]  # the number of a pair, and the part of it where that is fixed


class EpochPlan:
    """The samples of an epoch, which are the same in every epoch; images are only read where the plan depends on their shapes.

    Parameters
    ----------
    store : ImageStore
    preprocessing : Preprocessing
    shuffle : bool
        Whether crops are drawn at random, and not the parts of a fixed grid.
    """

    def __init__(self, store: ImageStore, preprocessing: Preprocessing, shuffle: bool):
        self._store, self._preprocessing, self._shuffle = store, preprocessing, shuffle

    @functools.cached_property
    def samples(self) -> list[PlannedSample]:
        """Every sample of an epoch, in the order of the pairs."""
        crop, pairs = self._preprocessing.crop, range(len(self._store.pairs))
        if crop is None:
            return [(pair, None) for pair in pairs]
        self._store.load()
        samples: list[PlannedSample] = []
        for pair in pairs:
            shape = self._store.shapes[pair]
            if self._shuffle:
                samples += [(pair, None)] * crop_count(shape, crop)
            else:
                samples += [(pair, window) for window in grid_windows(shape, crop)]
        return samples

    def shape(self, planned: PlannedSample) -> tuple[int, int]:
        """Height and width of a sample."""
        pair, window = planned
        if window is not None:
            return window.shape
        if self._preprocessing.crop is not None:
            return self._preprocessing.crop, self._preprocessing.crop
        if self._preprocessing.size is not None:
            width, height = self._preprocessing.size
            return height, width
        self._store.load()
        return self._store.shapes[pair]

    def counts(self) -> dict[tuple[int, int], int]:
        """The number of samples of each height and width in an epoch."""
        return Counter(self.shape(planned) for planned in self.samples)
