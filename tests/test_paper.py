"""`python -m minunet.paper` from the command line to its files: tiny labs, whole, stopped, gone on with and refused."""

import contextlib
import io
import json
import re
import signal

import numpy as np
import pytest
from PIL import Image

import minunet.paper
import minunet.training.run
from minunet.lab.course import Course
from minunet.lab.published import M1
from minunet.paper import main
from minunet.training.state import load_state
from minunet.training.trainer import Trainer

TINY = [
    *("--size", "16x12", "--claims-size", "16x12", "--base-channels", "2", "--claims-base-channels", "2"),
    *("--depth", "1", "--epochs", "2", "--claims-epochs", "1", "--device", "cpu"),
]
MODELS = ["m1", "m1-no-relu", "m2", "m2-no-relu", "m1-levels", "m1-levels-no-relu"]
CLAIMS = ["relu-max-all", "tanh", "sigmoid", "average", "10-images"]


def write_discs(folder, count=14, size=(32, 24), black=0, white=255):
    """Bright discs on noise and their masks, larger than they are trained on."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[1], : size[0]]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        row, column = rng.uniform(6, size[1] - 6), rng.uniform(6, size[0] - 6)
        cell = (rows - row) ** 2 + (columns - column) ** 2 < 50
        grey = np.clip(60 + 120 * cell + rng.normal(0, 20, cell.shape), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / "images" / f"cell{number}.png")
        Image.fromarray(np.where(cell, white, black).astype(np.uint8)).save(folder / "masks" / f"cell{number}.png")
    return folder


def lab(*words):
    return main([str(word) for word in words])


def files(folder):
    """When each file of the runs was last written."""
    return {path: path.stat().st_mtime_ns for path in sorted((folder / "runs").rglob("*")) if path.is_file()}


def results(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def whole(discs, tmp_path_factory):
    """The folder of a whole lab, not to be changed, and what it said."""
    out, said = tmp_path_factory.mktemp("labs") / "whole", io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(minunet.training.run, "draw_curves", lambda *arguments: None)  # train's to test, and slow
        assert lab(discs, "--out", out, *TINY) == 0
    return out, said.getvalue()


@pytest.fixture(autouse=True)
def plain_runs(monkeypatch):
    """The pictures of single runs are train's to test; the whole lab above has those of them that are quickly drawn."""
    for picture in ("draw_augmentation", "draw_curves", "draw_predictions"):
        monkeypatch.setattr(minunet.training.run, picture, lambda *arguments: None)


def test_every_experiment_is_a_run_folder_and_a_row(whole):
    out, _ = whole
    assert sorted(path.name for path in (out / "runs").iterdir()) == sorted(f"{key}-seed0" for key in MODELS + CLAIMS)
    assert set(results(out)["rows"]) == set(MODELS + CLAIMS)
    for run in (out / "runs").iterdir():
        assert {"model.safetensors", "metrics.json", "history.csv", "config.json", "log.txt"} <= {
            p.name for p in run.iterdir()
        }


def test_what_it_says_fits_a_terminal_and_has_the_plan_first_and_the_table_last(whole):
    out, said = whole
    # A path that is longer than a line cannot be folded.
    assert [line for line in said.splitlines() if len(line) > 80 and str(out.parent.parent) not in line] == []
    for words in (
        "M1, greys by resizing",
        "M2, binary masks, no end ReLUs",
        "tanh",
        "average pooling",
        "10 images",
        "in all",
    ):
        assert words in said[said.index("plan ") : said.index("1/11")]
    table = said[said.index("the paper\n") :]
    assert re.search(r"M1, grey masks +0\.5721 +- +0\.0190", table)
    assert re.search(r"M2, binary masks +0\.0210 +- +0\.9843", table)
    assert len(re.findall(r"without end ReLUs +\d", table)) == 3
    for label in ("ReLU", "tanh", "sigmoid", "max", "average", "10, 1 epoch", "12, 1 epoch"):
        assert re.search(rf"^  {label}.* \d\.\d{{4}}", table, re.MULTILINE), label
    assert said.rstrip().endswith(f"open      {out / 'figure.png'}")


