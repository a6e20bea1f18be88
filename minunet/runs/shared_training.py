"""Shared training: a run whose batches are shared out over ranks, and the part of it that ranks other than 0 do.

Rank 0 has the folder of the run, and writes all files. The others read the data, get the state from rank 0, and take every step
together with it.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace

from minunet.data.batches import Batches
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.fused.step_plan import Loss, StepPlan
from minunet.kernels.backend import use_gpu
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.ranks import Ranks, find_ranks
from minunet.runs.run_batches import RunBatches
from minunet.runs.run_network import RunNetwork
from minunet.runs.train_config import TrainConfig
from minunet.training.events import Callback, TrainingProgress
from minunet.training.micro_batches import MicroBatches, default_size
from minunet.training.schedule import Schedule
from minunet.training.trainer import Trainer
from minunet.training.watch import TrainingWatch
from minunet.wording import count_noun


def divided(config: TrainConfig, ranks: Ranks, *, resumed: bool) -> tuple[TrainConfig, list[str]]:
    """The settings with the size of micro-batches, where several processes share a batch; and what is to be said of it."""
    notes: list[str] = []
    if ranks.size == 1:
        return config, notes
    if config.micro_batch is None:
        config = replace(config, micro_batch=default_size(config.batch_size, ranks.size))
        if resumed:
            notes.append(
                f"this run has added up its gradients over whole batches; from here on over parts of {config.micro_batch}, which "
                "changes the last digits"
            )
    assert config.micro_batch is not None
    parts = MicroBatches(config.micro_batch).parts(config.batch_size)
    if parts < ranks.size:
        remedy = (
            "start fewer processes" if resumed else "raise --batch-size, lower --micro-batch, or start fewer processes"
        )
        notes.append(
            f"{ranks.size - parts} of {ranks.size} processes have nothing to do in a step, as a batch of {config.batch_size} is "
            f"divided into {count_noun(parts, 'part')}: {remedy}"
        )
    return config, notes


@dataclass(frozen=True)
class TrainerParts:
    """What a Trainer of a run is made of, other than what only rank 0 has.

    Attributes
    ----------
    model : UNet
    optimizer : Adam
    loss : callable
    plan : StepPlan
    training, validation : Batches
    ranks : Ranks
    """

    model: UNet
    optimizer: Adam
    loss: Loss
    plan: StepPlan
    training: Batches
    validation: Batches
    ranks: Ranks

    def trainer(
        self,
        config: TrainConfig,
        progress: TrainingProgress,
        callbacks: Sequence[Callback] = (),
        watch: TrainingWatch | None = None,
    ) -> Trainer:
        """The Trainer, with the state of rank 0."""
        if self.ranks.size > 1:
            state = None
            if self.ranks.is_first:
                state = self.model.state_dict(), self.optimizer.state_dict(), progress
            weights, moments, shared = self.ranks.share(state)
            if not self.ranks.is_first:
                self.model.load_state_dict(weights)
                self.optimizer.load_state_dict(moments)
                progress = shared
        steps = len(self.training)
        rates = Schedule(
            config.schedule, config.lr, config.epochs * steps, tuple(epochs * steps for epochs in config.extended)
        )
        return Trainer(
            self.model,
            self.optimizer,
            rates,
            self.loss,
            self.training,
            self.validation,
            epochs=config.epochs,
            monitor=config.monitor,
            plan=self.plan,
            callbacks=callbacks,
            progress=progress,
            watch=watch,
            outputs=config.outputs,
            micro_batch=config.micro_batch,
            ranks=self.ranks,
        )


def check_gpus(device: str, ranks: Ranks) -> None:
    """A `UserError` on every rank, where two of them have the same GPU."""
    if device == "cpu" or ranks.size == 1:
        return
    addresses = ranks.gather((platform.node(), use_gpu(ranks.node_rank)))
    if len(set(addresses)) < ranks.size:
        raise ranks.of_all(
            UserError(
                f"{ranks.size} processes have {len(set(addresses))} GPUs together, and each needs one of its own: start as many "
                "processes as there are GPUs, or train with --device cpu."
            )
        )


def train_share(config: TrainConfig, split: Split) -> None:
    """The task of a rank other than 0: read the data, and train with the others from the state that rank 0 has.

    Parameters
    ----------
    config : TrainConfig
        As rank 0 has read it, with the device that it uses; `max_memory` may change it before the training begins.
    split : Split
    """
    ranks = find_ranks()
    problem: UserError | MemoryError | None = None
    try:
        if config.device == "cuda":
            use_gpu(ranks.node_rank)
        network = RunNetwork(config, begins=False)
        batches = RunBatches(config, split, network.plan.machine.device, ranks)
        batches.load_shared()
    except (UserError, MemoryError) as error:
        problem = error
    ranks.gather(None, problem)
    check_gpus(config.device, ranks)
    ranks.wait()  # while rank 0 plans the run, and says so
    config = ranks.share(None)
    network.model.recompute = config.recompute
    batches.set_batch_size(config.batch_size)
    parts = TrainerParts(
        network.model,
        Adam(network.model.parameters()),
        network.loss,
        network.plan,
        batches.training,
        batches.validation,
        ranks,
    )
    parts.trainer(config, TrainingProgress()).fit()
