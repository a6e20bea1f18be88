"""The convolution kernels of sm_90a on the host shim against float64, at sizes that no patch and no panel divides."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels.cuda import hopper_convolution, hopper_weight_gradient
from tests.cuda_on_cpu.checks import every_schedule, needs_compiler
from tests.cuda_on_cpu.device_checks.convolution_passes import CASES, MANY_TILES, SM_90A, passes, same_window, tolerance
from tests.cuda_on_cpu.shim.host_device import HostDevice

pytestmark = [pytest.mark.ci, needs_compiler]
PASSES = {f"{precision} {name}": (precision, name, run) for precision, name, run in passes(SM_90A)}


@every_schedule
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("which", PASSES.values(), ids=PASSES)
def test_values(which, case, schedule, monkeypatch):
    """Three blocks, so that each works through several tiles."""
    precision, name, run = which
    monkeypatch.setattr(hopper_convolution, "MULTIPROCESSORS", 3)
    device = HostDevice(schedule, sm_90a=True)
    assert run(device, precision, case, SM_90A, np.random.default_rng(0)) <= tolerance(precision, name)


def test_larger_cases_have_more_tiles_of_either_kind_than_multiprocessors():
    widths = set()
    for case in MANY_TILES.values():
        window = same_window(case.images, case.channels, case.outs)
        tile = hopper_convolution.tile_for(window)
        widths.add(tile.across)
        assert tile.count(window) > hopper_convolution.MULTIPROCESSORS
        assert sum(case.channels) == case.outs  # the gradient's tiles are as many
    assert widths == {True, False}


def test_every_instance_runs():
    """Both kinds of tile, both layouts of the weights, both types."""
    device = HostDevice(sm_90a=True)
    for precision, _, run in passes(SM_90A):
        for name in ("even, with pooling", "patches cut short", "two sources of different width"):
            run(device, precision, CASES[name], SM_90A, np.random.default_rng(1))
    for program in (hopper_convolution.CONVOLUTION, hopper_weight_gradient.WEIGHT_GRADIENT):
        assert set(program.instances) == {name for source, name in device.launcher.launches if source == program.source}
