"""The footprint: an estimate that grows as activations do, and what the system says."""

import pytest

from minunet.nn.unet import UNet
from minunet.runs.memory_plan import peak_memory, peak_so_far, predicted_peak, resident_memory
from minunet.training.loss import LOSSES

SMALL = {"base_channels": 4, "depth": 2}


@pytest.mark.parametrize("loss", LOSSES)
def test_memory_grows_with_the_batch_and_the_pixels_by_the_activations(loss):
    fixed = 4 * sum(parameter.data.nbytes for parameter in UNet(**SMALL).parameters())
    one, eight, wide = (
        peak_memory(SMALL, shape, LOSSES[loss]) for shape in ((1, 64, 64, 1), (8, 64, 64, 1), (1, 128, 256, 1))
    )
    assert eight - fixed == pytest.approx(8 * (one - fixed), rel=0.1)
    assert eight - fixed == pytest.approx(wide - fixed, rel=0.1)
    # The tape keeps at least every level's convolutions once: three of 4 channels at full resolution.
    assert one > 3 * 4 * 64 * 64 * 4


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_computing_blocks_again_takes_less_memory(variant):
    architecture = {"base_channels": 16, "variant": variant}
    fixed = 4 * sum(parameter.data.nbytes for parameter in UNet(**architecture).parameters())
    kept, again = (peak_memory(architecture, (4, 128, 128, 1), LOSSES["bce"], recompute) for recompute in (False, True))
    assert again - fixed < 0.8 * (kept - fixed)


def test_what_the_system_says_of_memory_is_plausible():
    for size in (resident_memory(), peak_so_far()):
        assert size is None or 1e6 < size < 1e14


def test_the_prediction_adds_what_the_process_holds_but_not_on_a_gpu():
    step = peak_memory(SMALL, (2, 32, 32, 1), LOSSES["bce"])
    assert predicted_peak(SMALL, (2, 32, 32, 1), LOSSES["bce"], "cuda") == step
    held = predicted_peak(SMALL, (2, 32, 32, 1), LOSSES["bce"]) - step
    assert held > (resident_memory() or 0) * 0.5 and held > 5e7
