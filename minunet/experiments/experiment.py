"""An experiment: one training among several that differ in a single thing, with the seed it starts from.

A variation is what is compared, a row of the table; with more seeds than one it is trained as often.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minunet.data.split import Split
from minunet.experiments.prepared_images import Prepared
from minunet.runs.config import TrainConfig


@dataclass(frozen=True)
class Variation:
    """One row of the table.

    Attributes
    ----------
    key : str
        What its run folders are named after.
    part : {"m1m2", "claims"}
    title : str
        What it is, for a reader who sees it alone.
    masks : str
        The kind of targets, see `minunet.experiments.mask_targets`.
    images : int, optional
        How many of the training images it learns from; None for all.
    config : TrainConfig
        The training, but for the files and the seed.
    """

    key: str
    part: str
    title: str
    masks: str
    images: int | None
    config: TrainConfig


@dataclass(frozen=True)
class Experiment:
    """A variation trained from one seed, which decides its weights, the order of its images and, where few, which they are."""

    variation: Variation
    seed: int

    @property
    def name(self) -> str:
        """The name of its run folder."""
        return f"{self.variation.key}-seed{self.seed}"

    def config(self, prepared: Prepared, **machine: Any) -> TrainConfig:
        """The training, on the prepared images; `machine` says device and threads."""
        variation = self.variation
        size = variation.config.size
        return replace(
            variation.config,
            images=str(prepared.place(size, "images").absolute()),
            masks=str(prepared.place(size, variation.masks).absolute()),
            seed=self.seed,
            **machine,
        )

    def split(self, split: Split, prepared: Prepared) -> Split:
        """The pairs it trains on, validates and is tested on; the last two are the same for all."""
        train = few(split, self.variation.images, self.seed)
        return prepared.split(replace(split, train=train), self.variation.config.size, self.variation.masks)


def few(split: Split, count: int | None, seed: int) -> tuple:
    """`count` of the training pairs, drawn by the seed: the first 10 of a seed are among its first 20."""
    if count is None or count >= len(split.train):
        return split.train
    order = np.random.default_rng([seed, len(split.train)]).permutation(len(split.train))
    return tuple(split.train[index] for index in sorted(order[:count]))
