import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.tiling import predict_tiled, tiles_along_axis
from minunet.errors import UserError


def picture(height, width, channels=1, seed=0):
    return np.random.default_rng(seed).random((height, width, channels)).astype(np.float32)


def blur(radius):
    """A mean over a square window, with nothing beyond the border of the piece: wrong near every border."""

    def function(piece):
        padded = np.pad(piece.mean(axis=2), radius)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
        return windows.mean(axis=(2, 3))  # (h, w, 2r + 1, 2r + 1) -> (h, w)

    return function


@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(0, 10), st.integers(1, 9))
def test_a_local_function_gives_the_same_tiled_and_whole(height, width, tile, margin, align):
    tile = max(tile, 3 * align) // align * align
    margin = min(margin, (tile // align - 1) // 2 * align)
    function = blur(margin)
    image = picture(height, width)
    found = predict_tiled(function, image, tile, margin, align=align)
    assert found.dtype == np.float32
    assert found.shape == (height, width)
    assert np.allclose(found, function(image), atol=1e-5)


def test_a_function_that_sees_further_differs_near_the_edges_of_cores_only():
    image = picture(120, 150)
    function = blur(20)
    found, whole = predict_tiled(function, image, 64, 16), function(image)
    assert np.abs(found - whole).max() > 1e-3  # it does reach over the seams
    assert np.allclose(found[:40, :40], whole[:40, :40], atol=1e-5)
    assert np.abs(found - whole).mean() < 0.2 * np.abs(predict_tiled(function, image, 64, 0) - whole).mean()


def test_tiles_lie_on_the_pooling_grid():
    def pool_and_upsample(piece):
        h, w = piece.shape[:2]
        padded = np.pad(piece[..., 0], ((0, -h % 16), (0, -w % 16)))
        blocks = padded.reshape(padded.shape[0] // 16, 16, padded.shape[1] // 16, 16).mean(axis=(1, 3))
        return np.repeat(np.repeat(blocks, 16, 0), 16, 1)[:h, :w]

    for height, width in ((160, 200), (131, 97), (64, 300)):
        image = picture(height, width)
        assert np.allclose(predict_tiled(pool_and_upsample, image, 64, 16), pool_and_upsample(image), atol=1e-5)
    assert not np.allclose(
        predict_tiled(pool_and_upsample, image, 60, 16, align=1), pool_and_upsample(image), atol=1e-3
    )


@given(st.integers(1, 300), st.integers(17, 80), st.integers(0, 30), st.integers(1, 16))
def test_cores_cover_an_axis_and_keep_their_margins(length, side, margin, align):
    aligned = -(-margin // align) * align
    side = max(side // align * align, 2 * aligned + align)
    tiles = tiles_along_axis(length, side, margin, align)
    assert [tile.core_start for tile in tiles] == [0, *(tile.core_stop for tile in tiles[:-1])]
    assert tiles[-1].core_stop == length
    for tile in tiles:
        assert 0 < tile.stop - tile.start <= side
        assert tile.start % align == 0
        assert tile.start <= tile.core_start < tile.core_stop <= tile.stop
        assert tile.start == 0 or tile.core_start - tile.start >= margin
        assert tile.stop == length or (tile.stop - tile.core_stop >= margin and tile.stop % align == 0)
    assert len(tiles) <= 1 + -(-length // (side - 2 * aligned))


def test_an_image_that_fits_is_predicted_whole():
    image = picture(20, 30, 3)
    calls = []

    def function(piece):
        calls.append(piece)
        return piece[..., 1]

    assert np.array_equal(predict_tiled(function, image, 48, 8), image[..., 1])
    assert len(calls) == 1
    assert np.array_equal(calls[0], image)


def test_predictions_with_a_channel_and_of_a_wrong_shape():
    image = picture(50, 70)
    assert np.allclose(predict_tiled(lambda piece: piece, image, 48, 8), image[..., 0], atol=1e-6)
    with pytest.raises(ValueError, match=r"the prediction of a tile of \(48, 48\) has the shape \(24, 48\)"):
        predict_tiled(lambda piece: piece[::2, :, 0], image, 48, 8)


def test_progress():
    reports = []
    predict_tiled(lambda p: p, picture(64, 33), 32, 0, progress=lambda done, total: reports.append((done, total)))
    assert reports == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            (32, -1),
            "tiles of 32 pixels with a margin of -1: the margin is at least 0",
        ),
        (
            (32, 9),
            "tiles of 32 pixels with a margin of 9: the margin is at least 0, and twice its next multiple of 16 is at least 16",
        ),
        ((8, 0), "tiles of 8 pixels with a margin of 0"),
    ],
)
def test_tiles_that_are_invalid(arguments, problem):
    with pytest.raises(UserError, match=problem):
        predict_tiled(lambda p: p, picture(40, 40), *arguments)
    with pytest.raises(UserError) as caught:
        predict_tiled(lambda p: p, np.ones((4, 4)), 32, 0, align=0)
    assert caught.value.problems == [
        "an image to predict has the shape (H, W, C), not (4, 4).",
        "alignment 0: give at least 1 pixel.",
    ]
