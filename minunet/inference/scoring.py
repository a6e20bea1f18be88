"""A model held against masks it is not learning from: every measure, and the loss it was trained on.

Validation after each epoch and the test at the end both come through here, so they mean the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.metrics import SegmentationMetrics
from minunet.kernels.backend import device_of, to_device, to_numpy


class BatchSource(Protocol):
    """What is read: `minunet.data.batches.Batches`, or anything that behaves like it."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, index: int, start: int = 0) -> Any:
        """Iterator of (images, masks, samples) from batch `start` on; the same for the same index, whatever came before."""


def score(
    forward_pass: ForwardPass,
    source: BatchSource,
    loss: Callable[[Tensor, Any], Tensor],
    after_batch: Callable[[], None] = lambda: None,
) -> tuple[SegmentationMetrics, float]:
    """Run a model over a source once, in evaluation mode and without a tape.

    Parameters
    ----------
    forward_pass : ForwardPass
        Of a model that gives logits (N, H, W, 1).
    source : BatchSource
    loss : callable
        Of logits and target; a scalar Tensor that is a mean over images.
    after_batch : callable
        Called after each batch; what it raises ends the scoring.

    Returns
    -------
    metrics : SegmentationMetrics
        An image that comes in pieces counts as one.
    loss : float
        The mean over the examples.
    """
    metrics, total, examples = SegmentationMetrics(), 0.0, 0
    forward_pass.model.eval()
    with no_grad():
        for images, masks, samples in source.epoch(0):
            logits = forward_pass.logits(images)
            total += loss(Tensor(logits), to_device(masks, device_of(logits))).item() * len(images)
            examples += len(images)
            metrics.update_logits(to_numpy(logits), masks, [sample.name for sample in samples])
            after_batch()
    return metrics, total / examples
