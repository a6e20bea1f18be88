"""The forecast: measured seconds, and a training that is the same to the last bit."""

import numpy as np
import pytest

from minunet.data.crops import Sample
from minunet.fused.step_plan import StepPlan
from minunet.nn.unet import UNet
from minunet.runs.time_plan import Forecast, forecast
from minunet.training.loss import LOSSES

SMALL = {"base_channels": 4, "depth": 2}


class OneBatch:
    def __init__(self, size=4):
        self.drawn = []
        self.size = size

    def __len__(self):
        return 10

    def epoch(self, index, start=0):
        self.drawn.append(index)
        images = np.random.default_rng(index).random((self.size, 16, 16, 1), dtype=np.float32)
        yield images, (images > 0.5).astype(np.float32), [Sample("a")] * self.size


class Ticking:
    """A clock on which every look takes a second."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def test_an_epoch_is_its_steps_and_its_validation():
    source = OneBatch()
    cost = Forecast(step=2.0, validation=0.5, batch=0.1)
    assert cost.epoch(source, source) == pytest.approx(10 * 2.1 + 10 * 0.5)


def test_it_times_a_step_a_look_and_a_batch_on_the_first_batch_alone():
    source = OneBatch()
    cost = forecast(UNet(**SMALL), LOSSES["bce"], source, StepPlan(), clock=Ticking())
    assert (cost.step, cost.validation, cost.batch) == (1.0, 1.0, 1.0)
    assert source.drawn == [0]


def test_it_takes_nothing_from_the_global_generator_or_the_models_own():
    model = UNet(**SMALL, rng=np.random.default_rng(3))
    before, state = model.state_dict(), np.random.get_state()[1].copy()  # noqa: NPY002  the point is that nobody uses it
    forecast(model, LOSSES["bce"], OneBatch(), StepPlan())
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    again = UNet(**SMALL, rng=np.random.default_rng(3)).state_dict()
    assert all(
        np.array_equal(before[name], again[name]) and np.array_equal(before[name], model.state_dict()[name])
        for name in before
    )
