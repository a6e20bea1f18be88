"""The plan with a made-up cost: its times, what is done, and the clock that corrects it."""

import json

import pytest

from minunet.data.pairs import find_pairs
from minunet.data.split import split_pairs
from minunet.data.synthetic.smear_set import write_set
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.time_estimate import OVERHEAD, RemainingTime, TimeEstimator
from minunet.experiments.variations import Variations
from minunet.kernels.machine import Machine
from minunet.runs.time_plan import Forecast

SETTINGS = StudySettings(
    size=(16, 16), claims_size=(8, 8), depth=1, base_channels=2, claims_base_channels=2, batch_size=4, epochs=5
)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smears")
    write_set(folder, 14, (32, 32), seed=0)
    return split_pairs(find_pairs(folder))


def planner(split, folder, measured=None):
    def measure(model, loss, batches, plan):
        if measured is not None:
            config = model.config
            measured.append((config["activation"], config["pooling"], config["block_end_relu"], len(batches)))
        return Forecast(step=2.0, validation=0.5, batch=0.25)

    prepared = PreparedImages(folder.prepared, levels=SETTINGS.levels)
    kinds = {"binary", "resized", "levels"}
    prepared.write([*split.train, *split.validation, *split.test], {(16, 16): kinds, (8, 8): kinds})
    return TimeEstimator(folder, split, prepared, Machine(), measure)


def test_times_follow_from_the_measured_step(split, tmp_path):
    variations = Variations(SETTINGS, len(split.train))
    (estimate,) = planner(split, StudyFolder(tmp_path)).plan([Experiment(variations.by_key["m1"], 0)])
    # 12 training images in batches of 4, 5 epochs with a validation each, and the test
    assert estimate.seconds == pytest.approx(OVERHEAD + 5 * (3 * 2.25 + 0.5) + 0.5)
    assert (estimate.steps, estimate.epochs, estimate.done) == (3, 0, False)
    assert "5 epochs of 3 steps" in estimate.line()
    assert len(estimate.line()) <= 80


def test_a_step_is_measured_once_for_each_network_and_size(split, tmp_path):
    variations, measured = Variations(SETTINGS, len(split.train)), []
    experiments = [Experiment(variation, seed) for variation in variations.by_key.values() for seed in (0, 1)]
    planner(split, StudyFolder(tmp_path), measured).plan(experiments)
    assert len(measured) == 6  # with and without end ReLUs; claims: ReLU, tanh, sigmoid, average
    assert {batches for *_, batches in measured} == {1}


def test_what_is_done_costs_nothing_and_what_was_begun_less(split, tmp_path):
    variations, folder = Variations(SETTINGS, len(split.train)), StudyFolder(tmp_path)
    done, begun = Experiment(variations.by_key["m1"], 0), Experiment(variations.by_key["m2"], 0)
    for experiment in (done, begun):
        folder.run(experiment).path.mkdir(parents=True)
    folder.run(done).metrics.write_text(json.dumps({}))
    folder.run(begun).history.write_text("epoch\n1\n2\n")
    folder.run(begun).last.write_bytes(b"")
    first, second = planner(split, folder).plan([done, begun])
    assert (first.done, first.seconds) == (True, 0.0)
    assert first.line().endswith("done")
    assert second.seconds == pytest.approx(OVERHEAD + 3 * (3 * 2.25 + 0.5) + 0.5)
    assert "2 of 5 epochs done" in second.line()


def test_the_clock_learns_from_what_experiments_took(split, tmp_path):
    variations = Variations(SETTINGS, len(split.train))
    plan = planner(split, StudyFolder(tmp_path)).plan([Experiment(variations.by_key["m1"], seed) for seed in (0, 1, 2)])
    now = iter([100.0, 100.0 + 2 * plan[0].seconds])
    clock = RemainingTime(plan, lambda: next(now))
    assert clock.remaining() == pytest.approx(3 * plan[0].seconds)
    clock.start()
    assert clock.stop(plan[0]) == pytest.approx(2 * plan[0].seconds)
    assert clock.remaining() == pytest.approx(2 * 2 * plan[0].seconds)
