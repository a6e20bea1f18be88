"""Training, validation and prediction "on a GPU" by the stand-in for CuPy and the host shim, beside the same op by op."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from minunet import UNet
from minunet.fused.fused_step import FusedStep
from minunet.fused.step_plan import StepPlan
from minunet.kernels import dispatch
from minunet.kernels.backend import to_numpy
from minunet.kernels.cuda import tensor_cores
from minunet.kernels.machine import Machine
from minunet.runs.memory_limit import OverMemoryLimit, fit_settings
from minunet.runs.memory_plan import training_memory, unfused_step_memory
from minunet.runs.train_config import TrainConfig
from minunet.training.divergence import Diverged
from minunet.training.loss import LOSSES, make_loss
from minunet.training.schedule import Schedule
from minunet.training.step import OrdinaryStep, make_step
from minunet.training.trainer import Trainer
from tests.cuda_on_cpu.checks import needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.shim import cupy_on_cpu
from tests.fused.squares import Squares, start

pytestmark = needs_compiler
SHAPES = [(2, 8, 8), (1, 8, 8)]  # of the batches of Squares


@pytest.fixture
def host(monkeypatch):
    # The paths of NumPy take the stand-in's arrays for NumPy's; where tf32 is allowed, the smallest convolutions too.
    with dispatch.prefer("cuda"), dispatch.prefer("cuda-tensor-cores"):
        yield cupy_on_cpu.install(monkeypatch)


def trainer(source, *, precision="tf32", clip=1.0, loss="bce", epochs=2, step=None, **settings):
    outputs = source.outputs
    model, optimizer = start(out_channels=outputs.channels, **settings)
    weights = (0.5, 2, 1) if source.classes else ()
    minimised = make_loss(loss, outputs, ignores=source.ignored, class_weights=weights)
    plan = StepPlan.choose(model, minimised, (source.side, source.side), precision=precision, clip=clip)
    made = Trainer(
        model,
        optimizer,
        Schedule("constant", 2e-3, 1),
        minimised,
        source,
        source,
        epochs=epochs,
        plan=plan,
        outputs=outputs,
    )
    made.step = step(made) if step else made.step
    return made


def plan_for(model, loss="bce", size=(8, 8), precision="tf32", clip=None):
    return StepPlan.choose(model, LOSSES[loss], size, precision=precision, clip=clip)


def op_by_op(made: Trainer) -> OrdinaryStep:
    return OrdinaryStep(made.model, made.optimizer, made.loss, made.step.plan, made.outputs)


@pytest.mark.parametrize("precision", ["tf32", pytest.param("bf16", marks=needs_bfloat16)])
def test_the_memory_that_is_planned_is_what_training_takes(host, precision):
    """Of its steps and passes for batches of two and of one; and nothing is asked of the device before it begins."""
    made = trainer(Squares(), precision=precision, epochs=1)
    host.launches.clear()
    planned = training_memory(made.model, made.loss, made.step.plan, SHAPES, SHAPES)
    assert made.step.plan.fused and not host.launches
    made.fit()
    steps, passes = made.step._graphs, made.forward_pass._fused._graphs
    assert set(steps) == set(passes) == {(2, 8, 8, 1), (1, 8, 8, 1)}
    taken = sum(
        step.nbytes + sum(a.nbytes for batch in step._staged_batches for a in batch.staged) for step in steps.values()
    )
    taken += sum(kept.forward.arena.nbytes for kept in passes.values())
    taken += sum(array.nbytes for array in made.step._arrays)
    assert planned == taken


def test_a_limit_of_the_gpu_s_memory_makes_smaller_batches_by_the_memory_of_the_fused_step(host):
    model, loss = UNet(base_channels=16, depth=1), LOSSES["bce"]
    plan = plan_for(model.to("cuda"), size=(16, 16))
    config = TrainConfig(base_channels=16, depth=1, size=(16, 16), batch_size=4, max_memory=1)
    assert plan.fused

    def peak(config, enough=None):
        made = UNet(**config.architecture())
        return training_memory(made, loss, plan, [(config.batch_size, 16, 16)], [(config.batch_size, 16, 16)])

    half = peak(replace(config, batch_size=2))
    assert half < peak(config)
    chosen, needed = fit_settings(replace(config, max_memory=int(half)), peak, may_recompute=False, multiple=8)
    assert (chosen.batch_size, chosen.recompute, needed) == (2, False, half)
    with pytest.raises(OverMemoryLimit, match="--base-channels 8"):
        fit_settings(
            replace(config, max_memory=int(1.1 * peak(replace(config, batch_size=1, base_channels=8)))),
            peak,
            multiple=8,
        )


@pytest.mark.parametrize("lacking", [{"loss": "dice"}, {"precision": "fp32"}, {"base_channels": 4}])
def test_the_memory_of_what_is_not_fused_is_estimated(host, lacking):
    made = trainer(Squares(), **lacking)
    found = training_memory(made.model, made.loss, made.step.plan, SHAPES, SHAPES)
    assert found == unfused_step_memory(UNet(**made.model.config), made.loss, (2, 8, 8, 1))


@pytest.mark.parametrize(
    ("clip", "targets"),
    [
        (0.05, {}),
        (1e3, {}),
        (None, {}),
        (None, {"separation": True}),
        pytest.param(0.05, {"ignored": True}, marks=pytest.mark.ci),
        pytest.param(0.05, {"separation": True, "ignored": True}, marks=pytest.mark.ci),
        (None, {"classes": True}),
        pytest.param(0.05, {"classes": True, "separation": True, "ignored": True}, marks=pytest.mark.ci),
    ],
)
def test_fused_training_is_the_ordinary_one(host, clip, targets):
    """Losses, scores and weights after two epochs whose last batches are smaller, with gradients that are clipped or not."""
    source = Squares(**targets)
    fused, plain = trainer(source, clip=clip), trainer(source, clip=clip, step=op_by_op)
    assert isinstance(fused.step, FusedStep)
    for a, b in zip(fused.fit().history, plain.fit().history, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=1e-4)
        assert a.val_loss == pytest.approx(b.val_loss, rel=1e-3)
        assert a.train_dice == pytest.approx(b.train_dice, abs=0.02)
    assert fused.optimizer.steps == plain.optimizer.steps == 6
    for (name, a), b in zip(fused.model.named_parameters(), plain.model.parameters(), strict=True):
        assert np.abs(to_numpy(a.data) - to_numpy(b.data)).mean() < 2e-5, name


@pytest.mark.ci
@pytest.mark.parametrize("precision", ["tf32", pytest.param("bf16", marks=needs_bfloat16)])
def test_fused_steps_by_the_kernels_of_sm_90a_are_those_of_numpy(host, precision, monkeypatch):
    """Losses, lengths of clipped gradients and weights, for batches of two and of one; biases keep ReLUs from their kinks."""
    host.sm_90a = True
    monkeypatch.setattr(tensor_cores, "HOPPER_RATES", {2: math.inf, 4: math.inf})
    found = []
    for device in ("cuda", "cpu"):
        model, optimizer = start(device, base_channels=64)
        for p in model.parameters():
            p.data[...] = 1.5 if p.ndim == 1 else p.data * np.float32(0.1)
        if device == "cuda":
            step = FusedStep(model, optimizer, plan_for(model, size=(16, 16), precision=precision, clip=0.5))
        else:
            step = OrdinaryStep(model, optimizer, LOSSES["bce"], StepPlan(clip=0.5))
        results = [step(images, masks) for images, masks, _ in Squares(16).epoch(0)]
        found.append((results, [to_numpy(p.data) for p in model.parameters()]))
    (fused, weights), (plain, others) = found
    close = {"tf32": 1e-3, "bf16": 5e-3}[precision]
    for a, b in zip(fused, plain, strict=True):
        assert (a.loss, a.norm) == (pytest.approx(b.loss, rel=close), pytest.approx(b.norm, rel=close)) and b.norm > 0.5
    for a, b in zip(weights, others, strict=True):
        assert np.abs(a - b).mean() < close / 200  # three updates of 0.001
    assert any("hopper_convolve" in instance for _, instance in host.launches)


def test_the_norm_and_the_clipped_update_are_those_of_the_ordinary_step(host):
    batch = next(iter(Squares().epoch(0)))[:2]
    found = []
    for kind in (FusedStep, OrdinaryStep):
        model, optimizer = start()
        before = model.state_dict()
        plan = plan_for(model, clip=0.01)
        step = FusedStep(model, optimizer, plan)
        if kind is OrdinaryStep:
            step = OrdinaryStep(model, optimizer, LOSSES["bce"], plan)
        found.append((step(*batch), optimizer.state_dict(), model.state_dict(), before))
    (fused, moments, weights, before), (plain, others, _, _) = found
    assert fused.norm == pytest.approx(plain.norm, rel=1e-4) and fused.norm > 0.01
    assert fused.loss == pytest.approx(plain.loss, rel=1e-5)
    # The first mean is a tenth of the gradient as it was taken: its length is a tenth of the limit.
    means = [value for name, value in moments.items() if name.startswith("exp_avg.")]
    assert math.sqrt(sum(float(np.square(m, dtype=np.float64).sum()) for m in means)) == pytest.approx(0.001, rel=1e-4)
    for name, value in moments.items():
        if name.startswith("exp_avg."):
            np.testing.assert_allclose(value, others[name], atol=2e-6)
    assert any(not np.array_equal(weights[name], before[name]) for name in before)


@pytest.mark.parametrize("clip", [1.0, None])
@pytest.mark.parametrize("step", [None, op_by_op], ids=["fused", "op by op"])
def test_a_loss_that_is_no_number_stops_before_the_weights_change(host, step, clip):
    made = trainer(Squares(broken=1), clip=clip, step=step)
    seen = []
    plain = made._step
    made._step = lambda *batch: (seen.append((made.model.state_dict(), made.optimizer.state_dict())), plain(*batch))[1]
    with pytest.raises(Diverged) as raised:
        made.fit()
    assert (raised.value.epoch, raised.value.batch, raised.value.what) == (1, 2, "loss")
    assert not math.isfinite(raised.value.value)
    weights, moments = seen[-1]
    assert all(np.array_equal(value, weights[name]) for name, value in made.model.state_dict().items())
    assert all(np.array_equal(value, moments[name]) for name, value in made.optimizer.state_dict().items())
    assert made.optimizer.steps == 1 == made.progress.step


@pytest.mark.parametrize("step", [None, op_by_op], ids=["fused", "op by op"])
def test_a_gradient_that_is_no_number_is_named(host, step):
    """Huge pixels, tiny first weights: the loss is finite, but the sums of the first weights' gradient overflow."""
    made = trainer(Squares(scale=1e37), clip=1.0, step=step)
    weights = dict(made.model.named_parameters())
    weights["contraction.0.convs.0.weight"].data *= np.float32(1e-36)
    weights["head.weight"].data *= np.float32(1e3)
    before = made.model.state_dict()
    with pytest.raises(Diverged, match="the gradient became inf in epoch 1, step 1 of 3"):
        made.fit()
    assert all(np.array_equal(value, before[name]) for name, value in made.model.state_dict().items())
    assert made.optimizer.steps == 0


