"""A training that was stopped and resumed gives the same bits as one that was not stopped, or says that it cannot be resumed."""

import pytest

from minunet.training.events import Callback
from minunet.training.trainer import Interrupted
from tests.training.small_trainings import Recorder, assert_same, build, restore, snapshot


class StopAfter(Callback):
    def __init__(self, trainer, step=None, epoch=None, error=None):
        self.trainer, self.step, self.epoch, self.error = trainer, step, epoch, error

    def stop(self):
        if self.error is None:
            self.trainer.request_stop()
        else:
            raise self.error

    def on_step(self, record):
        if record.step == self.step:
            self.stop()

    def on_epoch_end(self, record):
        if record.epoch == self.epoch:
            self.stop()


@pytest.mark.parametrize(("step", "epoch"), [(1, None), (2, None), (3, None), (5, None), (None, 1), (None, 2)])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(step, epoch):
    uninterrupted = build(epochs=3)
    uninterrupted.fit()
    stopped, recorder = build(epochs=3), Recorder()
    stopped.callbacks = [StopAfter(stopped, step, epoch), recorder]
    with pytest.raises(KeyboardInterrupt):
        stopped.fit()
    assert recorder.events[-1] == ("interrupt", True)
    resumed = restore(
        build(epochs=3, seed=7), snapshot(stopped)
    )  # another seed: the weights must come from the snapshot
    resumed.fit()
    assert_same(resumed, uninterrupted)


def test_a_keyboard_interrupt_from_a_callback_after_a_step_leaves_a_state_to_go_on_from():
    uninterrupted = build()
    uninterrupted.fit()
    stopped, recorder = build(), Recorder()
    stopped.callbacks = [recorder, StopAfter(stopped, step=2, error=KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        stopped.fit()
    assert recorder.events[-1] == ("interrupt", True)
    resumed = restore(build(), snapshot(stopped))
    resumed.fit()
    assert_same(resumed, uninterrupted)


def test_a_second_interrupt_leaves_no_time_for_saving():
    class Impatient(Callback):
        def on_step(self, record):
            trainer.request_stop()
            raise KeyboardInterrupt

    trainer, recorder = build(), Recorder()
    trainer.callbacks = [recorder, Impatient()]
    with pytest.raises(Interrupted) as stopped:
        trainer.fit()
    assert recorder.events[-1] == ("interrupt", False)
    assert not stopped.value.resumable


def test_an_interrupt_within_the_update_of_the_weights_is_told_apart():
    trainer, recorder = build(), Recorder()
    trainer.callbacks = [recorder]

    def half_a_step():
        raise KeyboardInterrupt

    trainer.optimizer.step = half_a_step
    with pytest.raises(KeyboardInterrupt):
        trainer.fit()
    assert recorder.events[-1] == ("interrupt", False)
