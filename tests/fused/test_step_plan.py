"""The plan of a step: on which machine, in which precision, and whether it is fused or why not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minunet import UNet, nn, optim
from minunet.data.outputs import Outputs
from minunet.errors import UserError
from minunet.functional import binary_cross_entropy_with_logits, dice_loss
from minunet.fused.fused_step import FusedStep
from minunet.fused.step_plan import ON_THE_CPU, StepPlan, why_no_fused_forward, why_not_fusable
from minunet.kernels import backend
from minunet.kernels.machine import Machine
from minunet.training.loss import LOSSES, make_loss
from tests.cuda_on_cpu.shim import cupy_on_cpu
from tests.fused.example_step import fused_plan

BCE = binary_cross_entropy_with_logits


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of which only the compute capability is known."""

    def there(*capability):
        monkeypatch.setattr(backend, "resolve_device", lambda device: "cpu" if device == "cpu" else "cuda")
        monkeypatch.setattr(backend, "compute_capability", lambda: capability)

    return there


def unet(**settings):
    return UNet(**{"base_channels": 8, "depth": 2, "variant": "classic", **settings})


def test_auto_is_bf16_with_a_fused_step_and_tf32_without(gpu):
    gpu(9, 0)
    plan = StepPlan.choose(unet(), BCE, (8, 12), device="auto", clip=0.5)
    assert plan == StepPlan(Machine("cuda", "bf16"), 0.5, None) and plan.fused and plan.precision == "bf16"
    for model, loss, size in (
        (unet(), dice_loss, (8, 12)),
        (unet(base_channels=12), BCE, (8, 12)),
        (unet(activation="tanh"), BCE, (8, 12)),
        (unet(), BCE, (8, 10)),
    ):
        plan = StepPlan.choose(model, loss, size, device="cuda")
        assert not plan.fused and plan.machine.precision == plan.precision == "tf32"
    plan = StepPlan.choose(unet(), dice_loss, (8, 12), device="cuda", precision="bf16")
    assert plan.machine.precision == "bf16" and plan.precision == "tf32"  # outside of the fused kernels
    gpu(7, 5)
    plan = StepPlan.choose(unet(), BCE, (8, 12), device="cuda")
    assert plan.precision == "fp32" and plan.why_not_fused.endswith("for which this GPU has no tensor cores")


def test_on_the_cpu_and_in_fp32_nothing_is_fused(gpu):
    assert StepPlan.choose(unet(), BCE, (8, 8)) == StepPlan()  # where the model is
    assert StepPlan().why_not_fused == ON_THE_CPU and StepPlan().precision == "fp32"
    gpu(8, 0)
    plan = StepPlan.choose(unet(), BCE, (8, 8), device="cuda", precision="fp32")
    assert plan.why_not_fused == "the fused kernels compute in bf16 or tf32"
    assert why_no_fused_forward(unet(), (8, 8), plan.machine) == plan.why_not_fused
    with pytest.raises(UserError, match="the CPU computes only in fp32"):
        StepPlan.choose(unet(), BCE, (8, 8), device="cpu", precision="tf32")


def test_what_a_network_must_be_to_be_fused():
    assert why_not_fusable(unet(), BCE, (8, 12)) is None
    assert "multiples of 4, not 8x10" in why_not_fusable(unet(), BCE, (8, 10))
    assert "multiple of 8, and it is 12" in why_not_fusable(unet(base_channels=12), BCE, (8, 8))
    assert "ReLU" in why_not_fusable(unet(activation="tanh"), BCE, (8, 8))
    assert "at most 8191 pixels" in why_not_fusable(unet(), BCE, (8, 8192))
    assert "a UNet, not of a Sequential" in why_not_fusable(nn.Sequential(), BCE, (8, 8))
    assert "only cross-entropy" in why_not_fusable(unet(), dice_loss, (8, 8))

    class Changed(UNet):
        """Could compute anything."""

    assert "not of a Changed" in why_not_fusable(Changed(base_channels=8), BCE, (16, 16))
    model = unet()
    model.parameters()[-1].data = model.parameters()[-1].data.astype(np.float64)
    assert "weights in float32" in why_not_fusable(model, BCE, (8, 8))


def test_what_an_optimizer_must_be(monkeypatch):
    model = unet()
    optimizer = optim.Adam(model.parameters())
    assert why_not_fusable(model, BCE, (8, 8), optimizer) is None
    sgd, fewer = optim.SGD(model.parameters(), lr=0.1), optim.Adam(list(model.parameters())[1:])
    assert "updates with Adam, not with SGD" in why_not_fusable(model, BCE, (8, 8), sgd)
    assert "all of the model's parameters" in why_not_fusable(model, BCE, (8, 8), fewer)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cupy", cupy_on_cpu.cupy())
        first = model.parameters()[0]
        first.data, before = np.zeros(1, np.float32).view(cupy_on_cpu.DeviceArray), first.data
        assert "make it after moving the model" in why_not_fusable(model, BCE, (8, 8), optimizer)
        first.data = before
    optimizer.updates[0] = 3
    assert "numbers differ" in why_not_fusable(model, BCE, (8, 8), optimizer)
    with pytest.raises(ValueError, match="numbers differ"):
        FusedStep(model, optimizer, fused_plan("bf16"))(np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 8, 1)))


@pytest.mark.parametrize("ignores", [False, True])
@pytest.mark.parametrize("separation", [None, "distance"])
def test_the_cross_entropy_of_training_has_a_fused_step_with_its_weights(gpu, separation, ignores):
    gpu(9, 0)
    outputs = Outputs(separation=separation)
    model = unet(out_channels=outputs.channels)
    for name in LOSSES:
        loss = make_loss(name, outputs, ignores=ignores)
        plan = StepPlan.choose(model, loss, (16, 16), device="cuda")
        assert plan.fused == (name == "bce")
        assert plan.weighs_values == (name == "bce" and (ignores or separation is not None))


def test_a_softmax_has_a_fused_step(gpu):
    gpu(9, 0)
    outputs = Outputs(classes=("background", "red", "white"), separation="distance")
    model = unet(out_channels=outputs.channels)
    plan = StepPlan.choose(model, make_loss("bce", outputs, class_weights=(1, 2, 3)), (16, 16), device="cuda")
    assert plan == StepPlan(Machine("cuda", "bf16"), None, None, weighs_values=True, classes=3)
    why = why_not_fusable(model, make_loss("bce+dice", outputs), (16, 16))
    assert why == "the fused step minimises only cross-entropy"
