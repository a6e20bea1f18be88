"""The weights that a training begins with, and the settings that follow their model."""

import shutil

import numpy as np
import pytest

from minunet import UNet
from minunet.checkpoints import pretrained
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.finding.matching import Pair
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.files.json_files import write_json
from minunet.runs import train_flags
from minunet.runs.first_weights import FINE_TUNING, begin_with, followed_settings, seen_before
from minunet.runs.train_config import TrainConfig


def saved(path, preprocessing, outputs=None, **network):
    network = {"base_channels": 2, "depth": 2, "variant": "classic", **network}
    outputs = outputs or Outputs()
    model = UNet(out_channels=outputs.channels, **network, rng=np.random.default_rng(5))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_model(path, model, preprocessing, outputs=outputs)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model that knows cells of 20 pixels, in the place of the pretrained one."""
    path = saved(tmp_path / "models" / "model.safetensors", Preprocessing(diameter=20))
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", path)
    monkeypatch.chdir(tmp_path)
    return path


def test_settings_that_were_not_given_follow_the_model(model):
    request = train_flags.read(["smears", "--init", "pretrained", "--out", "run"])
    config = request.config
    assert not request.problems
    assert (config.base_channels, config.depth, config.variant, config.channels) == (2, 2, "classic", "grey")
    assert (config.size, config.diameter, config.crop) == (None, 20, 128)
    assert {name: getattr(config, name) for name in FINE_TUNING} == FINE_TUNING
    assert not request.fit_size
    assert config.init == "pretrained" and len(config.init_hash) == 64
    assert TrainConfig.from_dict(config.to_dict(), "config.json") == config
    given = train_flags.read(["smears", "--init", str(model), "--lr", "0.1", "--crop", "64", "--out", "run"]).config
    assert (given.lr, given.crop, given.init) == (0.1, 64, str(model))


def test_models_of_one_size_or_of_crops(tmp_path):
    one_size = saved(tmp_path / "a.safetensors", Preprocessing(size=(32, 24), channels="grey"))
    crops = saved(tmp_path / "b.safetensors", Preprocessing(crop=48))
    read = lambda *flags: train_flags.read(["smears", "--out", str(tmp_path / "run"), *map(str, flags)])  # noqa: E731
    followed = read("--init", one_size)
    assert (followed.config.size, followed.config.crop, followed.fit_size) == ((32, 24), None, False)
    assert read("--init", one_size, "--crop", 16).config.size is None
    assert (read("--init", crops).config.size, read("--init", crops).config.crop) == (None, 48)
    assert read("--init", crops, "--size", "64x64").config.crop is None


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--base-channels", "8"], "--base-channels 8: the model of --init has 2; leave the flag out"),
        (["--depth", "3"], "--depth 3: the model of --init has 2"),
        (["--variant", "paper"], "--variant paper: the model of --init has classic"),
        (["--channels", "rgb"], "--channels rgb: the model of --init takes 1 channel (grey)"),
        (["--size", "64x64"], "--size 64x64: the model of --init knows cells that are 20 pixels across"),
        (["--diameter", "30"], "--diameter 30: the model of --init knows cells that are 20 pixels across"),
    ],
)
@pytest.mark.usefixtures("model")
def test_contradictions_are_refused(flags, problem):
    request = train_flags.read(["smears", "--init", "pretrained", "--out", "run", *flags])
    (found,) = request.problems  # and none on flags that nobody gave
    assert found.startswith(problem)


@pytest.mark.usefixtures("model")
def test_all_of_them_at_once():
    flags = ["--depth", "3", "--channels", "0,1", "--diameter", "30"]
    assert len(train_flags.read(["smears", "--init", "pretrained", "--out", "run", *flags]).problems) == 3
    assert not train_flags.read(["smears", "--init", "pretrained", "--out", "run", "--channels", "1"]).problems


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "text.safetensors").write_text("words")
    (tmp_path / "empty").mkdir()
    for name, reason in (
        ("text.safetensors", "is cut off"),
        ("empty", "holds no model.safetensors"),
        ("gone", "there is no such file"),
    ):
        settings, problems = followed_settings({"init": str(tmp_path / name)})
        assert not settings
        assert [problem.startswith("--init: ") and reason in problem for problem in problems] == [True]


@pytest.mark.parametrize(
    ("theirs", "ours", "kept", "anew"),
    [
        (Outputs(), Outputs(), [(0, 0)], None),
        (Outputs(), Outputs(separation="seam"), [(0, 0)], "the output that separates cells (seam)"),
        (Outputs(separation="seam"), Outputs(separation="seam"), [(0, 0), (1, 1)], None),
        (Outputs(separation="seam"), Outputs(), [(0, 0)], None),
        (
            Outputs(separation="seam"),
            Outputs(separation="centre"),
            [(0, 0)],
            "the output that separates cells (centre)",
        ),
        (Outputs(classes=("a", "b", "c")), Outputs(), [], "the output for cells"),
        (
            Outputs(classes=("a", "b", "c"), separation="seam"),
            Outputs(separation="seam"),
            [(3, 1)],
            "the output for cells",
        ),
    ],
)
def test_outputs_that_both_have_are_kept(tmp_path, theirs, ours, kept, anew):
    path = saved(tmp_path / "model.safetensors", Preprocessing(diameter=20), theirs)
    target = {"target": "cells", "separation": ours.separation} if ours.separation else {"target": "pixels"}
    config = TrainConfig(size=None, crop=16, base_channels=2, depth=2, variant="classic", init=str(path), **target)
    model = UNet(**config.architecture(), rng=np.random.default_rng(0))
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    said = begin_with(model, config)
    weights, stored = model.state_dict(), load_model(path).model.state_dict()
    assert all(np.array_equal(weights[name], stored[name]) for name in weights if not name.startswith("head."))
    new = set(range(ours.channels)) - {here for _, here in kept}
    for name in ("head.weight", "head.bias"):
        assert all(np.array_equal(weights[name][..., here], stored[name][..., there]) for there, here in kept)
        assert all(np.array_equal(weights[name][..., here], before[name][..., here]) for here in new)
    assert said[0] == f"with the weights of {path}"
    assert said[1:] == ([] if anew is None else [f"new, because that model does not have them: {anew}"])


def test_the_scale_of_an_imported_model_is_said(tmp_path):
    path = saved(tmp_path / "model.safetensors", Preprocessing(channels="grey", scale=0.5))
    config = TrainConfig(size=(16, 16), base_channels=2, depth=2, variant="classic", init=str(path))
    said = begin_with(UNet(**config.architecture()), config)
    assert said[1].startswith("that model resizes its images by 0.5: ")
    assert "--size is 0.5 times the width and the height" in said[1]


def test_a_model_that_has_changed_is_refused(model):
    config = TrainConfig(
        size=None, crop=16, base_channels=2, depth=2, variant="classic", init=str(model), init_hash="0"
    )
    with pytest.raises(UserError, match="this model has changed since the run began; start a new run"):
        begin_with(UNet(**config.architecture()), config)


def test_test_images_that_the_model_has_seen_are_said(tmp_path):
    path = saved(tmp_path / "run" / "model.safetensors", Preprocessing(size=(16, 16)))
    write_json(tmp_path / "run" / "split.json", {"train": ["a", "b"], "validation": ["c"], "test": ["d"]})
    pairs = [Pair(name, tmp_path / f"{name}.png", tmp_path / f"{name}_mask.png") for name in "abcd"]
    split = Split(tuple(pairs[2:]), (pairs[0],), (pairs[1],))
    assert "was trained on 2 of the 2 images that validate and test" in seen_before(TrainConfig(init=str(path)), split)
    assert seen_before(TrainConfig(init=str(path)), Split(tuple(pairs[:2]), (pairs[2],), (pairs[3],))) is None
    assert seen_before(TrainConfig(), split) is None
    (tmp_path / "run" / "split.json").unlink()
    assert seen_before(TrainConfig(init=str(path)), split) is None


@pytest.mark.usefixtures("model")
def test_a_folder_of_that_name(tmp_path):
    shutil.copytree(tmp_path / "models", tmp_path / "pretrained")
    (problem,) = followed_settings({"init": "pretrained"})[1]
    assert problem.startswith("--init: pretrained is the model that comes with minunet, and also a folder here")
    assert not followed_settings({"init": str(tmp_path / "pretrained")})[1]
