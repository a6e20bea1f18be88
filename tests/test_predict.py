"""`python -m minunet.predict`: what it writes, what it refuses, and that nothing is lost on the way."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import minunet.predict as command
from minunet import UNet
from minunet.data.images import decode
from minunet.data.preprocessing import Preprocessing
from minunet.predict import main
from minunet.training.checkpoint import load_model, save_model

KINDS = ("mask", "probability", "product", "overlay")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return save_model(
        folder / "model.safetensors",
        UNet(base_channels=2, depth=1, rng=np.random.default_rng(0)),
        Preprocessing(size=(16, 12)),
    )


@pytest.fixture
def smears(tmp_path, monkeypatch):
    """A working folder with smears/a.png, smears/b.png and smears/deep/a.jpg."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (9, 14, 3)), ("b.png", (8, 8)), ("deep/a.jpg", (33, 20, 3))):
        path = tmp_path / "smears" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(path)
    return tmp_path / "smears"


def run(*arguments):
    return main([str(argument) for argument in arguments])


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def written(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pictures(*names):
    return sorted(f"{name}_{kind}.png" for name in names for kind in KINDS)


# What it writes


def test_folder_is_mirrored(model, smears, tmp_path, capsys):
    assert run(model, smears, "--out", "out") == 0
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")
    output = capsys.readouterr()
    assert "3 images" in output.out
    assert "open      out/a_overlay.png" in output.out
    assert output.err == ""
    assert max(map(len, output.out.splitlines())) <= max(80, 10 + len(str(model)))


def test_pictures_agree_with_the_model(model, smears):
    assert run(model.parent, smears, "--out", "out", "--threshold", "0.45") == 0
    for name in ("a.png", "b.png", "deep/a.jpg"):
        image = decode(smears / name)
        probability = load_model(model).predict(image)
        stem = f"out/{name[:-4]}"
        shown = {kind: pixels(f"{stem}_{kind}.png") for kind in KINDS}
        assert all(picture.shape[:2] == image.shape[:2] for picture in shown.values())
        np.testing.assert_array_equal(shown["mask"], 255 * (probability > 0.45))
        np.testing.assert_allclose(shown["probability"] / 65535, probability, atol=1e-5)
        weight = probability if image.ndim == 2 else probability[..., None]
        np.testing.assert_allclose(shown["product"], image * weight, atol=0.51)


@pytest.mark.parametrize("kind", ["1-bit", "palette", "alpha", "16-bit", "1x1", "1x7"])
def test_kinds_of_image(model, tmp_path, kind):
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 256, (5, 7, 3), np.uint8))
    image = {
        "1-bit": lambda: image.convert("1"),
        "palette": lambda: image.quantize(4),
        "alpha": lambda: image.convert("RGBA"),
        "16-bit": lambda: Image.fromarray(rng.integers(0, 65536, (5, 7), np.uint16)),
        "1x1": lambda: image.resize((1, 1)),
        "1x7": lambda: image.resize((1, 7)),
    }[kind]()
    image.save(tmp_path / "image.png")
    assert run(model, tmp_path / "image.png", "--out", tmp_path / "out") == 0
    for name in pictures("image"):
        assert pixels(tmp_path / "out" / name).shape[1::-1] == image.size
    if kind == "16-bit":
        assert pixels(tmp_path / "out" / "image_product.png").dtype == np.uint16


def test_photo_is_turned_upright(model, tmp_path):
    image = Image.new("RGB", (12, 6), "white")
    image.paste("black", (0, 0, 6, 6))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter
    image.save(tmp_path / "photo.jpg", exif=exif)
    assert run(model, tmp_path / "photo.jpg", "--out", tmp_path / "out") == 0
    values = pixels(tmp_path / "out" / "photo_product.png").astype(int)
    assert values.shape[:2] == (12, 6)
    assert values[:5].max() < values[7:].min()


def test_default_folder_is_named_after_the_time_and_always_new(model, smears, tmp_path, monkeypatch):
    monkeypatch.setattr(command.time, "strftime", lambda pattern: "2025-03-31-142500")
    assert run(model, smears / "a.png") == 0
    assert run(model, smears / "a.png") == 0
    assert written(tmp_path / "predictions") == sorted(
        f"2025-03-31-142500{number}/{name}" for number in ("", "-2") for name in pictures("a")
    )


def test_names_that_collide(model, tmp_path):
    for name in ("a/1.png", "b/1.png", "b/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / name)
    assert run(model, tmp_path / "a/1.png", tmp_path / "b", "--out", tmp_path / "out") == 0
    assert written(tmp_path / "out") == pictures("a/1", "b/1_jpg", "b/1_png")


def test_what_was_passed_over_is_said(model, smears, capsys):
    (smears / "notes.txt").write_text("x")
    Image.new("1", (8, 8)).save(smears / "b_mask.png")
    assert run(model, smears, "--out", "out") == 0
    output = capsys.readouterr().out
    assert "passed over, beside images: b_mask.png" in output
    assert "passed over, no images: notes.txt" in output


def test_threads_are_set(model, smears, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "set_num_threads", seen.append)
    assert run(model, smears / "a.png", "--threads", "3") == 0
    assert seen == [3]


# Files that fail


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

    monkeypatch.setattr(command, "decode", decoded)
    assert run(model, smears, "--out", "out") == 1
    assert "b.png does not fit into memory" in capsys.readouterr().err


def test_frames_left_unread_are_noted(model, tmp_path, capsys):
    frame = Image.new("L", (5, 5))
    frame.save(tmp_path / "stack.tif", save_all=True, append_images=[frame, frame])
    assert run(model, tmp_path / "stack.tif", "--out", tmp_path / "out") == 0
    assert "holds 3 frames; only the first is used" in " ".join(capsys.readouterr().out.split())


# What is refused


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
    assert "passed over, earlier results" in capsys.readouterr().out


# Stopped


def test_first_ctrl_c_finishes_the_image(model, smears, tmp_path, monkeypatch, capsys):
    def decoded(path, report):
        os.kill(os.getpid(), signal.SIGINT)
        return decode(path, report=report)

    monkeypatch.setattr(command, "decode", decoded)
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

    monkeypatch.setattr(command, "decode", decoded)
    assert run(model, smears, "--out", "out") == 130
    assert not (tmp_path / "out").exists()


def test_full_disk_stops_with_what_is_done(model, smears, tmp_path, monkeypatch, capsys):
    write, count = command.write_bytes, []

    def full(path, data, **options):
        count.append(path)
        if len(count) > len(KINDS):
            monkeypatch.setattr("minunet.training.atomic.os.replace", fail)
        return write(path, data, **options)

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write_bytes", full)
    assert run(model, smears, "--out", "out") == 2
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert written(tmp_path / "out") == pictures("a")


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    output = capsys.readouterr().out
    for word in (*KINDS, "exit code", "examples", "EXIF", "--skip-existing"):
        assert word in output


def test_runs_as_a_module(model, smears, tmp_path):
    command_line = [sys.executable, "-m", "minunet", "predict", str(model), "smears", "--out", "out"]
    result = subprocess.run(command_line, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")
