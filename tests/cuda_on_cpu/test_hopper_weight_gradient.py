"""How many blocks share the pixels in the weight gradient of sm_90a. test_hopper_convolution.py tests its values."""

from __future__ import annotations

from minunet.kernels.cuda import hopper_weight_gradient
from tests.cuda_on_cpu.device_checks.convolution_passes import same_window


def test_splits_of_the_weight_gradient():
    """Blocks for every multiprocessor if there are enough pixels, and none of them empty."""
    for images, channels, outs in [
        ((16, 256, 256), 64, 64),
        ((16, 16, 16), 1024, 1024),
        ((1, 1, 1), 64, 64),
        ((1, 40, 17), 64, 128),
    ]:
        window = same_window(images, (channels,), outs)
        splits, patches = hopper_weight_gradient.num_splits(window), hopper_weight_gradient.patches(window)
        share = -(-patches // splits)
        assert splits >= 1 and (splits - 1) * share < patches <= splits * share
    window = same_window((16, 256, 256), (64,), 64)
    assert hopper_weight_gradient.num_splits(window) == 131  # of 63 patches each
