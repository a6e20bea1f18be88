"""The image store: the decoded and preprocessed images and masks of some pairs, in memory as compactly as possible without loss.

Images that exceed the memory limit are read again at each use, with the same result.
"""

from __future__ import annotations

import functools
import math
import statistics
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np

from minunet.data.appearance import Appearance, measure_appearance
from minunet.data.cell_scale import LARGEST_SHARE, SMALLEST_DIAMETER
from minunet.data.cell_size import inscribed_diameter, mean_diameter
from minunet.data.crops import CropWindow
from minunet.data.finding.matching import Pair
from minunet.data.outputs import Outputs
from minunet.data.reading.channels import select_channels
from minunet.data.reading.file_workers import ProgressCallback, map_files, worker_count
from minunet.data.reading.pair_files import read_mask, read_pair
from minunet.data.reading.pixels import divide_by_white
from minunet.data.reading.preprocessing import HALF, Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.data.target_maps import packed_targets, targets, unpacked
from minunet.errors import UserError
from minunet.forks import renew_in_child
from minunet.resources import total_memory

SHARE = 3  # a store uses at most a third of the memory; training, validation and test have one each
UNKNOWN_MEMORY = 12 * 2**30  # bytes assumed where the system does not say how much memory there is


class ImageStore:
    """The preprocessed images and masks of some pairs.

    Parameters
    ----------
    pairs : sequence of Pair
    preprocessing : Preprocessing
    limit : int or None
        The most bytes to keep; None for a third of the machine's memory.
    measure : bool
        Whether to measure how the images look while they are loaded.
    outputs : Outputs, optional
        Of the network, which decide what the targets are; one logit, cell or not, unless given.

    Attributes
    ----------
    shapes : list of (H, W)
        After preprocessing; empty until loaded.
    nbytes : int
        Bytes kept.
    appearances : dict of int to Appearance
        How the image of each pair looks, where it is measured.
    diameters : dict of int to float
        The diameter of the cells in the mask of each pair, in pixels after preprocessing (see `mean_diameter`), where it is
        measured; 0 where there is no cell.
    sizes : Counter of (width, height)
        How many images have which size before preprocessing, where they are measured.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        preprocessing: Preprocessing,
        limit: int | None = None,
        *,
        measure: bool = False,
        outputs: Outputs | None = None,
    ):
        self.pairs = tuple(pairs)
        self.measure = measure
        self.appearances: dict[int, Appearance] = {}
        self.diameters: dict[int, float] = {}
        self.sizes: Counter[tuple[int, int]] = Counter()
        self.preprocessing = preprocessing
        self.outputs = Outputs() if outputs is None else outputs
        self.limit = (total_memory() or UNKNOWN_MEMORY) // SHARE if limit is None else limit
        self.shapes: list[tuple[int, int]] = []
        self.nbytes = 0
        self._lock = threading.Lock()
        renew_in_child(self, "_lock", threading.Lock)
        self._arrays: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._fitted: dict[int, Preprocessing] = {}  # of single images, where their cells say how large they are
        self._read_again = functools.lru_cache(maxsize=worker_count())(self._read)  # neighbouring crops share an image

    @property
    def keeps_all(self) -> bool:
        """Whether every pair is kept in memory, once they are loaded."""
        return len(self._arrays) == len(self.pairs)

    def load(self, progress: ProgressCallback | None = None) -> None:
        """Decode and preprocess every pair; nothing is done where that has been done before.

        Raises
        ------
        UserError
            With every file that can't be read and every mask whose size differs from its image.
        """
        if self.shapes:
            return
        self._arrays.clear()  # what an interrupted call has loaded
        self.sizes.clear()
        self.nbytes = 0
        self._fit(progress)
        results = map_files(self._load_pair, range(len(self.pairs)), progress)
        problems = [problem for result in results if isinstance(result, UserError) for problem in result.problems]
        if problems:
            raise UserError(problems)
        self.shapes = [shape for shape in results if not isinstance(shape, UserError)]

    def get(self, index: int, window: CropWindow | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The image (H, W, C) and the target of a pair, or a rectangle of them: float32, new arrays.

        The image is in [0, 1]; what is in the channels of the target (H, W, T) is said by `targets`.
        """
        image, mask = self._arrays[index] if index in self._arrays else self._read_again(index)
        rows = slice(None) if window is None else slice(window.top, window.bottom)
        columns = slice(None) if window is None else slice(window.left, window.right)
        return self._scaled(image[rows, columns]), self._target(mask[rows, columns])

    def _fit(self, progress: ProgressCallback | None) -> None:
        """Measure the cells of all masks, where the images are to be brought to a cell diameter."""
        if self.preprocessing.diameter is None:
            return
        results = map_files(self._measure_mask, range(len(self.pairs)), progress)
        if any(isinstance(result, UserError) for result in results):
            return  # the file is reported when it is read again
        measured = [result for result in results if not isinstance(result, UserError)]
        typical = statistics.median([own for _, own in measured if own] or [self.preprocessing.diameter])
        for index, (shape, own) in enumerate(measured):  # images without cells count as the others
            own = min(own or typical, LARGEST_SHARE * max(shape))
            self._fitted[index] = self.preprocessing.fitted(shape, own)

    def _measure_mask(self, index: int) -> tuple[tuple[int, int], float] | UserError:
        """The shape of a mask, and the diameter of its cells in its own pixels; 0 where there is none that can be seen."""
        try:
            mask = read_mask(self.pairs[index])
        except UserError as error:
            return error
        own = inscribed_diameter(self._cells(mask))
        return mask.shape, own if own >= SMALLEST_DIAMETER else 0.0

    def _preprocessing_of(self, index: int) -> Preprocessing:
        return self._fitted.get(index, self.preprocessing)

    def _load_pair(self, index: int) -> tuple[int, int] | UserError:
        try:
            decoded, stored = read_pair(self.pairs[index])
            preprocessing = self._preprocessing_of(index)
            image, mask = self._prepare(decoded, stored, preprocessing)
            if self.measure:
                self.appearances[index] = measure_appearance(decoded, preprocessing)
                self.diameters[index] = self._diameter(stored, preprocessing)
                with self._lock:
                    self.sizes[decoded.shape[1], decoded.shape[0]] += 1
        except UserError as error:
            return error
        size = image.nbytes + mask.nbytes
        with self._lock:
            if self.nbytes + size <= self.limit:
                self.nbytes += size
                self._arrays[index] = image, mask
        height, width = image.shape[:2]
        return height, width

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._prepare(*read_pair(self.pairs[index]), self._preprocessing_of(index))

    def _prepare(
        self, image: np.ndarray, mask: StoredMask, preprocessing: Preprocessing
    ) -> tuple[np.ndarray, np.ndarray]:
        target = targets(mask, preprocessing, self.outputs)
        if self.outputs.separation is not None:
            packed = packed_targets(target, self.outputs)
        elif self.outputs.classes:
            packed = target.astype(np.int8 if len(self.outputs.classes) <= 127 else np.int16)
        else:
            packed = compact(target)
        return _compact_image(image, preprocessing), packed

    def _target(self, packed: np.ndarray) -> np.ndarray:
        return _expanded(packed) if self.outputs.separation is None else unpacked(packed, self.outputs)

    def _cells(self, mask: StoredMask) -> np.ndarray:
        """The cells of a mask at its own size, where the gaps between them are still there; with their numbers if it has any."""
        own = self.preprocessing.at_own_size()
        numbers = None if own.reading is None else own.reading.labels(mask)
        return own.target(mask)[..., 0] >= HALF if numbers is None else numbers

    def _diameter(self, mask: StoredMask, preprocessing: Preprocessing) -> float:
        height, width = mask.shape
        factor = math.sqrt(math.prod(preprocessing.size or (width, height)) / (width * height))
        return mean_diameter(self._cells(mask)) * factor

    def _scaled(self, image: np.ndarray) -> np.ndarray:
        """The values of a stored image, or of a rectangle of it, float32 in [0, 1]."""
        if self.preprocessing.range is None or image.dtype == np.float32:
            return _expanded(image)
        return self.preprocessing.range.apply(image)


