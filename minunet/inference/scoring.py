"""Scoring: the measures and the loss of a model on batches of images with masks, without training on them.

The validation after each epoch and the test at the end both use it, so their numbers mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.data.batches import ImageBatch
from minunet.data.outputs import Outputs
from minunet.fused.step_plan import Loss
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.metrics import SegmentationMetrics, count_examples
from minunet.kernels.backend import device_of, to_device, to_numpy


class BatchSource(Protocol):
    """A source of batches: `minunet.data.batches.Batches`, or anything with the same two methods."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, index: int, start: int = 0) -> Iterator[ImageBatch]:
        """The batches (images, masks, samples) of an epoch from batch `start` on; they depend only on the index."""


def score(
    forward_pass: ForwardPass,
    source: BatchSource,
    loss: Loss,
    after_batch: Callable[[], None] = lambda: None,
    *,
    outputs: Outputs | None = None,
    observe: Callable[[np.ndarray, np.ndarray], object] | None = None,
) -> tuple[SegmentationMetrics, float]:
    """Run a model over all batches once, in evaluation mode and without recording gradients.

    Parameters
    ----------
    forward_pass : ForwardPass
        Of a model that returns logits (N, H, W, channels).
    source : BatchSource
    loss : callable
        Takes logits and target; returns a scalar Tensor that is a mean over images.
    after_batch : callable
        Called after each batch; an exception that it raises ends the scoring.
    outputs : Outputs, optional
        Of the model; one logit, cell or not, unless given.
    observe : callable, optional
        Called with the logits (N, H, W, channels) and the targets of each batch.

    Returns
    -------
    metrics : SegmentationMetrics
        Of cell against background. Crops of one image count as one image.
    loss : float
        The mean over the examples; those of which every pixel is ignored are left out.
    """
    outputs = Outputs() if outputs is None else outputs
    metrics, total, examples = SegmentationMetrics(), 0.0, 0
    forward_pass.model.eval()
    with no_grad():
        for images, masks, samples in source.epoch(0):
            logits = forward_pass.logits(images)
            cells = outputs.cell_target(masks)
            count = count_examples(cells)
            total += loss(Tensor(logits), to_device(masks, device_of(logits))).item() * count
            examples += count
            arrays = to_numpy(logits)
            metrics.update_logits(outputs.cell_logits(arrays), cells, [sample.name for sample in samples])
            if observe:
                observe(arrays, masks)
            after_batch()
    return metrics, total / max(1, examples)
