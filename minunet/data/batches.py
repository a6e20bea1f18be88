"""Batches: the images and masks that the network is given, epoch after epoch, decoded once and augmented as they are needed.

The content of epoch i depends only on the seed and i, not on earlier epochs, the number of threads or an interruption, so a
resumed run sees exactly what an uninterrupted one would have seen.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from minunet.data.augmentation import augment, augmentation_problems
from minunet.data.crops import Sample, pad_to, random_window
from minunet.data.epoch_plan import EpochPlan
from minunet.data.finding.matching import Pair
from minunet.data.image_store import ImageStore
from minunet.data.outputs import Outputs
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages
from minunet.errors import UserError
from minunet.resources import usable_cpus

ImageBatch = tuple[np.ndarray, np.ndarray, list[Sample]]

_ORDER, _SAMPLE = 0, 1  # separate random streams


class Batches:
    """The pairs of one side of the split, in batches.

    Parameters
    ----------
    pairs : sequence of Pair
        At least one.
    preprocessing : Preprocessing
        With `crop` set, an epoch of a shuffled set consists of random crops, as many of each image as its area holds,
        so that an epoch has about as many pixels as the images; images smaller than a crop are mirrored at their
        borders. A set that isn't shuffled is divided into a fixed grid of parts no larger than a crop, which cover each
        image and have one size within it (see `crops.grid_windows`).
    batch_size : int
        Samples in a batch; the last batch of an epoch, and the last of each shape where shapes differ, may be smaller.
    augment : "none", "light" or "full"
        How samples are varied (see `augment`).
    lighting : "mild" or "wide"
        How much their lighting is varied with it.
    seed : int
        At least 0.
    shuffle : bool
        Whether this is a training set, whose order changes with every epoch.
    measure : bool
        Whether to measure how the images look while they are loaded, for `training_images`.
    limit : int or None
        The most bytes of preprocessed images to keep in memory, by default a third of the machine's; the others are
        read again each time.
    outputs : Outputs, optional
        Of the network, which decide what the targets are; one logit, cell or not, unless given.

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
        lighting: str = "mild",
        seed: int = 0,
        shuffle: bool = False,
        measure: bool = False,
        limit: int | None = None,
        outputs: Outputs | None = None,
    ):
        problems = [] if pairs else ["there are no pairs to make batches of: give at least one pair."]
        if batch_size < 1:
            problems.append(f"batch size {batch_size}: give at least 1.")
        problems += augmentation_problems(augment, lighting)
        if seed < 0:
            problems.append(f"seed {seed}: give a whole number from 0 up.")
        if problems:
            raise UserError(problems)
        self.preprocessing = preprocessing
        self.outputs = Outputs() if outputs is None else outputs
        self.batch_size = batch_size
        self.augment = augment
        self.lighting = lighting
        self.seed = seed
        self.shuffle = shuffle
        self._store = ImageStore(pairs, preprocessing, limit, measure=measure, outputs=self.outputs)
        self._plan = EpochPlan(self._store, preprocessing, shuffle)

    @property
    def names(self) -> list[str]:
        """The names of the pairs, in their order."""
        return [pair.name for pair in self._store.pairs]

    @property
    def nbytes(self) -> int:
        """Bytes of images and masks kept in memory; 0 before `load`."""
        return self._store.nbytes

    @property
    def keeps_all(self) -> bool:
        """Whether every image is kept in memory, once they are loaded; the others are read again at each use."""
        return self._store.keeps_all

    @property
    def training_images(self) -> TrainingImages | None:
        """How the images look as a set; None before `load`, and where that is not measured."""
        if not self._store.appearances:
            return None
        order = range(len(self._store.pairs))
        return TrainingImages.of(
            [self._store.appearances[index] for index in order], [self._store.diameters[index] for index in order]
        )

    @property
    def image_sizes(self) -> Counter[tuple[int, int]]:
        """How many images have which (width, height) in their files; empty where `training_images` is None."""
        return self._store.sizes

    def load(self, progress: ProgressCallback | None = None) -> Batches:
        """Decode and preprocess all pairs now instead of at the first use.

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
            With every file that can't be read and every mask whose size differs from its image.
        """
        self._store.load(progress)
        return self

    def __len__(self) -> int:
        """Batches in an epoch."""
        return sum(-(-count // self.batch_size) for count in self._plan.counts().values())

    def shapes(self, batch_size: int | None = None) -> list[tuple[int, int, int]]:
        """The different shapes (N, H, W) of an epoch's batches, the same in every epoch; most pixels first.

        With `batch_size`, those that they would have if they were of that size.
        """
        size = self.batch_size if batch_size is None else batch_size
        shapes = set()
        for shape, count in self._plan.counts().items():
            full_batches, rest = divmod(count, size)
            shapes |= {(n, *shape) for n in (size * (full_batches > 0), rest) if n}
        return sorted(shapes, key=lambda shape: (-math.prod(shape), shape))

    def batch_sizes(self, index: int) -> list[int]:
        """The number of samples in each batch of one epoch."""
        return [len(members) for members in self._composition(index)]

    def epoch(
        self, index: int, start: int = 0, *, step: int = 1, share: Callable[[int], slice] = lambda count: slice(count)
    ) -> Iterator[ImageBatch]:
        """The batches of one epoch, prepared ahead on other threads while the caller works.

        Parameters
        ----------
        index : int
            Which epoch, from 0.
        start : int
            The first batch to yield; those before it are skipped, as when a run is resumed.
        step : int
            Of the batches from there on, every so many are yielded.
        share : callable
            Called with the number of samples in a batch; gives those of them that are drawn. Of none, all sides are 0.

        Yields
        ------
        images : ndarray, (N, H, W, C) float32 in [0, 1]
        masks : ndarray, (N, H, W, T) float32
            The targets (see `minunet.data.target_maps.targets`): for one logit (N, H, W, 1) in [0, 1], for classes indices, or
            `preprocessing.IGNORED` where a pixel is ignored.
        samples : list of Sample
            The pair that each image comes from, and which part of it.
        """
        threads = _thread_count()
        pending: deque[Future[ImageBatch]] = deque()
        pool = ThreadPoolExecutor(threads)
        try:
            for members in self._composition(index)[start::step]:
                pending.append(pool.submit(self._make, members[share(len(members))], index))
                if len(pending) > threads + 1:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # also when the caller stops early or is interrupted
            pool.shutdown(wait=True, cancel_futures=True)

    def example(self, index: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The image (H, W, C) and target (H, W, T) of pair `index` in an epoch; with crops, the first one of the pair."""
        number = next(number for number, (pair, _) in enumerate(self._plan.samples) if pair == index)
        image, mask, _ = self._draw(number, epoch)
        return image, mask

    def _composition(self, epoch: int) -> list[list[int]]:
        """The numbers of the samples in each batch of an epoch; only samples of one shape share a batch."""
        self.load()
        samples = self._plan.samples
        order = self._rng(epoch, _ORDER).permutation(len(samples)) if self.shuffle else np.arange(len(samples))
        batches: list[list[int]] = []
        incomplete: dict[tuple[int, int], list[int]] = {}
        for number in order.tolist():
            members = incomplete.setdefault(self._plan.shape(samples[number]), [])
            members.append(number)
            if len(members) == self.batch_size:
                batches.append(members.copy())
                members.clear()
        return batches + [members for members in incomplete.values() if members]

    def _make(self, members: list[int], epoch: int) -> ImageBatch:
        if not members:
            return np.empty((0, 0, 0, 0), np.float32), np.empty((0, 0, 0, 0), np.float32), []
        images, masks, samples = zip(*(self._draw(number, epoch) for number in members), strict=True)
        return np.stack(images), np.stack(masks), list(samples)  # N of (H, W, C) -> (N, H, W, C)

    def _draw(self, number: int, epoch: int) -> tuple[np.ndarray, np.ndarray, Sample]:
        """Sample `number` of an epoch."""
        self.load()
        pair, window = self._plan.samples[number]
        rng = self._rng(epoch, _SAMPLE, number)
        shape, crop = self._store.shapes[pair], self.preprocessing.crop
        if crop is not None and window is None:
            window = random_window(shape, crop, rng)
            image, mask = (pad_to(array, crop) for array in self._store.get(pair, window))
        else:
            image, mask = self._store.get(pair, window)
        if self.augment != "none":
            image, mask = augment(image, mask, rng, self.augment, self.lighting, classes=bool(self.outputs.classes))
        whole = window is None or window.shape == shape
        return image, mask, Sample(self._store.pairs[pair].name, None if whole else window)

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def _thread_count() -> int:
    """Threads that prepare batches: few, since they share the processor with the network."""
    return max(1, min(4, usable_cpus() // 2))
