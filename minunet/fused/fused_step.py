"""The fused training step of a U-Net and its Adam on a GPU: one graph per shape of batch, all on the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.functional.loss import binary_cross_entropy_with_logits
from minunet.fused.graphs import StepGraph
from minunet.fused.step_plan import Loss, StepPlan, why_not_fusable
from minunet.fused.weighted_loss import WeightedCrossEntropy
from minunet.kernels.backend import to_numpy
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet

BatchArrays = tuple[np.ndarray, np.ndarray]  # images (N, H, W, C) and masks (N, H, W, target_channels), float32


@dataclass(frozen=True)
class StepResult:
    """What a training step computed; where a number in it is not finite, it updated nothing.

    Attributes
    ----------
    loss : float
        Before the update.
    norm : float or None
        The norm of the gradient before it was clipped; None without clipping, and where the loss is not finite.
    predicted : ndarray or None
        Where the logits are above 0, (N, H, W, 1) bool; None where nothing was updated.
    """

    loss: float
    norm: float | None
    predicted: np.ndarray | None


class FusedStep:
    """Training steps for a model and an optimizer whose arrays are on the GPU; every step keeps both up to date.

    Parameters
    ----------
    model : UNet
    optimizer : Adam
        Over all of the model's parameters; its learning rate is read at every step.
    plan : StepPlan
        A fused one.
    loss : callable
        Binary cross-entropy, or the `WeightedCrossEntropy` that the plan was chosen for.
    cell_logits : callable, optional
        Of logits (N, H, W, out_channels), the logit of cell against background (N, H, W, 1); the first one unless given.
    otherwise : callable, optional
        The step for batches whose size has no fused one, called with images, masks and `before_update`.
    """

    prefetches = True

    def __init__(
        self,
        model: UNet,
        optimizer: Adam,
        plan: StepPlan,
        loss: Loss = binary_cross_entropy_with_logits,
        cell_logits: Callable[[Any], Any] | None = None,
        otherwise: Callable[..., StepResult] | None = None,
    ):
        self.model, self.optimizer, self.plan, self.loss, self.otherwise = model, optimizer, plan, loss, otherwise
        self._cell_logits = cell_logits or (lambda logits: logits[..., :1])
        self._graphs: dict[tuple[int, ...], StepGraph] = {}
        self._arrays: list[Any] = []
        self._last: StepGraph | None = None
        self._sent_ahead: tuple[StepGraph, BatchArrays] | None = None  # a batch that was already sent to the GPU

    def __call__(
        self,
        images: np.ndarray,
        masks: np.ndarray,
        *,
        next_batch: BatchArrays | None = None,
        before_update: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """One step at the optimizer's learning rate.

        Parameters
        ----------
        images, masks : ndarray (N, H, W, C) and (N, H, W, target_channels), float32
        next_batch : pair of ndarray, optional
            The next step's batch, which is copied to the GPU while this step runs. If the next step is called with other
            arrays, this copy is dropped.
        before_update : callable
            Called before the GPU begins, also where a number turns out not to be finite and nothing is updated.

        Raises
        ------
        ValueError
            If there is no fused step for the batch, and no other.
        """
        problem = why_not_fusable(self.model, self.loss, (images.shape[1], images.shape[2]), self.optimizer)
        if problem:
            if self.otherwise is None:
                raise ValueError(problem)
            self._last = None  # after that, the weights of the graph are out of date
            return self.otherwise(images, masks, before_update=before_update)
        before_update()
        graph = self._graph(images.shape)
        if not self._was_sent(graph, (images, masks)):
            self._send(graph, (images, masks))
        graph.run(self.optimizer.lr)
        for p in self.optimizer.params:
            p.mark_changed()
        if next_batch is not None and self._graphs.get(next_batch[0].shape) is graph:
            self._send(graph, next_batch)
            self._sent_ahead = graph, next_batch
        loss, norm = graph.loss(), None if self.plan.clip is None else graph.norm()
        if not math.isfinite(loss):
            return StepResult(loss, None, None)
        if norm is not None and not math.isfinite(norm):
            return StepResult(loss, norm, None)
        self.optimizer.steps += 1
        self.optimizer.updates += 1
        return StepResult(loss, norm, to_numpy(self._cell_logits(graph.logits()) > 0))

    def _send(self, graph: StepGraph, batch: BatchArrays) -> None:
        images, masks = batch
        graph.send(images, *(self.loss.terms(masks) if isinstance(self.loss, WeightedCrossEntropy) else (masks,)))

    def _was_sent(self, graph: StepGraph, batch: BatchArrays) -> bool:
        """Whether this batch was already sent to the GPU; if another one was sent, it is dropped."""
        ahead, self._sent_ahead = self._sent_ahead, None
        if ahead is None:
            return False
        if ahead[0] is graph and all(a is b for a, b in zip(ahead[1], batch, strict=True)):
            return True
        ahead[0].drop_sent()
        return False

    def _graph(self, shape: tuple[int, ...]) -> StepGraph:
        """The graph for a shape of batch, with the current weights and moments."""
        state = self.optimizer.state
        arrays = [*(p.data for p in self.optimizer.params), *state["exp_avg"], *state["exp_avg_sq"]]
        if any(a is not b for a, b in zip(arrays, self._arrays, strict=False)):
            self._graphs.clear()  # a graph holds the addresses of the arrays it was captured with
            self._last = None
        self._arrays = arrays
        graph = self._graphs.get(shape)
        if graph is None:
            graph = self._graphs[shape] = StepGraph(self.model, self.optimizer, shape, self.plan)
        if graph is not self._last:  # the graph of another shape has changed the weights and the number of updates
            graph.resume(int(self.optimizer.updates[0]))
            self._last = graph
        return graph
