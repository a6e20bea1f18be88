"""Predictions that fail or are stopped: bad files, too little memory, Ctrl-C, a full disk; the pictures that are done are kept."""

import os
import signal
import time

from PIL import Image

from minunet.data.reading.image_files import decode
from minunet.runs import prediction_run
from tests.commands.predict.prediction_folders import KINDS, pictures, run, written


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
    assert "open" not in output.out


def test_image_too_large_for_memory(model, smears, monkeypatch, capsys):
    def decoded(path, report):
        if path.name == "b.png":
            raise MemoryError
        return decode(path, report=report)

    monkeypatch.setattr(prediction_run, "decode", decoded)
    assert run(model, smears, "--out", "out") == 1
    assert "b.png does not fit into memory" in capsys.readouterr().err


def test_frames_left_unread_are_noted(model, tmp_path, capsys):
    frame = Image.new("L", (5, 5))
    frame.save(tmp_path / "stack.tif", save_all=True, append_images=[frame, frame])
    assert run(model, tmp_path / "stack.tif", "--out", tmp_path / "out") == 0
    assert "holds 3 frames; only the first is used" in " ".join(capsys.readouterr().out.split())


def test_first_ctrl_c_finishes_the_image(model, smears, tmp_path, monkeypatch, capsys):
    def decoded(path, report):
        os.kill(os.getpid(), signal.SIGINT)
        return decode(path, report=report)

    monkeypatch.setattr(prediction_run, "decode", decoded)
    assert run(model, smears, "--out", "out") == 130
    assert written(tmp_path / "out") == pictures("a")
    error = capsys.readouterr().err
    assert "stopped with 2 left; to go on: the same with --out out --skip-existing" in error
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run(model, smears, "--out", "out", "--skip-existing") == 0
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")


def test_second_ctrl_c_stops_at_once(model, smears, tmp_path, monkeypatch, capsys):
    def decoded(path, report):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.setattr(prediction_run, "decode", decoded)
    assert run(model, smears, "--out", "out") == 130
    assert not (tmp_path / "out").exists()


def test_full_disk_stops_with_what_is_done(model, smears, tmp_path, monkeypatch, capsys):
    write, count = prediction_run.write_bytes, []

    def full(path, data, **options):
        count.append(path)
        if len(count) > len(KINDS):
            monkeypatch.setattr("minunet.files.atomic.os.replace", fail)
        return write(path, data, **options)

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prediction_run, "write_bytes", full)
    assert run(model, smears, "--out", "out") == 2
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert written(tmp_path / "out") == pictures("a")
