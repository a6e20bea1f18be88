"""The network in plain NumPy against that of the package, for every kind of network and any size."""

import numpy as np
import pytest

from minunet.exchange.single_file import plain_network
from minunet.exchange.single_file.plain_network import plain_logits
from tests.exchange.small_models import KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(32, 48), (17, 23), (1, 1)])
def test_logits_are_those_of_the_package(kind, shape):
    model = KINDS[kind].model
    image = np.random.default_rng(0).random((*shape, model.config["in_channels"]), np.float32)
    logits = plain_logits(model.state_dict(), model.config, image)
    expected = model(image[None]).data[0]
    assert logits.shape == expected.shape and logits.dtype == np.float32
    assert np.abs(logits - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


def test_a_convolution_in_bands_is_the_whole_one(monkeypatch):
    model = KINDS["classic, rgb"].model
    image = np.random.default_rng(1).random((29, 31, 3), np.float32)
    whole = plain_logits(model.state_dict(), model.config, image)
    monkeypatch.setattr(plain_network, "BAND_VALUES", 1)  # a row at a time
    assert np.allclose(plain_logits(model.state_dict(), model.config, image), whole, rtol=0, atol=1e-6)
