"""`python -m minunet.evaluate`: its numbers, which images they are of, what it writes, and what it refuses."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import minunet.evaluate as command
from minunet import UNet, optim
from minunet import functional as F
from minunet.data.pairs import find_pairs
from minunet.data.preprocessing import Preprocessing
from minunet.evaluate import main
from minunet.training.checkpoint import load_model, save_model
from minunet.training.config import TrainConfig
from minunet.training.evaluation import evaluate
from minunet.training.folder import write_json

SIZE = (16, 12)


def draw(folder, names, seed=0, size=(32, 24)):
    """Bright discs on a dark ground, and their masks."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(size[::-1])
    for name in names:
        middle, radius = rng.uniform(6, 18, 2), rng.uniform(4, 8)
        mask = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < radius**2
        image = (40 + 160 * mask + rng.integers(0, 40, mask.shape)).astype(np.uint8)
        for kind, pixels in (("images", image), ("masks", mask.astype(np.uint8) * 255)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / kind / f"{name}.png")
    return folder


def trained_model(folder, preprocessing, data):
    model = UNet(base_channels=4, depth=1, rng=np.random.default_rng(0))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    with_size = Preprocessing(size=SIZE)
    pairs = find_pairs(data)
    images = np.stack([with_size.image(np.asarray(Image.open(pair.image))) for pair in pairs])
    masks = np.stack([with_size.target(np.asarray(Image.open(pair.mask))) for pair in pairs])
    for _ in range(60):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(images), masks).backward()
        optimizer.step()
    return save_model(folder / "model.safetensors", model, preprocessing)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data/ (a to f) and run/, trained on a to c, validated on d."""
    root = tmp_path_factory.mktemp("made")
    data = draw(root / "data", "abcdef")
    trained_model(root / "run", Preprocessing(size=SIZE), data)
    TrainConfig(data=str(data), size=SIZE).write(root / "run" / "config.json")
    write_json(root / "run" / "split.json", {"train": ["a", "b", "c"], "validation": ["d"], "test": ["e", "f"]})
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    shutil.copytree(made / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return made


def run(*arguments):
    return main([str(argument) for argument in arguments])


def numbers(folder="out"):
    with open(f"{folder}/metrics.json", encoding="utf-8") as file:
        return json.load(file)


def flat(text):
    """The text as one line, whatever the folding."""
    return " ".join(text.split())


# The numbers


def test_numbers_are_those_of_the_definitions(root, capsys):
    assert run("run", root / "data", "--side", "all", "--out", "out", "--batch-size", "4") == 0
    model, true_positive, positive, cells, right, losses = load_model("run"), 0, 0, 0, 0, []
    for name in "abcdef":
        image = model.preprocessing.image(np.asarray(Image.open(root / f"data/images/{name}.png")))
        mask = model.preprocessing.target(np.asarray(Image.open(root / f"data/masks/{name}.png")))[..., 0]
        p = model.probabilities(image[None])[0].astype(np.float64)
        true_positive += np.sum((p > 0.5) & (mask == 1))
        positive += np.sum(p > 0.5)
        cells += mask.sum()
        right += np.sum((p > 0.5) == mask)
        losses.append(-np.mean(np.log(np.where(mask == 1, p, 1 - p))))
    total = 6 * SIZE[0] * SIZE[1]
    expected = {
        "dice": 2 * true_positive / (positive + cells),
        "iou": true_positive / (positive + cells - true_positive),
        "precision": true_positive / positive,
        "recall": true_positive / cells,
        "accuracy": right / total,
        "keras_accuracy": right / total,
        "baseline": 1 - cells / total,
        "loss": np.mean(losses),
    }
    found = numbers()["all_pixels"]
    assert found == pytest.approx(expected, rel=1e-4)
    assert found["dice"] > 0.9
    shown = capsys.readouterr().out
    for label, key in (("Dice", "dice"), ("  if all were background", "baseline"), ("loss (BCE, nats)", "loss")):
        line = next(line for line in shown.splitlines() if line.startswith(f"{label} "))
        assert f"{expected[key]:.4f}" in line


def test_native_scores_the_predicted_masks_at_their_own_size(root):
    assert run("run", root / "data", "--native", "--out", "out") == 0
    model = load_model("run")
    for image in numbers()["images"]:
        mask = np.asarray(Image.open(root / f"data/masks/{image['name']}.png")) > 0
        predicted = model.predict(root / f"data/images/{image['name']}.png") > 0.5
        assert image["dice"] == pytest.approx(2 * (mask & predicted).sum() / (mask.sum() + predicted.sum()))
    assert numbers()["scale"] == "native"
    assert run("run", root / "data", "--out", "other") == 0
    assert numbers("other")["scale"] == list(SIZE)
    assert numbers("other")["all_pixels"] != numbers()["all_pixels"]


def test_batch_size_does_not_change_the_numbers(root):
    model, pairs = load_model("run"), find_pairs(root / "data")
    one, four = (evaluate(model, pairs, batch_size=size).result() for size in (1, 4))
    assert one == pytest.approx(four, rel=1e-5)


def test_model_of_native_resolution(root, capsys, monkeypatch):
    model = trained_model(root / "crop", Preprocessing(crop=16), root / "data")
    draw(root / "mixed", "xy")
    draw(root / "mixed", "z", size=(21, 33))
    assert run(model, root / "mixed", "--out", "out") == 0
    assert "scale     the images' own" in capsys.readouterr().out
    loaded = load_model(model)
    for image in numbers()["images"]:
        mask = np.asarray(Image.open(root / f"mixed/masks/{image['name']}.png")) > 0
        predicted = loaded.predict(root / f"mixed/images/{image['name']}.png") > 0.5
        assert image["dice"] == pytest.approx(2 * (mask & predicted).sum() / (mask.sum() + predicted.sum()))


def test_grey_masks_are_never_right_for_keras(root, tmp_path):
    model = trained_model(tmp_path / "grey", Preprocessing(size=SIZE, mask="grayscale"), root / "data")
    data = draw(tmp_path / "data", "ab")
    for name in "ab":
        mask = np.asarray(Image.open(data / f"masks/{name}.png"))
        Image.fromarray(np.where(mask, 200, 10).astype(np.uint8)).save(data / f"masks/{name}.png")
    assert run(model, data, "--out", "out") == 0
    found = numbers()["all_pixels"]
    assert found["keras_accuracy"] == 0
    assert found["accuracy"] > 0.8


# Which images


def test_by_default_only_unseen_images(root, capsys):
    assert run("run", root / "data", "--out", "out") == 0
    output = flat(capsys.readouterr().out)
    assert "scored 2 of 6 images: 2 of its test side" in output
    assert "left out: 3 it was trained on, 1 that chose its best epoch (by run/split.json)" in output
    assert "NO TEST NUMBERS" not in output
    assert [image["side"] for image in numbers()["images"]] == ["test", "test"]
    assert numbers()["sides"] == {"test": 2}


def test_training_images_are_never_passed_off_as_test(root, capsys):
    assert run("run", root / "data", "--side", "all", "--out", "out") == 0
    assert "warning 4 of these images shaped the model: THESE ARE NO TEST NUMBERS" in flat(capsys.readouterr().out)
    assert numbers()["sides"] == {"train": 3, "validation": 1, "test": 2}
    assert run("run", root / "data", "--side", "train") == 0
    assert "warning these images shaped the model: THESE ARE NO TEST NUMBERS" in flat(capsys.readouterr().out)


def test_other_data_are_scored_whole(root, tmp_path, capsys):
    other = draw(tmp_path / "other", "abc", seed=5)
    assert run("run", other) == 0
    output = flat(capsys.readouterr().out)
    assert "scored 3 images: 3 it has not met (by run/split.json)" in output
    assert "left out" not in output


def test_model_without_its_run(root, tmp_path, capsys):
    shutil.copy("run/model.safetensors", "alone.safetensors")
    assert run("alone.safetensors", root / "data") == 0
    output = flat(capsys.readouterr().out)
    assert "scored 6 images warning no split.json lies beside the model" in output
    assert run("alone.safetensors", root / "data", "--split", "run", "--side", "test") == 0
    assert "scored 2 of 6 images" in flat(capsys.readouterr().out)
    assert run("alone.safetensors", root / "data", "--side", "test") == 2
    assert "name it with --split" in capsys.readouterr().err


def test_images_and_masks_apart(root, capsys):
    assert run("run", "--images", root / "data/images", "--masks", root / "data/masks") == 0
    assert "scored 2 of 6 images" in flat(capsys.readouterr().out)


# What it writes


def test_files_of_out(root, capsys):
    assert run("run", root / "data", "--side", "all", "--out", "out") == 0
    with open("out/per_image.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["name"] for row in rows) == list("abcdef")
    assert [float(row["dice"]) for row in rows] == sorted(float(row["dice"]) for row in rows)
    found = numbers()
    assert [row["name"] for row in rows] == [image["name"] for image in found["images"]]
    assert float(rows[0]["loss"]) == found["images"][0]["loss"]
    assert found["mean_over_images"]["dice"] == pytest.approx(np.mean([float(row["dice"]) for row in rows]))
    with Image.open("out/cases.png") as cases:
        assert cases.width > 4 * 200
    assert "open      out/cases.png" in capsys.readouterr().out


def test_worst_images_first_and_no_more_than_fit(root, tmp_path, capsys):
    many = draw(tmp_path / "many", [f"n{number}" for number in range(14)], seed=3)
    assert run("run", many) == 0
    output = capsys.readouterr().out
    lines = output.splitlines()
    start = lines.index("the 10 worst of 14 images, by Dice:") + 2
    listed = [float(line.split()[0]) for line in lines[start : start + 10]]
    assert listed == sorted(listed)
    assert lines[start + 10] == ""
    assert "--out DIR writes these numbers" in output


def test_one_image(root, tmp_path):
    assert run("run", draw(tmp_path / "one", "x", seed=4), "--out", "out") == 0
    assert numbers()["count"] == 1


def test_terminal_of_80_columns(root, monkeypatch, capsys):
    assert run("run", root / "data", "--side", "all") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 and str(root) not in line] == []


def test_warnings_of_the_data_are_shown(root, tmp_path, capsys):
    data = draw(tmp_path / "data", "xy", seed=4)
    shutil.copy(data / "images/x.png", data / "images/y.png")
    shutil.copy(data / "masks/x.png", data / "masks/y.png")
    assert run("run", data) == 0
    assert "warning" in capsys.readouterr().out


def test_threads_are_set(root, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "set_num_threads", seen.append)
    assert run("run", root / "data", "--threads", "2") == 0
    assert seen == [2]


# What is refused


def test_every_mistake_at_once(root, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code = run("gone.safetensors", "nowhere", "--side", "left", "--batch-size", "0", "--out", tmp_path / "file")
    assert code == 2
    error = capsys.readouterr().err
    for part in (
        "gone.safetensors: there is no such file",
        "nowhere does not exist",
        "--side left: choose one of unseen, train, validation, test, all",
        "--batch-size 0: must be at least 1",
        "is a file where a folder is needed",
    ):
        assert part in error


def test_earlier_evaluation_is_kept(root, capsys):
    assert run("run", root / "data", "--out", "out") == 0
    assert run("run", root / "data", "--side", "all", "--out", "out") == 2
    assert "metrics.json, per_image.csv and cases.png are there already; add --overwrite" in capsys.readouterr().err
    assert numbers()["count"] == 2
    assert run("run", root / "data", "--side", "all", "--out", "out", "--overwrite") == 0
    assert numbers()["count"] == 6


def test_bad_data(root, tmp_path, capsys):
    data = draw(tmp_path / "data", "xyz", seed=4)
    whole = (data / "images/x.png").read_bytes()
    (data / "images/x.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (5, 5)).save(data / "masks/y.png")
    assert run("run", data, "--out", "out") == 2
    error = capsys.readouterr().err
    assert "x.png is truncated" in error
    assert "y.png" in error
    (data / "masks/z.png").unlink()
    assert run("run", data) == 2
    assert "z.png has no mask" in capsys.readouterr().err


def test_no_data(root, capsys):
    assert run("run") == 2
    assert "no data were given" in capsys.readouterr().err
    assert run("run", "--images", root / "data/images") == 2
    assert "--images was given without --masks" in capsys.readouterr().err


def test_model_file_cut_in_half(root, capsys):
    with open("run/model.safetensors", "r+b") as file:
        file.truncate(900)
    assert run("run", root / "data") == 2
    error = capsys.readouterr().err
    assert "run/model.safetensors: this model file is cut off" in error


def test_bad_split(root, tmp_path, capsys):
    assert run("run", root / "data", "--split", tmp_path / "data.json") == 2
    assert "data.json: cannot be read" in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    output = capsys.readouterr().out
    for word in ("Dice", "split.json", "metrics.json", "examples", "--native"):
        assert word in output
