"""Cell stain: how much light cells take away, and how much less their pale centres do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.cells.cell_packages import require

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
        # A square of 2 MARGIN + 1 pixels around each cell pixel is neither.
        size = 2 * MARGIN + 1
        near = require("scipy.ndimage").maximum_filter((labels > 0).view(np.uint8), size, mode="nearest")
        outside = brightness[near == 0]
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


def central_pallor(density: np.ndarray, cell: np.ndarray) -> float | None:
    """The diameter of the pale centre of a cell, as a share of the cell's.

    Parameters
    ----------
    density : ndarray, (h, w)
        Optical density in the box of the cell.
    cell : ndarray, (h, w) bool

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
    ndimage = require("scipy.ndimage")
    depth = ndimage.distance_transform_edt(np.pad(cell, 1))[1:-1, 1:-1]
    deepest = float(depth.max())
    if deepest < BINS / 2:  # pixels
        return None
    # Smoothed over a fraction of the cell, which takes away the noise of the camera.
    smooth = ndimage.gaussian_filter(np.where(cell, density, 0), deepest / BINS / 2, mode="constant")
    weight = ndimage.gaussian_filter(cell.astype(np.float32), deepest / BINS / 2, mode="constant")
    smooth = smooth / np.maximum(weight, 1e-6)
    place = np.minimum((depth / deepest * BINS).astype(int), BINS - 1)
    sums = np.bincount(place[cell], smooth[cell], minlength=BINS)
    profile = sums / np.maximum(np.bincount(place[cell], minlength=BINS), 1)
    rim_place = int(np.argmax(profile))
    rim, centre = float(profile[rim_place]), float(profile[-1])
    if rim <= 0 or centre >= PALER * rim:
        return 0.0
    pale = cell & (smooth < (rim + centre) / 2) & (place > rim_place)
    pieces, _ = ndimage.label(pale)
    middle = np.unique(pieces[(place == BINS - 1) & pale])
    area = np.count_nonzero(ndimage.binary_fill_holes(np.isin(pieces, middle[middle > 0])))
    return float(np.sqrt(area / np.count_nonzero(cell)))
