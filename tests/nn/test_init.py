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


def test_a_prediction_imports_only_what_it_needs(tmp_path):
    """Each of these takes up to 15 ms, of 200 for everything."""
    nets = "import minunet; minunet.save_model(minunet.UNet(base_channels=2, depth=1), 'model.safetensors')"
    subprocess.run([sys.executable, "-c", nets], cwd=tmp_path, check=True)
    code = """
import sys, numpy
class NoGpu:
    def find_spec(self, name, path=None, target=None):
        if name == "cupy":
            raise ModuleNotFoundError("No module named 'cupy'", name="cupy")
sys.meta_path.insert(0, NoGpu())
import minunet
minunet.load_model("model.safetensors", device="cpu").predict(numpy.zeros((16, 16), numpy.uint8))
print([name for name in sys.argv[1:] if name in sys.modules])
"""
    slow = [
        *(
            "numpy.ma",
            "numpy.random",
            "numpy.typing",
            "PIL.TiffImagePlugin",
            "safetensors",
            "tifffile",
            "scipy",
            "skimage",
        ),
        *(
            "matplotlib",
            "jinja2",
            "concurrent.futures",
            "shutil",
            "tempfile",
            "argparse",
            "subprocess",
            "multiprocessing",
        ),
        *("minunet.kernels.cuda", "minunet.kernels.dry_run", "minunet.fused", "minunet.summary", "minunet.cells"),
        *(
            "minunet.training",
            "minunet.runs",
            "minunet.results",
            "minunet.files.json_files",
            "minunet.data.training_images",
        ),
        *(
            "minunet.data.pairs",
            "minunet.data.appearance",
            "minunet.data.reading.open_images",
            "minunet.data.class_legend",
        ),
        *(
            "minunet.data.reading.mask_reading",
            "minunet.data.reading.stored_mask",
            "minunet.checkpoints.training_state",
        ),
    ]
    found = subprocess.run(
        [sys.executable, "-c", code, *slow], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]"
