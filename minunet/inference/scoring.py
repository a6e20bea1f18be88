"""Scoring: the measures and the loss of a model on batches of images with masks, without training on them.

The validation after each epoch and the test at the end both use it, so their numbers mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.data.batches import ImageBatch
from minunet.data.outputs import Outputs
from minunet.errors import UserError
from minunet.fused.step_plan import Loss
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.metrics import SegmentationMetrics, count_examples
from minunet.kernels.backend import device_of, to_device, to_numpy
from minunet.ranks import Ranks


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
    ranks: Ranks | None = None,
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
    ranks : Ranks, optional
        Processes that share out the batches, and all get the same results as one of them alone. The source is then a
        `minunet.data.batches.Batches`.

    Returns
    -------
    metrics : SegmentationMetrics
        Of cell against background. Crops of one image count as one image.
    loss : float
        The mean over the examples; those of which every pixel is ignored are left out.
    """
    outputs = Outputs() if outputs is None else outputs
    ranks = Ranks() if ranks is None else ranks
    metrics, total, examples = SegmentationMetrics(), 0.0, 0
    forward_pass.model.eval()
    with no_grad():
        for scored in _in_order(
            ranks, len(source), _scored_batches(forward_pass, source, loss, outputs, observe, ranks)
        ):
            total += scored.loss * scored.examples
            examples += scored.examples
            for name, sums in zip(scored.names, scored.metrics.sums().values(), strict=True):
                metrics.add(name, sums)
            after_batch()
    return metrics, total / max(1, examples)


@dataclass(frozen=True)
class _ScoredBatch:
    loss: float
    examples: int
    names: list[str]
    metrics: SegmentationMetrics  # of each sample by itself, in their order


def _scored_batches(
    forward_pass: ForwardPass,
    source: BatchSource,
    loss: Loss,
    outputs: Outputs,
    observe: Callable[[np.ndarray, np.ndarray], object] | None,
    ranks: Ranks,
) -> Iterator[_ScoredBatch]:
    """The batches of this rank."""
    batches = source.epoch(0) if ranks.size == 1 else source.epoch(0, ranks.rank, step=ranks.size)  # type: ignore[call-arg]
    for images, masks, samples in batches:
        logits = forward_pass.logits(images)
        cells = outputs.cell_target(masks)
        value = loss(Tensor(logits), to_device(masks, device_of(logits))).item()
        arrays, metrics = to_numpy(logits), SegmentationMetrics()
        metrics.update_logits(outputs.cell_logits(arrays), cells)
        if observe:
            observe(arrays, masks)
        yield _ScoredBatch(value, count_examples(cells), [sample.name for sample in samples], metrics)


def _in_order(ranks: Ranks, count: int, own: Iterator[_ScoredBatch]) -> Iterator[_ScoredBatch]:
    """The batches of all ranks in the order of the source, on every rank."""
    if ranks.size == 1:
        yield from own
        return
    batches: list[_ScoredBatch] = []
    problem: UserError | MemoryError | None = None
    try:
        batches += own
    except (UserError, MemoryError) as error:
        problem = error
    gathered = ranks.gather(batches, problem)
    yield from (gathered[number % ranks.size][number // ranks.size] for number in range(count))
