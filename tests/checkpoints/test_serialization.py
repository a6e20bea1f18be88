"""Safetensors files written and read tensor by tensor: the bytes and the arrays are those of the library."""

import io
import json
import sys
import threading

import numpy as np
import pytest
import safetensors.numpy

from minunet.checkpoints.serialization import TensorsOfFile, serialized
from minunet.checkpoints.tensor_table import TensorEntry, read_table


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


def opened(data):
    """The file of these bytes, read up to its tensors, and their table."""
    length = int.from_bytes(data[:8], "little")
    file = io.BufferedReader(io.BytesIO(data))
    header = json.loads(file.read(8 + length)[8:])
    return file, read_table(header, len(data) - 8 - length)


@pytest.mark.skipif(sys.byteorder != "little", reason="the library swaps bytes")
def test_the_arrays_are_those_of_the_library():
    rng = np.random.default_rng(0)
    tensors = {
        f"{name}.{dtype}": np.asarray(100 * rng.random(shape)).astype(dtype)
        for dtype in "fdeqiB?"
        for name, shape in (("b", ()), ("a", (0, 5)), ("c", (300, 200)))
    }
    data = safetensors.numpy.save(tensors)
    read, expected = TensorsOfFile(*opened(data)).read(), safetensors.numpy.load(data)
    assert read.keys() == expected.keys() == tensors.keys()
    for name, array in expected.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        assert read[name].tobytes() == array.tobytes()
        assert read[name].flags.writeable and read[name].base is None


def test_a_file_that_became_shorter_is_noticed():
    data = safetensors.numpy.save({"a": np.ones(3, np.float32), "b": np.ones(100_000, np.float32)})
    file, table = opened(data)
    file = io.BufferedReader(io.BytesIO(data[len(data) - 400_012 : -1]))
    tensors = TensorsOfFile(file, table)
    with pytest.raises(EOFError, match="'b' ends early"):
        tensors.read()
    assert tensors["b"].shape == (100_000,)  # nobody waits for it


def test_numbers_that_numpy_does_not_have_are_refused():
    with pytest.raises(TypeError, match="float8"):
        TensorsOfFile(io.BufferedReader(io.BytesIO(bytes(8))), {"a": TensorEntry("float8", (8,))})


def test_a_tensor_can_be_had_while_others_are_read():
    """The second cannot be read before the first has been looked at."""
    looked_at = threading.Event()
    file, table = opened(safetensors.numpy.save({"a": np.ones(100_000, np.float32), "b": np.ones(100_000, np.float32)}))

    class Gate:
        def readinto(self, memory):
            if file.tell() > 400_000:
                assert looked_at.wait(10)
            return file.readinto(memory)

    tensors = TensorsOfFile(Gate(), table)
    thread = threading.Thread(target=tensors.read)
    thread.start()
    assert (tensors["a"] == 1).all()
    looked_at.set()
    assert (tensors["b"] == 1).all()
    thread.join()
