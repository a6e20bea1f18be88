import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.tiling import predict_tiled
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


@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(0, 20), st.integers(1, 9))
def test_a_local_function_gives_the_same_tiled_and_whole(height, width, tile, overlap, align):
    overlap = min(overlap, tile - align) if tile > align else 0
    align = min(align, tile - overlap)
    function = blur(overlap // 4)
    image = picture(height, width)
    found = predict_tiled(function, image, tile, overlap, align=align)
    assert found.dtype == np.float32
    assert found.shape == (height, width)
    assert np.allclose(found, function(image), atol=1e-5)


def test_a_function_that_sees_further_agrees_in_the_interior_of_tiles():
    image = picture(120, 150)
    function = blur(6)
    found, whole = predict_tiled(function, image, 64, 16), function(image)
    assert np.abs(found - whole).max() > 1e-3  # it does reach over the seams
    assert np.allclose(found[:40, :40], whole[:40, :40], atol=1e-5)
    coarse = np.abs(found - whole).mean()
    assert coarse < 0.2 * np.abs(predict_tiled(function, image, 64, 0) - whole).mean()


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


@given(st.integers(1, 200), st.integers(1, 200), st.integers(17, 80), st.integers(0, 60))
def test_weights_add_up_and_tiles_stay_small(height, width, tile, overlap):
    overlap = min(overlap, tile - 16)
    pieces = []

    def one(piece):
        pieces.append(piece.shape)
        return np.ones(piece.shape[:2])

    found = predict_tiled(one, picture(height, width, 2), tile, overlap)
    assert np.allclose(found, 1, atol=1e-6)
    assert all(h <= tile and w <= tile and c == 2 for h, w, c in pieces)
    step = (tile - overlap) // 16 * 16
    assert len(pieces) <= (1 + -(-height // step)) * (1 + -(-width // step))


def test_an_image_that_fits_is_predicted_whole():
    image = picture(20, 30, 3)
    calls = []

    def function(piece):
        calls.append(piece)
        return piece[..., 1]

    assert np.array_equal(predict_tiled(function, image, 32, 8), image[..., 1])
    assert len(calls) == 1
    assert np.array_equal(calls[0], image)


def test_seams_are_blended_smoothly():
    calls = iter(range(100))
    found = predict_tiled(lambda piece: np.full(piece.shape[:2], next(calls) % 2), picture(40, 400), 96, 48)
    assert found.min() == 0
    assert found.max() == 1
    assert np.abs(np.diff(found, axis=1)).max() < 0.08  # from 0 to 1 over half of the 48 shared pixels


def test_predictions_with_a_channel_and_of_a_wrong_shape():
    image = picture(50, 70)
    assert np.allclose(predict_tiled(lambda piece: piece, image, 32, 8), image[..., 0], atol=1e-6)
    with pytest.raises(ValueError, match=r"the prediction of a tile of \(32, 32\) has the shape \(16, 32\)"):
        predict_tiled(lambda piece: piece[::2, :, 0], image, 32, 8)


def test_progress():
    reports = []
    predict_tiled(lambda p: p, picture(64, 33), 32, 0, progress=lambda done, total: reports.append((done, total)))
    assert reports == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            (32, -1),
            "tiles of 32 pixels with an overlap of -1: the overlap is at least 0 and at most 16, 16 pixels less than",
        ),
        (
            (32, 17),
            "tiles of 32 pixels with an overlap of 17: the overlap is at least 0 and at most 16, 16 pixels less than",
        ),
        ((8, 0), "tiles of 8 pixels with an overlap of 0: the overlap is at least 0 and at most -8"),
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
