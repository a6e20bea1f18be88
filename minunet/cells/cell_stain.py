"""Cell stain: how much light cells take away, and how much less their pale centres do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.cell_packages import require
from minunet.cells.gaussian_filter import gaussian_filter, with_margin

FEWEST = 50  # pixels of background; with fewer its brightness is not known
MARGIN = 3  # pixels around cells that are neither cell nor background, since focus is never perfect
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601
BINS = 10  # of the distance to the cell's border, from the border to the middle
PALER = 0.9  # a centre of more than this share of the rim's density is not pale


def brightness(image: np.ndarray) -> np.ndarray:
    """The brightness of an image, (H, W) float32, in the units of the image.

    Parameters
    ----------
    image : ndarray, (H, W) or (H, W, C)
        Of colour the luma is taken, of other channels the mean.
    """
    if image.ndim == 2:
        return image.astype(np.float32)
    if image.shape[2] == 3:
        return np.asarray(image.astype(np.float32) @ np.array(LUMA, np.float32))
    return np.asarray(image.mean(axis=2, dtype=np.float32))


@dataclass(frozen=True)
class CellStain:
    """The brightness of an image, and of its background.

    Attributes
    ----------
    brightness : ndarray, (H, W) float32
    background : float or None
        The median brightness outside of cells; None where there is too little background to know it, or it is black.
    """

    brightness: np.ndarray
    background: float | None

    @classmethod
    def of(cls, brightness: np.ndarray, labels: np.ndarray) -> CellStain:
        """The stain of an image (H, W) with its labels."""
        outside = brightness[~near_cells(labels > 0)]
        background = float(np.median(outside)) if len(outside) >= FEWEST else 0.0
        return cls(brightness, background if background > 0 else None)

    def density(self, box: tuple[slice, slice]) -> np.ndarray | None:
        """The optical density log10(background / brightness) in a box of the image, (h, w); None without a background.

        Black counts as a thousandth of the background, a density of 3.
        """
        if self.background is None:
            return None
        share = self.brightness[box] / np.float32(self.background)
        return np.asarray(-np.log10(np.maximum(share, np.float32(1e-3))))


def central_pallor(density: np.ndarray, cell: np.ndarray, squared: np.ndarray | None = None) -> float | None:
    """The diameter of the pale centre of a cell, as a share of the cell's.

    Parameters
    ----------
    density : ndarray, (h, w)
        Optical density in the box of the cell.
    cell : ndarray, (h, w) bool
    squared : ndarray, (h, w), optional
        The `squared_depth` of the cell, where it is known already.

    Returns
    -------
    float or None
        0 where the centre is not paler than the rim. None for a cell that is too small to have a rim and a centre.

    Notes
    -----
    The rim is where the density, averaged over all pixels of the same distance to the border, is largest; the centre is the
    tenth that is farthest from the border. Pale is what is inside of the rim, nearer to the density of the centre than to that
    of the rim, and connected to the centre. Diameters are those of discs of the same area.
    """
    squared = squared_depth(cell) if squared is None else squared
    deepest = float(np.sqrt(squared.max()))
    if deepest < BINS / 2:  # pixels
        return None
    place_of = np.minimum((np.sqrt(np.arange(squared.max() + 1)) / deepest * BINS).astype(np.intp), BINS - 1)
    place_of[0] = BINS  # outside
    place = place_of[squared]  # (h, w)
    # Smoothed over a fraction of the cell, which takes away the noise of the camera.
    sigma = deepest / BINS / 2
    smooth = gaussian_filter(density * cell, sigma)
    smooth /= np.maximum(gaussian_filter(cell, sigma), np.float32(1e-6))
    pixels = np.bincount(place.ravel(), minlength=BINS + 1)[:BINS]
    profile = np.bincount(place.ravel(), smooth.ravel(), minlength=BINS + 1)[:BINS] / np.maximum(pixels, 1)
    rim_place = int(np.argmax(profile))
    rim, centre = float(profile[rim_place]), float(profile[-1])
    if rim <= 0 or centre >= PALER * rim:
        return 0.0
    pieces, count = require("scipy.ndimage").label(cell & (smooth < (rim + centre) / 2) & (place > rim_place))
    in_middle = np.bincount(pieces[place == BINS - 1], minlength=count + 1) > 0
    in_middle[0] = False
    return float(np.sqrt(_filled_area(in_middle[pieces]) / pixels.sum()))


def squared_depth(cell: np.ndarray) -> np.ndarray:
    """The square of the distance of each pixel of a cell to the nearest pixel outside, (h, w) int32."""
    down, right = require("scipy.ndimage").distance_transform_edt(
        with_margin(cell, 1), return_distances=False, return_indices=True
    )[:, 1:-1, 1:-1]
    height, width = cell.shape
    down = down - np.arange(1, height + 1, dtype=np.int32)[:, None]
    right = right - np.arange(1, width + 1, dtype=np.int32)
    return np.asarray(down * down + right * right)


def near_cells(inside: np.ndarray) -> np.ndarray:
    """Which pixels are in a square of 2 MARGIN + 1 pixels around one inside: (H, W) bool."""
    near, reach = inside, 0
    while reach < MARGIN:
        step = min(2 * reach + 1, MARGIN - reach)  # what is reached already, moved by so much, leaves no gap
        rows = near.copy()
        rows[step:] |= near[:-step]
        rows[:-step] |= near[step:]
        near = rows.copy()
        near[:, step:] |= rows[:, :-step]
        near[:, :-step] |= rows[:, step:]
        reach += step
    return near


def _filled_area(region: np.ndarray) -> int:
    """The number of pixels of a region and of its holes."""
    others, _ = require("scipy.ndimage").label(~with_margin(region, 1))
    return int(np.count_nonzero(others != others[0, 0]))
