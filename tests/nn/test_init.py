"""Initial weights: drawn by the given generator, or not at all where those of a file follow."""

import subprocess
import sys

import numpy as np
import pytest

from minunet import nn
from minunet.nn.init import weights_follow


def test_nothing_is_drawn_where_weights_follow():
    rng = np.random.default_rng(5)
    before = rng.bit_generator.state
    with weights_follow():
        net = nn.UNet(base_channels=2, depth=1, rng=rng)
        layers = nn.Linear(3, 2), nn.Conv2d(1, 2, 3, activation="tanh")
    assert rng.bit_generator.state == before
    other = nn.UNet(base_channels=2, depth=1, rng=rng)
    net.load_state_dict(other.state_dict())
    assert all((a.data == b.data).all() for a, b in zip(net.parameters(), other.parameters(), strict=True))
    assert [layer.weight.shape for layer in layers] == [(3, 2), (3, 3, 1, 2)]


def test_weights_are_drawn_again_after_the_block_and_after_an_error_in_it():
    expected = nn.Linear(3, 2).weight.data
    with pytest.raises(ValueError, match="Linear"), weights_follow():
        nn.Linear(0, 2)
    assert (nn.Linear(3, 2).weight.data == expected).all()


def imported_by_a_prediction(folder, writing, names):
    """Those of the modules that a new process has imported after a prediction with the model that some code writes."""
    subprocess.run([sys.executable, "-c", writing], cwd=folder, check=True)
    code = """
import sys, numpy
class NoGpu:
    def find_spec(self, name, path=None, target=None):
        if name == "cupy":
            raise ModuleNotFoundError("No module named 'cupy'", name="cupy")
sys.meta_path.insert(0, NoGpu())
import minunet
minunet.load_model("model.safetensors", device="cpu").predict(numpy.zeros((16, 16), numpy.uint8))
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""
    command = [sys.executable, "-c", code, *names]
    found = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return found.stdout.split()


# Each of these takes up to 25 ms, of 200 for everything.
SLOW = [
    *("numpy.ma", "numpy.random", "numpy.typing", "PIL.TiffImagePlugin", "safetensors", "tifffile", "scipy", "skimage"),
    *(
        "matplotlib",
        "jinja2",
        "tqdm",
        "concurrent.futures",
        "shutil",
        "tempfile",
        "argparse",
        "multiprocessing",
        "zipfile",
    ),
    *("minunet.kernels.cuda", "minunet.kernels.dry_run", "minunet.fused", "minunet.summary", "minunet.training"),
    *(
        "minunet.runs",
        "minunet.results",
        "minunet.cells.watershed",
        "minunet.cells.cell_measures",
        "minunet.data.pairs",
    ),
    *("minunet.data.appearance", "minunet.data.reading.open_images", "minunet.data.reading.image_header"),
    *("minunet.data.reading.stored_mask", "minunet.data.tiling", "minunet.data.class_legend"),
    *("minunet.checkpoints.training_state", "minunet.checkpoints.model_writing"),
]
ONLY_OF_A_TRAINING = [
    *("minunet.cells", "minunet.files.json_files", "minunet.files.atomic_write", "minunet.data.training_images"),
    *("minunet.data.reading.mask_reading", "minunet.data.reading.image_range", "minunet.autograd.arithmetic"),
]


def test_a_prediction_imports_only_what_it_needs(tmp_path):
    writing = "import minunet; minunet.save_model(minunet.UNet(base_channels=2, depth=1), 'model.safetensors')"
    assert not imported_by_a_prediction(tmp_path, writing, SLOW + ONLY_OF_A_TRAINING)


def test_a_prediction_with_a_trained_model_imports_what_its_header_needs(tmp_path):
    writing = """
import numpy
from minunet.cells.cell_choice import CellChoice
from minunet.checkpoints.model_writing import write_model
from minunet.data.appearance import measure_appearance
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages
from minunet.nn import UNet
preprocessing = Preprocessing(reading=MaskReading("two values"), range=ImageRange((0.0,), (255.0,)))
image = numpy.arange(4096, dtype=numpy.uint8).reshape(64, 64)
choice, images = CellChoice(), TrainingImages.of([measure_appearance(image, preprocessing)] * 3)
write_model("model.safetensors", UNet(base_channels=2, depth=1), preprocessing, cell_choice=choice, training_images=images)
"""
    needed = ["minunet.cells.cell_choice", "minunet.data.training_images", "minunet.data.reading.mask_reading"]
    assert imported_by_a_prediction(tmp_path, writing, [*SLOW, *needed]) == needed
