"""Runs kernels built with AddressSanitizer. It is a program of its own, because the sanitizer must be loaded before Python.

Every array is exactly as large as its shape, so the program stops at any read or write beyond it.
"""

from __future__ import annotations

import sys

import numpy as np

from minunet.kernels import dispatch, primitives
from minunet.kernels.cuda import devices
from minunet.kernels.precision import use_precision
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, HostLauncher

SAME = (1, 1), ((1, 1), (1, 1))


def convolutions(rng: np.random.Generator, prefer: str) -> None:
    """Forward and gradients with two sources, a stride, and an up-convolution, at sizes that no tile divides."""
    with dispatch.prefer(prefer), use_precision("tf32"):
        xs = tuple(values(rng, (1, 5, 7, c), "float32") for c in (4, 8))
        weight = values(rng, (3, 3, 12, 20), "float32")
        y = primitives.conv2d(xs, weight, values(rng, (20,), "float32"), *SAME, "relu")
        primitives.conv2d_grads(y, xs, weight, y, *SAME, ((True, True), True, True))
        x, weight = values(rng, (2, 5, 4, 3), "float32"), values(rng, (2, 2, 3, 5), "float32")
        y = primitives.conv2d((x,), weight, None, (2, 3), ((0, 1), (1, 0)), None)
        primitives.conv2d_grads(y, (x,), weight, None, (2, 3), ((0, 1), (1, 0)), ((True,), True, True))
        y = primitives.conv_transpose2d(x, weight, None, (2, 2), (0, 0))
        primitives.conv_transpose2d_grads(y, x, weight, (2, 2), (0, 0), (True, True, True))


def other_primitives(rng: np.random.Generator) -> None:
    """Pooling, an activation, softmax, the loss and Adam."""
    x = values(rng, (2, 5, 7, 3), "float32")
    for window in (((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 1))):
        y, argmax = primitives.max_pool2d(x, *window)
        primitives.max_pool2d_grad(y, argmax, x.shape, *window)
        primitives.sum_pool2d_grad(primitives.sum_pool2d(x, *window), x.shape, *window)
    primitives.tanh_grad(x, primitives.tanh(x))
    primitives.softmax_grad(x, primitives.softmax(x, 1), 1)
    loss = primitives.bce_with_logits(x, x, x)
    primitives.bce_with_logits_grad(loss, x, x, None)
    tensors = [values(rng, (n,), "float32") for n in (1, 5, 4097)]
    primitives.adam(tensors, *([t.copy() for t in tensors] for _ in range(3)), 1, 0.1, (0.9, 0.99), 1e-8, 0.0)


def main(schedule: str) -> int:
    """Run everything under one schedule."""
    host = HostLauncher(SCHEDULES[schedule], sanitize=True)
    rng = np.random.default_rng(0)
    with devices.use(host), dispatch.prefer("cuda"):
        convolutions(rng, "cuda")
        convolutions(rng, "cuda-tensor-cores")
        other_primitives(rng)
    print(f"clean: {len(host.launches)} kernels, {sum(host.launches.values())} launches")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
