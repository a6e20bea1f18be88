"""Pickles of PyTorch, read without running what they say."""

import argparse
import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from minunet.errors import UserError
from minunet.exchange.foreign_weights import read_foreign_weights
from minunet.exchange.torch_pickle import Storage, StoredTensor, read_torch_pickle


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def archive(path, content, entries=(), compression=zipfile.ZIP_STORED):
    """A zip file as torch.save writes it."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("net/data.pkl", content)
        for name, data in dict(entries).items():
            file.writestr(f"net/{name}", data)
    return path


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_function_that_a_file_names_is_not_called(tmp_path, protocol):
    content = pickle.dumps({"weights": Evil(tmp_path / "made")}, protocol)
    path = archive(tmp_path / "net.pth", content)
    with pytest.raises(
        UserError, match=r"this file names \w+.mkdir, and is not read.*torch.save\(model.state_dict\(\), FILE\)"
    ):
        read_torch_pickle(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "name",
    ["builtins.eval", "torch._utils._rebuild_tensor_v3", "numpy._core.multiarray._reconstruct", "collections.deque"],
)
def test_every_other_name_is_refused(tmp_path, name):
    module, _, function = name.rpartition(".")
    path = archive(tmp_path / "net.pth", f"c{module}\n{function}\n.".encode())
    with pytest.raises(UserError, match=f"names {name}"):
        read_torch_pickle(path)


def test_plain_values_and_ordered_dictionaries_are_read(tmp_path):
    stored = collections.OrderedDict(epoch=3, names=["a", "b"], nested={"lr": 0.5, "none": None, "pair": (1, True)})
    assert read_torch_pickle(archive(tmp_path / "net.pth", pickle.dumps(stored, 2))) == dict(stored)


BAD_ZIPS = {
    "no pickle": (lambda path: zipfile.ZipFile(path, "w").close(), "this zip file is none of torch.save"),
    "compressed": (lambda path: archive(path, b"x" * 99, compression=zipfile.ZIP_DEFLATED), "is damaged .*compressed"),
    "cut off": (lambda path: path.write_bytes(archive(path, b"N." * 99).read_bytes()[:90]), "is damaged"),
    "no end": (lambda path: archive(path, b"]"), "is damaged"),
    "an empty memo": (lambda path: archive(path, b"Nr\xff\xff\xff\x7f."), "is damaged .*memo"),
    "big-endian": (lambda path: archive(path, b"N.", {"byteorder": "big"}), "big-endian"),
    "a persistent object": (lambda path: archive(path, pickle.dumps(1)[:2] + b"Nq\x00Q."), "is damaged"),
    "neither": (lambda path: path.write_bytes(b"PNG? no"), "no file of torch.save"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "safetensors": (lambda path: path.write_bytes((99).to_bytes(8, "little") + b"{}"), "damaged or cut off"),
}


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_a_bad_file_is_named(tmp_path, case):
    make, sentence = BAD_ZIPS[case]
    path = tmp_path / "net.pth"
    make(path)
    with pytest.raises(UserError, match=sentence) as raised:
        read_foreign_weights(path)
    assert str(path) in str(raised.value)


def test_there_is_no_such_file(tmp_path):
    for read in (read_torch_pickle, read_foreign_weights):
        with pytest.raises(UserError, match="there is no such file"):
            read(tmp_path / "none.pth")
        with pytest.raises(UserError, match="it is a folder"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (7,), (1,)),
        (3, (2, 2), (2, 1)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (9,), (0,)),
        (0, (2,), (1, 1)),
    ],
)
def test_a_tensor_beyond_its_numbers_is_refused(offset, shape, strides):
    storage = Storage("<f4", 6, lambda: np.arange(6, dtype="<f4").tobytes())
    with pytest.raises(ValueError, match="a tensor"):
        StoredTensor(storage, offset, shape, strides).array()
    with pytest.raises(ValueError, match="cut off"):
        StoredTensor(Storage("<f4", 6, lambda: b"1234"), 0, (6,), (1,)).array()


def test_a_tensor_with_strides_is_read():
    storage = Storage("<f4", 6, lambda: np.arange(6, dtype="<f4").tobytes())
    assert StoredTensor(storage, 1, (2, 2), (1, 3)).array().tolist() == [[1, 4], [2, 5]]
    assert StoredTensor(storage, 6, (0, 2), (2, 1)).array().shape == (0, 2)
    assert StoredTensor(storage, 5, (), ()).array() == 5


def test_a_cut_off_file_of_the_old_format_is_named(tmp_path):
    torch = pytest.importorskip("torch")
    content = io.BytesIO()
    torch.save({"a": torch.arange(5.0)}, content, _use_new_zipfile_serialization=False)
    path = tmp_path / "net.pth"
    path.write_bytes(content.getvalue())
    assert read_foreign_weights(path).array(path, "a").tolist() == [0, 1, 2, 3, 4]
    for length in (15, 60, len(content.getvalue()) - 30, len(content.getvalue()) - 3):
        path.write_bytes(content.getvalue()[:length])
        with pytest.raises(UserError, match="damaged"):
            read_foreign_weights(path).array(path, "a")


def test_a_tensor_whose_numbers_have_changed_is_named(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pth"
    torch.save({"outc.conv.weight": torch.full((1, 2, 1, 1), 0.25)}, path)
    path.write_bytes(path.read_bytes().replace(np.float32(0.25).tobytes(), np.float32(0.5).tobytes()))
    with pytest.raises(UserError, match=r"the tensor 'outc.conv.weight' is damaged \(Bad CRC-32"):
        read_foreign_weights(path).array(path, "outc.conv.weight")


def test_what_is_left_out_runs_nothing(tmp_path):
    """The names that are allowed stand for classes of this package, whatever they are given."""
    stored = {"score": np.float32(0.5), "settings": argparse.Namespace(made=3)}
    loaded = read_torch_pickle(archive(tmp_path / "net.pth", pickle.dumps(stored, 2)))
    assert [type(value).__module__ for value in loaded.values()] == ["minunet.exchange.torch_pickle"] * 2
