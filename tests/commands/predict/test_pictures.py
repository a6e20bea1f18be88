"""The pictures that `python -m minunet.predict` writes: they agree with the model, and mirror the folder of images."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import minunet.predict as command
from minunet.checkpoints.model_file import load_model
from minunet.data.reading.image_files import decode
from minunet.predict import main
from tests.commands.predict.prediction_folders import KINDS, pictures, pixels, run, written


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
    monkeypatch.setattr("time.strftime", lambda pattern: "2025-03-31-142500")
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
    assert "left out, beside images: b_mask.png" in output
    assert "left out, no images: notes.txt" in output


def test_threads_are_set(model, smears, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "set_num_threads", seen.append)
    assert run(model, smears / "a.png", "--threads", "3") == 0
    assert seen == [3]


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    output = capsys.readouterr().out
    for word in (*KINDS, "exit code", "examples", "EXIF", "--skip-existing"):
        assert word in output


def test_runs_as_a_module(model, smears, tmp_path):
    command_line = [sys.executable, "-m", "minunet", "predict", str(model), "smears", "--out", "out", "--no-report"]
    result = subprocess.run(command_line, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")
