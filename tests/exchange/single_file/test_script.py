"""The script of a model: what its own code, in a module that knows nothing of minunet, finds in images."""

from contextlib import contextmanager

import numpy as np
import pytest

from minunet.cells import watershed
from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import SEPARATED
from minunet.checkpoints.model_file import load_model
from minunet.data.outputs import Outputs
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from minunet.exchange.check_image import drawn_image
from minunet.exchange.single_file.plain_filters import require as plain_require
from minunet.exchange.single_file.script_check import script_module
from minunet.exchange.single_file.script_writing import script_settings, script_text, write_script
from minunet.exchange.single_file.stored_model import packed_weights, unpacked_weights
from minunet.inference import tile_size
from minunet.inference.loaded_model import LoadedModel
from minunet.nn.unet import UNet
from tests.exchange.small_models import CLASSES, KINDS, small_model

pytest.importorskip("scipy")
pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The module of a script, whose code is the same for every model."""
    path = tmp_path_factory.mktemp("script") / "cells.py"
    write_script(KINDS["paper, grey"], path)
    with script_module(path) as module:
        yield module


def small_image(model):
    """A part of a drawn smear, with odd sides."""
    return drawn_image(model.preprocessing)[60:121, 80:155]


@contextmanager
def plain_filters():
    """The package finds cells with the plain filters, which `test_plain_filters.py` compares with those of SciPy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watershed, "require", plain_require)
        yield


def check(script, model, image, diameter=None):
    """Masks, classes and numbered cells of the script against those of the model."""
    predictor = script.ScriptModel(*script_settings(model))
    used = predictor.settled_diameter(image, diameter)
    maps, expected = predictor.maps(image, used), model.predict_outputs(image, diameter)
    assert np.abs(maps.probability - expected.probability).max() < 1e-5
    assert np.array_equal(maps.probability > 0.5, expected.probability > 0.5)
    cells = predictor.cells(maps)
    with plain_filters():
        found = model.cell_maps(expected).find(model.cell_settings)
    assert np.array_equal(cells.labels, found.labels) and np.array_equal(cells.classes, found.classes)
    return cells


QUICK = ("classes and separation", "resized", "one cell diameter")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.ci) for kind in KINDS]
)
def test_masks_classes_and_cells_are_those_of_minunet(script, kind):
    model = KINDS[kind]
    check(script, model, small_image(model))


def test_a_scale_and_a_diameter_resize_images(script):
    scaled = small_model("rgb")
    scaled = LoadedModel(
        scaled.model, Preprocessing(channels="rgb", scale=0.5, range=ImageRange(0.0, 255.0, ("uint8",)))
    )
    check(script, scaled, small_image(scaled))
    model = KINDS["one cell diameter"]
    check(script, model, small_image(model), diameter=20.0)


def test_a_large_image_is_predicted_in_tiles(script, monkeypatch):
    model = small_model()
    for module in (tile_size, script):
        monkeypatch.setattr(module, "BUDGET", tile_size.PEAK_BYTES_PER_CHANNEL * 2 * 30 * 30)
    for module in (tile_size, script):
        monkeypatch.setattr(module, "TILE_BYTES", tile_size.BYTES_PER_CHANNEL * 2 * 20 * 20)
    seen = []
    run = script.ScriptModel._run
    monkeypatch.setattr(script.ScriptModel, "_run", lambda self, images: seen.append(images.shape) or run(self, images))
    check(script, model, small_image(model))
    assert [shape[1:3] for shape in seen] == [(61, 72), (61, 27)]  # and not (61, 75) at once


def test_the_settings_of_cells_and_the_classes_inside_others_are_kept(script):
    model = small_model("rgb", Outputs(CLASSES, "distance"))
    model.cell_choice = CellChoice(SEPARATED)
    settings, _ = script_settings(model)
    assert settings["cells"]["learned"] == 0.8 and settings["classes"] == CLASSES and settings["outer"] == (0, 1, 2)
    check(script, model, small_image(model))


def test_weights_keep_their_bits():
    config = UNet(base_channels=3, depth=2).config
    weights = UNet(base_channels=3, depth=2).state_dict()
    for dtype in ("float32", "float16"):
        rounded = {name: value.astype(dtype).astype(np.float32) for name, value in weights.items()}
        unpacked = unpacked_weights(packed_weights(rounded, dtype), dtype, config)
        assert list(unpacked) == list(weights)
        assert all(np.array_equal(unpacked[name], rounded[name]) for name in weights)


def test_numbers_of_16_bits_are_stored_as_such_and_others_are_not_rounded():
    model = small_model()
    assert script_settings(model)[0]["weights"] == "float32"
    for parameter in model.model.parameters():
        parameter.data[:] = parameter.data.astype(np.float16)
    settings, weights = script_settings(model)
    assert settings["weights"] == "float16"
    assert len(weights) < 0.9 * len(packed_weights(model.model.state_dict(), "float32"))


def test_the_text_has_every_part_and_no_import_of_minunet():
    text = script_text(KINDS["classes"])
    assert "import minunet" not in text and "from minunet" not in text.replace('"', "")
    assert "type: ignore" not in text
    for part in ("plain_network.py", "watershed.py", "script_command.py"):
        assert f"/{part}\n" in text
    assert max(map(len, text.splitlines())) <= 132


@pytest.mark.ci
def test_on_real_smears_counts_and_masks_are_those_of_minunet(tmp_path, real_smears):
    model = load_model()
    write_script(model, tmp_path / "cells.py")
    with script_module(tmp_path / "cells.py") as module:
        predictor = module.ScriptModel(module.SETTINGS, module.WEIGHTS)
        for path in sorted((real_smears / "images").iterdir())[:2]:
            image = module.load_image(path)
            maps = predictor.maps(image, predictor.settled_diameter(image, None))
            expected = model.predict_outputs(path)
            assert np.count_nonzero((maps.probability > 0.5) != (expected.probability > 0.5)) <= 3
            assert len(predictor.cells(maps).classes) == len(
                model.cell_maps(expected).find(model.cell_settings).classes
            )
