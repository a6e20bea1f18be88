"""Figures: sheets of images with captions, for a run folder, a README or a presentation.

The prediction grid is like the paper's Figure 9, the contact sheet gives an overview of a set, and the augmentation sheet
shows the images that training uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from minunet.results.captions import load_font, shorten
from minunet.results.overlay import line_width, overlay
from minunet.results.picture import resize_to_width, to_uint8_rgb

TITLES = ("image", "mask", "prediction", "image × prediction")
PAPER, INK, FAINT = (255, 255, 255), (25, 25, 30), (95, 95, 105)
GAP, MARGIN = 10, 18


@dataclass(frozen=True)
class PredictionRow:
    """A row of a prediction grid.

    Attributes
    ----------
    image : ndarray, (H, W), (H, W, 1) or (H, W, 3)
    mask : ndarray, (H, W) or (H, W, 1), or None
    prediction : ndarray, (H, W) or (H, W, 1)
        Boolean, or probabilities in [0, 1].
    caption : str
    classes : pair of ndarray, (H, W, 3) uint8, or None
        The true and the predicted classes in their colours, which are shown in place of mask and prediction.
    """

    image: np.ndarray
    mask: np.ndarray | None
    prediction: np.ndarray
    caption: str = ""
    classes: tuple[np.ndarray, np.ndarray] | None = None


def prediction_grid(rows: Sequence[PredictionRow], *, tile_width: int = 300, heading: str = "") -> Image.Image:
    """Predictions beside the masks, one image per row, as in the paper's Figure 9.

    Parameters
    ----------
    rows : sequence of PredictionRow
        The place of a mask that is None is left empty; where no row has a mask, there is no column for masks.
    tile_width : int
        Width of an image in pixels.
    heading : str
        Above the whole figure.

    Returns
    -------
    PIL image, RGB
        The last column is the element-wise product of the image and the prediction.

    Raises
    ------
    ValueError
        Without rows, or where the size of a prediction differs from that of its image.
    """
    if not rows:
        raise ValueError("a grid needs at least one row")
    with_masks = any(row.mask is not None for row in rows)
    cells: list[list[Image.Image | None]] = []
    for row in rows:
        image = resize_to_width(row.image, tile_width)
        masks, predictions = (row.mask, row.prediction) if row.classes is None else row.classes
        mask = None if masks is None else resize_to_width(_black_and_white(masks), tile_width, crisp=True)
        prediction = resize_to_width(_black_and_white(predictions), tile_width, crisp=True)
        product = resize_to_width(_product(row.image, row.prediction), tile_width)
        cells.append([image, mask, prediction, product] if with_masks else [image, prediction, product])
    titles = TITLES if with_masks else (TITLES[0], *TITLES[2:])
    return _sheet(cells, tile_width, titles=titles, row_captions=[row.caption for row in rows], heading=heading)


def contact_sheet(
    tiles: Sequence[np.ndarray | Image.Image],
    columns: int = 4,
    captions: Sequence[str] | None = None,
    *,
    tile_width: int = 260,
    heading: str = "",
) -> Image.Image:
    """Images side by side, `columns` in a row, each above its caption.

    Parameters
    ----------
    tiles : sequence of ndarray or PIL image
        See `minunet.results.picture.to_uint8_rgb`; sizes may differ.
    columns : int
    captions : sequence of str, optional
        One per tile; shortened in the middle where it is wider than the tile.
    tile_width : int
        Width of an image in pixels.
    heading : str
        Above the whole sheet.

    Raises
    ------
    ValueError
        Without tiles or columns, or where the number of captions differs from that of the tiles.
    """
    if not tiles or columns < 1:
        raise ValueError(f"a sheet needs at least one tile and one column, not {len(tiles)} and {columns}")
    if captions is not None and len(captions) != len(tiles):
        raise ValueError(f"{len(captions)} captions for {len(tiles)} tiles")
    columns = min(columns, len(tiles))
    pictures: list[Image.Image | None] = [resize_to_width(tile, tile_width) for tile in tiles]
    cells = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    texts = None
    if captions is not None:
        texts = [list(captions[start : start + columns]) for start in range(0, len(captions), columns)]
    return _sheet(cells, tile_width, tile_captions=texts, heading=heading)


def augmentation_sheet(
    originals: Sequence[tuple[np.ndarray, np.ndarray]],
    augmented: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]],
    captions: Sequence[str] | None = None,
    *,
    tile_width: int = 220,
    heading: str = "",
) -> Image.Image:
    """Augmented versions of a few pairs beside their originals, each image with the contour of its mask.

    Parameters
    ----------
    originals : sequence of (image, mask)
    augmented : sequence of sequences of (image, mask)
        The versions of each original.
    captions : sequence of str, optional
        One per original.
    tile_width : int
    heading : str

    Raises
    ------
    ValueError
        Without originals, or where the two sequences differ in length.
    """
    if not originals or len(originals) != len(augmented):
        raise ValueError(
            f"{len(originals)} originals and {len(augmented)} lists of versions: give one list for each original"
        )
    cells: list[list[Image.Image | None]] = [
        [_with_contour(image, mask, tile_width) for image, mask in (original, *versions)]
        for original, versions in zip(originals, augmented, strict=True)
    ]
    titles = ["original"] + [f"version {number}" for number in range(1, max(map(len, cells)))]
    return _sheet(cells, tile_width, titles=titles, row_captions=captions, heading=heading)


def _with_contour(image: np.ndarray, mask: np.ndarray, tile_width: int) -> Image.Image:
    pixels = to_uint8_rgb(image)
    thickness = line_width(pixels.shape, tile_width)
    return resize_to_width(overlay(pixels, _black_and_white(mask), thickness=thickness), tile_width)


def _black_and_white(array: np.ndarray) -> np.ndarray:
    """A mask whose values are 0 and 1 in an integer type as a boolean array; any other array unchanged."""
    array = np.asarray(array)
    if np.issubdtype(array.dtype, np.integer) and array.size and array.max() <= 1:
        return array.astype(bool)
    return array


def _product(image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    pixels = to_uint8_rgb(image)
    probability = to_uint8_rgb(_black_and_white(prediction))
    if pixels.shape != probability.shape:
        raise ValueError(f"the prediction is {probability.shape[:2]}, the image {pixels.shape[:2]}")
    return pixels.astype(np.float32) * probability.astype(np.float32) / np.float32(255 * 255)


def _sheet(
    cells: list[list[Image.Image | None]],
    tile_width: int,
    *,
    titles: Sequence[str] | None = None,
    row_captions: Sequence[str] | None = None,
    tile_captions: list[list[str]] | None = None,
    heading: str = "",
) -> Image.Image:
    """Arrange pictures on white; the height of a row is that of its highest picture, and each text has a line of its own."""
    columns = max(len(row) for row in cells)
    font = load_font(max(12, round(tile_width / 17)))
    heading_font = load_font(max(14, round(tile_width / 13)))
    line = round(1.5 * font.size)
    row_captions = row_captions if row_captions is not None and any(row_captions) else None
    caption_height = line if row_captions or tile_captions else 0
    heights = [max(picture.height for picture in row if picture is not None) for row in cells]
    width = 2 * MARGIN + columns * tile_width + (columns - 1) * GAP
    top = MARGIN + (round(1.7 * heading_font.size) if heading else 0) + (line if titles else 0)
    sheet = Image.new("RGB", (width, top + sum(heights) + len(cells) * (caption_height + GAP) - GAP + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    lefts = [MARGIN + column * (tile_width + GAP) for column in range(columns)]
    if heading:
        pen.text((MARGIN, MARGIN - 4), shorten(heading, width - 2 * MARGIN, heading_font), INK, font=heading_font)
    for left, title in zip(lefts, titles or (), strict=False):
        text = shorten(title, tile_width, font)
        pen.text((left + tile_width / 2, top - 6), text, INK, font=font, anchor="ms")
    for number, (row, height) in enumerate(zip(cells, heights, strict=True)):
        for left, picture in zip(lefts, row, strict=False):
            if picture is not None:
                sheet.paste(picture, (left + (tile_width - picture.width) // 2, top))
        if row_captions:
            text = shorten(row_captions[number], width - 2 * MARGIN, font)
            pen.text((MARGIN, top + height + 3), text, FAINT, font=font)
        for left, caption in zip(lefts, tile_captions[number] if tile_captions else (), strict=False):
            pen.text((left, top + height + 3), shorten(caption, tile_width, font), FAINT, font=font)
        top += height + caption_height + GAP
    return sheet
