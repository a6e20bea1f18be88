"""The camera of the wide variety: each of its settings does what it says, and without any the light is stored as it is."""

import numpy as np
import pytest

from minunet.data.synthetic.camera import Camera, sample_camera

LIGHT = np.random.default_rng(0).uniform(0.2, 0.8, (3, 40, 50)).astype(np.float32)
EXACT = np.rint(LIGHT * 255).astype(np.uint8).transpose(1, 2, 0)


def developed(**settings):
    return Camera(**settings).develop(np.random.default_rng(1), LIGHT).astype(int)


def test_the_default_camera_changes_nothing():
    assert np.array_equal(developed(), EXACT)


def test_negative_and_grey_and_gamma():
    assert np.array_equal(developed(negative=True), 255 - EXACT.astype(int))
    grey = developed(saturation=0.0)
    assert np.ptp(grey, axis=2).max() <= 1
    assert np.abs(grey[..., 0] - EXACT @ [0.299, 0.587, 0.114]).max() <= 1
    assert np.abs(developed(gamma=2.0) - LIGHT.transpose(1, 2, 0) ** 2 * 255).max() <= 0.51


def test_contrast_sharpening_and_reduction_change_the_variation():
    plain = EXACT.std()
    assert developed(contrast=0.5).std() == pytest.approx(plain / 2, rel=0.02)
    assert developed(sharpening=(0.5, 1.0)).std() > 1.2 * plain
    assert developed(reduction=2.0).std() < 0.7 * plain


def test_jpeg_changes_a_little_and_less_with_a_better_quality():
    errors = [np.abs(developed(quality=quality) - EXACT).mean() for quality in (30, 95)]
    assert errors[0] > errors[1] > 0


def test_the_field_of_view_is_black_outside_and_a_scale_bar_is_at_an_edge():
    round_field = developed(field_stop=0.5)
    assert round_field[0, 0].max() == 0 and np.array_equal(round_field[20, 25], EXACT[20, 25])
    changed = (developed(scale_bar=True) != EXACT).any(axis=2)
    assert 3 < np.count_nonzero(changed) < 0.1 * changed.size and not changed[10:30].any()


def test_a_sampled_camera_is_repeatable():
    first, again = (sample_camera(np.random.default_rng(3), 12.0) for _ in range(2))
    assert first == again
    cameras = [sample_camera(np.random.default_rng(seed), 12.0) for seed in range(60)]
    assert any(camera.negative for camera in cameras) and any(camera.quality for camera in cameras)
