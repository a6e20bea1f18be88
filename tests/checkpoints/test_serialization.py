"""Safetensors files written and read tensor by tensor: the bytes and the arrays are those of the library."""

import contextlib
import json
import os
import sys
import threading

import numpy as np
import pytest
import safetensors.numpy

from minunet.checkpoints import serialization
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


@pytest.fixture(params=["parts together", "one part at a time"])
def each_system(request, monkeypatch):
    if request.param == "one part at a time":
        monkeypatch.delattr(os, "readv", raising=False)


@pytest.fixture
def opened(tmp_path):
    def opened(data, cut=0):
        """A file of these bytes but some of the last, read up to its tensors, and their table."""
        length = int.from_bytes(data[:8], "little")
        (tmp_path / "file").write_bytes(data[: len(data) - cut])
        file = stack.enter_context((tmp_path / "file").open("rb"))
        header = json.loads(file.read(8 + length)[8:])
        return file, read_table(header, len(data) - 8 - length)

    with contextlib.ExitStack() as stack:
        yield opened


@pytest.mark.skipif(sys.byteorder != "little", reason="the library swaps bytes")
@pytest.mark.usefixtures("each_system")
@pytest.mark.parametrize(("group", "parts"), [(serialization.GROUP, 512), (2000, 3), (0, 1)])
def test_the_arrays_are_those_of_the_library(opened, monkeypatch, group, parts):
    monkeypatch.setattr(serialization, "GROUP", group)
    monkeypatch.setattr(serialization, "MOST_PARTS", parts)
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


@pytest.mark.usefixtures("each_system")
@pytest.mark.parametrize(("cut", "name"), [(1, "b"), (400_000, "b"), (400_001, "a"), (400_012, "a")])
def test_a_file_that_became_shorter_is_noticed(opened, cut, name):
    data = safetensors.numpy.save({"a": np.ones(3, np.float32), "b": np.ones(100_000, np.float32)})
    tensors = TensorsOfFile(*opened(data, cut))
    with pytest.raises(EOFError, match=f"'{name}' ends early"):
        tensors.read()
    assert tensors["b"].shape == (100_000,)  # nobody waits for it


def test_numbers_that_numpy_does_not_have_are_refused(opened):
    file, _ = opened(safetensors.numpy.save({}))
    with pytest.raises(TypeError, match="float8"):
        TensorsOfFile(file, {"a": TensorEntry("float8", (8,))})


def test_a_tensor_can_be_had_while_others_are_read(opened, monkeypatch):
    """The third cannot be read before those of the first group have been looked at."""
    looked_at = threading.Event()
    ones = np.ones(100_000, np.float32)
    read_group = TensorsOfFile._read_group

    def gate(tensors, names):
        assert "c" not in names or looked_at.wait(10)
        read_group(tensors, names)

    monkeypatch.setattr(serialization, "GROUP", 800_000)
    monkeypatch.setattr(TensorsOfFile, "_read_group", gate)
    tensors = TensorsOfFile(*opened(safetensors.numpy.save({"a": ones, "b": ones, "c": ones})))
    thread = threading.Thread(target=tensors.read)
    thread.start()
    assert (tensors["a"] == 1).all() and (tensors["b"] == 1).all()
    looked_at.set()
    assert (tensors["c"] == 1).all()
    thread.join()


def test_the_file_may_be_closed(opened):
    file, table = opened(safetensors.numpy.save({"a": np.ones(3, np.float32)}))
    tensors = TensorsOfFile(file, table)
    file.close()
    assert (tensors.read()["a"] == 1).all()
