"""Trainings that fail in every way there is: each warning is printed, is in the file, and is said once."""

import functools

import numpy as np
import pytest

from minunet import Tensor
from minunet.data.outputs import Outputs
from minunet.runs.callbacks import WarningLines, WarningWriter
from minunet.runs.warnings_file import read_warnings, write_warnings
from minunet.training.class_loss import with_classes
from minunet.training.divergence import Diverged, Exploded
from minunet.training.events import TrainingProgress
from minunet.training.loss import make_loss
from minunet.training.schedule import Schedule
from minunet.training.watch import TrainingWatch, constant_loss
from minunet.training.watch_record import TrainingWarning
from tests.training.small_trainings import Discs, Recorder, assert_same, build, restore, snapshot


class Noise(Discs):
    """Halves of cell whose images do not show where; the same few of them in every epoch, to be learned by heart."""

    def epoch(self, index, start=0):
        for images, masks, samples in super().epoch(0, start):
            sides = np.random.default_rng(self.seed).integers(0, 2, (len(masks), 1, 1, 1))
            masks[:, :6] = sides
            masks[:, 6:] = 1 - sides
            images[...] = np.random.default_rng(self.seed).uniform(0, 1, images.shape)
            yield images, masks, samples


def watched(tmp_path, epochs, lr, **options):
    """A trainer with its watch, whose warnings are printed to a list and written to a file."""
    said = []
    write = functools.partial(write_warnings, tmp_path / "warnings.json")
    trainer = build(epochs=epochs, lr=lr, callbacks=[WarningWriter(write), WarningLines(said.append)], **options)
    trainer.schedule = Schedule("constant", lr, 1)
    trainer.watch = TrainingWatch(trainer.model, trainer.loss, trainer.validation, epochs=epochs, lr=lr)
    return trainer, said


