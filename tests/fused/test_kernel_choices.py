"""What a step's table says of each product is what is launched: the kernel, its tile, and how many share the pixels."""

from __future__ import annotations

import pytest

from minunet import UNet, optim
from minunet.fused.graphs import STAGED_BATCHES
from minunet.fused.kernel_choices import RecordedStep, recorded_forward, recorded_step
from minunet.fused.step_memory import StepMemory, step_memory
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.machine import Machine
from tests.fused.example_step import fused_plan

SHAPE = (2, 48, 32, 3)
MULTIPLIES = (
    "ampere_convolution.cu",
    "ampere_weight_gradient.cu",
    "hopper_convolution.cu",
    "hopper_weight_gradient.cu",
)


class Listing(MetaLauncher):
    """Lists the launches of products."""

    def __init__(self, without_sm_90a=None):
        super().__init__(without_sm_90a)
        self.launches = []

    def launch(self, program, instance, grid, block, shared_bytes, values):
        if program.source in MULTIPLIES:
            self.launches.append((program.source, instance, grid))


def unet(base_channels, variant):
    return UNet(3, base_channels=base_channels, depth=2, variant=variant)


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
@pytest.mark.parametrize(
    ("base_channels", "without_sm_90a"), [(8, "not asked for"), (64, "not asked for"), (64, None), (40, None)]
)
def test_the_kernels_are_those_that_are_launched(base_channels, without_sm_90a, precision, variant):
    device = Listing(without_sm_90a)
    step = RecordedStep(unet(base_channels, variant), None, SHAPE, device, fused_plan(precision))
    first, step.choices = step.choices, []
    device.launches.clear()
    step.run()  # now that there is "memory", launches come to the device
    launches = iter(device.launches)
    for product in step.choices:
        gradient = product.operation == "weight gradient"
        # An up-convolution goes forward by four launches, one for each place of its kernel.
        for _ in range(4 if product.layer.kernel_size == 2 and product.operation.startswith("forward") else 1):
            source, instance, grid = next(launches)
            family = "hopper" if product.kernel.startswith("sm_90a wgmma, ") else "ampere"
            assert source == f"{family}_{'weight_gradient' if gradient else 'convolution'}.cu"
            kernel = product.kernel.partition(", ")[2]
            if gradient:
                of = "all" if grid[2] == 1 else f"{grid[2]} shares of the"
                blocks = "64x64 channels x 9 taps" if family == "hopper" else f"128x{instance.split(', ')[2]} weights"
                assert kernel == f"{blocks}, {of} pixels"
            elif family == "hopper":
                across = instance.split(", ")[1] == "true"
                assert kernel == ("128 channels x 16x16 pixels" if across else "64 channels x 32x16 pixels")
            else:
                assert kernel == f"{instance.split(', ')[2]} channels x 128 pixels"
            assert without_sm_90a is None or product.why == without_sm_90a
    assert next(launches, None) is None
    assert any(p.kernel.startswith("sm_90a") for p in step.choices) == (base_channels > 8 and without_sm_90a is None)
    # The choices are complete already when the step is laid out.
    assert [(p.layer.weight, p.operation, p.kernel) for p in first][: len(step.choices)] == [
        (p.layer.weight, p.operation, p.kernel) for p in step.choices
    ]


def test_the_reasons():
    """Too few channels, another kernel size, factors that cannot be read; and what is promised where nothing speaks against."""
    step = recorded_step(unet(64, "classic"), SHAPE, MetaLauncher(), fused_plan("tf32"))
    why = {(product.layer.weight, product.operation): product.why for product in step.choices}
    last = step.layers.expansion[-1][-1].weight
    assert "already rounded to tf32" in why[0, "forward"]
    assert "3x3 kernels" in why[step.layers.head.weight, "forward"]
    assert "tf32 operands transposed" in why[last, "weight gradient"]
    assert why[last, "input gradient"] == "estimated 1.9 times as fast as mma.sync"
    step = recorded_step(unet(8, "classic"), SHAPE, MetaLauncher(), fused_plan("bf16"))
    (first,) = (
        product.why for product in step.choices if product.operation == "weight gradient" and product.layer.weight == 0
    )
    assert first == "estimated to be slower with wgmma: 98 % of its multiplications would be by padding zeros"


def test_each_layer_has_its_products_and_the_forward_pass_alone_is_the_same():
    step = recorded_step(unet(8, "paper"), SHAPE, MetaLauncher("not asked for"), fused_plan("bf16"))
    for layer in step.layers.all():
        operations = [product.operation for product in step.choices if product.layer is layer]
        again = ["forward again"] if layer.kernel_size == 2 or layer.weight == 0 else []
        back = sorted(set(operations) - {"forward", *again})
        assert operations[0] == "forward" and set(again) <= set(operations)
        assert back == (["weight gradient"] if layer.weight == 0 else ["input gradient", "weight gradient"])
        assert len(operations) == 1 + len(again) + len(back)
    forward = recorded_forward(unet(8, "paper"), SHAPE, MetaLauncher("not asked for"), Machine("cuda", "bf16"))
    assert forward.choices == step.choices[: len(step.layers.all())]
    shapes = {product.layer.weight: product.shape for product in forward.choices}
    assert shapes[0] == (2, 48, 32, 8) and shapes[step.layers.head.weight] == (2, 48, 32, 1)


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_the_memory_is_the_steps(precision, clip):
    model, device, plan = unet(64, "classic"), MetaLauncher(), fused_plan(precision, clip)
    step = UNetStep(model, optim.Adam(model.parameters()), SHAPE, device, plan)
    memory = step_memory(model, SHAPE, device, plan)
    count = sum(p.size for p in model.parameters())
    assert memory == StepMemory(step.arena.nbytes, 12 * count, STAGED_BATCHES * 4 * (2 * 48 * 32 * 3 + 2 * 48 * 32))
    assert memory.total == memory.arena + memory.weights + memory.batches
    without = step_memory(model, SHAPE, MetaLauncher("not asked for"), plan)
    assert without.arena != memory.arena  # other shares of the weight gradients, or other copies of the weights
    with pytest.raises(ValueError, match="multiples of 4"):
        step_memory(model, (2, 50, 32, 3), device, plan)