def test_batches_are_sent_ahead_and_dropped_when_another_comes(host):
    model, optimizer = start()
    step = FusedStep(model, optimizer, plan_for(model))
    (a, b, _) = (batch[:2] for batch in Squares().epoch(0))
    other = tuple(array.copy() for array in b)
    step(*a, next_batch=b)
    captured = step._graphs[a[0].shape]
    assert captured._sent - captured._used == 1
    step(*b)  # is there already
    assert captured._sent == captured._used == 2
    step(*a, next_batch=b)
    found = step(*other)  # equal, but other arrays: what was sent is not trusted
    assert captured._sent == captured._used == 5
    assert math.isfinite(found.loss)


def test_the_step_is_the_one_of_the_plan(host):
    model, optimizer = start()
    bce, machine = LOSSES["bce"], Machine("cuda", "bf16")
    assert isinstance(make_step(model, optimizer, bce, StepPlan(machine, None, None)), FusedStep)
    for why in ("the loss", "the machine"):
        assert isinstance(make_step(model, optimizer, bce, StepPlan(machine, None, why)), OrdinaryStep)


def test_a_batch_whose_size_has_no_fused_step_takes_the_ordinary_one(host):
    """Between two that have one, which go on from the weights that it left."""
    found = []
    for fused in (True, False):
        model, optimizer = start()
        plan = plan_for(model)
        step = make_step(model, optimizer, LOSSES["bce"], plan)
        step = step if fused else OrdinaryStep(model, optimizer, LOSSES["bce"], plan)
        batches = [next(iter(Squares(side).epoch(0)))[:2] for side in (8, 9, 8)]
        found.append(([step(*batch).loss for batch in batches], optimizer.updates))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-3) and np.array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize(
    ("loss", "settings", "side"), [("dice", {}, 8), ("bce", {"base_channels": 4}, 8), ("bce", {}, 9)]
)
def test_what_has_no_fused_step_trains_op_by_op(host, loss, settings, side):
    made = trainer(Squares(side), loss=loss, epochs=1, **settings)
    (record,) = made.fit().history
    assert math.isfinite(record.train_loss) and made.optimizer.steps == 3
    assert ("adam.cu", "advance") not in host.launches