def warn(tmp_path, trainer, said):
    """Train; the warnings of the file, after a check that exactly these were printed."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            trainer.fit()
    except Diverged as error:
        trainer.error = error
    warnings = read_warnings(tmp_path / "warnings.json")
    text = " ".join(" ".join(said).split())
    assert [f"warning epoch {w.epoch}: {w.message}" in text for w in warnings] == [True] * len(warnings)
    assert text.count("warning epoch") == len(warnings)
    assert trainer.progress.warnings == warnings
    return {warning.kind: warning for warning in warnings}


@pytest.mark.parametrize(("bias", "kind"), [(-5, "all background"), (5, "all cell")])
def test_one_answer_for_every_pixel(tmp_path, bias, kind):
    trainer, said = watched(tmp_path, 5, 1e-9, training=Discs(batches=15))
    trainer.model.head.weight.data[...], trainer.model.head.bias.data[...] = 0, bias
    warnings = warn(tmp_path, trainer, said)
    assert list(warnings) == [kind] and warnings[kind].epoch == 4


def test_a_loss_at_ln_2(tmp_path):
    trainer, said = watched(tmp_path, 6, 1e-9, training=Noise(batches=15))
    trainer.validation = trainer.watch.validation = Noise(batches=2, seed=9)
    trainer.model.head.weight.data *= 1e-2
    warnings = warn(tmp_path, trainer, said)
    assert list(warnings) == ["stuck"] and "stayed at 0.693" in warnings["stuck"].message


def test_no_better_than_everything_cell(tmp_path):
    trainer, said = watched(tmp_path, 2, 1e-9)
    warnings = warn(tmp_path, trainer, said)
    assert list(warnings) == ["trivial"] and warnings["trivial"].epoch == 2
    assert "6 steps are too few, train longer: --epochs 134" in warnings["trivial"].message


def test_a_network_that_is_dead(tmp_path):
    trainer, said = watched(tmp_path, 2, 1e-3)
    trainer.model.bottleneck.convs[1].bias.data[...] = -100
    warnings = warn(tmp_path, trainer, said)
    assert warnings["dead relu"].epoch == 1
    assert "1 of 7 layers with a ReLU is dead" in warnings["dead relu"].message
    assert "bottleneck.convs.1 (8 of 8)" in warnings["dead relu"].message


def test_a_layer_of_which_half_is_dead_is_not_said(tmp_path):
    trainer, said = watched(tmp_path, 1, 1e-3)
    trainer.model.bottleneck.convs[1].bias.data[:4] = -100
    assert "dead relu" not in warn(tmp_path, trainer, said)


def test_training_images_learned_by_heart(tmp_path):
    trainer, said = watched(tmp_path, 60, 0.02, training=Noise(batches=2))
    trainer.validation = trainer.watch.validation = Noise(batches=2, seed=9)
    warnings = warn(tmp_path, trainer, said)
    assert "over-fitting" in warnings
    assert "the training loss fell" in warnings["over-fitting"].message


def test_too_few_steps(tmp_path):
    trainer, said = watched(tmp_path, 12, 0.01, seed=1)
    warnings = warn(tmp_path, trainer, said)
    assert list(warnings) == ["too few epochs"] and "only 36 steps were taken" in warnings["too few epochs"].message


def test_a_loss_that_explodes_is_named_and_ends_the_training_with_the_best_epoch_kept(tmp_path):
    trainer, said = watched(tmp_path, 9, 0.01)
    recorder = Recorder()
    trainer.callbacks.append(recorder)
    trainer.schedule = lambda step: 0.01 if step < 6 else 10.0
    warnings = warn(tmp_path, trainer, said)
    assert isinstance(trainer.error, Exploded)
    assert warnings["exploding"].epoch == trainer.error.epoch == 3 < 9
    assert trainer.progress.best_epoch <= 2 and recorder.events[-2:] == [("epoch", 3), ("interrupt", False)]
    # Resumed, it ends at once, before another step.
    with pytest.raises(Exploded):
        trainer.fit()
    assert recorder.events[-2:] == [("start", 9), ("interrupt", False)]


def test_numbers_that_are_not_finite_are_named_with_layer_batch_and_images(tmp_path):
    trainer, said = watched(tmp_path, 2, 0.01)
    trainer.model.bottleneck.convs[0].weight.data[...] = 3e38
    warnings = warn(tmp_path, trainer, said)
    message = warnings["not finite"].message
    assert "in epoch 1, step 1 of 3" in message
    assert "(the first layer with such values is bottleneck.convs.0, for 0.0 and 0.1)" in message
    assert "lower --lr" in message and str(trainer.error) in message


def test_a_resumed_training_does_not_repeat_what_was_said_and_ends_as_one_that_was_not_stopped(tmp_path):
    whole, said = watched(tmp_path, 4, 0.01)
    warn(tmp_path, whole, said)
    first, said = watched(tmp_path, 4, 0.01)
    first.progress.warnings = [TrainingWarning("dead relu", 1, "said before")]
    first.epochs = 2
    first.fit()
    second, said = watched(tmp_path, 4, 0.01)
    warnings = first.progress.warnings
    restore(second, snapshot(first)).progress.warnings = warnings
    second.fit()
    assert [w.kind for w in second.progress.warnings] == ["dead relu", "all background"]
    assert "said before" not in " ".join(said)
    assert_same(whole, second)


def test_a_training_with_a_watch_has_the_bits_of_one_without(tmp_path):
    plain = build(epochs=3)
    plain.schedule = Schedule("constant", 0.01, 1)
    plain.fit()
    trainer, _ = watched(tmp_path, 3, 0.01)
    trainer.fit()
    assert_same(plain, trainer)


def test_a_training_that_was_made_longer_may_say_again_that_it_is_too_short(tmp_path):
    trainer, _ = watched(tmp_path, 4, 0.01)
    short, other = TrainingWarning("too few epochs", 2, ""), TrainingWarning("over-fitting", 2, "")
    assert trainer.watch.still_true([short, other]) == [other]
    assert trainer.watch.still_true([TrainingWarning("too few epochs", 4, "")])


def test_the_constant_loss_is_the_entropy_of_the_share_of_cell_without_ignored_pixels():
    class Masks:
        def epoch(self, index, start=0):
            masks = np.zeros((2, 4, 4, 1), np.float32)
            masks[:, :1] = 1
            yield masks, masks, []

    share = 0.25
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert constant_loss(build().loss, Masks()) == pytest.approx(entropy, rel=1e-5)


def test_the_constant_loss_of_a_network_that_separates_cells_is_the_lowest_of_all_constants():
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 1, (2, 6, 6, 3)).astype(np.float32)
    targets[..., 0] = targets[..., 0] < 0.3
    targets[..., 2] *= 5

    class Separated:
        def epoch(self, index, start=0):
            yield None, targets, []

    loss = make_loss("bce", Outputs(separation="distance"))
    found = constant_loss(loss, Separated())
    for logits in rng.normal(0, 2, (50, 2)).astype(np.float32):
        assert loss(Tensor(np.tile(logits, (2, 6, 6, 1))), targets).item() > found


def test_progress_without_warnings_is_that_of_an_older_state():
    assert TrainingProgress().warnings == [] and "warnings" not in TrainingProgress().to_dict()


def test_the_constant_loss_of_classes_is_that_of_the_best_answer_for_every_pixel():
    masks = np.tile(np.repeat(np.array([0, 0, 0, 1, 1, 2, -1, -1], np.float32), 2).reshape(4, 4, 1), (2, 1, 1, 1))
    weights = (0.5, 1.0, 3.0)

    class Masks:
        def epoch(self, index, start=0):
            yield np.zeros((2, 4, 4, 1), np.float32), masks, []

    loss = with_classes("bce", Outputs(("background", "red", "white")), weights)
    lowest = constant_loss(loss, Masks(), weights)
    rng = np.random.default_rng(0)
    others = [
        loss(Tensor(np.tile(rng.normal(0, 1, 3).astype(np.float32), (2, 4, 4, 1))), masks).item() for _ in range(50)
    ]
    assert 0 < lowest < min(others) and constant_loss(loss, Masks(), weights) == lowest
