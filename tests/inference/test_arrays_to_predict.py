"""The prediction for an array does not depend on the layout of its bytes in memory."""

import numpy as np
import pytest

from minunet import UNet
from minunet.checkpoints.model_file import load_model, save_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    return load_model(save_model(path, UNet(base_channels=2, depth=1), Preprocessing()))


@pytest.mark.parametrize(
    "lie",
    [
        lambda image: image.astype(">u2"),  # as readers of big-endian TIFF give it
        lambda image: image.astype("<u2"),
        np.asfortranarray,
        lambda image: np.repeat(np.repeat(image, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda image: image[::-1].copy()[::-1],
    ],
)
def test_the_same_prediction(model, lie):
    image = np.random.default_rng(0).integers(0, 65536, (9, 14), dtype=np.uint16)
    assert np.array_equal(model.predict(lie(image)), model.predict(image))


def test_arrays_of_a_subclass_are_read_alike_but_a_mask_is_refused(model):
    image = np.random.default_rng(0).integers(0, 256, (9, 14), dtype=np.uint8)
    assert np.array_equal(model.predict(image.view(np.matrix)), model.predict(image))
    with pytest.raises(UserError, match="an image is a masked array, whose mask would be ignored"):
        model.predict(np.ma.array(image, mask=image > 100))
