"""Training states: they are read exactly, training resumes from them as if it had not stopped, and they can predict."""

import numpy as np
import pytest

import minunet
from minunet import optim
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.training_state import load_state, save_state
from tests.checkpoints.model_files import SIZE, error_of, unet


def trained(optimizer_class=optim.Adam, steps=2):
    model = unet()
    optimizer = optimizer_class(model.parameters(), lr=0.1)
    rng = np.random.default_rng(1)
    for _ in range(steps):
        step(model, optimizer, rng)
    return model, optimizer, rng


def step(model, optimizer, rng):
    x = rng.random((2, 6, 6, 1), np.float32)
    optimizer.zero_grad()
    minunet.functional.dice_loss(model(x), (x > 0.5).astype(np.float32)).backward()
    optimizer.step()


@pytest.mark.parametrize("kind", [optim.Adam, lambda params, lr: optim.SGD(params, lr, momentum=0.9)])
def test_resumed_training_takes_the_same_steps(tmp_path, kind):
    model, optimizer, rng = trained(kind)
    save_state(tmp_path / "last.safetensors", model, optimizer, epoch=1, step=2, config={}, history=[])
    other = unet(seed=5)
    resumed = kind(other.parameters(), lr=0.3)
    load_state(tmp_path / "last.safetensors", other, resumed)
    assert resumed.lr == 0.1
    after = np.random.default_rng()
    after.bit_generator.state = rng.bit_generator.state
    for _ in range(2):
        step(model, optimizer, rng)
        step(other, resumed, after)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)


def test_state_comes_back_exactly(tmp_path):
    model, optimizer, _ = trained()
    history = [{"loss": 0.1 + 0.2, "dice": float("nan"), "best": True}, {"loss": np.float64(1e-300), "dice": np.inf}]
    save_state(
        tmp_path / "last.safetensors",
        model,
        optimizer,
        epoch=3,
        step=7,
        config=SIZE,
        history=history,
        preprocessing=SIZE,
        extra={"best": 0.25},
    )
    state = load_state(tmp_path)
    assert (state.epoch, state.step, state.extra) == (3, 7, {"best": 0.25})
    assert state.config == {**SIZE.to_dict(), "size": [16, 12]}
    assert state.preprocessing == SIZE
    assert state.architecture == model.config
    assert state.history[0]["loss"] == 0.1 + 0.2
    assert np.isnan(state.history[0]["dice"])
    assert state.history[1] == {"loss": 1e-300, "dice": np.inf}
    assert state.weights.keys() == model.state_dict().keys()


def test_state_is_also_a_model(tmp_path):
    model, optimizer, _ = trained()
    path = tmp_path / "last.safetensors"
    save_state(path, model, optimizer, epoch=1, step=2, config={}, history=[], preprocessing=SIZE)
    loaded = load_model(path)
    np.testing.assert_array_equal(loaded.model.state_dict()["head.bias"], model.state_dict()["head.bias"])
    (problem,) = error_of(tmp_path)
    assert "holds no model.safetensors; give its last.safetensors" in problem


def test_state_for_another_model_or_optimizer(tmp_path):
    model, optimizer, _ = trained()
    path = save_state(tmp_path / "last.safetensors", model, optimizer, epoch=1, step=2, config={}, history=[])
    problems = error_of(path, lambda path: load_state(path, unet(base_channels=3)))
    assert any("head.weight" in problem and "(3, 3, 2, 1)" in problem for problem in problems)
    momentum = optim.SGD(unet().parameters(), 0.1, momentum=0.5)
    (problem,) = error_of(path, lambda path: load_state(path, optimizer=momentum))
    assert "does not fit this training" in problem
    assert "velocity.0 is missing" in problem


def test_model_is_no_state_and_folder_without_one(saved):
    (problem,) = error_of(saved, load_state)
    assert "holds 'minunet-model'" in problem
    assert "give the last.safetensors" in problem
    (problem,) = error_of(saved.parent, load_state)
    assert "holds no last.safetensors" in problem
