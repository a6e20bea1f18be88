"""Figures: sheets of pictures with captions, for a run folder, a README or a slide.

The grid of predictions is the paper's Figure 9; the contact sheet shows a set at a glance, and the augmentation sheet
what training sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from minunet.results.overlay import line_width, overlay
from minunet.results.picture import fitted, font, shortened, to_picture

TITLES = ("image", "mask", "prediction", "image × prediction")
PAPER, INK, FAINT = (255, 255, 255), (25, 25, 30), (95, 95, 105)
GAP, MARGIN = 10, 18


@dataclass(frozen=True)
class PredictionRow:
    """One test image: image (H, W[, C]), mask (H, W[, 1]) or None, prediction (H, W[, 1]) in [0, 1] or boolean, and a caption."""

    image: np.ndarray
    mask: np.ndarray | None
    prediction: np.ndarray
    caption: str = ""


def prediction_grid(
    rows: Sequence[PredictionRow | tuple], titles: Sequence[str] = TITLES, *, tile_width: int = 300, heading: str = ""
) -> Image.Image:
    """Predictions beside the truth, one image a row, as the paper's Figure 9.

    Parameters
    ----------
    rows : sequence of PredictionRow, or of tuples (image, mask, prediction, caption)
        A mask of None is left empty; where no row has one its column is left out.
    titles : four str
        Over the columns.
    tile_width : int
        Width of a picture in pixels.
    heading : str
        Over the whole figure.

    Returns
    -------
    PIL image, RGB
        The last column is the element-wise product of the image and the prediction.

    Raises
    ------
    ValueError
        For no rows, or where a prediction is of another size than its image.
    """
    rows = [row if isinstance(row, PredictionRow) else PredictionRow(*row) for row in rows]
    if not rows:
        raise ValueError("a grid needs at least one row")
    masked = any(row.mask is not None for row in rows)
    cells, captions = [], []
    for row in rows:
        cells.append([fitted(row.image, tile_width)])
        if masked:
            cells[-1].append(None if row.mask is None else fitted(_unit(row.mask), tile_width, crisp=True))
        cells[-1].append(fitted(_unit(row.prediction), tile_width, crisp=True))
        cells[-1].append(fitted(_product(row.image, row.prediction), tile_width))
        captions.append(row.caption)
    titles = list(titles) if masked else [title for column, title in enumerate(titles) if column != 1]
    return _sheet(cells, tile_width, titles=titles, row_captions=captions, heading=heading)


def contact_sheet(
    tiles: Sequence[np.ndarray | Image.Image],
    columns: int = 4,
    captions: Sequence[str] | None = None,
    *,
    tile_width: int = 260,
    heading: str = "",
) -> Image.Image:
    """Pictures side by side, `columns` to a row, each over its caption.

    Parameters
    ----------
    tiles : sequence of ndarray or PIL image
        See `minunet.results.picture.to_picture`; sizes may differ.
    columns : int
    captions : sequence of str, optional
        One per tile; shortened in the middle where it is wider than the tile.
    tile_width : int
        Width of a picture in pixels.
    heading : str
        Over the whole sheet.

    Raises
    ------
    ValueError
        For no tiles, no columns, or another number of captions.
    """
    if not tiles or columns < 1:
        raise ValueError(f"a sheet needs at least one tile and one column, not {len(tiles)} and {columns}")
    if captions is not None and len(captions) != len(tiles):
        raise ValueError(f"{len(captions)} captions for {len(tiles)} tiles")
    columns = min(columns, len(tiles))
    pictures = [fitted(tile, tile_width) for tile in tiles]
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
    """What augmentation makes of a few pairs: the original first, its versions beside it, each with its mask's contour.

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
        For no originals, or where the two sequences differ in length.
    """
    if not originals or len(originals) != len(augmented):
        raise ValueError(
            f"{len(originals)} originals and {len(augmented)} lists of versions: give one list for each original"
        )
    cells = [
        [_contoured(image, mask, tile_width) for image, mask in (original, *versions)]
        for original, versions in zip(originals, augmented, strict=True)
    ]
    titles = ["original"] + [f"version {number}" for number in range(1, max(map(len, cells)))]
    return _sheet(cells, tile_width, titles=titles, row_captions=captions, heading=heading)


def _contoured(image: np.ndarray, mask: np.ndarray, tile_width: int) -> Image.Image:
    picture = to_picture(image)
    return fitted(overlay(picture, _unit(mask), thickness=line_width(picture.shape, tile_width)), tile_width)


def _unit(array: np.ndarray) -> np.ndarray:
    """A mask as something a picture can be made of: 0 and 1 in an integer type are black and white."""
    array = np.asarray(array)
    if np.issubdtype(array.dtype, np.integer) and array.size and array.max() <= 1:
        return array.astype(bool)
    return array


def _product(image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    picture = to_picture(image)
    probability = to_picture(_unit(prediction))
    if picture.shape != probability.shape:
        raise ValueError(f"the prediction is {probability.shape[:2]}, the image {picture.shape[:2]}")
    return picture.astype(np.float32) * probability.astype(np.float32) / np.float32(255 * 255)


def _sheet(
    cells: list[list[Image.Image | None]],
    tile_width: int,
    *,
    titles: Sequence[str] | None = None,
    row_captions: Sequence[str] | None = None,
    tile_captions: list[list[str]] | None = None,
    heading: str = "",
) -> Image.Image:
    """Lay pictures out on white; a row is as high as its highest picture, and text has a line's height of its own."""
    columns = max(len(row) for row in cells)
    face = font(max(12, round(tile_width / 17)))
    large = font(max(14, round(tile_width / 13)))
    line = round(1.5 * face.size)
    row_captions = row_captions if row_captions is not None and any(row_captions) else None
    caption_height = line if row_captions or tile_captions else 0
    heights = [max(picture.height for picture in row if picture is not None) for row in cells]
    width = 2 * MARGIN + columns * tile_width + (columns - 1) * GAP
    top = MARGIN + (round(1.7 * large.size) if heading else 0) + (line if titles else 0)
    sheet = Image.new("RGB", (width, top + sum(heights) + len(cells) * (caption_height + GAP) - GAP + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    lefts = [MARGIN + column * (tile_width + GAP) for column in range(columns)]
    if heading:
        pen.text((MARGIN, MARGIN - 4), shortened(heading, width - 2 * MARGIN, large), INK, font=large)
    for left, title in zip(lefts, titles or (), strict=False):
        text = shortened(title, tile_width, face)
        pen.text((left + tile_width / 2, top - 6), text, INK, font=face, anchor="ms")
    for number, (row, height) in enumerate(zip(cells, heights, strict=True)):
        for left, picture in zip(lefts, row, strict=False):
            if picture is not None:
                sheet.paste(picture, (left + (tile_width - picture.width) // 2, top))
        if row_captions:
            text = shortened(row_captions[number], width - 2 * MARGIN, face)
            pen.text((MARGIN, top + height + 3), text, FAINT, font=face)
        for left, caption in zip(lefts, tile_captions[number] if tile_captions else (), strict=False):
            pen.text((left, top + height + 3), shortened(caption, tile_width, face), FAINT, font=face)
        top += height + caption_height + GAP
    return sheet
