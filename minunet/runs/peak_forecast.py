"""The peak of a run's memory before it starts: with its own settings, and with others that may need less."""

from __future__ import annotations

from minunet.data.batches import Batches
from minunet.fused.step_plan import Loss, StepPlan
from minunet.nn.unet import UNet
from minunet.runs.memory_plan import RESIDENT, BatchShape, highest_resident_memory, resident_memory, training_memory
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
            shapes = self._shapes(self.training, config), self._shapes(self.validation, config)
            return training_memory(
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

    def _shapes(self, batches: Batches, config: TrainConfig) -> list[BatchShape]:
        if config.height_and_width != self.config.height_and_width:
            return [(config.batch_size, *config.height_and_width)]
        return batches.shapes(config.batch_size)
