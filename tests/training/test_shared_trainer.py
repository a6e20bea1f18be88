"""A training that ranks share: the same bits as alone, one that decides, and an end for all of them."""

import numpy as np
import pytest

from minunet.data.batches import Batches
from minunet.data.finding.matching import Pair
from minunet.data.reading.preprocessing import Preprocessing
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.training.divergence import Diverged
from minunet.training.events import Callback
from minunet.training.loss import LOSSES
from minunet.training.schedule import Schedule
from minunet.training.trainer import Interrupted, Trainer
from tests.threads_as_ranks import in_ranks, values_of
from tests.training.small_trainings import Recorder, assert_same


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    from PIL import Image

    folder, rng, pairs = tmp_path_factory.mktemp("discs"), np.random.default_rng(0), []
    rows, columns = np.mgrid[:16, :16]
    for number in range(7):
        row, column = rng.uniform(4, 12, 2)
        mask = (rows - row) ** 2 + (columns - column) ** 2 < 12
        image = (120 * mask + rng.uniform(0, 100, mask.shape)).astype(np.uint8)
        paths = folder / f"{number}.png", folder / f"{number}_mask.png"
        Image.fromarray(image).save(paths[0])
        Image.fromarray(mask.astype(np.uint8) * 255).save(paths[1])
        pairs.append(Pair(str(number), *paths))
    return pairs


def trainer(ranks, pairs, *, callbacks=(), lr=0.01, micro_batch=2):
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    preprocessing = Preprocessing(size=(8, 8))
    training = Batches(pairs[:5], preprocessing, 3, augment="light", seed=1, shuffle=True)
    return Trainer(
        model,
        Adam(model.parameters()),
        Schedule("onecycle", lr, 3 * len(training)),
        LOSSES["bce"],
        training,
        Batches(pairs[3:], preprocessing, 1),
        epochs=3,
        callbacks=callbacks if ranks.is_first else (),
        micro_batch=micro_batch,
        ranks=ranks,
    )


def trained(ranks, pairs, **options):
    made = trainer(ranks, pairs, **options)
    made.fit()
    return made


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_rank_has_the_weights_and_the_history_of_one_alone(pairs, ranks):
    recorder = Recorder()
    (alone,) = values_of(in_ranks(1, lambda own: trained(own, pairs)))
    shared = values_of(in_ranks(ranks, lambda own: trained(own, pairs, callbacks=[recorder])))
    for one in shared:
        assert_same(one, alone)
    assert [event for event, _ in recorder.events].count("epoch") == 3


def test_a_stop_that_rank_0_is_asked_for_ends_all_after_the_same_step(pairs):
    class StopAtOnce(Callback):
        def on_step(self, record):
            if record.step == 3:
                made[0].request_stop()

    made = {}

    def work(ranks):
        made[ranks.rank] = trainer(ranks, pairs, callbacks=[StopAtOnce()])
        ranks.at_rest = False
        try:
            made[ranks.rank].fit()
        except Interrupted as error:
            return error.resumable, made[ranks.rank].progress.step, ranks.at_rest
        return None

    assert values_of(in_ranks(2, work)) == [(True, 3, True)] * 2


def test_a_training_that_diverges_ends_on_all_ranks_and_rank_0_says_where(pairs):
    def work(ranks):
        made = trainer(ranks, pairs, lr=1e30)
        with np.errstate(all="ignore"), pytest.raises(Diverged) as caught:
            made.fit()
        return str(caught.value)

    first, second = values_of(in_ranks(2, work))
    assert first.startswith(second) and "(" in first and "(" not in second


def test_a_rank_that_is_interrupted_alone_has_no_state_to_resume_from(pairs):
    """It does not have the others' shares of the optimizer's state."""

    def work(ranks):
        made = trainer(ranks, pairs)
        made._train = interrupt
        with pytest.raises(Interrupted) as caught:
            made.fit()
        return caught.value.resumable

    def interrupt():
        raise KeyboardInterrupt

    assert values_of(in_ranks(2, work)) == [False] * 2
    assert values_of(in_ranks(1, work)) == [True]
