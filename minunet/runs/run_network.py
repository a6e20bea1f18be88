"""The network of a training run: built by the settings of the run, with its loss and the plan of its steps."""

from __future__ import annotations

import numpy as np

from minunet.fused.step_plan import Loss, StepPlan
from minunet.nn.unet import UNet
from minunet.resources import total_memory
from minunet.runs.first_weights import begin_with
from minunet.runs.memory_limit import check_weights
from minunet.runs.train_config import TrainConfig
from minunet.training.loss import make_loss


class RunNetwork:
    """A network with its first weights, on the device of its run.

    Parameters
    ----------
    config : TrainConfig
    begins : bool
        Whether the training begins, and is not resumed: then it may begin with the weights of another model.

    Attributes
    ----------
    model : UNet
    loss : callable
        Of logits and target; without the pixels that are ignored.
    plan : StepPlan
        Knows the device and the precision that "auto" means now.
    origin : list of str
        What is to be said of weights that come from another model.

    Raises
    ------
    UserError
        If the device cannot be used, or there is not enough memory for the network.
    """

    model: UNet
    loss: Loss
    plan: StepPlan

    def __init__(self, config: TrainConfig, *, begins: bool = True):
        check_weights(config, total_memory())
        # The weights have a generator of their own, so that the batches do not depend on the size of the network.
        self.model = UNet(**config.architecture(), rng=np.random.default_rng(config.seed))
        self.origin = begin_with(self.model, config) if begins and config.init is not None else []
        self.model.recompute = config.recompute
        ignores = config.reading is not None and config.reading.ignore is not None
        self.loss = make_loss(config.loss, config.outputs, ignores=ignores, class_weights=config.class_weights)
        self.plan = StepPlan.choose(
            self.model,
            self.loss,
            config.height_and_width,
            device=config.device,
            precision=config.precision,
            threads=config.threads,
            clip=config.clip or None,
            divides_batches=config.micro_batch is not None,
        )
        self.model.to(self.plan.machine.device)
