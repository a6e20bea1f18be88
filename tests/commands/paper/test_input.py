"""The input of a study: graded masks, black and white ones, no data at all, and bad input; and the help."""

import numpy as np
import pytest
from PIL import Image

import minunet.runs.training_data
from minunet.experiments.paper_numbers import M1
from minunet.experiments.runner import StudyRunner
from minunet.experiments.study import PaperStudy
from minunet.experiments.study_folder import StudyFolder
from tests.commands.paper.small_studies import TINY, results, study, write_pairs
from tests.commands.train.test_masks import write_masks


def test_every_input_problem_comes_in_one_message(tmp_path, capsys):
    broken = write_pairs(tmp_path / "broken", count=4)
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
    assert study(broken, *words) == 2
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
    assert "error: 8 problems:" in said and "--skip-unpaired" in said
    assert sorted(path.name for path in (tmp_path / "taken").iterdir()) == ["notes.txt"]


def test_graded_masks_are_kept_as_they_are_stored(tmp_path, capsys):
    greys = write_pairs(tmp_path / "greys", count=6, black=51, white=204)
    assert study(greys, "--out", tmp_path / "study", *TINY, "--graded", "--only", "m1m2") == 0
    said = capsys.readouterr().out
    assert "M1, greys as stored" in said
    rows = results(tmp_path / "study")["rows"]
    assert set(rows) == {"m1", "m1-no-relu", "m2", "m2-no-relu"}
    assert rows["m1"]["bounds"]["ceiling"] == rows["m1"]["mean"]["keras_accuracy"] == 0.0
    assert rows["m1"]["bounds"]["floor"] >= -(0.2 * np.log(0.2) + 0.8 * np.log(0.8)) - 1e-6
    assert rows["m1"]["mean"]["loss"] > rows["m1"]["bounds"]["floor"]
    assert rows["m2"]["bounds"]["ceiling"] == 1.0


@pytest.mark.parametrize(("words", "remark"), [([], "with --graded"), (["--graded"], None)])
def test_greys_in_the_files_are_remarked_upon(words, remark, tmp_path, monkeypatch, capsys):
    greys = write_pairs(tmp_path / "greys", count=4, black=51, white=204)
    monkeypatch.setattr(StudyRunner, "run", lambda self, plan: None)
    assert study(greys, "--out", tmp_path / "study", *TINY, *words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert ("100.0 % of the mask files' pixels are neither black nor white" in said) is (remark is not None)
    assert (remark or "its loss of") in said


def test_graded_on_black_and_white_masks_is_remarked_upon(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(StudyRunner, "run", lambda self, plan: None)
    assert study(discs, "--out", tmp_path / "study", *TINY, "--graded") == 0
    assert "only 0.0 % of the mask files' pixels are grey" in " ".join(capsys.readouterr().out.split())


def test_without_data_smears_are_drawn_larger_than_they_are_trained_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(minunet.runs.training_data, "DRAWN_COUNT", 5)
    monkeypatch.setattr(StudyRunner, "run", lambda self, plan: None)
    monkeypatch.chdir(tmp_path)
    assert study(*TINY) == 0
    out = tmp_path / "runs" / "paper-synthetic"
    with Image.open(next((out / "synthetic" / "images").iterdir())) as image:
        assert image.size == (32, 24)
    before = {path: path.stat().st_mtime_ns for path in (out / "synthetic").rglob("*.png")}
    assert study() == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "synthetic").rglob("*.png")} == before
    assert study(write_pairs(tmp_path / "discs", count=4), "--out", out) == 2
    assert "draws its own smears" in capsys.readouterr().err


def test_help_teaches_what_the_limits_are(capsys):
    with pytest.raises(SystemExit) as stop:
        study("--help")
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


def test_masks_are_read_once_and_as_said(tmp_path, capsys, monkeypatch):
    for step in ("plan", "report"):
        monkeypatch.setattr(PaperStudy, step, lambda *arguments: [])
    monkeypatch.setattr(StudyRunner, "run", lambda *arguments: None)
    for announce in ("announce_plan", "announce_report"):
        monkeypatch.setattr(f"minunet.paper.{announce}", lambda *arguments: None)

    def with_border(labels):
        return np.where(np.arange(labels.shape[1]) < 6, 255, labels > 0).astype(np.uint8)

    data = write_masks(tmp_path / "data", with_border)
    words = [data, "--out", tmp_path / "study", "--size", "16x12", "--claims-size", "16x12", "--depth", "1"]
    assert study(*words) == 2
    assert "the masks hold values that are ignored (255)" in capsys.readouterr().err
    assert not (tmp_path / "study" / "lab.json").exists()
    assert study(*words, "--cell", "1", "--levels", "none") == 0
    assert "masks     levels, 8 bit; cell is 1; " in capsys.readouterr().out
    assert StudyFolder(tmp_path / "study").reading().cells == "1"
    prepared = Image.open(tmp_path / "study" / "prepared" / "16x12" / "binary" / "s0.png")
    assert set(np.unique(np.asarray(prepared))) == {0, 65535}
