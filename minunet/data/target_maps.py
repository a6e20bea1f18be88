"""Target maps: what a network with several outputs is to learn of a mask, made from the numbers of its cells.

Cells are numbered at the mask's own size, where thin gaps between them are still there, and the maps are then resized.
"""

from __future__ import annotations

import numpy as np

from minunet.cell_packages import require
from minunet.data.cell_numbers import without_gaps
from minunet.data.mask_cells import MaskCells, cells_of_mask, typical_area
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import HALF, IGNORED, Preprocessing
from minunet.data.reading.resize import resize_area
from minunet.data.reading.stored_mask import StoredMask

SEAM_WEIGHT = 10.0  # added to the weight 1 where two cells touch: w0 of the U-Net paper
SEAM_WIDTH = 0.08  # the paper's sigma, as a share of the diameter of the typical cell
SEAM_REACH = 3.0  # sigmas: beyond them a seam weighs less than a hundredth
CENTRE = 0.5  # radius of the disc in the middle of a cell, as a share of the largest distance to its border
LEVELS = 254  # of a weight, which is stored in a byte; 0 is kept for ignored pixels
FINER = 2  # maps are made with at least so many pixels for each one of the target


def targets(stored: StoredMask, preprocessing: Preprocessing, outputs: Outputs) -> np.ndarray:
    """The target of a network for a mask.

    Parameters
    ----------
    stored : StoredMask
    preprocessing : Preprocessing
        Of the network.
    outputs : Outputs
        Of the network.

    Returns
    -------
    ndarray, (h, w, target_channels) float32
        Channel 0 with classes: the index of the class, or `IGNORED`. Else without a separation: as `Preprocessing.target`, and
        with one: the share of cell in the pixel, in [0, 1], or `IGNORED`. With a separation, channel 1: the separation in
        [0, 1]; channel 2: the weight of the pixel in the loss, 0 where it is ignored.

    Raises
    ------
    UserError
        If there is a separation, and SciPy is not installed.

    Notes
    -----
    The weight of a pixel at the distances d1 and d2 from the two nearest cells is that of the U-Net paper [1]_, equation 2,
    without the part that balances cells and background:

        w = 1 + w0 exp(-(d1 + d2)^2 / (2 sigma^2))

    The exponential is also what the target "seam" is 1 minus of.

    References
    ----------
    .. [1] Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: Convolutional Networks for Biomedical Image Segmentation.
       MICCAI, LNCS 9351, 234-241.
    """
    classes = preprocessing.class_target(stored) if outputs.classes else None
    if outputs.separation is None:
        return preprocessing.target(stored) if classes is None else classes
    cells = cells_of_mask(stored, preprocessing)
    height, width = cells.labels.shape
    size = preprocessing.size or (width, height)
    cell, counted = _cell_share(cells, size)
    # Twice as fine as the target is fine enough for smooth maps.
    step = max(1, int(min(height / size[1], width / size[0]) / FINER))
    numbers, _ = without_gaps(cells.labels[step // 2 :: step, step // 2 :: step])
    seam = seams(numbers)
    inside = 1 - seam if outputs.separation == "seam" else middles(numbers, disc=outputs.separation == "centre")
    inside, seam = (np.clip(resize_area(values, size), 0, 1) for values in (inside, seam))
    packed = np.empty((*cell.shape, 3), np.uint8)
    if classes is not None:
        packed[..., 0], counted = np.maximum(classes[..., 0], 0), classes[..., 0] != IGNORED
    else:
        packed[..., 0] = np.rint(cell * 255)
    packed[..., 1] = np.rint(inside * 255)
    packed[..., 2] = np.where(counted, np.rint(seam * LEVELS) + 1, 0)
    return unpacked(packed, outputs)


def unpacked(packed: np.ndarray, outputs: Outputs) -> np.ndarray:
    """Targets (h, w, 3) float32 from the bytes in which they are kept."""
    values = packed.astype(np.float32)
    values[..., 1 if outputs.classes else 0 : 2] /= 255
    values[..., 2] = np.maximum(values[..., 2] - 1, 0) * np.float32(SEAM_WEIGHT / LEVELS) + (packed[..., 2] > 0)
    values[..., 0][packed[..., 2] == 0] = IGNORED
    return values


def packed_targets(values: np.ndarray, outputs: Outputs) -> np.ndarray:
    """Targets (h, w, 3) as bytes, without loss: `unpacked` gives back what `targets` returned."""
    packed = np.empty(values.shape, np.uint8)
    packed[..., :2] = np.rint(np.maximum(values[..., :2], 0) * ((1 if outputs.classes else 255), 255))
    counted = values[..., 0] != IGNORED
    packed[..., 2] = np.where(counted, np.rint((values[..., 2] - 1) * (LEVELS / SEAM_WEIGHT)) + 1, 0)
    return packed


def seams(numbers: np.ndarray) -> np.ndarray:
    """How near each pixel is to two cells at once: (H, W) float32, 1 where they touch, 0 far from the second nearest.

    Parameters
    ----------
    numbers : ndarray, (H, W) int
        The number of the cell of each pixel, 0 where there is none.
    """
    ndimage = require("scipy.ndimage")
    areas = np.bincount(numbers.ravel())[1:]
    sigma = SEAM_WIDTH * 2 * np.sqrt(typical_area(areas[areas > 0]) / np.pi)
    if not sigma:  # no cells
        return np.zeros(numbers.shape, np.float32)
    reach = int(np.ceil(SEAM_REACH * sigma))
    nearest = np.full(numbers.shape, 2.0 * SEAM_REACH * sigma + 1, np.float32)
    second = nearest.copy()
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        if box is None:
            continue
        window = tuple(slice(max(0, part.start - reach), part.stop + reach) for part in box)
        distance = ndimage.distance_transform_edt(numbers[window] != number).astype(np.float32)
        first = nearest[window]
        second[window] = np.minimum(second[window], np.maximum(first, distance))
        nearest[window] = np.minimum(first, distance)
    return np.asarray(np.exp(-((nearest + second) ** 2) / np.float32(2 * sigma**2)))


def middles(numbers: np.ndarray, *, disc: bool = False) -> np.ndarray:
    """How deep inside of its cell each pixel is: (H, W) float32, 1 in the middle of every cell, 0 outside.

    Parameters
    ----------
    numbers : ndarray, (H, W) int
        The number of the cell of each pixel, 0 where there is none.
    disc : bool
        False: the distance to the border of the cell, as a share of its largest. True: 1 on a disc around the middle, else 0.

    Notes
    -----
    Nothing is known beyond the border of the image, which is therefore no border of a cell.
    """
    ndimage = require("scipy.ndimage")
    result = np.zeros(numbers.shape, np.float32)
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        if box is None:
            continue
        window = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in box)
        cell = numbers[window] == number
        if cell.all():  # one cell fills the image
            result[window] = 1
            continue
        distance = ndimage.distance_transform_edt(cell).astype(np.float32)
        depth = distance / distance.max()
        if disc:
            # The middle is where the deepest pixels are on average, unless that is outside: then the first of them.
            deepest = np.argwhere(depth >= 0.9)
            row, column = deepest.mean(axis=0)
            if depth[round(row), round(column)] < CENTRE:
                row, column = deepest[0]
            rows, columns = np.ogrid[: cell.shape[0], : cell.shape[1]]
            near = (rows - row) ** 2 + (columns - column) ** 2 <= (CENTRE * distance.max()) ** 2
            depth = (near & cell).astype(np.float32)
        result[window] = np.where(cell, depth, result[window])
    return result


def _cell_share(cells: MaskCells, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The share of cell of each pixel of the target, and whether the pixel counts: both (h, w)."""
    cell = (cells.labels > 0).astype(np.float32)
    if cells.ignored is None:
        return np.clip(resize_area(cell, size), 0, 1), np.ones((size[1], size[0]), bool)
    known = (~cells.ignored).astype(np.float32)
    share = resize_area(known, size)
    return np.clip(resize_area(cell * known, size) / np.maximum(share, 1e-6), 0, 1), share > HALF
