"""The plain filters: what finding cells uses of SciPy and scikit-image, in NumPy, with the same results.

They are written for the small arrays around single regions of cells.
"""

from __future__ import annotations

import heapq

import numpy as np

from minunet.data.components import label_components


class PlainFilters:
    """The functions, under the names that they have in `scipy.ndimage` and `skimage.segmentation`."""

    @staticmethod
    def label(cell: np.ndarray) -> tuple[np.ndarray, int]:
        """The connected regions of a mask (H, W), numbered from 1, and how many there are."""
        labels = label_components(cell)
        return labels, int(labels.max(initial=0))

    @staticmethod
    def find_objects(labels: np.ndarray) -> list[tuple[slice, slice]]:
        """The box of each label, as its rows and columns."""
        rows, columns = np.nonzero(labels)
        numbers, count = labels[rows, columns], int(labels.max(initial=0)) + 1
        first = np.full((2, count), max(labels.shape))
        last = np.zeros((2, count), int)
        for axis, places in enumerate((rows, columns)):
            np.minimum.at(first[axis], numbers, places)
            np.maximum.at(last[axis], numbers, places)
        return [
            (slice(top, bottom + 1), slice(left, right + 1))
            for top, bottom, left, right in zip(
                *(ends[axis, 1:].tolist() for axis in (0, 1) for ends in (first, last)), strict=True
            )
        ]

    @staticmethod
    def distance_transform_edt(inside: np.ndarray) -> np.ndarray:
        """The distance of each pixel of a mask (H, W) to the nearest pixel outside, (H, W) float64; some pixel is outside."""
        height, width = inside.shape
        far = height + width
        above, below = np.where(inside, far, 0), np.where(inside, far, 0)
        for row in range(1, height):  # along columns: steps to the nearest pixel outside that is above, and below
            np.minimum(above[row], above[row - 1] + 1, out=above[row])
        for row in range(height - 2, -1, -1):
            np.minimum(below[row], below[row + 1] + 1, out=below[row])
        vertical = np.minimum(above, below) ** 2
        squared = vertical.copy()
        for step in range(1, width):  # then along rows: the nearest in any column
            if step**2 >= squared.max():
                break
            np.minimum(squared[:, step:], vertical[:, :-step] + step**2, out=squared[:, step:])
            np.minimum(squared[:, :-step], vertical[:, step:] + step**2, out=squared[:, :-step])
        return np.sqrt(squared)

    @staticmethod
    def gaussian_filter(array: np.ndarray, sigma: float, mode: str, truncate: float) -> np.ndarray:
        """Smooth an array (H, W) float32 by a Gaussian; `mode` is "nearest", which repeats the values at the border."""
        assert mode == "nearest"
        reach = int(truncate * sigma + 0.5)
        weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-reach, reach + 1) ** 2)
        weights = weights / weights.sum()
        for axis in (0, 1):
            border = [(reach, reach) if axis == side else (0, 0) for side in (0, 1)]
            lines = np.moveaxis(np.pad(array.astype(np.float64), border, mode="edge"), axis, 0)
            length = array.shape[axis]
            smooth = lines[reach : reach + length] * weights[reach]
            for step in range(reach, 0, -1):
                before, after = lines[reach - step :][:length], lines[reach + step :][:length]
                smooth += (before + after) * weights[reach - step]
            array = np.moveaxis(smooth, 0, axis).astype(np.float32)
        return array

    @staticmethod
    def maximum_filter(array: np.ndarray, footprint: np.ndarray, mode: str) -> np.ndarray:
        """The largest value among each pixel of an array (H, W) and its neighbours up, down, left and right."""
        assert mode == "nearest" and footprint.tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
        largest = array.copy()
        for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            np.maximum(largest[here], array[there], out=largest[here])
            np.maximum(largest[there], array[here], out=largest[there])
        return largest

    @staticmethod
    def watershed(height: np.ndarray, seeds: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The basins of an array (H, W), by Meyer's flooding from numbered seeds: the lowest pixel at the shore is flooded next.

        Of two pixels of the same height, the one that was reached first is flooded first.
        """
        width = height.shape[1] + 2
        heights = np.pad(height, 1).ravel().tolist()
        basins = np.pad(np.where(mask, seeds, 0), 1).ravel().tolist()
        is_free = (np.pad(mask, 1).ravel() & (np.pad(seeds, 1).ravel() == 0)).tolist()
        shore = [(heights[place], 0, place) for place in np.flatnonzero(np.pad(np.where(mask, seeds, 0), 1)).tolist()]
        heapq.heapify(shore)
        reached = 0
        while shore:
            _, _, place = heapq.heappop(shore)
            basin = basins[place]
            for neighbour in (place - width, place - 1, place + 1, place + width):
                if is_free[neighbour]:
                    is_free[neighbour] = False
                    basins[neighbour] = basin
                    reached += 1
                    heapq.heappush(shore, (heights[neighbour], reached, neighbour))
        return np.array(basins, np.int32).reshape(-1, width)[1:-1, 1:-1]


def require(module: str) -> type[PlainFilters]:
    """The functions of a module of SciPy or scikit-image, neither of which is needed here."""
    return PlainFilters