def test_the_numbers_are_those_of_the_runs(whole):
    out, said = whole
    for key, row in results(out)["rows"].items():
        test = json.loads((out / "runs" / f"{key}-seed0" / "metrics.json").read_text())["test"]
        for measure in ("loss", "keras_accuracy", "dice", "iou"):
            assert row["mean"][measure] == test[measure]
        cells = (test["loss"], row["bounds"]["floor"], test["keras_accuracy"], row["bounds"]["ceiling"])
        cells += (row["bounds"]["background"], test["dice"], test["iou"])
        assert "  ".join(f"{cell:.4f}" for cell in cells) in said
        assert test["loss"] >= row["bounds"]["floor"]
        assert test["keras_accuracy"] <= row["bounds"]["ceiling"]


def test_bounds_are_those_of_the_test_masks_the_network_was_scored_on(whole):
    out, _ = whole
    names = json.loads((out / "split.json").read_text())["test"]
    for key, kind in (("m1", "resized"), ("m2", "binary"), ("m1-levels", "levels")):
        masks = [np.asarray(Image.open(out / "prepared" / "16x12" / kind / f"{name}.png")) / 65535 for name in names]
        values = np.concatenate([mask.ravel() for mask in masks])
        grey = values[(values > 0) & (values < 1)]
        floor = -(grey * np.log(grey) + (1 - grey) * np.log(1 - grey)).sum() / values.size
        bounds = results(out)["rows"][key]["bounds"]
        assert bounds["floor"] == pytest.approx(floor, abs=1e-6)
        assert bounds["ceiling"] == 1 - grey.size / values.size
        assert bounds["background"] == np.mean(values == 0)
    assert results(out)["rows"]["m2"]["bounds"]["floor"] == 0
    assert 0 < results(out)["rows"]["m1"]["bounds"]["floor"] < results(out)["rows"]["m1-levels"]["bounds"]["floor"]
    assert results(out)["rows"]["m1-levels"]["mean"]["keras_accuracy"] == 0


def test_runs_differ_in_what_they_compare_and_see_the_same_test_images(whole):
    out, _ = whole
    configs = {key: json.loads((out / "runs" / f"{key}-seed0" / "config.json").read_text()) for key in MODELS + CLAIMS}
    splits = {key: json.loads((out / "runs" / f"{key}-seed0" / "split.json").read_text()) for key in MODELS + CLAIMS}
    assert [configs[key]["block_end_relu"] for key in MODELS] == [True, False] * 3
    assert [configs[key]["mask"] for key in MODELS] == ["grayscale"] * 2 + ["binary"] * 2 + ["grayscale"] * 2
    assert (configs["tanh"]["activation"], configs["average"]["pooling"]) == ("tanh", "average")
    assert {tuple(split["test"]) for split in splits.values()} == {tuple(splits["m1"]["test"])}
    assert len(splits["10-images"]["train"]) == 10 < len(splits["m1"]["train"])
    assert set(splits["10-images"]["train"]) < set(splits["m1"]["train"])


def test_the_report_and_the_figure(whole):
    out, said = whole
    report = (out / "table.md").read_text()
    assert "| M1, grey masks | 0.5721 | - | 0.0190 |" in report
    assert "(figure.png)" in report
    for verdict in results(out)["verdicts"]:
        for sentence in verdict["sentences"]:
            assert sentence in report
            assert sentence in " ".join(said.split())
    assert [verdict["greys"] for verdict in results(out)["verdicts"]] == [
        "greys by resizing",
        "masks saved as greys 0.25:0.75",
    ]
    with Image.open(out / "figure.png") as figure:
        assert figure.width > 1200
        assert figure.height > 3 * 225


def test_called_again_nothing_is_trained_and_the_same_is_said(whole, capsys):
    out, said = whole
    before = files(out)
    assert lab("--out", out) == 0  # settings and data are those of the folder
    again = capsys.readouterr().out
    assert files(out) == before
    assert again.count(" done\n") == 11
    assert again[again.index("the paper\n") :] == said[said.index("the paper\n") :]


def test_a_folder_made_otherwise_is_refused_with_every_difference(whole, discs, tmp_path, capsys):
    out, _ = whole
    before = (out / "lab.json").read_bytes()
    words = ("--epochs", "3", "--levels", "none", "--depth", "1", "--device", "cuda" if not _gpu() else "cpu")
    assert lab(discs, "--out", out, *words) == 2
    said = capsys.readouterr().err
    assert "--epochs 3: the lab in" in said
    assert "has 2, and its experiments can be compared only if all have the same" in said
    assert "--levels none" in said
    assert "--depth" not in said
    other = write_discs(tmp_path / "other", count=13)
    assert lab(other, "--out", out) == 2
    assert "begun on other data (14 pairs; now 13" in capsys.readouterr().err
    assert (out / "lab.json").read_bytes() == before


