"""Training, validation and prediction "on a GPU" by the stand-in for CuPy and the host shim, beside the same op by op."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from minunet.kernels import dispatch
from minunet.kernels.backend import to_numpy
from minunet.kernels.cuda import tensor_cores
from minunet.runs.config import TrainConfig
from minunet.runs.memory_plan import peak_memory, predicted_peak, training_peak
from minunet.training.loss import LOSSES
from minunet.training.schedule import Schedule
from minunet.training.step import FusedStep, OrdinaryStep, step_for, why_op_by_op
from minunet.training.trainer import Diverged, Trainer
from tests.cuda_on_cpu import cupy_on_cpu
from tests.cuda_on_cpu.build import compiler
from tests.cuda_on_cpu.cases import needs_bfloat16
from tests.cuda_on_cpu.squares import Squares, start

pytestmark = pytest.mark.skipif(compiler() is None, reason="g++ is not installed")
NONE = SimpleNamespace(shapes=list)  # batches of no images


@pytest.fixture
def host(monkeypatch):
    # The paths of NumPy take the stand-in's arrays for NumPy's; where tf32 is allowed, the smallest convolutions too.
    with dispatch.prefer("cuda"), dispatch.prefer("cuda-tensor-cores"):
        yield cupy_on_cpu.install(monkeypatch)


def trainer(source, *, precision="tf32", clip=1.0, loss="bce", epochs=2, step=None, **settings):
    model, optimizer = start(**settings)
    made = Trainer(
        model,
        optimizer,
        Schedule("constant", 2e-3, 1),
        LOSSES[loss],
        source,
        source,
        epochs=epochs,
        clip=clip,
        device="cuda",
        precision=precision,
    )
    made.step = step(made) if step else made.step
    return made


def op_by_op(made: Trainer) -> OrdinaryStep:
    return OrdinaryStep(
        made.model, made.optimizer, made.loss, clip=made.step.fused.clip, device="cuda", precision="tf32"
    )


@pytest.mark.parametrize("precision", ["tf32", pytest.param("bf16", marks=needs_bfloat16)])
def test_the_memory_that_is_planned_is_what_training_takes(host, precision):
    """Of its steps and passes for batches of two and of one; and nothing is asked of the device before it begins."""
    shapes = SimpleNamespace(shapes=lambda: [(2, 8, 8), (1, 8, 8)])
    config = TrainConfig(base_channels=8, depth=1, variant="classic", precision=precision)
    host.launches.clear()
    plan, planned = training_peak(config, shapes, shapes, "cuda")
    assert planned and not host.launches
    made = trainer(Squares(), precision=precision, clip=config.clip, epochs=1)
    made.fit()
    steps, passes = made.step.fused._steps, made.forward_pass._fused._passes
    assert set(steps) == set(passes) == {(2, 8, 8, 1), (1, 8, 8, 1)}
    taken = sum(step.nbytes + sum(a.nbytes for slot in step._slots for a in slot.staged) for step in steps.values())
    taken += sum(kept.passing.arena.nbytes for kept in passes.values())
    taken += sum(array.nbytes for array in made.step.fused._arrays)
    assert plan == taken
    one = predicted_peak(config.architecture(), (2, 8, 8, 1), LOSSES["bce"], "cuda", precision=precision, clip=1.0)
    assert one == training_peak(config, SimpleNamespace(shapes=lambda: [(2, 8, 8)]), NONE, "cuda")[0] < plan


@pytest.mark.parametrize("lacking", [{"loss": "dice"}, {"precision": "fp32"}, {"base_channels": 4}])
def test_the_memory_of_what_is_not_fused_is_estimated(host, lacking):
    config = TrainConfig(**{"base_channels": 8, "depth": 1, "precision": "tf32", **lacking})
    found = training_peak(config, SimpleNamespace(shapes=lambda: [(2, 8, 8), (1, 8, 8)]), NONE, "cuda")
    assert found == (peak_memory(config.architecture(), (2, 8, 8, 1), LOSSES[config.loss]), False)


@pytest.mark.parametrize("clip", [0.05, 1e3, None])
def test_fused_training_is_the_ordinary_one(host, clip):
    """Losses, scores and weights after two epochs whose last batches are smaller, with gradients that are clipped or not."""
    fused, plain = trainer(Squares(), clip=clip), trainer(Squares(), clip=clip, step=op_by_op)
    assert isinstance(fused.step, FusedStep)
    for a, b in zip(fused.fit().history, plain.fit().history, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=1e-4)
        assert a.val_loss == pytest.approx(b.val_loss, rel=1e-3)
        assert a.train_dice == pytest.approx(b.train_dice, abs=0.02)
    assert fused.optimizer.steps == plain.optimizer.steps == 6
    for (name, a), b in zip(fused.model.named_parameters(), plain.model.parameters(), strict=True):
        assert np.abs(to_numpy(a.data) - to_numpy(b.data)).mean() < 2e-5, name


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
            step = FusedStep(model, optimizer, clip=0.5, precision=precision)
        else:
            step = OrdinaryStep(model, optimizer, LOSSES["bce"], clip=0.5)
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
        options = {"clip": 0.01, "precision": "tf32"}
        step = (
            FusedStep(model, optimizer, **options)
            if kind is FusedStep
            else OrdinaryStep(model, optimizer, LOSSES["bce"], device="cuda", **options)
        )
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
    step = FusedStep(model, optimizer, precision="tf32")
    (a, b, _) = (batch[:2] for batch in Squares().epoch(0))
    other = tuple(array.copy() for array in b)
    step(*a, following=b)
    captured = step.fused._steps[a[0].shape]
    assert captured._sent - captured._used == 1
    step(*b)  # is there already
    assert captured._sent == captured._used == 2
    step(*a, following=b)
    found = step(*other)  # equal, but other arrays: what was sent is not trusted
    assert captured._sent == captured._used == 5
    assert math.isfinite(found.loss)


def test_which_step_there_is(host):
    model, optimizer = start()
    bce, dice = LOSSES["bce"], LOSSES["dice"]
    assert isinstance(step_for(model, optimizer, bce, device="cuda", precision="bf16"), FusedStep)
    for loss, device, precision in ((dice, "cuda", "bf16"), (bce, "cuda", "fp32"), (bce, "cpu", "fp32")):
        assert isinstance(step_for(model, optimizer, loss, device=device, precision=precision), OrdinaryStep)
    assert why_op_by_op(model, optimizer, bce, 8, 8) is None
    assert "cross-entropy alone" in why_op_by_op(model, optimizer, dice, 8, 8)
    assert "multiples of 2" in why_op_by_op(model, optimizer, bce, 7, 8)


@pytest.mark.parametrize(
    ("loss", "settings", "side"), [("dice", {}, 8), ("bce", {"base_channels": 4}, 8), ("bce", {}, 9)]
)
def test_what_has_no_fused_step_trains_op_by_op(host, loss, settings, side):
    made = trainer(Squares(side), loss=loss, epochs=1, **settings)
    (record,) = made.fit().history
    assert math.isfinite(record.train_loss) and made.optimizer.steps == 3
    assert ("adam.cu", "advance") not in host.launches
