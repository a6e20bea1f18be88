"""Predictions that fail or are stopped: bad files, too little memory, Ctrl-C, a full disk; the pictures that are done are kept."""

import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading import image_rows, rows_of_files
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.rows_of_files import open_rows
from minunet.inference import loaded_model, tile_size
from minunet.results.png_file import PngFile
from minunet.runs import prediction_work
from tests.commands.predict.prediction_folders import pictures, run, written


def test_bad_files_do_not_stop_the_others(model, smears, tmp_path, capsys):
    whole = (smears / "a.png").read_bytes()
    (smears / "aa_cut.png").write_bytes(whole[: len(whole) // 2])
    (smears / "aa_text.png").write_text("not a picture")
    assert run(model, smears, "--out", "out") == 1
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")
    output = capsys.readouterr()
    assert "3 images" in output.out
    assert "2 of 5 images failed" in output.err
    assert "aa_cut.png is truncated" in output.err
    assert "aa_text.png is a text file" in output.err


def test_all_bad(model, tmp_path, capsys):
    (tmp_path / "text.png").write_text("not a picture")
    assert run(model, tmp_path / "text.png", "--out", tmp_path / "out") == 1
    output = capsys.readouterr()
    assert "1 of 1 image failed" in output.err
    assert not [line for line in output.out.splitlines() if line.startswith("open")]  # there is no picture


def test_image_too_large_for_memory(model, smears, monkeypatch, capsys):
    def opened(path, **options):
        if path.name == "b.png":
            raise MemoryError
        return open_rows(path, **options)

    monkeypatch.setattr(prediction_work, "open_rows", opened)
    assert run(model, smears, "--out", "out") == 1
    assert "b.png does not fit into memory" in capsys.readouterr().err


def test_frames_left_unread_are_noted(model, tmp_path, capsys):
    frame = Image.new("L", (5, 5))
    frame.save(tmp_path / "stack.tif", save_all=True, append_images=[frame, frame])
    assert run(model, tmp_path / "stack.tif", "--out", tmp_path / "out") == 0
    assert "holds several frames; only the first is used" in " ".join(capsys.readouterr().out.split())


def test_first_ctrl_c_finishes_the_image(model, smears, tmp_path, monkeypatch, capsys):
    def opened(path, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return open_rows(path, **options)

    monkeypatch.setattr(prediction_work, "open_rows", opened)
    assert run(model, smears, "--out", "out") == 130
    assert written(tmp_path / "out") == pictures("a")
    error = capsys.readouterr().err
    assert "stopped with 2 left; to go on: the same with --out out --skip-existing" in error
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run(model, smears, "--out", "out", "--skip-existing") == 0
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_the_exit_code_says_which_signal_it_was(model, smears, tmp_path, monkeypatch, number, times):
    def opened(path, **options):
        for _ in range(times):
            signal.raise_signal(number)
        return open_rows(path, **options)

    monkeypatch.setattr(prediction_work, "open_rows", opened)
    assert run(model, smears, "--out", "out") == 128 + number
    assert (tmp_path / "out").exists() == (times == 1)


def test_second_ctrl_c_stops_at_once(model, smears, tmp_path, monkeypatch, capsys):
    def opened(path, **options):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.setattr(prediction_work, "open_rows", opened)
    assert run(model, smears, "--out", "out") == 130
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("last", range(6))
def test_ctrl_c_twice_right_after_a_file_has_got_its_name(cell_model, folder, tmp_path, monkeypatch, last):
    replace, replaced = os.replace, []

    def replacing(source, target):
        replace(source, target)
        replaced.append(target)
        if len(replaced) == last + 1:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("minunet.files.atomic_write.os.replace", replacing)
        assert run(cell_model, folder, "--out", "out", "--no-report") == 130
    assert not list((tmp_path / "out").glob("none_*"))
    assert run(cell_model, folder, "--out", "out", "--no-report", "--skip-existing") == 0
    assert written(tmp_path / "out") == pictures("none", "one", "three")


def test_full_disk_is_a_failure_of_that_image(model, smears, tmp_path, monkeypatch, capsys):
    replace = os.replace

    def full(source, target):
        if target.name == "b_product.png":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("minunet.files.atomic_write.os.replace", full)
    assert run(model, smears, "--out", "out") == 1
    error = capsys.readouterr().err
    assert "1 of 3 images failed" in error
    assert "b_product.png: cannot be written (No space left on device)" in error
    assert written(tmp_path / "out") == pictures("a", "deep/a")


def test_a_picture_that_cannot_be_written_leaves_nothing(model, smears, tmp_path, monkeypatch, capsys):
    write = PngFile.write

    def full(self, rows):
        if rows.ndim == 3:
            raise OSError(28, "No space left on device")
        write(self, rows)

    monkeypatch.setattr(PngFile, "write", full)
    assert run(model, smears, "--out", "out") == 1
    error = capsys.readouterr().err
    assert "3 of 3 images failed" in error
    assert "_overlay.png: cannot be written" in error or "_product.png: cannot be written" in error
    assert not (tmp_path / "out").exists()


def test_results_that_are_replaced_stay_when_that_fails(model, smears, tmp_path, monkeypatch, capsys):
    assert run(model, smears, "--out", "out") == 0
    before = (tmp_path / "out" / "b_mask.png").read_bytes()
    (smears / "b.png").write_bytes((smears / "b.png").read_bytes()[:60])
    assert run(model, smears, "--out", "out", "--overwrite", "--threshold", "0") == 1
    assert (tmp_path / "out" / "b_mask.png").read_bytes() == before
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")


def test_an_image_that_ends_early_after_many_rows(tmp_path, monkeypatch, capsys):
    for module in (image_rows, rows_of_files):
        monkeypatch.setattr(module, "LARGE", 400)
    monkeypatch.setattr(image_rows, "STRIP_PIXELS", 400)
    monkeypatch.setattr(tile_size, "BUDGET", 1)
    monkeypatch.setattr(tile_size, "TILE_BYTES", 1)
    network = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    model = write_model(tmp_path / "model.safetensors", network, Preprocessing(crop=8))
    whole = np.random.default_rng(0).integers(0, 256, (100, 50), np.uint8)
    for name in ("a", "b"):
        Image.fromarray(whole).save(tmp_path / f"{name}.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    assert run(model, tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "out") == 1
    assert "a.png is truncated" in capsys.readouterr().err
    assert written(tmp_path / "out") == pictures("b")


def test_ctrl_c_gives_a_large_image_up(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tile_size, "BUDGET", 1)
    monkeypatch.setattr(tile_size, "TILE_BYTES", 1)
    network = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    model = write_model(tmp_path / "model.safetensors", network, Preprocessing(crop=8))
    Image.fromarray(np.zeros((200, 100), np.uint8)).save(tmp_path / "a.png")
    logits = loaded_model.LoadedModel.output_logits

    def interrupted(self, inputs):
        monkeypatch.setattr(loaded_model.LoadedModel, "output_logits", logits)
        os.kill(os.getpid(), signal.SIGINT)
        return logits(self, inputs)

    monkeypatch.setattr(loaded_model.LoadedModel, "output_logits", interrupted)
    assert run(model, tmp_path / "a.png", "--out", tmp_path / "out") == 130
    assert "stopped with 1 left" in capsys.readouterr().err
    assert written(tmp_path / "out") == []
