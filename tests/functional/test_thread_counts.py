"""Every public operation gives the same bits, gradients included, for any number of our threads and of the BLAS library's."""

import os
import subprocess
import sys

import pytest

from minunet import functional as F

SCRIPT = """
import hashlib, sys
import numpy as np
import minunet
from minunet import Tensor
from minunet import functional as F

minunet.set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape).astype(np.float32)


IMAGE, MASK = draw(2, 60, 70, 16), rng.random((2, 60, 70, 16), np.float32)
CALLS = {
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), IMAGE, draw(3, 3, 16, 40), draw(40)),
    "conv2d 3x3": (lambda x, w, b: F.conv2d(x, w, b, padding=1, activation="relu"), IMAGE, draw(3, 3, 16, 40), draw(40)),
    "conv_transpose2d": (F.conv_transpose2d, IMAGE, draw(2, 2, 16, 40), draw(40)),
    "linear": (F.linear, draw(300, 411), draw(411, 257), draw(257)),
    "linear of images": (F.linear, IMAGE, draw(16, 300), draw(300)),
    "linear of many rows": (F.linear, draw(70000, 33), draw(33, 9), draw(9)),
    "@": (lambda a, b: a @ b, draw(301, 703), draw(703, 257)),
    "@ of vectors": (lambda a, b: a @ b, draw(200000), draw(200000)),
    "matrix @ vector": (lambda a, b: a @ b, draw(1001, 2003), draw(2003)),
    "vector @ matrix": (lambda a, b: a @ b, draw(2003), draw(2003, 1001)),
    "stacks @": (lambda a, b: a @ b, draw(5, 1, 130, 140), draw(4, 140, 150)),
    "@ transposed": (lambda a: a @ a.transpose(), draw(301, 703)),
    "@ of float64": (lambda a, b: a @ b, draw(301, 703).astype(float), draw(703, 257).astype(float)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2), IMAGE),
    "avg_pool2d": (F.avg_pool2d, IMAGE),
    "sum_pool2d": (F.sum_pool2d, IMAGE),
    "relu": (F.relu, IMAGE),
    "tanh": (F.tanh, IMAGE),
    "sigmoid": (F.sigmoid, IMAGE),
    "softmax": (F.softmax, IMAGE),
    "flatten": (F.flatten, IMAGE),
    "concat": (lambda x: F.concat([x, x]), IMAGE),
    "upsample2d": (F.upsample2d, IMAGE),
    "pad_or_crop": (lambda x: F.pad_or_crop(x, (64, 64)), IMAGE),
    "pad": (lambda x: F.pad(x, 1), IMAGE),
    "indices": (lambda x: x[:, [0, 5, 5, 5]] + x[0, 0].max(), IMAGE),
    "elementary": (lambda x: minunet.where(x > 0, x.exp(), x.abs().log() * x.clip(-1, 1)), IMAGE),
    "dropout": (lambda x: F.dropout(x, 0.5, np.random.default_rng(0), True), IMAGE),
    "binary_cross_entropy": (lambda p: F.binary_cross_entropy(p, MASK), MASK / 2),
    "binary_cross_entropy_with_logits": (lambda x: F.binary_cross_entropy_with_logits(x, MASK), IMAGE),
    "cross_entropy": (lambda x: F.cross_entropy(x, MASK[..., 0] > 0.5), IMAGE),
    "dice_loss": (lambda x: F.dice_loss(x, MASK), IMAGE),
    "arithmetic": (lambda x: (x + x * 3 - x / 7) * (x * x) ** 0.5, IMAGE),
    "reductions": (lambda x: x.sum((0, 2)) * x.mean(), IMAGE),
}
for name, (operation, *arrays) in CALLS.items():
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    y = operation(*tensors)
    y.backward(np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype))
    digest = hashlib.sha256()
    for array in (y.data, *(t.grad for t in tensors)):
        digest.update(np.ascontiguousarray(array).tobytes())
    print(name, digest.hexdigest(), sep="\\t")
"""


def bits(threads, blas_threads):
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(blas_threads))}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(threads)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=environment,
    )
    return dict(line.split("\t") for line in run.stdout.splitlines())


@pytest.fixture(scope="module")
def one_thread():
    return bits(1, 1)


def test_every_operation_is_among_them(one_thread):
    assert set(F.__all__) <= set(one_thread)


@pytest.mark.parametrize(("threads", "blas_threads"), [(1, 2), (2, 1), (3, 4)])
def test_the_number_of_threads_changes_no_bit(one_thread, threads, blas_threads):
    found = bits(threads, blas_threads)
    assert [name for name, digest in found.items() if digest != one_thread[name]] == []
