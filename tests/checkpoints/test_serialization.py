"""Safetensors files written part by part: the bytes are those of the library."""

import sys

import numpy as np
import pytest
import safetensors.numpy

from minunet.checkpoints.serialization import serialized


@pytest.mark.skipif(sys.byteorder != "little", reason="the library swaps bytes")
@pytest.mark.parametrize("dtypes", ["f", "fd", "dfe", "fqd", "fB", "?"])
def test_the_bytes_are_those_of_the_library(dtypes):
    rng = np.random.default_rng(0)
    shapes = [(), (3,), (2, 3, 4), (0, 5), (7, 1)]
    tensors = {
        f"{name}.{dtype}": np.asarray(100 * rng.random(shape)).astype(dtype)
        for dtype in dtypes
        for name, shape in zip(("weights/b", "weights/a", "é", "Z", '"'), shapes, strict=True)
    }
    metadata = {"minunet": '{"format": "a \\"b\\" é \\u2028 \x7f", "n": [1, 2]}\n\t/'}
    assert b"".join(serialized(tensors, metadata)) == safetensors.numpy.save(tensors, metadata=metadata)


def test_no_tensor_is_copied():
    array = np.zeros(10, np.float32)
    _, part = serialized({"a": array}, {"minunet": "{}"})
    array[3] = 1
    assert np.frombuffer(part, np.float32)[3] == 1
