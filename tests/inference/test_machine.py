"""What --precision comes to on a machine, without a GPU by a stand-in that only tells its generation."""

import pytest

import minunet
from minunet.errors import UserError
from minunet.inference import machine
from minunet.kernels import backend
from minunet.runs.config import TrainConfig


@pytest.fixture
def gpu(monkeypatch):
    def there(*capability):
        monkeypatch.setattr(backend, "resolve_device", lambda device: "cpu" if device == "cpu" else "cuda")
        monkeypatch.setattr(backend, "compute_capability", lambda: capability)

    return there


def test_auto_in_training_takes_the_fastest_that_there_is(gpu):
    gpu(9, 0)
    assert machine.settled(TrainConfig()).precision == "bf16"
    assert machine.settled(TrainConfig(crop=64, size=None)).precision == "bf16"
    for lacking in ({"loss": "dice"}, {"base_channels": 12}, {"activation": "tanh"}, {"size": (100, 96)}):
        assert machine.settled(TrainConfig(**lacking)).precision == "tf32"
    assert machine.settled(TrainConfig(device="cpu")).precision == "fp32"
    assert machine.settled(TrainConfig(precision="tf32")).precision == "tf32"
    gpu(7, 5)
    assert machine.settled(TrainConfig()).precision == "fp32"


def test_auto_in_prediction_stays_close_to_fp32(gpu):
    gpu(8, 0)
    assert machine.placed("auto", "auto") == ("cuda", "tf32")
    assert machine.placed("cuda", "bf16") == ("cuda", "bf16")
    assert machine.placed("cpu", "auto") == ("cpu", "fp32")
    gpu(7, 0)
    assert machine.placed("cuda", "auto") == ("cuda", "fp32")


def test_what_cannot_be_had_is_said_with_the_remedy(gpu):
    gpu(7, 5)
    assert machine.problems("fp32", "cuda") == machine.problems("auto", "cuda") == []
    (problem,) = machine.problems("bf16", "cuda")
    assert (
        "--precision bf16: this needs a GPU of compute capability 8.0 or newer, this one has 7.5; give fp32" in problem
    )
    (problem,) = machine.problems("tf32", "cpu")
    assert "the CPU computes only in fp32; give fp32, or run on a GPU, --device cuda." in problem
    with pytest.raises(UserError, match="only in fp32"):
        machine.placed("cpu", "bf16")
    with pytest.raises(UserError, match='precision "half" is not known; choose one of auto, fp32, tf32, bf16'):
        minunet.load_model("no-file", precision="half")


def test_a_device_that_is_not_there_is_told_elsewhere(monkeypatch):
    def missing(device):
        raise UserError("no GPU")

    monkeypatch.setattr(backend, "resolve_device", missing)
    assert machine.problems("bf16", "cuda") == []
