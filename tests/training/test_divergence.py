"""A loss, a gradient or a weight that is not finite stops the training before it changes anything, and the error says where."""

import numpy as np
import pytest

from minunet.fused.step_plan import StepPlan
from minunet.training.divergence import Diverged
from tests.training.small_trainings import Discs, Recorder, build


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_training_before_it_reaches_the_weights(bad):
    class Broken(Discs):
        def epoch(self, index, start=0):
            for number, (images, masks, samples) in enumerate(super().epoch(index, start), start):
                yield (images * bad if (index, number) == (1, 1) else images), masks, samples

    trainer = build(training=Broken())
    recorder = Recorder()
    trainer.callbacks = [recorder]
    with pytest.raises(Diverged, match=r"in epoch 2, step 2 of 3, at a learning rate of"):
        trainer.fit()
    assert trainer.progress.step == 4
    assert all(np.isfinite(array).all() for array in trainer.model.state_dict().values())
    assert recorder.events[-2:] == [("step", 4), ("interrupt", False)]


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights():
    class Overflowing:
        """A loss whose gradient is too long for its number type."""

        def __init__(self, loss):
            self.loss, self.item = loss, loss.item

        def backward(self):
            self.loss.backward()
            trainer.model.parameters()[0].grad[...] = np.inf

    trainer = build()
    trainer.step.plan = StepPlan(clip=1.0)
    plain = trainer.step.loss
    trainer.step.loss = lambda *pair: Overflowing(plain(*pair)) if trainer.progress.step == 2 else plain(*pair)
    with pytest.raises(Diverged, match="the gradient became inf in epoch 1, step 3 of 3"):
        trainer.fit()
    assert trainer.progress.step == 2
    assert all(np.isfinite(array).all() for array in trainer.model.state_dict().values())


def test_weights_that_overflow_in_the_last_step_of_an_epoch_are_found_by_its_validation():
    trainer, recorder = build(), Recorder()
    trainer.callbacks = [recorder]
    plain = trainer.optimizer.step

    def step():
        plain()
        if trainer.optimizer.steps == 3:
            trainer.model.parameters()[0].data[...] = np.nan

    trainer.optimizer.step = step
    with pytest.raises(Diverged, match="the loss became nan in epoch 1, validation"):
        trainer.fit()
    assert ("epoch", 1) not in recorder.events
