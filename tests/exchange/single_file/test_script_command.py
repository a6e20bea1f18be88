"""The command of a script: in an environment with NumPy and Pillow alone, and what it says of mistakes."""

import csv
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from minunet.checkpoints.model_file import load_model
from minunet.data.outputs import Outputs
from minunet.exchange.check_image import drawn_image
from minunet.exchange.single_file.script_check import script_module
from minunet.exchange.single_file.script_writing import write_script
from tests.exchange.small_models import CLASSES, small_model

MODEL = small_model("rgb", Outputs(CLASSES), depth=2)
IMAGE = drawn_image(MODEL.preprocessing)[60:121, 80:155]


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The module of a script."""
    path = tmp_path_factory.mktemp("script") / "cells.py"
    write_script(MODEL, path)
    with script_module(path) as module:
        yield module


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with three images in it, one of which is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smears").mkdir()
    for name in ("a.png", "a.bmp", "b.png"):
        Image.fromarray(IMAGE).save(tmp_path / "smears" / name)
    (tmp_path / "smears" / "bad.jpg").write_bytes(b"no picture")
    return tmp_path


def test_masks_numbered_cells_and_counts_are_written(script, folder, capsys):
    assert script.predict_and_count(["smears/b.png", "--output", "out"]) == 0
    table = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert table == list(csv.reader((folder / "out" / "counts.csv").read_text().splitlines()))
    assert table[0] == ["image", "width", "height", "cells", "cells_red", "cells_white", "cell_share", "diameter_px"]
    assert table[1][:3] == ["b.png", "75", "61"] and int(table[1][3]) == int(table[1][4]) + int(table[1][5])
    pictures = {
        name: np.asarray(Image.open(folder / "out" / f"b_{name}.png"))
        for name in ("mask", "labels", "cells", "classes")
    }
    expected = MODEL.predict_outputs(IMAGE)
    assert np.array_equal(pictures["mask"], np.where(expected.probability > 0.5, 255, 0))
    assert np.array_equal(pictures["classes"], expected.classes)
    assert pictures["labels"].max() == int(table[1][3]) and pictures["cells"].shape == (61, 75, 3)


def test_a_bad_image_is_named_and_the_others_are_done(script, folder, capsys):
    assert script.predict_and_count(["smears"]) == 2
    said = capsys.readouterr()
    assert said.err == "error: smears/bad.jpg is not an image that is read here: give a PNG, JPEG, BMP or TIFF file.\n"
    assert [row.split(",")[0] for row in said.out.splitlines()[1:]] == ["a.bmp", "a.png", "b.png"]
    assert {"a_png_mask.png", "a_bmp_mask.png", "b_mask.png"} <= {
        path.name for path in (folder / "predictions").iterdir()
    }
    assert script.predict_and_count(["smears/b.png"]) == 2
    assert "predictions/counts.csv: is there already; name another folder" in capsys.readouterr().err
    assert script.predict_and_count(["smears/b.png", "--overwrite"]) == 0
    shutil.copy(folder / "smears" / "b.png", folder / "predictions")
    assert [path.name for path in script.images_in(folder / "predictions") if not script._is_result(path)] == ["b.png"]


def test_mistakes_are_named_all_at_once(script, folder, capsys):
    (folder / "empty").mkdir()
    arguments = ["none.png", "empty", "smears/a.png", "--output", "smears/a.png", "--diameter", "20"]
    assert script.predict_and_count(arguments) == 2
    problems = capsys.readouterr().err.splitlines()
    assert [problem.split(":")[1] for problem in problems] == [
        " --diameter",
        " none.png",
        " empty",
        " --output smears/a.png",
    ]
    with pytest.raises(SystemExit) as raised:
        script.predict_and_count([])
    assert raised.value.code == 2


def test_two_images_of_one_name_are_refused(script, folder, capsys):
    shutil.copytree("smears", "more")
    assert script.predict_and_count(["smears/b.png", "more/b.png"]) == 2
    assert "several images are named b_png" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_done(script, folder, capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(script.ScriptModel, "maps", stop)
    assert script.predict_and_count(["smears/b.png"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_pictures_of_an_image_are_all_there_or_none(script, folder, capsys, monkeypatch):
    write = script._write

    def fails(path, content):
        write(path, content)
        if path.name == "b_labels.png":
            raise script.UserError(f"{path} cannot be written (No space left on device).")

    monkeypatch.setattr(script, "_write", fails)
    assert script.predict_and_count(["smears/b.png", "smears/a.bmp", "--output", "out"]) == 2
    assert "b_labels.png cannot be written (No space left" in capsys.readouterr().err
    assert {path.name[:2] for path in (folder / "out").iterdir()} == {"a_", "co"}


def test_a_folder_below_a_file_is_refused(script, folder, capsys):
    assert script.predict_and_count(["smears/b.png", "--output", "smears/a.png/out"]) == 2
    assert capsys.readouterr().err == "error: --output smears/a.png/out: smears/a.png is a file; name a folder.\n"


def test_an_image_of_another_type_is_predicted_with_a_warning(script, folder, capsys, monkeypatch):
    monkeypatch.setitem(script.SETTINGS, "range", {"low": 0.0, "high": 255.0, "types": ("uint8",)})
    Image.fromarray(IMAGE[..., 0].astype(np.uint16)).save(folder / "wide.png")
    assert script.predict_and_count(["wide.png", "smears/b.png"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: wide.png: its numbers are uint16, but the model was trained on uint8")


def test_packages_that_are_too_old_are_named(script, folder, capsys, monkeypatch):
    monkeypatch.setattr(script.PIL, "__version__", "10.2.1")
    assert script.predict_and_count(["smears/b.png"]) == 2
    said = capsys.readouterr().err
    assert "needs NumPy 1.26 and Pillow 10.3 or newer, and Pillow 10.2.1 is installed" in said and said.count("\n") == 1


def test_a_missing_package_is_named(tmp_path, capsys, monkeypatch):
    write_script(MODEL, tmp_path / "cells.py")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(SystemExit) as raised, script_module(tmp_path / "cells.py"):
        pass
    assert raised.value.code == 2
    assert "needs NumPy 1.26 and Pillow 10.3 or newer (" in capsys.readouterr().err


def bare_environment(folder: Path) -> Path:
    """The Python of an environment that holds NumPy and Pillow and nothing else."""
    builder = venv.EnvBuilder(with_pip=False, symlinks=True)
    builder.create(folder)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    for package in (np, PIL):
        home = Path(package.__file__).parent
        for name in (home.name, f"{home.name}.libs", {"PIL": "pillow.libs"}.get(home.name, "")):
            if name and (home.parent / name).is_dir():
                (packages / name).symlink_to(home.parent / name, target_is_directory=True)
    return python


@pytest.mark.ci
def test_the_script_needs_numpy_and_pillow_alone(tmp_path, real_smears):
    python = bare_environment(tmp_path / "bare")
    for module in ("scipy", "skimage", "minunet", "tqdm", "safetensors", "tifffile"):
        assert (
            subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True, check=False).returncode == 1
        )
    model = load_model()
    write_script(model, tmp_path / "cells.py")
    smear = sorted((real_smears / "images").iterdir())[0]
    command = [python, "-I", tmp_path / "cells.py", smear, "--output", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    expected = model.predict_outputs(smear)
    mask = np.asarray(Image.open(tmp_path / "out" / f"{smear.stem}_mask.png"))
    assert np.count_nonzero((mask > 0) != (expected.probability > 0.5)) <= 3
    pytest.importorskip("skimage")
    cells = model.cell_maps(expected).find(model.cell_settings)
    assert done.stdout.splitlines()[1].split(",")[3] == str(len(cells.classes) - 1)
    bad = subprocess.run(
        [python, "-I", tmp_path / "cells.py", tmp_path / "cells.py"], capture_output=True, text=True, check=False
    )
    assert bad.returncode == 2 and "is not an image that is read here" in bad.stderr and "Traceback" not in bad.stderr
    told = subprocess.run([python, "-I", tmp_path / "cells.py", "--help"], capture_output=True, text=True, check=False)
    assert told.returncode == 0 and "--output DIR" in told.stdout
