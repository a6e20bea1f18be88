"""What `python -m minunet.predict` refuses: every mistake at once, and results that would mix with images, masks or others."""

import os

import pytest
from PIL import Image

from tests.commands.predict.prediction_folders import pictures, pixels, run, written


def test_every_mistake_at_once(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    arguments = [tmp_path / "none.safetensors", tmp_path / "gone.png", tmp_path / "lost", "--threshold", "1.5"]
    assert run(*arguments, "--out", tmp_path / "file" / "out", "--threads", "0", "--device", "tpu") == 2
    error = capsys.readouterr().err
    for part in (
        "--threshold 1.5: must be from 0 to 1",
        "--threads 0: must be at least 1",
        "--device tpu: choose one of auto, cpu, cuda",
        "gone.png does not exist",
        "lost does not exist",
        "none.safetensors: there is no such file",
    ):
        assert part in error


def test_out_that_cannot_be_written(model, smears, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(model, smears, "--out", tmp_path / "file" / "out") == 2
    assert "is a file where a folder is needed" in capsys.readouterr().err


def test_unknown_flag(model, smears, capsys):
    assert run(model, smears, "--treshold", "0.5") == 2
    assert "--treshold" in capsys.readouterr().err


def test_existing_results_are_kept(model, smears, tmp_path, capsys):
    assert run(model, smears / "a.png", "--out", "out") == 0
    before = (tmp_path / "out" / "a_mask.png").stat().st_mtime_ns
    capsys.readouterr()
    assert run(model, smears, "--out", "out") == 2
    assert "results of a are there already; add --skip-existing" in capsys.readouterr().err
    assert written(tmp_path / "out") == pictures("a")
    assert run(model, smears, "--out", "out", "--skip-existing") == 0
    assert "2 to predict, 1 done before" in capsys.readouterr().out
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")
    assert (tmp_path / "out" / "a_mask.png").stat().st_mtime_ns == before
    assert run(model, smears, "--out", "out", "--skip-existing") == 0
    assert "nothing was left to do" in capsys.readouterr().out


def test_overwrite_replaces(model, smears):
    assert run(model, smears / "a.png", "--out", "out") == 0
    before = pixels("out/a_mask.png")
    assert run(model, smears / "a.png", "--out", "out", "--overwrite", "--threshold", "0") == 0
    after = pixels("out/a_mask.png")
    assert after.min() == 255
    assert before.min() == 0


def test_incomplete_results_are_not_taken_for_done(model, smears, capsys):
    assert run(model, smears / "a.png", "--out", "out") == 0
    os.remove("out/a_mask.png")
    assert run(model, smears / "a.png", "--out", "out", "--skip-existing") == 2
    assert "these are incomplete" in capsys.readouterr().err


@pytest.mark.parametrize("flag", [[], ["--overwrite"]])
def test_results_never_mix_with_images_or_masks(model, smears, capsys, flag):
    (smears / "images").mkdir()
    (smears / "masks").mkdir()
    for folder in ("images", "masks"):
        Image.new("L", (4, 4)).save(smears / folder / "1.png")
    for data, out in (
        (smears / "deep", smears / "deep"),
        (smears, smears),
        (smears / "images/1.png", smears / "images"),
    ):
        assert run(model, data, "--out", out, *flag) == 2
        assert "results would mix with the images or masks" in capsys.readouterr().err
    assert run(model, smears / "images", "--out", smears / "masks" / "predicted", *flag) == 0


def test_second_run_over_a_folder_that_holds_its_own_results(model, smears, tmp_path, capsys):
    assert run(model, smears, "--out", smears / "out") == 0
    capsys.readouterr()
    assert run(model, smears, "--out", tmp_path / "again") == 0
    assert written(tmp_path / "again") == pictures("a", "b", "deep/a")
    assert "left out, earlier results" in capsys.readouterr().out
