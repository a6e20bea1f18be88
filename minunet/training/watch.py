"""The watch of a training: what goes wrong is noticed after the epoch in which it shows, and said once.

The rules look at the records of the epochs (`watch_rules`); every few epochs some validation images go through the network once
more, to find layers that are dead (`watch_layers`). Weights, moments and random numbers are not touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.fused.step_plan import Loss
from minunet.inference.metrics import count_examples
from minunet.inference.scoring import BatchSource
from minunet.nn.module import Module
from minunet.training import watch_rules
from minunet.training.events import EpochRecord
from minunet.training.watch_layers import dead_relus
from minunet.training.watch_record import KINDS, TrainingWarning
from minunet.training.watch_rules import WatchedTraining
from minunet.wording import count_noun, join_names

LAYERS_EVERY = 5  # epochs between two looks at the layers; they are looked at after the first and the last one too
LAYER_IMAGES = 4
# The share of dead channels from which a layer is called dead: trainings that go well have up to 0.48 in a layer of many channels.
DEAD = 0.9

# Several of these are one failure; the first that is noticed is said.
LEARNED_NOTHING = ("all background", "all cell", "stuck", "trivial")
RULES: dict[str, Callable[[WatchedTraining], str | None]] = {
    "exploding": watch_rules.exploding,
    "all background": watch_rules.all_background,
    "all cell": watch_rules.all_cell,
    "stuck": watch_rules.stuck,
    "trivial": watch_rules.trivial,
    "over-fitting": watch_rules.over_fitting,
    "too few epochs": watch_rules.too_few_epochs,
}


class TrainingWatch:
    """Looks at a training after each epoch.

    Parameters
    ----------
    model : Module
    loss : callable
        Of logits and target, as in the training.
    validation : BatchSource
    epochs : int
        Of the whole training.
    lr : float
        Its largest learning rate, from which a lower one is suggested.
    class_weights : sequence of float, optional
        The weight of each class in the loss, of a network with classes.
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        validation: BatchSource,
        *,
        epochs: int,
        lr: float,
        class_weights: Sequence[float] = (),
    ):
        self.model, self.loss, self.validation = model, loss, validation
        self.epochs, self.lr, self.class_weights = epochs, lr, class_weights
        self._constant_loss: float | None = None
        self._measured = False

    def warnings(self, history: Sequence[EpochRecord], said: Sequence[TrainingWarning]) -> list[TrainingWarning]:
        """What is noticed after the last of these epochs, without what was said before."""
        training = self._training(history)
        epoch, kinds = training.last.epoch, {warning.kind for warning in said}
        found: dict[str, str] = {}
        look = "dead relu" not in kinds and (epoch == 1 or epoch % LAYERS_EVERY == 0 or training.ended)
        if look and (sentence := self._dead_layers(training)):
            found["dead relu"] = sentence
        for kind, rule in RULES.items():
            if not _is_said(kind, {*kinds, *found}) and (sentence := rule(training)):
                found[kind] = sentence
        return [TrainingWarning(kind, epoch, found[kind]) for kind in KINDS if kind in found]

    def is_hopeless(self, history: Sequence[EpochRecord]) -> bool:
        """Whether the loss has exploded so that the training is not worth going on with."""
        return bool(history) and watch_rules.is_hopeless(self._training(history))

    def still_true(self, said: Sequence[TrainingWarning]) -> list[TrainingWarning]:
        """The warnings of a training that is resumed: without those of its end, where it was made longer."""
        return [warning for warning in said if warning.kind != "too few epochs" or warning.epoch >= self.epochs]

    def _training(self, history: Sequence[EpochRecord]) -> WatchedTraining:
        if not self._measured:
            measured = constant_loss(self.loss, self.validation, self.class_weights)
            self._constant_loss, self._measured = measured, True
        return WatchedTraining(history, self.epochs, self._constant_loss, self.lr)

    def _dead_layers(self, training: WatchedTraining) -> str | None:
        images, _, _ = next(iter(self.validation.epoch(0)))
        self.model.eval()
        try:
            layers = dead_relus(self.model, images[:LAYER_IMAGES])
        except MemoryError:
            return None
        dead = [layer for layer in layers if layer.share >= DEAD]
        if not dead:
            return None
        listed = join_names([f"{layer.name} ({layer.dead} of {layer.channels})" for layer in dead], 4)
        return (
            f"{len(dead)} of {count_noun(len(layers), 'layer')} with a ReLU {'is' if len(dead) == 1 else 'are'} dead, as their "
            f"channels are 0 for every pixel and learn nothing any more: {listed}: {training.slower}"
        )


def constant_loss(loss: Loss, source: BatchSource, class_weights: Sequence[float] = ()) -> float | None:
    """The loss of predicting the share of cell, the mean of grey masks, or the share of each class, for every pixel.

    Of all predictions that are the same for every pixel it has the lowest cross-entropy: the entropy of that share. What separates
    cells, where the network learns that too, is predicted as its weighted mean.

    Parameters
    ----------
    loss : callable
        Of logits and target; a mean over images.
    source : BatchSource
        Its targets are those of `minunet.data.target_maps.targets`, (N, H, W, 1) or (N, H, W, 3).
    class_weights : sequence of float, optional
        The weight of each class in the loss, of masks of classes; the shares are then weighted with them.

    Returns
    -------
    float or None
        None where masks have no pixel that counts.
    """
    total, pixels = 0.0, 0
    separation, weight, separates = 0.0, 0.0, False
    per_class = np.zeros(max(1, len(class_weights)), np.int64)
    for _, targets, _ in source.epoch(0):
        counted = targets[targets[..., 0] >= 0]  # (pixels, target channels)
        total, pixels = total + float(counted[:, 0].sum(dtype=np.float64)), pixels + len(counted)
        if class_weights:
            per_class += np.bincount(counted[:, 0].astype(np.int64), minlength=len(per_class))
        if separates := targets.shape[-1] > 1:
            separation += float(np.sum(counted[:, 1] * counted[:, 2], dtype=np.float64))
            weight += float(counted[:, 2].sum(dtype=np.float64))
    if not pixels:
        return None
    if class_weights:
        logits = [*np.log(np.maximum(per_class / pixels, 1e-6) * np.array(class_weights))]
    else:
        logits = [_logit(total / pixels)]
    if separates:
        logits.append(_logit(separation / max(weight, 1e-6)))
    constant = np.array(logits, np.float32)
    losses, images = 0.0, 0
    for _, targets, _ in source.epoch(0):
        count = count_examples(targets[..., :1])
        losses += loss(Tensor(np.tile(constant, (*targets.shape[:3], 1))), targets).item() * count
        images += count
    return losses / max(1, images)


def _logit(share: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))


def _is_said(kind: str, kinds: Collection[str]) -> bool:
    """Whether a warning would repeat what has been said."""
    if kind in LEARNED_NOTHING:
        return any(other in kinds for other in LEARNED_NOTHING)
    if kind == "too few epochs":  # those say it too, with more epochs as their remedy where that is it
        return any(other in kinds for other in (*LEARNED_NOTHING, kind, "exploding"))
    return kind in kinds
