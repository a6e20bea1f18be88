"""`minunet.fit`: from arrays to a model with the engine of the command, stopped and resumed, and every mistake named."""

import itertools
import shutil

import numpy as np
import pytest

import minunet
from minunet.data.pairs import find_pairs
from minunet.data.synthetic import draw_smear
from minunet.errors import UserError
from minunet.train import main as train_command
from minunet.training.events import Callback

SMALL = {"epochs": 2, "base_channels": 2, "depth": 1, "batch_size": 2, "size": (32, 32), "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def smears():
    drawn = [draw_smear(np.random.default_rng(seed), (48, 48)) for seed in range(4)]
    return [smear.image for smear in drawn], [smear.instances for smear in drawn]


@pytest.fixture(scope="module")
def run(smears, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    return folder, minunet.fit(*smears, out=folder, progress=False, **SMALL)


def test_a_model_predicts_counts_and_is_scored(smears, run):
    (images, masks), (_, model) = smears, run
    assert model.predict(images[0]).shape == (48, 48)
    assert model.cells(images[0]).labels.shape == (48, 48)
    scores = model.evaluate(images, masks)
    assert [row["name"] for row in scores["images"]] == ["0", "1", "2", "3"]
    assert scores["cells"]["true_cells"] == sum(len(np.unique(mask)) - 1 for mask in masks)


def test_the_scores_are_those_of_the_prediction(smears, run):
    (images, masks), (_, model) = smears, run
    dice = [
        2 * np.sum((model.predict(image) > 0.5) & (mask > 0)) / (np.sum(model.predict(image) > 0.5) + np.sum(mask > 0))
        for image, mask in zip(images, masks, strict=True)
    ]
    assert model.evaluate(images, masks, native=True)["mean_over_images"]["dice"] == pytest.approx(
        np.mean(dice), abs=1e-6
    )


def test_a_folder_is_scored_as_the_same_arrays(smears, run):
    folder, model = run
    assert model.evaluate(folder / "given") == model.evaluate(*smears)


def test_silent_is_silent(smears, tmp_path, capfd):
    minunet.fit(*smears, out=tmp_path / "run", progress=False, **{**SMALL, "epochs": 1})
    assert capfd.readouterr() == ("", "")


def test_the_weights_are_those_of_the_command(smears, run, tmp_path):
    folder, model = run
    flags = "--epochs 2 --base-channels 2 --depth 1 --batch-size 2 --size 32x32 --device cpu --threads 1"
    assert train_command([str(folder / "given"), "--out", str(tmp_path / "again"), *flags.split()]) == 0
    again = minunet.load_model(tmp_path / "again").model.state_dict()
    for name, value in model.model.state_dict().items():
        np.testing.assert_array_equal(value, again[name])


def test_stopped_and_resumed_is_the_same(smears, run, tmp_path):
    class Stop(Callback):
        def on_step(self, record):
            if record.step == 2:
                raise KeyboardInterrupt

    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt, match="resume=True"):
        minunet.fit(*smears, out=folder, progress=False, callbacks=[Stop()], **SMALL)
    resumed = minunet.fit(out=folder, resume=True, progress=False)
    for (name, value), (_, other) in itertools.zip_longest(
        resumed.model.state_dict().items(), run[1].model.state_dict().items()
    ):
        np.testing.assert_array_equal(value, other, err_msg=name)


def test_more_epochs_when_resumed(smears, tmp_path):
    minunet.fit(*smears, out=tmp_path / "run", progress=False, **{**SMALL, "epochs": 1})
    seen = []

    class Count(Callback):
        def on_epoch_end(self, record):
            seen.append(record.epoch)

    minunet.fit(out=tmp_path / "run", resume=True, epochs=2, progress=False, callbacks=[Count()])
    assert seen == [2]


def test_a_saved_model_is_the_same(smears, run, tmp_path):
    image, model = smears[0][0], run[1]
    loaded = minunet.load_model(model.save(tmp_path / "cells.safetensors"))
    np.testing.assert_array_equal(loaded.predict(image), model.predict(image))
    assert (loaded.metrics, loaded.cell_choice, loaded.preprocessing) == (
        model.metrics,
        model.cell_choice,
        model.preprocessing,
    )


@pytest.mark.parametrize("channels, shape", [(1, (20, 24)), (3, (20, 24, 3))])
def test_a_network_of_ones_own_is_saved(tmp_path, channels, shape):
    network = minunet.UNet(channels, base_channels=2, depth=1, rng=np.random.default_rng(5))
    path = minunet.save_model(network, tmp_path / "own.safetensors")
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    logits = network(minunet.Tensor((image.reshape(1, 20, 24, channels) / 255).astype(np.float32))).data
    np.testing.assert_allclose(minunet.load_model(path).predict(image), 1 / (1 + np.exp(-logits[0, ..., 0])), atol=1e-6)


def test_a_network_of_two_channels_needs_its_preprocessing(tmp_path):
    with pytest.raises(UserError, match="a network of 2 channels: give preprocessing"):
        minunet.save_model(minunet.UNet(2, base_channels=2, depth=1), tmp_path / "own.safetensors")
    with pytest.raises(UserError, match="a network of 4 output channels: give outputs"):
        minunet.save_model(minunet.UNet(1, 4, base_channels=2, depth=1), tmp_path / "own.safetensors")
    with pytest.raises(TypeError, match="not dict"):
        minunet.save_model({}, tmp_path / "own.safetensors")


def test_every_mistake_is_named_at_once(smears, tmp_path):
    with pytest.raises(UserError) as caught:
        minunet.fit(*smears, out=tmp_path / "run", learning_rate=3, epochs=0, validation=2, device="tpu")
    text = str(caught.value)
    assert "there is no setting learning_rate; did you mean lr?" in text
    assert "epochs 0: give a whole number of at least 1." in text
    assert "validation=2: give a share" in text
    assert "device tpu" in text
    assert "--" not in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"init": 3}, "^init 3: give text"),
        ({"init": "pretrained", "channels": 3}, "^channels 3: choose grey, rgb"),
        ({"init": "pretrained", "size": 256}, "^size 256: the model of init knows cells"),
        ({"init": "pretrained", "size": ("a", "b")}, "^size a,b: the model of init knows cells"),
        ({"init": "pretrained", "diameter": "12"}, "^diameter 12: the model of init knows cells"),
        ({"size": np.array([32, 0])}, "^size 32x0: give WIDTHxHEIGHT"),
        ({"augment": "none", "lighting": "wide"}, "^lighting wide changes nothing with augment none"),
    ],
)
def test_values_of_another_type_are_named(smears, tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        minunet.fit(*smears, out=tmp_path / "run", **settings)


def test_none_is_as_if_it_had_not_been_given(smears, tmp_path):
    given = {name: value for name, value in SMALL.items() if name != "size"} | {"epochs": 1}
    nothing = dict.fromkeys(("crop", "diameter", "init", "classes", "max_memory"))
    model = minunet.fit(*smears, out=tmp_path / "run", progress=False, **given, **nothing)
    assert model.preprocessing.size == (48, 48)


def test_masks_that_cannot_be_read_leave_nothing_behind(smears, tmp_path):
    images, masks = smears
    levels = [np.where(mask == 1, 255, np.where(mask > 1, 128, 0)).astype(np.uint8) for mask in masks]
    with pytest.raises(UserError, match=r"minunet.fit\(...\) with cell"):
        minunet.fit(images, levels, out=tmp_path / "run", progress=False, **SMALL)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(smears, run):
    with pytest.raises(UserError, match=r"already holds a run: choose another out, or go on with it: resume=True"):
        minunet.fit(*smears, out=run[0], progress=False)


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "images: give images and masks"),
        ({"images": [np.zeros((4, 4))]}, "masks: give a mask for each image"),
        ({"images": "smears", "masks": [np.zeros((4, 4))]}, "images is a path and masks is a list"),
        ({"images": "nowhere"}, "nowhere does not exist"),
        ({"resume": True}, "name the folder of the run"),
        ({"resume": True, "out": "nowhere"}, "no such run folder"),
    ],
)
def test_what_is_missing_is_named(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        minunet.fit(**given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ci
def test_a_run_is_resumed_from_another_folder_and_after_it_was_moved(smears, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    minunet.fit(*smears, out="run", progress=False, **{**SMALL, "epochs": 1})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    minunet.fit(out="../run", resume=True, epochs=2, progress=False)
    (tmp_path / "run").rename(tmp_path / "moved")
    model = minunet.fit(out=tmp_path / "moved", resume=True, epochs=3)
    assert model.metrics["validation"]["epoch"] <= 3
    assert f"the same images are in {tmp_path}/moved/given/images" in " ".join(capsys.readouterr().out.split())


def test_data_of_a_run_that_are_gone_are_named_with_the_command_that_takes_others(smears, run, tmp_path):
    folder = shutil.copytree(run[0], tmp_path / "the run")
    (folder / "config.json").write_text(
        (folder / "config.json").read_text().replace(str(run[0] / "given"), str(tmp_path / "gone"))
    )
    with pytest.raises(UserError, match=f"python -m minunet.train DATA --resume '{folder}'") as caught:
        minunet.fit(out=folder, resume=True)
    assert str(caught.value).startswith(f"{tmp_path}/gone/images, where the data of this run were, does not exist")


def test_the_pictures_of_a_run_are_no_images(run, tmp_path):
    with pytest.raises(UserError, match="is the folder of a training, .* go on with it: resume=True$"):
        minunet.fit(run[0], out=tmp_path / "run")


def test_a_damaged_run_is_named_in_words_of_python(tmp_path):
    (tmp_path / "config.json").write_text('{"epochs": 0}')
    with pytest.raises(UserError, match="config.json: epochs 0: give a whole number") as caught:
        minunet.fit(out=tmp_path, resume=True)
    assert "--" not in str(caught.value)


def test_resume_takes_no_other_images(smears, run):
    with pytest.raises(UserError, match="leave images and masks out"):
        minunet.fit(*smears, out=run[0], resume=True)
    with pytest.raises(UserError, match="lr 3: this run has"):
        minunet.fit(out=run[0], resume=True, lr=3)


def test_given_images_are_those_of_the_run(run):
    assert len(find_pairs(run[0] / "given")) == 4


def test_a_training_begins_with_the_weights_of_a_model(smears, run, tmp_path):
    folder, first = run
    model = minunet.fit(
        *smears, init=str(folder), epochs=1, device="cpu", threads=1, out=tmp_path / "run", progress=False
    )
    assert model.config == first.config
    assert model.preprocessing.size == (32, 32)
    assert model.outputs == first.outputs
    with pytest.raises(UserError, match="^depth 3: the model of init has 1; leave the flag out, or train without init"):
        minunet.fit(*smears, init=str(folder), depth=3, out=tmp_path / "other")


def test_processes_that_a_launcher_has_started_are_told_that_each_trains_alone(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "3")
    monkeypatch.setenv("PMI_RANK", "0")
    with (
        pytest.warns(
            UserWarning, match="3 processes were started together.*mpiexec -n 3 python -m minunet.train"
        ) as said,
        pytest.raises(UserError, match="give images and masks"),
    ):
        minunet.fit()
    assert said[0].filename == __file__
    monkeypatch.setenv("PMI_RANK", "1")  # one of them says it for all; warnings are errors in the tests
    with pytest.raises(UserError, match="give images and masks"):
        minunet.fit()
