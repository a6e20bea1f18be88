"""Devices with CuPy absent, broken, without a GPU, and (as a stand-in) working."""

import importlib.abc
import importlib.machinery
import subprocess
import sys

import numpy as np
import pytest

from minunet.errors import UserError
from minunet.kernels import backend
from tests.kernels import fake_cupy


class BrokenImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes `import cupy` raise."""

    def __init__(self, error):
        self.error = error

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "cupy" else None

    def exec_module(self, module):
        raise self.error


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


@pytest.fixture
def cupy(monkeypatch):
    module = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def broken(monkeypatch, error):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [BrokenImport(error), *sys.meta_path])


def test_absent_cupy_is_named_with_the_command_that_installs_it(absent):
    reason = backend.why_no_gpu()
    assert reason.startswith("CuPy is not installed; install it with: pip install")
    assert "minunet[cuda12]" in reason
    assert backend.resolve_device("auto") == "cpu"
    for use in (
        lambda: backend.resolve_device("cuda"),
        lambda: backend.to_device(np.ones(1), "cuda"),
        lambda: backend.synchronise("cuda"),
    ):
        with pytest.raises(UserError, match='device "cuda" cannot be used: CuPy is not installed'):
            use()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ImportError("libcublas.so.12: cannot open shared object file\nmore"),
            "libcublas.so.12: cannot open shared object file",
        ),
        (ImportError("No module named 'fastrlock'", name="fastrlock"), "No module named 'fastrlock'"),
        (OSError("invalid ELF header"), "invalid ELF header"),
        (RuntimeError(""), "RuntimeError"),
    ],
)
def test_broken_cupy_is_not_reported_as_absent(monkeypatch, error, message):
    broken(monkeypatch, error)
    reason = backend.why_no_gpu()
    assert reason == f"CuPy is installed but does not import ({message}); reinstall the wheel that matches your driver"
    assert backend.resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match="does not import"):
        backend.resolve_device("cuda")


def test_cupy_without_a_driver(monkeypatch):
    error = RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version")
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module(devices=error))
    reason = backend.why_no_gpu()
    assert "CuPy is installed but no GPU answers (cudaErrorInsufficientDriver" in reason
    assert "nvidia-smi" in reason
    assert backend.resolve_device("auto") == "cpu"


def test_cupy_that_sees_no_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module(devices=0))
    assert backend.why_no_gpu() == "CuPy is installed but sees no GPU; check CUDA_VISIBLE_DEVICES and nvidia-smi"


def test_a_gpu_that_fails_at_its_first_array(cupy):
    def fail(*args):
        raise MemoryError("out of memory")

    cupy.zeros = fail
    assert "no GPU answers (out of memory)" in backend.why_no_gpu()


def test_a_working_gpu(cupy):
    assert backend.why_no_gpu() is None
    assert backend.resolve_device("auto") == backend.resolve_device("cuda") == "cuda"
    assert backend.resolve_device("cpu") == "cpu"
    x = np.arange(3.0)
    there = backend.to_device(x, "cuda")
    assert isinstance(there, cupy.ndarray)
    assert backend.array_module(there) is backend.array_module(x, there) is cupy
    assert backend.array_module(x) is np
    assert (backend.device_of(there), backend.device_of(x)) == ("cuda", "cpu")
    assert backend.is_array(there)
    assert backend.to_device(there, "cuda") is there
    for back in (backend.to_numpy(there), backend.to_device(there, "cpu")):
        assert type(back) is np.ndarray
        np.testing.assert_array_equal(back, x)
    assert backend.to_numpy(x) is x
    backend.synchronise("cuda")
    assert cupy.synchronised == [True]
    backend.synchronise("cpu")
    assert cupy.synchronised == [True]


def test_cupy_that_is_still_being_imported_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", type(sys)("cupy"))  # no ndarray yet
    assert backend.array_module(np.ones(1)) is np
    assert not backend.is_array([1.0])


@pytest.mark.parametrize("device", ["gpu", "cuda:0", "", None, "CPU"])
def test_unknown_devices_are_refused(device):
    with pytest.raises(UserError, match="is not known; choose"):
        backend.resolve_device(device)
    with pytest.raises(UserError, match="is not known; choose"):
        backend.to_device(np.ones(1), device)


def test_importing_and_running_the_package_never_imports_cupy():
    code = (
        "import sys, types\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        assert name.partition('.')[0] != 'cupy', 'cupy was imported'\n"
        "sys.meta_path.insert(0, Finder())\n"
        "import numpy as np, minunet\n"
        "model = minunet.UNet(base_channels=2, depth=1)\n"
        "loss = minunet.functional.dice_loss(model(np.ones((1, 4, 4, 1))), np.ones((1, 4, 4, 1)))\n"
        "loss.backward(); minunet.optim.Adam(model.parameters()).step(); model.to('cpu'); model.state_dict()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
