"""Sheets of images: what is where, checked by the pixels."""

import numpy as np
import pytest

from minunet.results.figures import (
    GAP,
    MARGIN,
    PAPER,
    PredictionRow,
    augmentation_sheet,
    contact_sheet,
    prediction_grid,
)

RED, GREEN, BLUE = (200, 30, 30), (30, 180, 30), (30, 30, 200)


def plain(colour, size=(50, 100)):
    return np.full((*size, 3), colour, np.uint8)


def columns_of(sheet, count, width):
    pixels = np.asarray(sheet)
    return [pixels[:, MARGIN + c * (width + GAP) : MARGIN + c * (width + GAP) + width] for c in range(count)]


def has(pixels, colour):
    return np.count_nonzero(np.all(pixels == colour, axis=-1))


def test_a_grid_shows_image_mask_prediction_and_product():
    left = np.zeros((50, 100), bool)
    left[:, :50] = True
    sheet = prediction_grid([PredictionRow(plain(RED), left, ~left, "first  Dice 0.000")], tile_width=100)
    image, mask, prediction, product = columns_of(sheet, 4, 100)
    assert has(image, RED) == 5000
    rows = np.flatnonzero(np.all(image == RED, axis=-1).all(axis=1))
    mask, prediction, product = mask[rows], prediction[rows], product[rows]
    assert np.all(mask[:, :50] == 255) and np.all(mask[:, 50:] == 0)
    assert np.all(prediction[:, :50] == 0) and np.all(prediction[:, 50:] == 255)
    assert np.all(product[:, :48] == 0) and np.all(product[:, 52:] == RED)


def test_a_probability_dims_the_product():
    sheet = prediction_grid(
        [PredictionRow(plain(RED), np.ones((50, 100)), np.full((50, 100, 1), 0.5, np.float32))], tile_width=100
    )
    product = columns_of(sheet, 4, 100)[3]
    assert has(product, (100, 15, 15)) == 5000


def test_rows_titles_captions_and_heading_take_room():
    row = (plain(RED), np.ones((50, 100)), np.ones((50, 100)))
    one = prediction_grid([PredictionRow(*row)], tile_width=100)
    captioned = prediction_grid([PredictionRow(*row, "a caption")], tile_width=100)
    two = prediction_grid([PredictionRow(*row, "a caption")] * 2, tile_width=100)
    headed = prediction_grid([PredictionRow(*row, "a caption")], tile_width=100, heading="Heading")
    assert one.width == two.width == 2 * MARGIN + 4 * 100 + 3 * GAP
    assert one.height < captioned.height < headed.height < two.height
    assert two.height - captioned.height == (captioned.height - one.height) + 50 + GAP
    below = np.asarray(captioned)[MARGIN + 50 :, : MARGIN + 100]
    assert below.min() < 150 and has(np.asarray(captioned)[:, :MARGIN], PAPER) == captioned.height * MARGIN


def test_without_masks_there_is_no_column_for_them():
    rows = [PredictionRow(plain(colour), None, np.ones((50, 100))) for colour in (RED, BLUE)]
    assert prediction_grid(rows, tile_width=100).width == 2 * MARGIN + 3 * 100 + 2 * GAP
    mixed = prediction_grid([rows[0], PredictionRow(plain(BLUE), *2 * [np.ones((50, 100))])], tile_width=100)
    assert has(columns_of(mixed, 4, 100)[1], (255, 255, 255)) > 5000


def test_masks_of_integers_are_black_and_white():
    sheet = prediction_grid(
        [PredictionRow(plain(RED), np.ones((50, 100), np.int64), np.zeros((50, 100), np.uint8))], tile_width=100
    )
    _, mask, prediction, _ = columns_of(sheet, 4, 100)
    assert has(mask, (0, 0, 0)) == 0 and has(prediction, (0, 0, 0)) == 5000


def test_a_contact_sheet_fills_its_rows():
    tiles = [plain(RED), plain(GREEN, (100, 100)), plain(BLUE)]
    sheet = contact_sheet(tiles, 2, ["one", "two", "three"], tile_width=100)
    first, second = columns_of(sheet, 2, 100)
    assert has(first, RED) == 5000 and has(first, BLUE) == 5000
    assert has(second, GREEN) == 10000 and has(second, BLUE) == 0
    assert np.flatnonzero(np.all(first == BLUE, axis=-1).any(axis=1)).min() > MARGIN + 100
    assert contact_sheet(tiles[:1], 5, tile_width=100).width == 2 * MARGIN + 100


def test_an_augmentation_sheet_draws_contours_beside_the_original():
    mask = np.zeros((100, 100), bool)
    mask[30:70, 30:70] = True
    pair, flipped = (plain(RED, (100, 100)), mask), (plain(BLUE, (100, 100)), mask)
    sheet = augmentation_sheet([pair], [[flipped, pair]], ["name"], tile_width=100)
    assert sheet.width == 2 * MARGIN + 3 * 100 + 2 * GAP
    for pixels, colour in zip(columns_of(sheet, 3, 100), (RED, BLUE, RED), strict=True):
        contour = np.count_nonzero(pixels[..., 1].astype(int) - pixels[..., [0, 2]].max(axis=-1) > 60)
        assert 150 < contour < 700 and has(pixels, colour) > 9000


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        prediction_grid([])
    with pytest.raises(ValueError, match=r"the prediction is \(5, 5\), the image \(50, 100\)"):
        prediction_grid([PredictionRow(plain(RED), None, np.ones((5, 5)))])
    with pytest.raises(ValueError, match="2 captions for 1 tiles"):
        contact_sheet([plain(RED)], captions=["a", "b"])
    with pytest.raises(ValueError, match="at least one tile"):
        contact_sheet([])
    with pytest.raises(ValueError, match="1 originals and 0 lists"):
        augmentation_sheet([(plain(RED), np.ones((50, 100)))], [])
