"""The peak of a run with its own settings and with others, from fixed shapes."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minunet.data.batches import Batches
from minunet.data.finding.matching import Pair
from minunet.data.reading.preprocessing import Preprocessing
from minunet.fused.step_plan import StepPlan
from minunet.nn.unet import UNet
from minunet.runs import peak_forecast
from minunet.runs.memory_plan import highest_resident_memory, resident_memory
from minunet.runs.peak_forecast import PeakForecast
from minunet.runs.train_config import TrainConfig
from minunet.training.loss import LOSSES

CONFIG = TrainConfig(base_channels=8, depth=2, size=(96, 64), batch_size=4)
MB = 10**6


@pytest.fixture
def forecast(tmp_path, monkeypatch):
    """Of a run on eight images, in a process that holds 100 MB, and held 300 MB; takes the limit of its stores."""
    monkeypatch.setattr(peak_forecast, "resident_memory", lambda: 100.0 * MB)
    monkeypatch.setattr(peak_forecast, "highest_resident_memory", lambda: 300.0 * MB)
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.eye(20, 30, dtype=np.uint8) * 255).save(tmp_path / "m.png")
    pairs = [Pair(f"p{k}", tmp_path / "a.png", tmp_path / "m.png") for k in range(8)]

    def make(limit=None):
        sides = [Batches(pairs, Preprocessing(size=CONFIG.size), 4, limit=limit).load() for _ in range(2)]
        return PeakForecast(CONFIG, UNet(**CONFIG.architecture()), LOSSES["bce"], StepPlan(), *sides)

    return make


def test_other_settings_need_less(forecast):
    made = forecast()
    whole = made.peak(CONFIG)
    others = [
        made.peak(replace(CONFIG, **changes))
        for changes in ({"recompute": True}, {"batch_size": 2}, {"base_channels": 4}, {"size": (48, 32)})
    ]
    assert max(others) < whole - 0.4 * MB
    assert min(others) > 100 * MB


def test_the_forecast_of_a_size_is_that_of_a_run_of_that_size(forecast, monkeypatch):
    made = forecast()
    small = replace(CONFIG, size=(64, 48), base_channels=4)
    monkeypatch.setattr(made, "config", small)
    monkeypatch.setattr(made, "model", UNet(**small.architecture()))
    for batches in (made.training, made.validation):
        monkeypatch.setattr(batches, "shapes", lambda size=None: [(4, 48, 64)])
    assert made.peak(small) == forecast().peak(small)


def test_the_model_is_left_as_it_was(forecast):
    made = forecast()
    made.model.recompute = False
    made.peak(replace(CONFIG, recompute=True))
    assert made.model.recompute is False and made.training.batch_size == 4


def test_images_that_are_read_again_take_what_they_took_the_first_time(forecast):
    assert forecast(limit=0).peak(CONFIG) - forecast().peak(CONFIG) == pytest.approx(200 * MB)


def test_what_the_system_says_of_the_highest_is_plausible():
    highest, now = highest_resident_memory(), resident_memory()
    assert highest is None or now is None or highest >= 0.9 * now
