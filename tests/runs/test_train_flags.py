"""The command line of `python -m minunet.train` becomes settings, or sentences about its mistakes."""

import pytest

from minunet.errors import UserError
from minunet.runs import train_flags
from minunet.runs.train_config import TrainConfig


@pytest.fixture
def folder(tmp_path):
    """Makes a run folder that holds some settings."""

    def make(**settings):
        TrainConfig(**settings).write(tmp_path / "config.json")
        return str(tmp_path)

    return make


@pytest.mark.parametrize("text", ["0", "0.0", "0e0", "-0"])
def test_no_clipping_however_0_is_written(text):
    request = train_flags.read(["smears", f"--clip={text}"])
    assert (request.config.clip, request.problems) == (0.0, [])


def test_a_resumed_run_finds_its_data_where_it_lies_now(folder, tmp_path):
    where = [str(tmp_path / name) for name in ("data", "images", "masks")]
    resume = ["--resume", folder(data="/elsewhere")]
    request = train_flags.read([*resume, "--images", where[1], "--masks", where[2]])
    assert (request.config.data, request.config.images, request.config.masks) == (None, *where[1:])
    resume = ["--resume", folder(images="/elsewhere/a", masks="/elsewhere/b")]
    request = train_flags.read([where[0], *resume])
    assert (request.config.data, request.config.images, request.config.masks) == (where[0], None, None)
    assert request.problems == []


def test_a_resumed_run_that_draws_its_smears_takes_no_data(folder):
    request = train_flags.read(["smears", "--resume", folder()])
    assert any("this run draws its own smears" in problem for problem in request.problems)


def test_a_setting_that_a_run_does_not_have_is_none(folder):
    with pytest.raises(UserError, match="--crop 64: this run has none, and a resumed run keeps its settings"):
        train_flags.read(["--resume", folder(data="/a"), "--crop", "64"])


def test_lighting_without_augmentation_is_refused_where_it_was_asked_for():
    request = train_flags.read(["smears", "--augment", "none", "--lighting", "wide"])
    assert request.problems == ["--lighting wide changes nothing with --augment none: leave one of the two out."]
    assert train_flags.read(["smears", "--augment", "none"]).problems == []
