"""Scoring: the measures of a model over batches, with crops of one image counted as one, and the loss over the samples."""

import numpy as np
import pytest

from minunet.autograd import Tensor
from minunet.data.crops import Sample
from minunet.functional import binary_cross_entropy_with_logits
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.scoring import score
from minunet.kernels.machine import Machine
from minunet.nn.module import Module


class Identity(Module):
    """A model whose logits are its input."""

    def forward(self, x):
        return x if isinstance(x, Tensor) else Tensor(x)


class Batches:
    """Two batches, of two crops of "a", and of the image "b"."""

    def __init__(self):
        self.images = np.random.default_rng(0).normal(size=(3, 4, 4, 1)).astype(np.float32)
        self.masks = (self.images > 0.5).astype(np.float32)

    def __len__(self):
        return 2

    def epoch(self, index, start=0):
        samples = [Sample("a", None), Sample("a", None), Sample("b", None)]
        for part in (slice(0, 2), slice(2, 3)):
            yield self.images[part], self.masks[part], samples[part]


def test_crops_count_as_one_image_and_the_loss_is_the_mean_over_samples():
    source = Batches()
    metrics, loss = score(ForwardPass(Identity(), Machine()), source, binary_cross_entropy_with_logits)
    assert [row["name"] for row in metrics.per_image()] == ["a", "b"]
    expected = binary_cross_entropy_with_logits(Tensor(source.images), source.masks).item()
    assert loss == pytest.approx(expected, rel=1e-6) and metrics.result()["loss"] == pytest.approx(expected, rel=1e-6)


def test_an_exception_after_a_batch_ends_the_scoring():
    seen = []

    def stop():
        seen.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(ForwardPass(Identity(), Machine()), Batches(), binary_cross_entropy_with_logits, stop)
    assert seen == [1]
