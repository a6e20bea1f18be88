"""Batches: what the network is fed, epoch after epoch, decoded once and varied on the fly.

What epoch i holds depends on the seed and i alone, not on the epochs before, the number of threads or an interruption, so a
resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minunet.data.augmentation import LEVELS, augment
from minunet.data.crops import crop_count, grid_windows, pad_to, random_window
from minunet.data.finding.matching import Pair
from minunet.data.image_store import Store, Window
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.resources import usable_cpus

Batch = tuple[np.ndarray, np.ndarray, list[str]]
Example = tuple[int, Window | None]

_ORDER, _EXAMPLE = 0, 1  # separate random streams


class Batches:
    """The pairs of one side of the split, in batches.

    Parameters
    ----------
    pairs : sequence of Pair
        At least one.
    preprocessing : Preprocessing
        With `crop` set, an epoch of a shuffled set takes random crops, as many from each image as its area holds, so
        that it sees about as many pixels as the images have; images smaller than a crop are mirrored at their borders.
        A set that isn't shuffled is cut into a fixed grid of pieces no larger than a crop, all of one size within an
        image, that cover it (see `crops.grid_windows`).
    batch_size : int
        Examples in a batch; the last of an epoch, and the last of each shape where images differ in it, may be smaller.
    augment : "none", "light" or "full"
        How examples are varied (see `augment`).
    seed : int
        At least 0.
    shuffle : bool
        Whether this is a training set, whose order changes with every epoch.
    limit : int or None
        Bytes of preprocessed pictures to keep in memory, by default a third of the machine's; the others are read again
        each time.

    Raises
    ------
    UserError
        With every argument that can't be used.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        preprocessing: Preprocessing,
        batch_size: int,
        *,
        augment: str = "none",
        seed: int = 0,
        shuffle: bool = False,
        limit: int | None = None,
    ):
        problems = [] if pairs else ["batches of no pairs were asked for: give at least one pair."]
        if batch_size < 1:
            problems.append(f"batch size {batch_size}: give at least 1.")
        if augment not in LEVELS:
            problems.append(f"augmentation {augment!r}: choose none, light or full.")
        if seed < 0:
            problems.append(f"seed {seed}: give a whole number from 0 up.")
        if problems:
            raise UserError(problems)
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.shuffle = shuffle
        self._store = Store(pairs, preprocessing, limit)
        self._planned: list[Example] = []

    @property
    def names(self) -> list[str]:
        """The names of the pairs, in their order."""
        return [pair.name for pair in self._store.pairs]

    @property
    def nbytes(self) -> int:
        """Bytes of pictures kept in memory; 0 before `load`."""
        return self._store.nbytes

    def load(self, progress: ProgressCallback | None = None) -> Batches:
        """Decode and preprocess all pairs now rather than at the first use.

        Parameters
        ----------
        progress : callable or None
            Called as `progress(pairs done, pairs in all)`.

        Returns
        -------
        Batches
            Itself.

        Raises
        ------
        UserError
            With every file that can't be read or whose mask has another size.
        """
        self._store.load(progress)
        return self

    def __len__(self) -> int:
        """Batches in an epoch."""
        return sum(-(-count // self.batch_size) for count in self._counts().values())

    def shapes(self) -> list[tuple[int, int, int]]:
        """The different shapes (N, H, W) of an epoch's batches, the same in every epoch; most pixels first."""
        found = set()
        for shape, count in self._counts().items():
            whole, rest = divmod(count, self.batch_size)
            found |= {(n, *shape) for n in (self.batch_size * (whole > 0), rest) if n}
        return sorted(found, key=lambda shape: (-math.prod(shape), shape))

    def epoch(self, index: int, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, made ahead on other threads while the caller works.

        Parameters
        ----------
        index : int
            Which epoch, from 0.
        start : int
            The first batch to make; those before it are passed over, as when a run is resumed.

        Yields
        ------
        images : ndarray, (N, H, W, C) float32 in [0, 1]
        masks : ndarray, (N, H, W, 1) float32 in [0, 1]
        names : list of str
            The pair each example comes from, with rows and columns behind it where it is a piece of a grid.
        """
        workers = _makers()
        waiting = deque()
        pool = ThreadPoolExecutor(workers)
        try:
            for members in self._composition(index)[start:]:
                waiting.append(pool.submit(self._make, members, index))
                if len(waiting) > workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also when the caller stops early or is interrupted
            pool.shutdown(wait=True, cancel_futures=True)

    def example(self, index: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The image (H, W, C) and mask (H, W, 1) that stand for pair `index` in an epoch; with crops, its first one."""
        number = next(number for number, (pair, _) in enumerate(self._examples()) if pair == index)
        return self._draw(number, epoch)

    def _counts(self) -> dict[tuple[int, int], int]:
        """Examples of each height and width in an epoch."""
        return Counter(self._shape(example) for example in self._examples())

    def _examples(self) -> list[Example]:
        """Every example of an epoch: its pair, and its place where that is fixed."""
        if not self._planned:
            crop, pairs = self.preprocessing.crop, range(len(self._store.pairs))
            if crop is None:
                self._planned = [(pair, None) for pair in pairs]
            else:
                self.load()
                for pair in pairs:
                    shape = self._store.shapes[pair]
                    windows = [None] * crop_count(shape, crop) if self.shuffle else grid_windows(shape, crop)
                    self._planned += [(pair, window) for window in windows]
        return self._planned

    def _shape(self, example: Example) -> tuple[int, int]:
        pair, window = example
        if window is not None:
            return window.shape
        if self.preprocessing.crop is not None:
            return self.preprocessing.crop, self.preprocessing.crop
        if self.preprocessing.size is not None:
            return self.preprocessing.size[::-1]
        self.load()
        return self._store.shapes[pair]

    def _composition(self, epoch: int) -> list[list[int]]:
        """The numbers of the examples in each batch of an epoch; only examples of one shape share a batch."""
        self.load()
        examples = self._examples()
        order = self._rng(epoch, _ORDER).permutation(len(examples)) if self.shuffle else range(len(examples))
        batches, filling = [], {}
        for number in order:
            members = filling.setdefault(self._shape(examples[number]), [])
            members.append(int(number))
            if len(members) == self.batch_size:
                batches.append(members.copy())
                members.clear()
        return batches + [members for members in filling.values() if members]

    def _make(self, members: list[int], epoch: int) -> Batch:
        drawn = [self._draw(number, epoch) for number in members]
        images, masks = (np.stack(arrays) for arrays in zip(*drawn, strict=True))  # N of (H, W, C) -> (N, H, W, C)
        return images, masks, [self._name(self._examples()[number]) for number in members]

    def _draw(self, number: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Example `number` as this epoch sees it."""
        self.load()
        pair, window = self._examples()[number]
        rng = self._rng(epoch, _EXAMPLE, number)
        crop = self.preprocessing.crop
        if crop is None or window is not None:
            image, mask = self._store.get(pair, window)
        else:
            window = random_window(self._store.shapes[pair], crop, rng)
            image, mask = (pad_to(array, crop) for array in self._store.get(pair, window))
        return (image, mask) if self.augment == "none" else augment(image, mask, rng, self.augment)

    def _name(self, example: Example) -> str:
        pair, window = example
        name = self._store.pairs[pair].name
        if window is None or window.shape == self._store.shapes[pair]:
            return name
        return f"{name} [{window.top}:{window.bottom}, {window.left}:{window.right}]"

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def _makers() -> int:
    """Threads that make batches: few, since they share the processors with the network they feed."""
    return max(1, min(4, usable_cpus() // 2))
