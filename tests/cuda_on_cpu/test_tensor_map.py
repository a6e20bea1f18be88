"""Tensor maps: the arguments of the driver, the message if it refuses, and the maps of an arena before it has memory."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from minunet.kernels.cuda import tensor_map
from minunet.kernels.cuda.arena import Arena
from minunet.kernels.cuda.gpu_launcher import GpuLauncher
from minunet.kernels.cuda.tensor_map import TensorMap, encode
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher

SHAPE, STRIDES, BOX = (96, 5, 7, 3), (2, 192, 960, 6720), (64, 5, 4, 1)


@pytest.fixture
def driver(monkeypatch):
    """A driver that records its arguments and returns `code`."""
    noted = SimpleNamespace(code=0, asked=None)

    def encode_tiled(made, *arguments):
        address = ctypes.addressof(made._obj)
        assert address % 64 == 0
        made._obj.words[15] = 77
        noted.asked = [list(a) if isinstance(a, ctypes.Array) else a.value for a in arguments]
        return noted.code

    monkeypatch.setattr(tensor_map, "_driver", lambda: SimpleNamespace(cuTensorMapEncodeTiled=encode_tiled))
    return noted


def test_the_arguments_of_the_driver(driver):
    made = GpuLauncher.tensor_map(object.__new__(GpuLauncher), 4096, 2, SHAPE, STRIDES, BOX)
    assert ctypes.sizeof(made) == 128 and made.words[15] == 77
    bfloat16, no_interleave, swizzle_128, promotion_256, zeros = 9, 0, 3, 3, 0
    assert driver.asked == [
        *(bfloat16, 4, 4096, list(SHAPE), list(STRIDES[1:]), list(BOX), [1, 1, 1, 1]),
        *(no_interleave, swizzle_128, promotion_256, zeros),
    ]
    encode(4096, 4, SHAPE, (4, *STRIDES[1:]), BOX)
    assert driver.asked[0] == 7  # float32


def test_the_message_of_a_refusal(driver):
    driver.code = 1
    with pytest.raises(
        RuntimeError, match=r"CUresult 1: address 0x1008, 2 bytes .*shape \(96, 5, 7, 3\).*box \(64, 5, 4, 1\)"
    ):
        encode(4104, 2, SHAPE, STRIDES, BOX)


@pytest.mark.parametrize(
    ("itemsize", "strides", "words"),
    [(8, STRIDES, "2 or 4 bytes"), (2, (4, *STRIDES[1:]), "innermost stride"), (2, STRIDES[:3], "four axes")],
)
def test_arrays_that_have_no_map(driver, itemsize, strides, words):
    with pytest.raises(ValueError, match=words):
        encode(4096, itemsize, SHAPE, strides, BOX)
    assert driver.asked is None


def test_without_a_driver(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(tensor_map.ctypes, "CDLL", missing)
    tensor_map._driver.cache_clear()
    with pytest.raises(RuntimeError, match=r"driver does not load: libcuda.so.1"):
        encode(4096, 2, SHAPE, STRIDES, BOX)


def test_an_arena_has_maps_once_it_has_memory():
    arena = Arena(HostLauncher())
    place = arena.alloc((3, 7, 5, 96), "float32")
    there = arena.launcher
    asked = 4, SHAPE, (4, 384, 1920, 13440), (32, 5, 4, 1)
    assert list(there.tensor_map(there.pointer(place), *asked).words) == [0] * 16
    arena.commit()
    words = list(there.tensor_map(there.pointer(place), *asked).words)
    assert words == [there.pointer(place), *asked[1], *asked[2], *asked[3], 4, 0, 0]
    assert isinstance(there.tensor_map(there.pointer(place), *asked), TensorMap)
