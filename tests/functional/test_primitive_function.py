"""The arrays that operations pass to primitives: C-contiguous and of one dtype, for inputs and gradients in any order."""

import numpy as np
import pytest

from minunet import Tensor
from minunet import functional as F
from minunet.kernels.dispatch import intercept_calls
from tests.sample_arrays import distinct

KERNEL, UP = distinct((3, 3, 2, 4), 1), distinct((2, 2, 2, 4), 1)
OPERATIONS = {
    "conv2d": lambda x: F.conv2d(x, np.asfortranarray(KERNEL), np.arange(8.0)[::2], padding=1, activation="relu"),
    "conv2d of a tuple": lambda x: F.conv2d((x, x.transpose(0, 2, 1, 3)), distinct((1, 1, 4, 1))),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, np.asfortranarray(UP)),
    "max_pool2d": F.max_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "sum_pool2d": F.sum_pool2d,
    "upsample2d": F.upsample2d,
    "relu": F.relu,
    "tanh": F.tanh,
    "sigmoid": F.sigmoid,
    "softmax": lambda x: F.softmax(x, 1),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, TARGET, np.arange(1.0, 3)),
    "cross_entropy": lambda x: F.cross_entropy(x, np.zeros((2, 4, 4), int)),
    "dice_loss": lambda x: F.dice_loss(x, TARGET),
}
TARGET = np.asfortranarray(distinct((2, 4, 4, 2), 3) > 0).astype(float, order="F")


def arrays(value):
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from arrays(part)
    elif isinstance(value, np.ndarray):
        yield value


@pytest.mark.parametrize("name", OPERATIONS)
def test_kernels_receive_c_contiguous_arrays(name):
    def check(primitive, args):
        for array in arrays(args):
            assert array.flags.c_contiguous, (
                f"{primitive.name} was given strides {array.strides} of shape {array.shape}"
            )
            assert array.dtype == np.float64 or array.dtype.kind == "u"
        called.append(primitive.name)
        return primitive.choose(*args).run(*args)

    for turn in (lambda t: t, lambda t: t.transpose(0, 2, 1, 3)):
        called = []
        x = Tensor(np.asfortranarray(distinct((2, 4, 4, 2))), requires_grad=True)
        with intercept_calls(check):
            y = OPERATIONS[name](turn(x))
            # Broadcast (strides of 0) and transposed gradients.
            (
                y.sum() if y.ndim < 2 else y.transpose() * distinct(y.shape[::-1], 4) + y.transpose().sum()
            ).sum().backward()
        assert called
        assert x.grad.flags.c_contiguous
