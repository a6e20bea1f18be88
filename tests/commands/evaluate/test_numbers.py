"""The numbers of `python -m minunet.evaluate` are those of the definitions, at the model's scale and the images' own."""

import numpy as np
import pytest
from PIL import Image

from minunet.checkpoints.model_file import load_model
from minunet.data.pairs import find_pairs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference.evaluation import evaluate
from tests.commands.evaluate.small_evaluations import SIZE, draw, numbers, run, trained_model


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
    for label, key in (("Dice", "dice"), ("accuracy", "accuracy"), ("loss (BCE, nats)", "loss")):
        line = next(line for line in shown.splitlines() if line.startswith(f"{label} "))
        assert f"{expected[key]:.4f}" in line
    share = cells / total
    trivial = [line.split() for line in shown.splitlines() if line.startswith("  trivial ")]
    assert [line[1] for line in trivial] == [f"{2 * share / (1 + share):.4f}", f"{max(share, 1 - share):.4f}"]


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
