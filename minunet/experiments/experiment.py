"""An experiment: the training of one variation from one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.variations import Variation
from minunet.runs.train_config import TrainConfig


@dataclass(frozen=True)
class Experiment:
    """A variation and a seed, which decides the weights, the order of the images and, where there are few, which ones."""

    variation: Variation
    seed: int

    @property
    def name(self) -> str:
        """The name of its run folder."""
        return f"{self.variation.key}-seed{self.seed}"

    def config(self, prepared: PreparedImages, **machine: Any) -> TrainConfig:
        """The training on the prepared images; `machine` are the settings device and threads."""
        variation = self.variation
        return replace(
            variation.config,
            images=str(prepared.subfolder(variation.size, "images").absolute()),
            masks=str(prepared.subfolder(variation.size, variation.masks).absolute()),
            seed=self.seed,
            **machine,
        )

    def split(self, split: Split, prepared: PreparedImages) -> Split:
        """The prepared pairs of its three sides; validation and test are the same for all experiments."""
        train = draw_pairs(split, self.variation.images, self.seed)
        return prepared.split(replace(split, train=train), self.variation.size, self.variation.masks)


def draw_pairs(split: Split, count: int | None, seed: int) -> tuple[Pair, ...]:
    """`count` of the training pairs, drawn by the seed: the first 10 of a seed are among its first 20."""
    if count is None or count >= len(split.train):
        return split.train
    order = np.random.default_rng([seed, len(split.train)]).permutation(len(split.train))
    return tuple(split.train[index] for index in sorted(order[:count]))
