"""A fused step on the host shim with a model and a batch, and what its loss, gradients and update are held to."""

from __future__ import annotations

import dataclasses

import numpy as np

from minunet import UNet, optim
from minunet.functional import binary_cross_entropy_with_logits
from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_step import UNetStep
from minunet.kernels import primitives
from minunet.kernels.machine import Machine
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.device_checks.rounding import to_tf32
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, HostLauncher

# Of the largest element of each gradient: factors of 11 and 8 bits, through some ten layers.
TOLERANCE = {"tf32": 4e-3, "bf16": 6e-2}


def fused_plan(precision: str, clip: float | None = None, *, weighs_values: bool = False) -> StepPlan:
    """The plan of a fused step in this precision."""
    return StepPlan(Machine("cuda", precision), clip, None, weighs_values)


def view(step: UNetStep, place) -> np.ndarray:
    """The NumPy array at a place; bfloat16 by way of ml_dtypes."""
    return step.arena.array(dataclasses.replace(place, dtype=np.dtype(place.dtype.name)))


def example(
    variant: str,
    precision: str,
    schedule: str,
    *,
    base_channels: int = 8,
    depth: int = 2,
    shape: tuple[int, int, int] = (2, 8, 12),
    sm_90a: bool = False,
    channels: tuple[int, int] = (3, 1),
    weighted: bool = False,
):
    """(model, batch, fused step with the batch and a learning rate in place, its parameters' arrays)

    The batch is of images, targets and, if it is weighted, the weight of each value, which for some is 0.
    """
    rng = np.random.default_rng(0)
    ins, outs = channels
    model = UNet(ins, outs, base_channels=base_channels, depth=depth, variant=variant, rng=np.random.default_rng(1))
    batch = [values(rng, (*shape, ins), "float32"), rng.integers(0, 2, (*shape, outs)).astype(np.float32)]
    if weighted:
        batch.append(rng.integers(0, 4, (*shape, outs)).astype(np.float32) / 2)
    params = [p.data for p in model.parameters()]
    host = HostLauncher(SCHEDULES[schedule], sm_90a=sm_90a)
    plan = fused_plan(precision, weighs_values=weighted)
    step = UNetStep(model, optim.Adam(model.parameters()), batch[0].shape, host, plan)
    step.set_learning_rate(0.01)
    for buffer, array in zip(step.batch, batch, strict=True):
        view(step, buffer)[...] = array
    return model, tuple(batch), step, params


def away_from_kinks(step, params, scale):
    """Biases that no sum of the smaller weights reaches."""
    for p in params:
        if p.ndim == 1:
            p[...] = 1.5
        else:
            p *= scale
    step.refresh()


def gradients(model, batch):
    """(loss, logits, gradients) of the ordinary step."""
    logits = model(batch[0])
    loss = binary_cross_entropy_with_logits(logits, *batch[1:])
    loss.backward()
    return loss.item(), logits.data, [p.grad for p in model.parameters()]


def hold(step, model, expected, tolerance):
    """Loss, logits and every gradient, relative to the largest element of each."""
    loss, logits, grads = expected
    assert abs(float(view(step, step.loss)) - loss) < tolerance
    assert np.abs(view(step, step.logits) - logits).max() < tolerance * np.abs(logits).max()
    for (name, _), buffer, expected_grad in zip(model.named_parameters(), step.grads, grads, strict=True):
        worst = np.abs(view(step, buffer) - expected_grad).max() / np.abs(expected_grad).max()
        assert worst < tolerance, f"{name}: {worst:.1e}"


def hold_to_numpy(model, batch, step, params, precision):
    """Loss, gradients and update are those of NumPy in full precision.

    Biases keep every ReLU away from its kink: a rounding that crosses it would move a gradient.
    """
    away_from_kinks(step, params, 0.2)
    expected = gradients(model, batch)
    before = [p.copy() for p in params]
    step.run()
    hold(step, model, expected, TOLERANCE[precision])
    hold_update(step, params, before)


def hold_update(step, params, before, lr=0.01):
    """The update is Adam's, from these very gradients; the working copies of the weights follow the float32 ones."""
    moments = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    grads = [view(step, g).copy() for g in step.grads]
    primitives.adam.reference(before, grads, *moments, 1, lr, (0.9, 0.999), 1e-8, 0.0)
    for p, expected in zip(params, before, strict=True):
        assert np.allclose(p, expected, rtol=1e-5, atol=1e-7)
    assert np.array_equal(view(step, step.adam_state)[:2], [1, lr])
    for layer in step.layers.all():
        copy = step.weights.of(layer)
        if copy is not params[layer.weight]:
            expected, transposed = params[layer.weight].astype(copy.dtype.name), step.weights.transposed(layer)
            if step.round_to_tf32:  # read as they are
                expected = to_tf32(expected)
            if transposed is not None:  # and both ways
                assert np.array_equal(view(step, transposed), expected.transpose(0, 1, 3, 2))
            assert np.array_equal(view(step, copy)[:, :, : layer.shape[2], : layer.shape[3]], expected)
    # The next steps use the new weights and the same memory, and the loss falls.
    first = float(view(step, step.loss))
    for _ in range(2):
        step.run()
    assert view(step, step.adam_state)[0] == 3 and float(view(step, step.loss)) < first
