"""The batches of a training run: those of the training, the validation and the test images, prepared in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minunet.cli.console import FileProgressBar
from minunet.data.batches import Batches
from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.ranks import Ranks
from minunet.resources import total_memory
from minunet.runs.train_config import TrainConfig


class RunBatches:
    """The batches of each side of the split.

    Parameters
    ----------
    config : TrainConfig
    split : Split
    device : "cpu" or "cuda"
        Where the training runs. On the CPU, the images take at most a third of its `max_memory`.
    ranks : Ranks, optional
        Those that train together; the processes of one machine divide what images may take of its memory.

    Attributes
    ----------
    training, validation, test : Batches
    """

    def __init__(self, config: TrainConfig, split: Split, device: str, ranks: Ranks | None = None):
        self._config, self._split, self._device = config, split, device
        self._preprocessing = config.preprocessing()
        self._ranks = Ranks() if ranks is None else ranks
        measured = self._ranks.is_first  # for the model file, which rank 0 writes
        self.training = self._batches(split.train, augment=config.augment, shuffle=True, measure=measured)
        self.validation = self._batches(split.validation)
        self.test = self._batches(split.test)

    def load(self, bar: bool) -> None:
        """Read and prepare every image, with a progress bar if `bar` is true."""
        for batches, name in ((self.training, "training"), (self.validation, "validation"), (self.test, "test")):
            with FileProgressBar(f"preparing {name} images", show=bar) as progress:
                batches.load(progress)

    def load_shared(self) -> None:
        """Read and prepare the images that a rank other than 0 trains on and validates with."""
        self.training.load()
        self.validation.load()

    def set_batch_size(self, batch_size: int) -> None:
        """Change the number of samples in a batch."""
        for batches in (self.training, self.validation, self.test):
            batches.batch_size = batch_size

    def _batches(self, pairs: Sequence[Pair], **options: Any) -> Batches:
        config, limit = self._config, None
        if config.max_memory is not None and self._device == "cpu":
            split = self._split
            limit = config.max_memory * len(pairs) // (3 * len([*split.train, *split.validation, *split.test]))
        elif self._ranks.node_size > 1 and (memory := total_memory()) is not None:
            limit = memory // (3 * self._ranks.node_size)
        return Batches(
            pairs,
            self._preprocessing,
            config.batch_size,
            lighting=config.lighting,
            seed=config.seed,
            limit=limit,
            outputs=config.outputs,
            **options,
        )
