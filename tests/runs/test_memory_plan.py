"""The memory of a training: an estimate that grows with the activations, and what the system reports."""

import pytest

from minunet.data.outputs import Outputs
from minunet.fused.step_plan import StepPlan
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet
from minunet.runs.memory_plan import (
    BATCHES_AHEAD,
    peak_so_far,
    resident_memory,
    training_memory,
    unfused_step_memory,
)
from minunet.training.loss import LOSSES, make_loss

SMALL = {"base_channels": 4, "depth": 2}


@pytest.mark.parametrize("loss", LOSSES)
def test_memory_grows_with_the_batch_and_the_pixels_by_the_activations(loss):
    fixed = 4 * sum(parameter.data.nbytes for parameter in UNet(**SMALL).parameters())
    one, eight, wide = (
        unfused_step_memory(UNet(**SMALL), LOSSES[loss], shape)
        for shape in ((1, 64, 64, 1), (8, 64, 64, 1), (1, 128, 256, 1))
    )
    assert eight - fixed == pytest.approx(8 * (one - fixed), rel=0.1)
    assert eight - fixed == pytest.approx(wide - fixed, rel=0.1)
    # The tape keeps at least every level's convolutions once: three of 4 channels at full resolution.
    assert one > 3 * 4 * 64 * 64 * 4


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_computing_blocks_again_takes_less_memory(variant):
    architecture = {"base_channels": 16, "variant": variant}
    fixed = 4 * sum(parameter.data.nbytes for parameter in UNet(**architecture).parameters())
    model = UNet(**architecture)
    kept = unfused_step_memory(model, LOSSES["bce"], (4, 128, 128, 1))
    model.recompute = True
    again = unfused_step_memory(model, LOSSES["bce"], (4, 128, 128, 1))
    assert again - fixed < 0.8 * (kept - fixed)


def test_what_the_system_says_of_memory_is_plausible():
    for size in (resident_memory(), peak_so_far()):
        assert size is None or 1e6 < size < 1e14


def test_the_estimate_adds_what_the_process_holds_but_not_on_a_gpu():
    model, loss = UNet(**SMALL), LOSSES["bce"]
    step = unfused_step_memory(model, loss, (2, 32, 32, 1))
    on_gpu = StepPlan(Machine("cuda"))
    assert training_memory(model, loss, on_gpu, [(2, 32, 32), (1, 32, 32)], []) == step
    held = training_memory(model, loss, StepPlan(), [(2, 32, 32)], []) - step
    assert held > (resident_memory() or 0) * 0.5 and held > 5e7


def test_the_model_is_left_as_it_was():
    model = UNet(**SMALL)
    arrays = [parameter.data for parameter in model.parameters()]
    model.parameters()[0].grad = grad = arrays[0].copy()
    unfused_step_memory(model, LOSSES["bce"], (1, 16, 16, 1))
    assert all(parameter.data is array for parameter, array in zip(model.parameters(), arrays, strict=True))
    assert model.parameters()[0].grad is grad and model.parameters()[1].grad is None


@pytest.mark.parametrize("name", LOSSES)
def test_the_target_of_the_estimate_is_one_that_losses_accept(name):
    targets = []

    def loss(logits, target):
        targets.append(target)
        return LOSSES[name](logits, target)

    unfused_step_memory(UNet(**SMALL), loss, (1, 64, 64, 1))
    assert all(not target.any() for target in targets) and targets


def test_the_targets_of_a_second_output_are_counted():
    model, outputs = UNet(**SMALL, out_channels=2), Outputs(separation="distance")
    loss, plan = make_loss("bce", outputs), StepPlan(Machine("cuda"))
    step = unfused_step_memory(model, loss, (2, 32, 32, 1), outputs.target_channels)
    assert training_memory(model, loss, plan, [(2, 32, 32)], [], target_channels=3) == step
    assert step > unfused_step_memory(UNet(**SMALL), LOSSES["bce"], (2, 32, 32, 1))
    bytes_of = [
        training_memory(model, loss, StepPlan(), [(2, 32, 32)], [(2, 32, 32)], held=0, target_channels=channels)
        for channels in (3, 5)
    ]
    assert bytes_of[1] - bytes_of[0] >= 2 * BATCHES_AHEAD * 2 * 32 * 32 * 4
