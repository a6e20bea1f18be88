"""report.html of train, evaluate, predict, compare and show: what is in it, when it is written again, and when it is not."""

import json
import os
import shutil
import sys

import pytest

import minunet
from minunet import compare, evaluate, predict, show, train
from minunet.runs.report_sections import sha256
from minunet.runs.warnings_file import write_warnings
from minunet.summary.receptive_field import receptive_fields
from minunet.training.watch_record import TrainingWarning
from tests.commands.report.conftest import EVIL, FOLDERS, NAMES
from tests.html_page import HtmlPage

pytest.importorskip("jinja2")


def page_in(folder):
    return HtmlPage((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def copied(results, tmp_path, monkeypatch):
    """A copy of the results, which a test may change; the working folder."""
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_is_one_page_that_loads_nothing(results, folder):
    page = page_in(results / folder)
    page.check()
    assert EVIL in page.text and ("{{ 7*7 }}" in page.text or folder == "layers")  # which is of one image
    assert page.all("img") and page.all("table")
    words = {"run": "Training", "scores": "Evaluation", "found": "Predictions", "agreed": "Comparison"}
    assert page.text.startswith(f"{words[folder]}: {folder}" if folder in words else f"Layers: {EVIL}.png")


def test_the_report_of_a_training(results):
    page = page_in(results / "run")
    metrics = json.loads((results / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert f"Dice {metrics['test']['dice']:.4f}" in page.text
    assert f"python -m minunet.train {results / 'data'} --target " in page.text and " --size 32x24 " in page.text
    assert "worst 1" in page.text and "cell in the mask, missed" in page.text
    assert sum(alt.startswith("Error map") for alt in (image["alt"] for image in page.all("img"))) == len(
        metrics["test_images"]
    )
    assert "two values, 8 bit; cell is 255" in page.text and "the first value is black" in page.text
    assert sha256(results / "run" / "model.safetensors") in page.text
    assert (metrics.get("cells") is None) or len(metrics["cells"]["validation_counts"]) == 1  # validation images
    assert "batch_size" in page.text
    # An epoch, a test image and a layer a row, besides the heads.
    layers = receptive_fields(minunet.load_model(results / "run" / "model.safetensors").model)
    assert len(page.all("tr")) == 2 + 2 + len(metrics["test_images"]) + 1 + len(layers)


def test_the_report_of_a_training_has_the_counts_of_its_validation_images(copied):
    metrics = json.loads((copied / "run" / "metrics.json").read_text(encoding="utf-8"))
    metrics["cells"]["validation_counts"] = [[10, 12], [20, 22]]
    (copied / "run" / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert train.main(["--resume", "run"]) == 0
    assert "the mean difference is +2.00 cells" in page_in(copied / "run").text
    metrics["cells"]["validation_counts"] = "something else"
    (copied / "run" / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert train.main(["--resume", "run"]) == 0
    assert "mean difference" not in page_in(copied / "run").text


@pytest.mark.parametrize(
    ("images", "shown"),
    [
        ([{"name": "f", "dice": 0.5}, {"name": "g"}, {"dice": 1.0}, {"name": "h", "dice": 0.25, "more": 1}], ["f"]),
        ([{"name": "line\nbreak\u2028", "dice": 0.5}], ["line break\\u2028"]),
        ([], []),
    ],
)
def test_scores_that_somebody_changed(copied, images, shown):
    metrics = json.loads((copied / "run" / "metrics.json").read_text(encoding="utf-8"))
    (copied / "run" / "metrics.json").write_text(json.dumps({**metrics, "test_images": images}), encoding="utf-8")
    assert train.main(["--resume", "run"]) == 0
    page = page_in(copied / "run")
    page.check()
    assert [name for name in shown if name not in page.text] == []
    layers = receptive_fields(minunet.load_model(copied / "run" / "model.safetensors").model)
    with_layers = "What the network sees" in page.text
    assert len(page.all("tr")) == 3 + bool(shown) + len(shown) + with_layers * (1 + len(layers))


def test_a_run_whose_model_has_gone(copied, capsys):
    before = (copied / "run" / "report.html").read_bytes()
    (copied / "run" / "model.safetensors").unlink()
    assert train.main(["--resume", "run"]) == 0
    assert (copied / "run" / "report.html").read_bytes() == before
    assert "none was written: run/model.safetensors" in " ".join(capsys.readouterr().out.split())


def test_the_report_of_an_evaluation(results):
    page = page_in(results / "scores")
    assert page.text.count(EVIL) >= 2
    assert "cd " in page.text and "python -m minunet.evaluate model data --out scores --overwrite" in page.text
    assert "there is no split.json beside the model" in page.text
    header = (results / "scores" / "per_image.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert all(name in page.text for name in header)
    assert len(page.all("tr")) == 1 + len(NAMES)
    if "true_cells" in header:
        pytest.importorskip("matplotlib")
        assert "cells predicted" in page.text and "limits of agreement" in page.text
        assert "Price-Jones histogram" in page.text


def test_the_report_of_predictions(results):
    pytest.importorskip("skimage")
    page = page_in(results / "found")
    assert "python -m minunet.predict model data/images --out found --overwrite" in page.text
    links = [attributes["href"] for attributes in page.all("a")]
    assert "./%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E_cells.png" in links
    assert all(
        (results / "found" / "f_cells.png").samefile(results / "found" / link) for link in links if "/f_cells" in link
    )
    cells = (results / "found" / "cells.csv").read_text(encoding="utf-8").splitlines()
    images = (results / "found" / "images.csv").read_text(encoding="utf-8").splitlines()
    assert len(page.all("tr")) == len(cells) + len(images)
    assert all(name in page.text for name in cells[0].split(","))


def test_the_layers_of_a_training_and_of_show(results, tmp_path):
    model = minunet.load_model(results / "run" / "model.safetensors")
    layers = [*receptive_fields(model.model)]
    metrics = json.loads((results / "run" / "metrics.json").read_text(encoding="utf-8"))
    best = max(metrics["test_images"], key=lambda image: image["dice"])["name"]
    page = page_in(results / "run")
    assert f"What each block of the network makes of {best}: " in page.text
    assert [name for name in layers if f" {name} " not in page.text] == []
    page = page_in(results / "layers")
    assert "python -m minunet.show model " in page.text and "--out layers --overwrite" in page.text
    layers = [*receptive_fields(minunet.load_model(results / "model").model)]
    assert len(page.all("tr")) == 1 + len(layers)
    assert {"image", "what a value of each block sees", "filters of the first layer"} <= set(page.texts)


@pytest.mark.skipif("agreed" not in FOLDERS, reason="the packages for cells are not installed")
def test_the_report_of_a_comparison(results):
    page = page_in(results / "agreed")
    command = "python -m minunet.compare data/masks found --out agreed --images data/images --overwrite"
    assert command in page.text
    document = json.loads((results / "agreed" / "comparison.json").read_text(encoding="utf-8"))
    assert f"F1 {document['scores']['cell_f1']:.4f}" in page.text
    assert f"B - A is {document['counts']['bias']:+.2f} cells an image" in page.text
    # The masks show regions, the predictions numbered cells.
    assert "Warnings The masks of A do not number their cells" in page.text
    assert len(page.all("tr")) == 1 + len(NAMES)
    differ = [row for row in document["per_image"] if row["panoptic_quality"] != 1]
    assert differ and len(page.all("img")) == 4 * min(4, len(differ))  # the image, A, B and the differences
    worst = min(differ, key=lambda row: row["cell_f1"])
    assert (
        page.text.index("worst 1: ")
        < page.text.index(f"F1 of cells {worst['cell_f1']:.3f}")
        < page.text.index("worst 2: ")
    )
    assert "cell in A only" in page.text and "How A and B are read" in page.text
    pytest.importorskip("matplotlib")
    assert "Cells in B against cells in A" in page.text and "limits of agreement" in page.text


def test_warnings_of_the_training_come_first(copied):
    warning = TrainingWarning("stuck", 2, f"the loss is stuck <b>{EVIL}: train longer.")
    write_warnings(copied / "run" / "warnings.json", [warning])
    assert train.main(["--resume", "run"]) == 0
    page = page_in(copied / "run")
    page.check()
    assert "Warnings epoch 2 the loss is stuck" in page.text
    assert page.all("section")[0] == {"id": "warnings", "aria-labelledby": "warnings-heading"}


def test_a_resumed_run_writes_its_report_again(copied, monkeypatch):
    monkeypatch.setattr("minunet.runs.run_pictures.plot_curves", lambda history, path: path.write_bytes(b"curves"))
    before = (copied / "run" / "report.html").read_bytes()
    assert train.main(["--resume", "run", "--epochs", "3"]) == 0
    page = page_in(copied / "run")
    assert (copied / "run" / "report.html").read_bytes() != before
    assert "python -m minunet.train --resume RUN --epochs 3" in page.text  # and the command before it


def test_predictions_that_are_added_are_in_the_report(copied):
    os.rename("data/images/f.png", "data/new.png")
    assert predict.main(["model", "data/new.png", "--out", "found"]) == 0
    page = page_in(copied / "found")
    page.check()
    assert "new" in page.text and "b & c" in page.text


def test_nothing_left_to_predict_writes_the_report(copied):
    (copied / "found" / "report.html").unlink()
    assert predict.main(["model", "data/images", "--out", "found", "--skip-existing"]) == 0
    assert len(page_in(copied / "found").all("img")) == 4 * len(NAMES)


def test_a_report_that_is_not_wanted(copied, capsys):
    shutil.rmtree("scores")
    shutil.rmtree("agreed", ignore_errors=True)
    (copied / "run" / "report.html").unlink()
    assert evaluate.main(["model", "data", "--out", "scores", "--no-report"]) == 0
    assert predict.main(["model", "data/images", "--out", "other", "--no-report"]) == 0
    assert train.main(["--resume", "run", "--no-report"]) == 0
    if "agreed" in FOLDERS:
        assert compare.main(["data/masks", "found", "--out", "agreed", "--no-report"]) == 0
    assert not [folder for folder in ("scores", "other", "run", "agreed") if (copied / folder / "report.html").exists()]
    assert "report.html" not in capsys.readouterr().out


def test_the_report_of_another_command_is_kept(copied, capsys):
    report = (copied / "run" / "report.html").read_bytes()
    assert predict.main(["model", "data/images/f.png", "--out", "run"]) == 0
    assert (copied / "run" / "report.html").read_bytes() == report
    assert "no report of minunet.predict" in " ".join(capsys.readouterr().out.split())
    (copied / "found" / "report.html").write_text("my own notes")
    assert predict.main(["model", "data/images", "--out", "found", "--overwrite"]) == 0
    assert (copied / "found" / "report.html").read_text() == "my own notes"


def test_without_jinja2_a_line_says_how_to_get_it(copied, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    for folder in FOLDERS:
        (copied / folder / "report.html").unlink()
    if "agreed" in FOLDERS:
        assert compare.main(["data/masks", "found", "--out", "agreed", "--overwrite"]) == 0
    assert show.main(["model", "data/images/f.png", "--out", "layers", "--overwrite"]) == 0
    assert train.main(["--resume", "run"]) == 0
    assert evaluate.main(["model", "data", "--out", "scores", "--overwrite"]) == 0
    assert predict.main(["model", "data/images", "--out", "found", "--overwrite"]) == 0
    lines = " ".join(capsys.readouterr().out.split())
    assert lines.count(
        "report.html needs Jinja2, which is not installed: python -m pip install 'minunet[report]'"
    ) == len(FOLDERS)
    assert not [folder for folder in FOLDERS if (copied / folder / "report.html").exists()]


def test_without_matplotlib_the_page_says_so(copied, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert predict.main(["model", "data/images", "--out", "found", "--overwrite"]) == 0
    page = page_in(copied / "found")
    page.check()
    assert "matplotlib is not installed" in page.text and not page.all("svg")


def test_a_writer_that_is_stopped_leaves_the_old_report(copied, monkeypatch):
    before = (copied / "run" / "report.html").read_bytes()

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("minunet.files.atomic_write.os.replace", stop)
    assert train.main(["--resume", "run"]) == 130
    assert (copied / "run" / "report.html").read_bytes() == before
    assert not list((copied / "run").glob(".*.part*"))
