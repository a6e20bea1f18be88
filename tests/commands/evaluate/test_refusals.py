"""What `python -m minunet.evaluate` refuses: every mistake at once, bad data, bad models, and overwriting earlier results."""

from PIL import Image

from tests.commands.evaluate.small_evaluations import draw, numbers, run


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
