"""The runner of a study, with trainings that are only pretended: which are run, where they print to, and what is printed."""

import re

import pytest

from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.experiments import runner
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.runner import RunLog, StudyRunner
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.time_estimate import ExperimentEstimate
from minunet.experiments.variations import Variations
from minunet.files.json_files import write_json
from minunet.runs.train_config import TrainConfig
from minunet.training.divergence import Diverged

VARIATIONS = Variations(StudySettings(), 72).by_key
SCORES = {"loss": 0.1, "keras_accuracy": 0.9, "dice": 0.8, "iou": 0.7}


class PretendedRun:
    """Takes the place of a `TrainingRun`; with tanh the loss is no longer a number."""

    def __init__(self, config, folder, split, *, resume, say):
        self.config, self.folder, self.say = config, folder, say
        assert resume and folder.split.is_file()

    def load(self):
        self.say("loaded")

    def fit(self):
        if self.config.activation == "tanh":
            raise UserError("lower --lr") from Diverged(1, 2, 3, float("nan"), 1e-3)

    def finish(self):
        write_json(self.folder.metrics, {"test": SCORES})


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A runner, and the list of lines that it prints."""
    monkeypatch.setattr(runner, "TrainingRun", PretendedRun)
    split = Split(*((Pair(side, tmp_path / "a.png", tmp_path / "b.png"),) for side in ("x", "y", "z")))
    lines = []
    prepared = PreparedImages(tmp_path / "prepared")
    return StudyRunner(StudyFolder(tmp_path), split, prepared, device="cpu", say=lines.append), lines


def estimate(key, done=False):
    return ExperimentEstimate(Experiment(VARIATIONS[key], 0), 0, 3, done, 0.0 if done else 5.0)


def test_only_what_is_not_done_is_run_each_in_its_folder_with_its_log(study, tmp_path):
    study, lines = study
    study.run([estimate("m1", done=True), estimate("m2"), estimate("sigmoid")])
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["m2-seed0", "sigmoid-seed0"]
    assert (tmp_path / "runs" / "m2-seed0" / "log.txt").read_text() == "loaded\n"
    assert TrainConfig.read(tmp_path / "runs" / "sigmoid-seed0" / "config.json").activation == "sigmoid"
    assert lines[0] == "1/2  M2, binary masks, seed 0"
    scores = "     loss 0.1000, Keras 0.9000, Dice 0.8000, IoU 0.7000"
    assert re.fullmatch(re.escape(scores) + r" \(.*s, .*s left\)", lines[1])
    assert re.fullmatch(re.escape(scores) + r" \([^,]*s\)", lines[3])


def test_a_training_that_diverges_does_not_stop_the_others(study):
    study, lines = study
    study.run([estimate("tanh"), estimate("average")])
    assert study.diverged == {"tanh-seed0"}
    assert "diverged: the loss became nan in epoch 1" in lines[1] and "Dice 0.8000" in lines[3]


def test_other_errors_do_stop_it(study, monkeypatch):
    def full(run):
        raise UserError("no space")

    monkeypatch.setattr(PretendedRun, "finish", full)
    with pytest.raises(UserError, match="no space"):
        study[0].run([estimate("m2")])


def test_a_log_is_added_to(tmp_path):
    for line in ("one", "two"):
        with RunLog(tmp_path / "log.txt") as log:
            log(line)
    assert (tmp_path / "log.txt").read_text() == "one\ntwo\n"
    with pytest.raises(UserError, match="cannot be written"), RunLog(tmp_path):
        pass
