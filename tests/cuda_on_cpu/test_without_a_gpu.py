"""CuPy absent, broken, or present without a driver: importing and training on the CPU are untouched, and "cuda" says what to do."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRAIN_ON_CPU = """
import sys
import numpy as np
import minunet
from minunet.kernels.backend import resolve_device
assert "cupy" not in sys.modules or sys.modules["cupy"] is None, "importing minunet imported CuPy"
model = minunet.UNet(base_channels=2, depth=1)
optimizer = minunet.optim.Adam(model.parameters())
x = np.random.default_rng(0).random((1, 6, 6, 1), np.float32)
for _ in range(2):
    minunet.functional.binary_cross_entropy_with_logits(model(x), x).backward()
    optimizer.step()
assert "cupy" not in sys.modules or sys.modules["cupy"] is None, "training on the CPU imported CuPy"
assert resolve_device("auto") == resolve_device("cpu") == "cpu"
try:
    resolve_device("cuda")
except minunet.errors.UserError as error:
    print(error)
"""
# How CuPy is made to be there or not, and what the message must name: the trouble, and the remedy.
STATES = {
    "absent": ("sys.modules['cupy'] = None", ["not installed", "pip install 'minunet[cuda13]'"]),
    "broken": ("sys.path.insert(0, BROKEN)", ["does not import", "libcublas.so.13: cannot open", "reinstall"]),
    "without a device": ("sys.path.insert(0, NO_DEVICE)", ["sees no GPU", "CUDA_VISIBLE_DEVICES"]),
    "with a failing device": ("sys.path.insert(0, FAILING)", ["no GPU answers", "out of order", "nvidia-smi"]),
}
PACKAGES = {
    "BROKEN": "raise ImportError('libcublas.so.13: cannot open shared object file')",
    "NO_DEVICE": "from types import SimpleNamespace as N\ncuda = N(runtime=N(getDeviceCount=lambda: 0))\nclass ndarray: pass",
    "FAILING": (
        "from types import SimpleNamespace as N\ncuda = N(runtime=N(getDeviceCount=lambda: 1))\nclass ndarray: pass\n"
        "def zeros(n): raise OSError('out of order')"
    ),
}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("state", STATES)
def test_cpu_is_untouched_and_cuda_is_explained(state, tmp_path):
    first, named = STATES[state]
    for name, body in PACKAGES.items():
        folder = tmp_path / name / "cupy"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(body)
        first = first.replace(name, repr(str(tmp_path / name)))
    done = run(f"import sys; {first}\n{TRAIN_ON_CPU}")
    assert done.returncode == 0, done.stderr
    assert all(part in done.stdout for part in named), done.stdout


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="CuPy is not installed")
def test_the_installed_cupy_without_a_driver():
    import cupy

    if cupy.cuda.is_available():
        pytest.skip("a GPU is here")
    done = run(f"import sys\n{TRAIN_ON_CPU}")
    assert done.returncode == 0, done.stderr
    assert 'device "cuda" cannot be used' in done.stdout and "nvidia-smi" in done.stdout


def test_the_train_command_says_it_in_one_sentence():
    code = (
        "import sys; sys.modules['cupy'] = None\nfrom minunet.train import main\nsys.exit(main(['--device', 'cuda']))"
    )
    done = run(code)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "CuPy is not installed" in done.stdout + done.stderr
