"""Measures of images: light, what is cut off, and the width of outlines, for any number of channels."""

import numpy as np
import pytest

from minunet.inspection.image_measures import measure_values


def ramp(width, size=64):
    """Dark on the left, bright on the right, with an edge `width` pixels wide between them."""
    place = (np.arange(size) - (size - width) / 2) / width
    return np.tile(np.clip(place, 0, 1).astype(np.float32), (size, 1))[..., None] * 0.6 + 0.2


def test_the_width_of_an_edge_is_measured_in_pixels_whatever_its_contrast():
    for width in (6, 12, 24):
        assert measure_values(ramp(width)).edge_width == pytest.approx(width, rel=0.1)
        assert measure_values(ramp(width) * np.float32(0.3)).edge_width == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_all_channels_count(channels):
    values = np.full((16, 16, channels), 0.5, np.float32)
    values[:8] = 1
    values[:4, :, 0] = 0.9
    measures = measure_values(values)
    assert measures.white_share == 0.25
    assert measures.black_share == 0
    assert measures.brightness == pytest.approx(0.75, abs=0.04)


def test_an_image_without_contrast_has_no_edges():
    flat = measure_values(np.full((9, 9, 1), 0.3, np.float32))
    assert flat.edge_width is None
    assert not flat.descriptor.any()
    assert measure_values(np.zeros((1, 1, 1), np.float32)).black_share == 1