def _compact_image(image: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    if preprocessing.range is not None:
        if preprocessing.size not in (None, image.shape[1::-1]):
            return preprocessing.image(image)
        chosen = select_channels(image, preprocessing.channels)
        # What is smaller than float32 is scaled when a batch is made, with the same result.
        return chosen if chosen.dtype.itemsize <= 2 else preprocessing.range.apply(chosen)
    ndim = 2 if preprocessing.channels == "grey" else 3
    if image.dtype == np.uint8 and image.ndim == ndim and preprocessing.size is None:
        return image.reshape(*image.shape[:2], -1)  # already as small as possible: (H, W) -> (H, W, 1)
    return compact(preprocessing.image(image))


def compact(values: np.ndarray) -> np.ndarray:
    """float32 fractions of white as uint8 where `v / 255` gives every one of them back exactly; else unchanged.

    Masks of 0, 1 and `IGNORED` are kept as int8.
    """
    if values.size and values.min() < 0:
        as_numbers = values.astype(np.int8)
        return as_numbers if np.array_equal(as_numbers, values) else values
    sample = values[::16, ::16]
    for part in (sample, values):  # for most images that are not exact the sample shows it
        as_bytes = np.rint(part * 255).astype(np.uint8)
        if not np.array_equal(divide_by_white(as_bytes, 255), part):
            return values
    return as_bytes


def _expanded(values: np.ndarray) -> np.ndarray:
    return divide_by_white(values, 255) if values.dtype == np.uint8 else values.astype(np.float32)