def test_every_input_problem_comes_in_one_message(tmp_path, capsys):
    broken = write_discs(tmp_path / "broken", count=4)
    (broken / "masks" / "cell1.png").unlink()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    words = (
        "--out",
        tmp_path / "taken",
        "--size",
        "0x5",
        "--only",
        "m3",
        "--levels",
        "0.7",
        "--lr",
        "fast",
        "--claims-size",
        "3",
    )
    assert lab(broken, *words) == 2
    said = capsys.readouterr().err
    for words in (
        "--size 0x5",
        "--only m3",
        "--levels 0.7",
        "--lr fast",
        "--claims-size 3x3",
        "holds other files",
        "cell1",
    ):
        assert words in said
    assert "error: 7 problems:" in said
    assert sorted(path.name for path in (tmp_path / "taken").iterdir()) == ["notes.txt"]


def test_only_trains_one_half_and_a_later_call_the_other(discs, tmp_path, capsys, whole):
    out = tmp_path / "lab"
    assert lab(discs, "--out", out, *TINY, "--only", "claims") == 0
    said = capsys.readouterr().out
    assert set(results(out)["rows"]) == set(CLAIMS)
    assert "the paper\n" not in said
    assert not (out / "figure.png").exists()
    before = files(out)
    assert lab("--out", out, "--only", "m1m2") == 0
    said = capsys.readouterr().out
    assert "tanh" not in said[said.index("plan ") : said.index("1/6")]
    assert set(results(out)["rows"]) == set(MODELS + CLAIMS)
    assert {path: when for path, when in files(out).items() if path in before} == before
    # In two halves or in one go, the numbers are the same.
    rows = {folder: {k: row["mean"] for k, row in results(folder)["rows"].items()} for folder in (out, whole[0])}
    assert rows[out] == rows[whole[0]]


def test_ctrl_c_keeps_everything_says_how_to_go_on_and_that_ends_alike(discs, whole, tmp_path, monkeypatch, capsys):
    steps = []

    def stepping(self, images, masks):
        rate = plain(self, images, masks)
        steps.append(None)
        if len(steps) == 4 + 3:  # the second experiment, after its third step
            signal.raise_signal(signal.SIGINT)
        return rate

    plain = Trainer._step
    monkeypatch.setattr(Trainer, "_step", stepping)
    out = tmp_path / "a lab"
    assert lab(discs, "--out", out, *TINY, "--only", "m1m2") == 130
    said = capsys.readouterr().out
    assert f"go on     python -m minunet.paper --out '{out}' --only m1m2 --device cpu\n" in said
    assert set(results(out)["rows"]) == {"m1"}
    assert load_state(out / "runs" / "m1-no-relu-seed0").step == 3
    finished = {path: when for path, when in files(out).items() if "m1-seed0" in path.parts}

    monkeypatch.setattr(Trainer, "_step", plain)
    assert lab("--out", out, "--only", "m1m2") == 0
    said = capsys.readouterr().out
    assert "1 of 2 epochs done" in said
    assert "1/5  M1, greys by resizing, no end ReLUs" in said
    assert {path: when for path, when in files(out).items() if path in finished} == finished
    for key in MODELS:
        assert results(out)["rows"][key]["mean"] == results(whole[0])["rows"][key]["mean"]


def test_ctrl_c_outside_the_training_says_how_to_go_on(discs, tmp_path, monkeypatch, capsys):
    def interrupted(self, plan):
        raise KeyboardInterrupt

    monkeypatch.setattr(Course, "run", interrupted)
    assert lab(discs, "--out", tmp_path / "lab", *TINY) == 130
    assert f"go on     python -m minunet.paper --out {tmp_path / 'lab'} --device cpu\n" in capsys.readouterr().out


