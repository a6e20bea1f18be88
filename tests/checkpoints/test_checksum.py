"""The checksum of a file is computed by another thread; what it finds arrives at the thread that asks for the tensors."""

import _thread
import subprocess
import sys

import numpy as np
import pytest

import minunet
from minunet.checkpoints import container
from minunet.checkpoints.checksum import CHECKSUM, checksum, mismatch
from minunet.errors import UserError

TENSORS = {"a": np.arange(6, dtype=np.float32), "b": np.ones((2, 3))}


def signed(tensors):
    return {"format": "test", CHECKSUM: checksum(tensors, {"format": "test"})}


def refused(function, arguments):
    raise RuntimeError("can't start new thread")


@pytest.fixture(params=["a thread", "no thread"])
def perhaps_a_thread(request, monkeypatch):
    if request.param == "no thread":
        monkeypatch.setattr(_thread, "start_new_thread", refused)


def test_what_does_not_agree_is_found():
    document = signed(TENSORS)
    assert mismatch(TENSORS, document) is None
    assert mismatch(TENSORS | {"a": np.zeros(6, np.float32)}, document) == "tensors"
    assert mismatch(TENSORS, document | {"format": "another"}) == "header"


@pytest.mark.usefixtures("perhaps_a_thread")
def test_a_damaged_file_is_refused_when_its_tensors_are_asked_for(tmp_path):
    path = container.write(tmp_path / "file", TENSORS, {"format": "test"})
    tensors = container.read_unchecked(path, {"test": "a test"}).tensors()
    np.testing.assert_array_equal(tensors["a"], TENSORS["a"])
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    stored = container.read_unchecked(path, {"test": "a test"})
    with pytest.raises(UserError, match="its tensors is not as it was written"):
        stored.tensors()


@pytest.mark.usefixtures("perhaps_a_thread")
def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path, monkeypatch):
    path = container.write(tmp_path / "file", TENSORS, {"format": "test"})
    read = container.TensorsOfFile.read

    def read_shortened(tensors):
        path.write_bytes(path.read_bytes()[:-1])
        return read(tensors)

    monkeypatch.setattr(container.TensorsOfFile, "read", read_shortened)
    stored = container.read_unchecked(path, {"test": "a test"})
    with pytest.raises(UserError, match="is damaged .the tensor 'a' ends early"):
        stored.tensors()


def test_what_is_wrong_with_the_device_and_with_the_file_is_said_together(tmp_path):
    path = minunet.save_model(minunet.UNet(base_channels=2, depth=1), tmp_path / "model.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        minunet.load_model(path, device="tpu")
    device, file = caught.value.problems
    assert "tpu" in device and "this file is damaged" in file


def test_what_takes_long_to_import_is_imported_while_the_checksum_is_computed():
    code = "import sys, minunet.checkpoints.model_file; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"minunet.kernels.cpu", "minunet.inference", "threadpoolctl"} & set(imported)
