"""The benchmarks of other lamps: what each condition does to an image, and the figures that come out."""

import json

import numpy as np
import pytest

from benchmarks import robustness, unlike
from benchmarks.conditions import conditions
from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.files.json_files import write_json
from minunet.runs.train_config import TrainConfig
from tests.discs import write_discs


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(20, 230, (24, 32, 3), np.uint8)


def test_conditions_change_images_as_their_names_say(image):
    table = conditions()
    changed = {name: condition(image, np.random.default_rng(0)) for name, condition in table.items()}
    assert next(iter(changed)) == "as it is"
    assert np.array_equal(changed["as it is"], image)
    for name, array in changed.items():
        assert (array.shape, array.dtype) == (image.shape, np.uint8)
        assert np.array_equal(array, image) == (name == "as it is")
        assert np.array_equal(table[name](image, np.random.default_rng(0)), array)  # the same each time
    assert np.array_equal(changed["brightness x0.6"], np.rint(image * np.float32(0.6)))
    assert changed["brightness x1.4"].max() == 255
    assert changed["gamma 0.7"].mean() > image.mean() > changed["gamma 1.4"].mean()
    assert changed["blur, sigma 4 px"].std() < changed["blur, sigma 2 px"].std() < image.std()
    assert np.array_equal(changed["white balance warm, RGB x1.1, x1.0, x0.75"][..., 1], image[..., 1])


def test_the_table_and_the_file_have_the_dice_of_every_condition(tmp_path, capsys):
    data = write_discs(tmp_path / "data", 3, (24, 20), squared_radius=25, coloured=True)
    names = sorted(path.stem for path in (data / "images").iterdir())
    run = tmp_path / "run"
    run.mkdir()
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    write_model(run / "model.safetensors", model, Preprocessing(size=(16, 16)))
    TrainConfig(data=str(data)).write(run / "config.json")
    write_json(run / "split.json", {"train": [names[0]], "validation": [names[1]], "test": [names[2]]})
    assert robustness.main([str(run), str(data), "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (figures,) = json.loads((tmp_path / "robustness.json").read_text())["figures"]
    assert (figures["run"], figures["images"], list(figures["dice"])) == ("run", 1, list(conditions()))
    assert "data" not in figures["settings"]
    assert lines[0] == "| images | run |"
    assert lines[2] == f"| as it is | {figures['dice']['as it is']:.4f} |"
    assert len(lines) == 2 + len(conditions())


def test_a_run_without_its_split_is_refused(tmp_path, capsys):
    data = write_discs(tmp_path / "data", 3, (24, 20), squared_radius=25, coloured=True)
    assert robustness.main([str(tmp_path), str(data)]) == 2
    assert "split.json" in capsys.readouterr().err


def test_alarms_are_counted_on_images_that_are_held_out(tmp_path, capsys, monkeypatch):
    data = write_discs(tmp_path / "data", 15, (24, 20), squared_radius=25, coloured=True)
    monkeypatch.setattr(unlike, "SPLITS", 5)
    assert unlike.main([str(data), "--size", "24x20", "--every", "2", "--out", str(tmp_path)]) == 0
    alarms = json.loads((tmp_path / "unlike.json").read_text())["figures"]["alarms"]
    assert list(alarms) == list(unlike.CHANGES)
    assert alarms[unlike.AS_IT_IS] < 0.5
    assert alarms["brightness x0.3"] == alarms["12 bits in 16"] == 1
    assert "| brightness x0.3 | 100.0% |" in capsys.readouterr().out
