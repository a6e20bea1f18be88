"""The settings of a study: JSON and back, the configurations they give, and a sentence for each that cannot work."""

import json

import pytest

from minunet.errors import UserError
from minunet.experiments.study_settings import StudySettings


def test_the_defaults_are_sound_and_the_papers():
    settings = StudySettings()
    assert settings.problems() == []
    m1m2, claims = settings.config("m1m2"), settings.config("claims")
    assert (m1m2.variant, m1m2.size, m1m2.base_channels, m1m2.loss, m1m2.augment) == (
        "paper",
        (256, 192),
        16,
        "bce",
        "none",
    )
    assert (m1m2.lr, m1m2.schedule) == (1e-3, "constant")
    assert (claims.size, claims.base_channels, claims.epochs) == ((128, 96), 8, 15)
    assert settings.config("claims", activation="tanh", epochs=3).epochs == 3


def test_json_and_back_is_the_same():
    settings = StudySettings(data="/smears", graded=True, levels=None, size=(64, 48), threshold=0.3)
    assert StudySettings.from_dict(json.loads(json.dumps(settings.to_dict())), "") == settings
    assert StudySettings.from_dict(StudySettings().to_dict(), "") == StudySettings()


def test_every_problem_is_named_by_its_own_flag():
    settings = StudySettings(
        size=(8, 8), claims_size=(200, 9), claims_epochs=0, levels=(0.6, 0.4), group="(", threshold=2.0
    )
    problems = settings.problems()
    for start in (
        "--size 8x8",
        "--claims-size 200x9",
        "--claims-epochs 0",
        "--levels 0.6:0.4",
        "--group",
        "--threshold",
    ):
        assert sum(problem.startswith(start) for problem in problems) == 1, start
    assert len(problems) == 6


def test_unknown_or_broken_settings_are_refused():
    with pytest.raises(UserError, match=r"lab\.json: there is no setting 'dept'"):
        StudySettings.from_dict({"dept": 3}, "lab.json")
    with pytest.raises(UserError, match=r"lab\.json: --epochs 0"):
        StudySettings.from_dict({"epochs": 0}, "lab.json")
