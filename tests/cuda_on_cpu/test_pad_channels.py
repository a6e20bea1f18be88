"""Padding of channels to whole chunks of 16 bytes."""

from __future__ import annotations

import pytest

from minunet.kernels.cuda.pad_channels import padded_channels


@pytest.mark.parametrize(("dtype", "filled"), [("float32", 4), ("float64", 2), ("float16", 8)])
def test_channels_that_do_not_fill_chunks(dtype, filled):
    assert padded_channels(1, dtype) == filled
    assert padded_channels(72, dtype) == 72
