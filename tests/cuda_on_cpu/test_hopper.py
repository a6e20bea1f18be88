"""The kernels of sm_90a on the host shim against float64, both schedules, at sizes that no patch and no panel divides."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minunet.kernels.cuda import hopper_convolution, hopper_weight_gradient, tensor_cores
from minunet.kernels.cuda.arena import Arena
from minunet.kernels.cuda.dtypes import BFLOAT16
from minunet.kernels.cuda.gpu_launcher import GpuLauncher
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.cuda.window import forward_window, input_gradient_windows
from tests.cuda_on_cpu import cupy_on_cpu, products
from tests.cuda_on_cpu.build import compiler
from tests.cuda_on_cpu.host import SCHEDULES, HostLauncher

pytestmark = pytest.mark.skipif(compiler() is None, reason="g++ is not installed")
PASSES = {f"{precision} {what}": (precision, what, run) for precision, what, run in products.passes(products.SM_90A)}


def device(schedule):
    launcher = HostLauncher(SCHEDULES[schedule], sm_90a=True)
    return SimpleNamespace(launcher=launcher, put=np.asarray, get=np.asarray)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("case", products.CASES.values(), ids=products.CASES)
@pytest.mark.parametrize("which", PASSES.values(), ids=PASSES)
def test_values(which, case, schedule, monkeypatch):
    """Three blocks, so that each works through several tiles."""
    precision, what, run = which
    monkeypatch.setattr(hopper_convolution, "MULTIPROCESSORS", 3)
    limit = products.TOLERANCES.get(what, products.TOLERANCES[precision])
    assert run(device(schedule), precision, case, products.SM_90A, np.random.default_rng(0)) <= limit


def test_larger_cases_have_tiles_of_either_kind_for_every_multiprocessor_and_more():
    found = set()
    for case in products.MANY_TILES.values():
        window, *_ = windows(case.images, case.channels, case.outs)
        tile = hopper_convolution.tile_for(window)
        found.add(tile.across)
        assert tile.count(window) > hopper_convolution.MULTIPROCESSORS
        assert sum(case.channels) == case.outs  # the gradient's tiles are as many
    assert found == {True, False}


@pytest.mark.parametrize("which", list(products.passes(products.SM_80)), ids=lambda which: " ".join(which[:2]))
def test_the_same_cases_by_the_older_kernels(which):
    precision, what, run = which
    limit = products.TOLERANCES.get(what, products.TOLERANCES[precision])
    for kernels in (products.SM_80, products.SM_80_ROUNDING):
        assert run(device("lazy"), precision, products.CASES["two sources"], kernels, np.random.default_rng(0)) <= limit


def test_every_instance_runs():
    """Narrow and wide tiles, weights read along and across, both types."""
    here = device("lazy")
    for precision, _, run in products.passes(products.SM_90A):
        for name in ("even, with pooling", "patches cut short", "two sources of different width"):
            run(here, precision, products.CASES[name], products.SM_90A, np.random.default_rng(1))
    for program in (hopper_convolution.CONVOLUTION, hopper_weight_gradient.WEIGHT_GRADIENT):
        assert set(program.instances) == {name for source, name in here.launcher.launches if source == program.source}


def windows(images, channels, outs, dtype=BFLOAT16, sm_90a=True):
    arena = Arena(HostLauncher(sm_90a=sm_90a))
    xs = tuple(arena.alloc((*images, c), dtype) for c in channels)
    weight, y = arena.alloc((3, 3, sum(channels), outs), dtype), arena.alloc((*images, outs), dtype)
    return forward_window(xs, weight, *products.SAME, images[1:]), xs, y, weight


def test_when_they_are_chosen():
    """On sm_90, for wide layers; a float layer must hold tf32 values, and its weights turned."""
    for images, channels, outs, wanted in [
        ((2, 64, 64), (64,), 64, True),
        ((2, 64, 64), (128, 128), 128, True),
        ((16, 16, 16), (1024,), 1024, True),
        ((2, 64, 64), (16,), 16, False),
        ((2, 64, 64), (8,), 64, False),
        ((64, 3, 3), (64,), 64, False),
    ]:
        window, xs, y, _ = windows(images, channels, outs)
        why = tensor_cores.why_not_hopper(window, xs, (y,))
        assert (why is None) == wanted, (images, channels, outs)
        assert wanted or re.fullmatch(
            r"estimated to be slower with wgmma: \d+ % of its multiplications would be by padding zeros", why
        )
    window, xs, y, weight = windows((2, 64, 64), (64,), 64, np.dtype(np.float32))
    for options in ({"weight_transposed": weight}, {"round_to_tf32": True}):
        assert "already rounded to tf32" in tensor_cores.why_not_hopper(window, xs, (y,), **options)
    assert tensor_cores.why_not_hopper(window, xs, (y,), round_to_tf32=True, weight_transposed=weight) is None
    assert "tf32 operands transposed" in tensor_cores.why_not_hopper_gradient(window, y)
    (back,) = input_gradient_windows(y, xs, weight, *products.SAME)
    assert tensor_cores.why_not_hopper(back, (y,), xs, round_to_tf32=True) is None
    assert "one is not needed" in tensor_cores.why_not_hopper(back, (y,), (None,), round_to_tf32=True)
    window, xs, y, _ = windows((2, 64, 64), (64,), 64, sm_90a=False)
    assert tensor_cores.why_not_hopper(window, xs, (y,)) == "the test does without wgmma"


def test_why_a_gpu_does_without_them(monkeypatch):
    """Another generation, or not asked for."""
    for capability, asked, why in (
        ("80", "1", "this GPU is sm_80"),
        ("90", "0", "MINUNET_SM_90A=1"),
        ("90", "1", None),
    ):
        monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu.cupy(capability))
        monkeypatch.setenv("MINUNET_SM_90A", asked)
        found = GpuLauncher().why_not_sm_90a()
        assert found is None if why is None else why in found
        assert MetaLauncher.like(GpuLauncher()).why_not_sm_90a() == found


def test_shares_of_the_weight_gradient():
    """Blocks for every multiprocessor where there are pixels enough, none of them empty."""
    for images, channels, outs in [
        ((16, 256, 256), 64, 64),
        ((16, 16, 16), 1024, 1024),
        ((1, 1, 1), 64, 64),
        ((1, 40, 17), 64, 128),
    ]:
        window, *_ = windows(images, (channels,), outs)
        splits, patches = hopper_weight_gradient.num_splits(window), hopper_weight_gradient.patches(window)
        share = -(-patches // splits)
        assert splits >= 1 and (splits - 1) * share < patches <= splits * share
    window, *_ = windows((16, 256, 256), (64,), 64)
    assert hopper_weight_gradient.num_splits(window) == 131  # of 63 patches each
