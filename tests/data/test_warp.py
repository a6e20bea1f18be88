import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.warp import FOLD, GRID, affine_coordinates, elastic_displacement, resample

sides = st.integers(1, 12)


def mirrored(index, length):
    """Where an index lands when a row is continued by its mirror images, without repeating the edge."""
    if length == 1:
        return 0
    index %= 2 * (length - 1)
    return min(index, 2 * (length - 1) - index)


def resample_reference(array, coordinates):
    result = np.zeros((*coordinates.shape[1:], array.shape[2]))
    for i, j in np.ndindex(*coordinates.shape[1:]):
        y, x = (float(value) for value in coordinates[:, i, j])
        v, u = int(np.floor(y)), int(np.floor(x))
        for dv, du in np.ndindex(2, 2):
            weight = (1 - abs(y - v - dv)) * (1 - abs(x - u - du))
            result[i, j] += weight * array[mirrored(v + dv, array.shape[0]), mirrored(u + du, array.shape[1])]
    return result


@given(sides, sides, st.integers(1, 4), st.integers(0, 99), st.sampled_from([1.0, 9.0, 60.0]))
def test_bilinear_gather_with_mirrored_borders(height, width, channels, seed, reach):
    rng = np.random.default_rng(seed)
    array = rng.random((height, width, channels)).astype(np.float32)
    coordinates = rng.uniform(-reach, reach + 12, (2, 5, 7)).astype(np.float32)
    found = resample(array, coordinates)
    assert found.shape == (5, 7, channels)
    assert np.allclose(found, resample_reference(array, coordinates), atol=1e-4)
    assert found.min() >= array.min() - 1e-6
    assert found.max() <= array.max() + 1e-6


def test_gather_is_scipys():
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(0)
    array = rng.random((20, 30)).astype(np.float32)
    coordinates = rng.uniform(-15, 40, (2, 50, 60)).astype(np.float32)
    expected = ndimage.map_coordinates(array, coordinates, order=1, mode="mirror")
    assert np.allclose(resample(array[..., None], coordinates)[..., 0], expected, atol=1e-5)


@given(sides, sides)
def test_no_turn_and_no_scale_is_the_picture_itself(height, width):
    array = np.random.default_rng(0).random((height, width, 2)).astype(np.float32)
    assert np.allclose(resample(array, affine_coordinates((height, width), 0.0, 1.0)), array, atol=1e-6)


def test_a_quarter_turn_is_counter_clockwise():
    array = np.random.default_rng(0).random((9, 9, 1)).astype(np.float32)
    turned = resample(array, affine_coordinates((9, 9), np.pi / 2, 1.0))
    assert np.allclose(turned, np.rot90(array), atol=1e-5)


def test_scaling_enlarges_about_the_centre():
    rows, columns = np.mgrid[:21, :31].astype(np.float32)
    array = np.stack([rows - 10, columns - 15], -1)
    found = resample(array, affine_coordinates((21, 31), 0.0, 2.0))
    assert np.allclose(found, array / 2, atol=1e-5)


def test_elastic_displacement_of_equal_vectors_is_a_shift(monkeypatch):
    class Equal:
        def normal(self, mean, deviation, shape):
            return np.broadcast_to(np.array([0.25, -0.125])[:, None, None], shape)

    found = elastic_displacement((48, 60), Equal(), 1.0)
    interval = 48 / GRID
    assert np.allclose(found[0], 0.25 * interval, atol=1e-5)
    assert np.allclose(found[1], -0.125 * interval, atol=1e-5)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 99))
def test_elastic_displacement_never_folds(height, width, seed):
    # So strong that nearly every vector is held at the bound.
    moved = elastic_displacement((height, width), np.random.default_rng(seed), 5.0).astype(np.float64)
    assert moved.shape == (2, height, width)
    assert np.abs(moved).max() <= FOLD * max(min(height, width) / GRID, 1) + 1e-5
    rows, columns = np.mgrid[:height, :width] + moved
    across = np.diff(columns, axis=1)[:-1] * np.diff(rows, axis=0)[:, :-1]
    along = np.diff(columns, axis=0)[:, :-1] * np.diff(rows, axis=1)[:-1]
    assert across.size == 0 or min(height, width) < 3 * GRID or (across - along).min() > 0


def test_elastic_displacement_is_smooth_and_has_the_asked_strength():
    moved = np.stack([elastic_displacement((96, 96), np.random.default_rng(seed), 0.15) for seed in range(40)])
    interval = 96 / GRID
    # A cubic B-spline averages: at a knot the deviation is (1 + 16 + 1) / 36 of the vectors' variance along each axis.
    assert 0.3 * 0.15 * interval < moved.std() < 0.6 * 0.15 * interval
    assert np.abs(np.diff(moved, n=2, axis=-1)).max() < 0.15
    assert abs(moved.mean()) < 0.2
