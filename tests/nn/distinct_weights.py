"""A model whose parameters are all different and never zero, biases included, so that no ReLU has the input 0."""

import numpy as np

from tests.sample_arrays import distinct


def with_distinct_weights(model):
    """The model with all-distinct, never zero parameters, biases too, in float64."""
    model.astype(np.float64)
    for k, p in enumerate(model.parameters()):
        fan_in = p.size // p.shape[-1]
        p.data = distinct(p.shape, k) * (3 / max(fan_in, 1)) ** 0.5
    return model
