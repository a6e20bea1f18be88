import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.crops import CropWindow, Sample, crop_count, grid_windows, pad_to, random_window

lengths = st.integers(1, 300)


@given(lengths, lengths, st.integers(1, 100))
def test_a_grid_covers_every_pixel_in_pieces_of_one_size(height, width, side):
    side = max(side, max(height, width) // 20)
    windows = grid_windows((height, width), side)
    assert len(windows) == -(-height // side) * -(-width // side)
    assert len({window.shape for window in windows}) == 1
    assert max(windows[0].shape) <= side
    seen = np.zeros((height, width), int)
    for window in windows:
        assert 0 <= window.top < window.bottom <= height
        assert 0 <= window.left < window.right <= width
        seen[window.top : window.bottom, window.left : window.right] += 1
    assert seen.min() == 1
    down, across = -(-height // side), -(-width // side)
    assert seen.sum() <= (height + down - 1) * (width + across - 1)


@given(lengths, lengths, st.integers(1, 100), st.integers(0, 9))
def test_random_windows_lie_inside(height, width, side, seed):
    window = random_window((height, width), side, np.random.default_rng(seed))
    assert window.shape == (min(side, height), min(side, width))
    assert window.top >= 0
    assert window.left >= 0
    assert window.bottom <= height
    assert window.right <= width


def test_random_windows_reach_everywhere():
    rng = np.random.default_rng(0)
    corners = {(w.top, w.left) for w in (random_window((7, 6), 4, rng) for _ in range(300))}
    assert corners == {(top, left) for top in range(4) for left in range(3)}


def test_as_many_crops_as_the_area_holds():
    assert crop_count((1200, 1600), 256) == 29
    assert crop_count((256, 256), 256) == 1
    assert crop_count((10, 10), 256) == 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
def test_padding_mirrors_on_both_sides(height, width, side):
    array = np.random.default_rng(0).random((height, width, 2)).astype(np.float32)
    padded = pad_to(array, side)
    assert padded.shape == (max(side, height), max(side, width), 2)
    top, left = max(0, side - height) // 2, max(0, side - width) // 2
    assert np.array_equal(padded[top : top + height, left : left + width], array)
    if top and height > 1:
        assert np.array_equal(padded[top - 1], padded[top + 1])


def test_a_sample_in_words():
    assert str(Sample("smear7")) == "smear7"
    assert str(Sample("smear7", CropWindow(0, 64, 64, 128))) == "smear7 [0:64, 64:128]"
