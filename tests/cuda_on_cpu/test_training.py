"""Training, validation and prediction "on a GPU" by the stand-in for CuPy and the host shim, beside the same op by op."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from cuda_on_cpu import cupy_on_cpu
from cuda_on_cpu.build import compiler
from cuda_on_cpu.cases import needs_bfloat16
from minunet import UNet, optim
from minunet.kernels import dispatch
from minunet.kernels.backend import to_numpy
from minunet.training.config import TrainConfig
from minunet.training.footprint import peak_memory, predicted_peak, training_peak
from minunet.training.inference import Inference
from minunet.training.loss import LOSSES
from minunet.training.schedule import Schedule
from minunet.training.step import FusedStep, OrdinaryStep, step_for, why_op_by_op
from minunet.training.trainer import Diverged, Trainer

pytestmark = pytest.mark.skipif(compiler() is None, reason="g++ is not installed")
NONE = SimpleNamespace(shapes=list)  # batches of no images


@pytest.fixture
def host(monkeypatch):
    # The paths of NumPy take the stand-in's arrays for NumPy's; where tf32 is allowed, the smallest convolutions too.
    with dispatch.prefer("cuda"), dispatch.prefer("cuda-tensor"):
        yield cupy_on_cpu.install(monkeypatch)


class Squares:
    """Bright squares; batches of two and, at the end, one."""

    def __init__(self, side: int = 8, broken: int | None = None, scale: float = 1):
        self.side, self.broken, self.scale = side, broken, np.float32(scale)

    def __len__(self):
        return 3

    def epoch(self, index, start=0):
        rng = np.random.default_rng([5, index])
        for number, count in enumerate((2, 2, 1)):
            masks = np.zeros((count, self.side, self.side, 1), np.float32)
            for mask in masks:
                row, column = rng.integers(0, self.side - 4, 2)
                mask[row : row + 4, column : column + 4] = 1
            images = 0.7 * masks + rng.uniform(0, 0.3, masks.shape).astype(np.float32)
            if number == self.broken:
                images[0, 2, 2] = np.nan
            if number >= start:
                yield images * self.scale, masks, [f"{number}.{k}" for k in range(count)]


def start(**settings):
    model = UNet(**{"base_channels": 8, "depth": 1, "variant": "classic", "rng": np.random.default_rng(0), **settings})
    model.to("cuda")
    return model, optim.Adam(model.parameters(), lr=1e-3)


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
    steps, passes = made.step.fused._steps, made.inference._fused._passes
    assert set(steps) == set(passes) == {(2, 8, 8, 1), (1, 8, 8, 1)}
    taken = sum(step.nbytes + sum(a.nbytes for slot in step._slots for a in slot.staged) for step in steps.values())
    taken += sum(kept.passing.arena.bytes for kept in passes.values())
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


@pytest.mark.parametrize("precision", ["tf32", pytest.param("bf16", marks=needs_bfloat16)])
def test_fused_answers_are_those_of_the_model_at_any_size(host, precision):
    model, _ = start(depth=2)
    inference, exact = Inference(model, precision), Inference(model, "fp32")
    rng = np.random.default_rng(1)
    for shape in ((2, 8, 12, 1), (1, 7, 9, 1), (1, 1, 1, 1), (2, 8, 12, 1)):
        images = rng.random(shape, np.float32)
        found, expected = (to_numpy(answer.logits(images)) for answer in (inference, exact))
        assert found.shape == expected.shape == shape
        assert np.abs(found - expected).max() < {"tf32": 4e-3, "bf16": 4e-2}[precision] * np.abs(expected).max()


def test_fused_answers_follow_the_weights(host):
    """Changed in place, and replaced by other arrays."""
    model, optimizer = start()
    inference, exact = Inference(model, "tf32"), Inference(model, "fp32")
    images, masks, _ = next(iter(Squares().epoch(0)))
    before = to_numpy(inference.logits(images))
    FusedStep(model, optimizer, precision="tf32")(images, masks)
    after = to_numpy(inference.logits(images))
    assert np.abs(after - before).max() > 1e-3
    assert np.abs(after - to_numpy(exact.logits(images))).max() < 4e-3
    for p in model.parameters():
        p.data = p.data * np.float32(0.5)
    assert np.abs(to_numpy(inference.logits(images)) - to_numpy(exact.logits(images))).max() < 4e-3


def test_only_a_few_passes_are_kept(host):
    model, _ = start()
    inference = Inference(model, "tf32")
    for side in range(2, 18, 2):
        inference.logits(np.zeros((1, side, 2, 1), np.float32))
    assert [shape[1] for shape in inference._fused._passes] == [10, 12, 14, 16]
