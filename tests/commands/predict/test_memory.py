"""The memory that `python -m minunet.predict` takes for large images, measured by the system."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.predict.prediction_folders import KINDS, written

# Not `resource`: Linux counts the memory of the process that started this one, too.
COMMAND = """
import sys
from pathlib import Path
import minunet.runs.cell_results
from minunet.predict import main
minunet.runs.cell_results.available_memory = lambda: 1_000_000_000  # as on a small machine
code = main(sys.argv[1:])
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print("peak", peak)
sys.exit(code)
"""


@pytest.mark.ci
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system does not say how much memory was used")
def test_a_grey_image_of_6000x6000_pixels(tmp_path):
    network = UNet(base_channels=1, depth=1, variant="classic", rng=np.random.default_rng(0))
    model = write_model(tmp_path / "model.safetensors", network, Preprocessing(crop=64))
    row = (np.arange(6000) // 20 % 200).astype(np.uint8)
    Image.fromarray(np.repeat(row[None], 6000, axis=0)).save(tmp_path / "slide.png")
    command = [sys.executable, "-c", COMMAND, str(model), "slide.png", "--out", "out", "--no-report"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert result.returncode == 0, result.stderr
    peak = int(result.stdout.split("peak")[1]) / 1024  # MB; decoded whole it would be 2,000 and more
    assert peak < 700
    cells = ["slide_cells.png", "slide_labels.tif"]  # found on disk, since the memory does not suffice
    assert written(tmp_path / "out") == sorted([*cells, *(f"slide_{kind}.png" for kind in KINDS)])
