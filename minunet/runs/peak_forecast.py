"""The peak of a run's memory before it starts: with its own settings, and with others that may need less."""

from __future__ import annotations

import math
from dataclasses import replace

from minunet.data.batches import Batches
from minunet.fused.step_plan import Loss, StepPlan
from minunet.nn.unet import UNet
from minunet.runs.memory_plan import (
    BATCHES_AHEAD,
    RESIDENT,
    BatchShape,
    highest_resident_memory,
    resident_memory,
    training_memory,
)
from minunet.runs.train_config import TrainConfig


class PeakForecast:
    """Forecasts of one run; made when its images are read.

    Parameters
    ----------
    config : TrainConfig
    model : UNet
        The network of `config`; left as it is.
    loss : callable
        Of logits and target.
    plan : StepPlan
    training, validation : Batches
    """

    def __init__(
        self, config: TrainConfig, model: UNet, loss: Loss, plan: StepPlan, training: Batches, validation: Batches
    ):
        self.config, self.model, self.loss, self.plan = config, model, loss, plan
        self.training, self.validation = training, validation
        self._held = resident_memory() or RESIDENT  # now: a forecast takes some memory itself
        if not (training.keeps_all and validation.keeps_all):  # reading them again takes what the first time took
            self._held = max(self._held, highest_resident_memory() or 0)

    def peak(self, config: TrainConfig, enough: float | None = None) -> float:
        """Bytes at the peak of a training with these settings, as `training_memory` gives them.

        Parameters
        ----------
        config : TrainConfig
            Settings that may differ from those of the run in `batch_size`, `recompute`, the network, and the size of its images.
        enough : float, optional
            A peak above so many bytes need not be exact.
        """
        same = config.architecture() == self.config.architecture()
        model, before = self.model if same else UNet(**config.architecture()), self.model.recompute
        model.recompute = config.recompute
        try:
            step, more = config, 0.0
            if config.micro_batch is not None:
                step = replace(config, batch_size=min(config.batch_size, config.micro_batch))
                more = self._divided(config, model)
            shapes = self._shapes(self.training, step), self._shapes(self.validation, config)
            return more + training_memory(
                model,
                self.loss,
                self.plan,
                *shapes,
                held=self._held,
                enough=enough,
                target_channels=config.outputs.target_channels,
            )
        finally:
            self.model.recompute = before

    def _divided(self, config: TrainConfig, model: UNet) -> float:
        """Bytes that a batch in parts takes beside those of a part: its samples, and sums of gradients."""
        assert config.micro_batch is not None
        parts = -(-config.batch_size // config.micro_batch)
        sums = parts.bit_length() + 3  # one for each level of the sum, and what is sent, received and gathered
        channels = model.config["in_channels"] + config.outputs.target_channels
        samples = 4 * math.prod(self._shapes(self.training, config)[0]) * channels
        return float(sums * sum(p.data.nbytes for p in model.parameters()) + BATCHES_AHEAD * samples)

    def _shapes(self, batches: Batches, config: TrainConfig) -> list[BatchShape]:
        if config.height_and_width != self.config.height_and_width:
            return [(config.batch_size, *config.height_and_width)]
        return batches.shapes(config.batch_size)
