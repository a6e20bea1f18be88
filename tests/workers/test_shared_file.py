import tempfile

import numpy as np
import pytest

from minunet import UNet
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.workers.shared_file import open_shared, shared_file


def test_arrays_are_those_of_the_file():
    value = {"a": np.arange(5.0), "b": [np.ones((3, 2), np.uint8), np.empty(0)], "c": "text"}
    with shared_file(value) as path:
        found = open_shared(path)
    assert not path.exists()
    assert found["c"] == "text"
    np.testing.assert_array_equal(found["a"], value["a"])
    np.testing.assert_array_equal(found["b"][0], value["b"][0])
    assert found["b"][1].shape == (0,)
    assert not found["a"].flags.writeable
    assert not found["a"].flags.owndata


def test_a_model_predicts_the_same():
    model = LoadedModel(UNet(3, base_channels=2, depth=2), Preprocessing(channels="rgb"))
    image = np.random.default_rng(0).integers(0, 256, (21, 30, 3), np.uint8)
    with shared_file(model) as path:
        shared = open_shared(path)
        np.testing.assert_array_equal(shared.predict(image), model.predict(image))
        assert not any(parameter.data.flags.writeable for parameter in shared.model.parameters())


def test_no_space(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(UserError, match="cannot be written.*TMPDIR, or use --workers 1"), shared_file(1):
        pass


def test_removed_also_after_an_error():
    with pytest.raises(ZeroDivisionError), shared_file(1) as path:
        raise ZeroDivisionError
    assert not path.exists()
