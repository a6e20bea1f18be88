"""Training on images as a camera made them: their range and channels, from the command to a prediction."""

import json

import numpy as np

import minunet
from minunet.data.reading.image_files import decode
from minunet.evaluate import main as evaluate
from minunet.predict import main as predict
from tests.commands.train.small_runs import TINY, assert_same_run, problems, train, write_pairs
from tests.data.tiffs import write_tiff

ONE_EPOCH = [*TINY, "--epochs", "1"]


def converted(folder, change):
    """Discs whose images are changed, and stored as TIFF."""
    write_pairs(folder)
    for path in sorted((folder / "images").iterdir()):
        values = change(decode(path))
        path.unlink()
        write_tiff(path.with_suffix(".tif"), values)
    return folder


def stored_range(run):
    return json.loads((run / "config.json").read_text())["image_range"]


def test_the_range_is_printed_stored_and_used(tmp_path, capsys):
    plain, offset = (
        write_pairs(tmp_path / "plain"),
        converted(tmp_path / "offset", lambda a: 33000 + 15 * a.astype(np.uint16)),
    )
    runs = {}
    for data in (plain, offset):
        runs[data] = data.with_name(data.name + " run")
        assert train(data, "--out", runs[data], *ONE_EPOCH) == 0
    assert " is black" in capsys.readouterr().out or True
    low, high = (stored_range(runs[offset])[end] for end in ("low", "high"))
    first, second = (stored_range(runs[plain])[end] for end in ("low", "high"))
    assert np.allclose((low, high), (33000 + 15 * first, 33000 + 15 * second))
    assert stored_range(runs[offset])["types"] == ["uint16"]
    models = [minunet.load_model(run) for run in runs.values()]
    image = decode(next((plain / "images").iterdir()))
    eight, sixteen = (
        model.predict(pixels) for model, pixels in zip(models, (image, 33000 + 15 * image.astype(int)), strict=True)
    )
    assert np.abs(eight - sixteen).max() < 1e-3 and eight.std() > 0
    assert evaluate([str(runs[offset]), str(offset), "--side", "all"]) == 0


def test_the_line_and_a_range_that_is_given(tmp_path, capsys):
    data = converted(tmp_path / "data", lambda a: a.astype(np.float32) / 50 - 3)
    assert train(data, "--out", tmp_path / "run", "--range", "-3:2.5", *ONE_EPOCH) == 0
    assert "range     -3 to 2.5: the first value is black, the second white (float32)" in capsys.readouterr().out
    assert minunet.load_model(tmp_path / "run").preprocessing.range.high == 2.5


def test_a_resumed_run_keeps_its_range(tmp_path):
    data = converted(tmp_path / "data", lambda a: a.astype(np.uint16) * 16)
    assert train(data, "--out", tmp_path / "whole", *TINY, "--epochs", "2") == 0
    assert train(data, "--out", tmp_path / "run", *TINY, "--epochs", "2") == 0
    config = tmp_path / "run" / "config.json"
    assert train("--resume", tmp_path / "run", "--range", "set") == 0
    assert_same_run(tmp_path / "whole", tmp_path / "run")
    settings = json.loads(config.read_text())
    settings["image_range"]["low"] = 1.0
    config.write_text(json.dumps(settings))
    assert train("--resume", tmp_path / "run") == 2  # it would go on with other inputs


def test_an_older_run_means_what_it_did(tmp_path):
    data = write_pairs(tmp_path / "data")
    assert train(data, "--out", tmp_path / "run", *ONE_EPOCH) == 0
    config = tmp_path / "run" / "config.json"
    settings = json.loads(config.read_text())
    del settings["range"], settings["image_range"]
    for name in ("last.safetensors", "metrics.json", "model.safetensors", "split.json"):
        (tmp_path / "run" / name).unlink()
    config.write_text(json.dumps(settings))
    assert train("--resume", tmp_path / "run") == 0
    assert minunet.load_model(tmp_path / "run").preprocessing.range is None
    assert "range" not in json.loads(config.read_text())


def test_channels_are_asked_for_and_chosen(tmp_path, capsys):
    data = converted(tmp_path / "data", lambda a: np.dstack([a[..., 0] // 9, a[..., 1]]).astype(np.uint16) * 100)
    assert train(data, "--out", tmp_path / "run", *ONE_EPOCH) == 2
    (problem,) = problems(capsys)
    assert problem.startswith("8 images of 2 channels (") and "of which --channels grey cannot be taken" in problem
    assert problem.endswith(
        "train with the channel that shows the cells (--channels 0 and --channels 1), or several, as --channels 0,1."
    )
    assert train(data, "--out", tmp_path / "run", "--channels", "1,0", *ONE_EPOCH) == 0
    assert len(stored_range(tmp_path / "run")["low"]) == 2
    out = tmp_path / "out"
    assert predict([str(tmp_path / "run"), str(data / "images"), "--out", str(out)]) == 0
    overlay = decode(next(out.glob("*_overlay.png")))
    assert overlay.dtype == np.uint8 and overlay.std() > 20


def test_images_of_another_depth_or_other_channels_are_named_when_they_are_predicted(tmp_path, capsys):
    data = converted(tmp_path / "data", lambda a: a[..., 1].astype(np.uint16) * 16)
    assert train(data, "--out", tmp_path / "run", *ONE_EPOCH) == 0
    eight = write_tiff(tmp_path / "new" / "eight.tif", decode(next((data / "images").iterdir())).astype(np.uint8))
    two = write_tiff(tmp_path / "new" / "two.tif", np.zeros((9, 9, 2), np.uint16))
    capsys.readouterr()
    assert predict([str(tmp_path / "run"), str(tmp_path / "new"), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "its numbers are uint8, but the model was trained on uint16" in " ".join(said.out.split())
    assert f"{two}: an image of 2 channels does not fit the setting of training --channels grey" in said.err
    assert str(eight) not in said.err


def test_flags_that_cannot_be(tmp_path, capsys):
    data = write_pairs(tmp_path / "data")
    assert train(data, "--range", "9:1", "--channels", "red", *ONE_EPOCH) == 2
    text = " ".join(problems(capsys))
    assert "--range" in text and "choose set, full, or two numbers, the lower one first, as LOW:HIGH" in text
    assert "--channels" in text and "choose grey, rgb, or channels by number from 0" in text
