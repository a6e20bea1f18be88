"""Fused training steps for a U-Net and its Adam, whatever the batches' shapes: one captured step per shape, sharing the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.fused.graphs import StepGraph
from minunet.fused.unet_layers import why_not
from minunet.kernels.backend import device_of

Batch = tuple[np.ndarray, np.ndarray]  # images and targets


def is_unet(model: Any) -> bool:
    """Whether the model is a `UNet` itself, no class that may compute otherwise."""
    return type(model).__name__ == "UNet" and getattr(model, "config", None) is not None


def why_no_pass(model: Any, height: int, width: int) -> str | None:
    """None where a model has a forward pass on tensor cores for images of this size, else the reason as a sentence."""
    if not is_unet(model):
        return f"the fused step is a U-Net's, not a {type(model).__name__}'s"
    if any(p.dtype != np.float32 for p in model.parameters()):
        return "the fused step keeps its weights in float32, and the model's are not"
    return why_not(model.config, height, width)


def why_not_fused(model: Any, optimizer: Any, height: int, width: int) -> str | None:
    """None where the model and its optimizer have a fused step for images of this size, else the reason as a sentence."""
    problem = why_no_pass(model, height, width)
    if problem:
        return problem
    if type(optimizer).__name__ != "Adam":
        return f"the fused step updates with Adam, not with {type(optimizer).__name__}"
    if [id(p) for p in optimizer.params] != [id(p) for p in model.parameters()]:
        return "the fused step updates all of the model's parameters, in their order"
    if len(set(np.asarray(optimizer.updates).tolist())) > 1:
        return "the fused step counts one number of updates for all parameters, and theirs differ"
    if len({device_of(a) for a in (optimizer.params[0].data, *(group[0] for group in optimizer.state.values()))}) > 1:
        return "the optimizer's arrays are not where the model's are; make it after moving the model"
    return None


@dataclass(frozen=True)
class Outcome:
    """What a step found; where a number in it is not finite, it updated nothing.

    Attributes
    ----------
    loss : float
        Binary cross-entropy on the logits, the mean over all elements, before the update.
    norm : float or None
        The length of the gradient before it was clipped; None without clipping.
    logits : CuPy array (N, H, W, out_channels), float32
        Overwritten by the next step of this shape.
    """

    loss: float
    norm: float | None
    logits: Any


class FusedTraining:
    """Training steps for a model and an optimizer whose arrays are on the GPU; both are kept up to date by every step.

    Parameters
    ----------
    model : UNet
    optimizer : Adam
        Over all of the model's parameters; its learning rate is read at every step.
    precision : {"tf32", "bf16"}
    clip : float, optional
        The longest gradient that is taken as it is, all parameters together; a longer one is shortened to it.
    """

    def __init__(self, model: Any, optimizer: Any, precision: str, clip: float | None = None):
        self.model, self.optimizer, self.precision, self.clip = model, optimizer, precision, clip
        self._steps: dict[tuple[int, ...], StepGraph] = {}
        self._arrays: list[Any] = []
        self._last: StepGraph | None = None
        self._ahead: tuple[StepGraph, Batch] | None = None  # a batch that is on its way already

    def step(self, images: np.ndarray, targets: np.ndarray, following: Batch | None = None) -> Outcome:
        """One step on NumPy arrays (N, H, W, C) and (N, H, W, out_channels).

        Parameters
        ----------
        following : pair of arrays, optional
            The next step's, which travel to the GPU while this one is at work; if that one is
            called with other arrays, they are dropped.

        Raises
        ------
        ValueError
            Where there is no fused step; `why_not_fused` tells beforehand.
        """
        captured = self._captured(images.shape)
        if not self._sent(captured, (images, targets)):
            captured.send(images, targets)
        captured.run(self.optimizer.lr)
        if following is not None and self._steps.get(following[0].shape) is captured:
            captured.send(*following)
            self._ahead = captured, following
        loss, norm = captured.loss(), None if self.clip is None else captured.norm()
        if math.isfinite(loss) and (norm is None or math.isfinite(norm)):
            self.optimizer.steps += 1
            self.optimizer.updates += 1
        return Outcome(loss, norm, captured.logits())

    def changed(self) -> None:
        """The content of the model's or the optimizer's arrays was changed from outside, such as loaded."""
        self._last = None

    def _sent(self, captured: StepGraph, batch: Batch) -> bool:
        """Whether this very batch was sent ahead; another one that was is dropped."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return False
        if ahead[0] is captured and all(a is b for a, b in zip(ahead[1], batch, strict=True)):
            return True
        ahead[0].forget()
        return False

    def _captured(self, shape: tuple[int, ...]) -> StepGraph:
        arrays = self._current_arrays()
        if any(a is not b for a, b in zip(arrays, self._arrays, strict=False)):
            self._steps.clear()  # a graph holds the addresses of the arrays it was captured with
            self._last = None
        self._arrays = arrays
        captured = self._steps.get(shape)
        if captured is None:
            captured = self._steps[shape] = self._capture(shape)
        if captured is not self._last:  # another shape's step has moved the weights and the count on
            captured.resume(int(self.optimizer.updates[0]))
            self._last = captured
        return captured

    def _capture(self, shape: tuple[int, ...]) -> StepGraph:
        problem = why_not_fused(self.model, self.optimizer, *shape[1:3])
        if problem:
            raise ValueError(problem)
        optimizer, count = self.optimizer, len(self.optimizer.params)
        return StepGraph(
            self.model.config,
            *(self._arrays[k * count : (k + 1) * count] for k in range(3)),
            shape,
            precision=self.precision,
            betas=(optimizer.beta1, optimizer.beta2),
            eps=optimizer.eps,
            weight_decay=optimizer.weight_decay,
            clip=self.clip,
        )

    def _current_arrays(self) -> list[Any]:
        """Parameters, then Adam's two moments of each."""
        state = self.optimizer.state
        return [*(p.data for p in self.optimizer.params), *state["exp_avg"], *state["exp_avg_sq"]]