def test_graded_masks_are_kept_as_they_are_stored(tmp_path, capsys):
    greys = write_discs(tmp_path / "greys", count=6, black=51, white=204)
    assert lab(greys, "--out", tmp_path / "lab", *TINY, "--graded", "--only", "m1m2") == 0
    said = capsys.readouterr().out
    assert "M1, greys as stored" in said
    rows = results(tmp_path / "lab")["rows"]
    assert set(rows) == {"m1", "m1-no-relu", "m2", "m2-no-relu"}
    assert rows["m1"]["bounds"]["ceiling"] == rows["m1"]["mean"]["keras_accuracy"] == 0.0
    assert rows["m1"]["bounds"]["floor"] >= -(0.2 * np.log(0.2) + 0.8 * np.log(0.8)) - 1e-6
    assert rows["m1"]["mean"]["loss"] > rows["m1"]["bounds"]["floor"]
    assert rows["m2"]["bounds"]["ceiling"] == 1.0


@pytest.mark.parametrize(("words", "remark"), [([], "with --graded"), (["--graded"], None)])
def test_greys_in_the_files_are_remarked_upon(words, remark, tmp_path, monkeypatch, capsys):
    greys = write_discs(tmp_path / "greys", count=4, black=51, white=204)
    monkeypatch.setattr(Course, "run", lambda self, plan: None)
    assert lab(greys, "--out", tmp_path / "lab", *TINY, *words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert ("100.0 % of the mask files' pixels are neither black nor white" in said) is (remark is not None)
    assert (remark or "its loss of") in said


def test_graded_on_black_and_white_masks_is_remarked_upon(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Course, "run", lambda self, plan: None)
    assert lab(discs, "--out", tmp_path / "lab", *TINY, "--graded") == 0
    assert "only 0.0 % of the mask files' pixels are grey" in " ".join(capsys.readouterr().out.split())


def test_seeds_are_averaged_and_their_spread_shown(discs, tmp_path, capsys):
    words = ("--only", "claims", "--levels", "none", "--seeds", "2")
    assert lab(discs, "--out", tmp_path / "lab", *TINY, *words) == 0
    row = results(tmp_path / "lab")["rows"]["tanh"]
    losses = [seed["loss"] for seed in row["seeds"]]
    assert [seed["seed"] for seed in row["seeds"]] == [0, 1]
    assert losses[0] != losses[1]
    assert row["mean"]["loss"] == pytest.approx(np.mean(losses))
    assert row["standard_deviation"]["loss"] == pytest.approx(np.std(losses, ddof=1))
    assert f"{row['mean']['loss']:.4f}" in capsys.readouterr().out


def test_a_training_that_diverges_is_a_row_and_the_others_go_on(discs, tmp_path, monkeypatch, capsys):
    def stepping(self, batch, following):
        images, masks = batch
        if self.model.config["activation"] == "tanh":
            images = images * np.float32("nan")
        return plain(self, (images, masks), following)

    plain = Trainer._step
    monkeypatch.setattr(Trainer, "_step", stepping)
    assert lab(discs, "--out", tmp_path / "lab", *TINY, "--only", "claims") == 0
    said = capsys.readouterr().out
    assert re.search(r"^  tanh +diverged \(seed 0\)$", said, re.MULTILINE)
    rows = results(tmp_path / "lab")["rows"]
    assert rows["tanh"]["mean"] is None
    assert rows["sigmoid"]["mean"]["loss"] > 0


def test_without_data_smears_are_drawn_larger_than_they_are_trained_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(minunet.paper, "DRAWN_COUNT", 5)
    monkeypatch.setattr(Course, "run", lambda self, plan: None)
    monkeypatch.chdir(tmp_path)
    assert lab(*TINY) == 0
    out = tmp_path / "runs" / "paper-synthetic"
    with Image.open(next((out / "synthetic" / "images").iterdir())) as image:
        assert image.size == (32, 24)
    before = {path: path.stat().st_mtime_ns for path in (out / "synthetic").rglob("*.png")}
    assert lab() == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "synthetic").rglob("*.png")} == before
    assert lab(write_discs(tmp_path / "discs", count=4), "--out", out) == 2
    assert "draws its own smears" in capsys.readouterr().err


def test_help_teaches_what_the_bounds_are(capsys):
    with pytest.raises(SystemExit) as stop:
        lab("--help")
    assert stop.value.code == 0
    said = capsys.readouterr().out
    for words in (
        "mean entropy of the targets",
        "exactly 0 or 1",
        "--graded",
        f"{M1.loss}",
        "0.26 or 0.74",
        "at most 1.9 %",
    ):
        assert words in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 80


def _gpu():
    from minunet.errors import UserError
    from minunet.kernels.backend import resolve_device

    try:
        return resolve_device("cuda") == "cuda"
    except UserError:
        return False
