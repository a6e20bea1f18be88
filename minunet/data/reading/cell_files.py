"""Cell files: a folder in which every cell of an image has a mask file of its own, read as one mask of numbered cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minunet.data.outlines.drawing import cut_out
from minunet.data.reading.numbered_cells import CellPart, CellRemarks, number_cells
from minunet.data.reading.open_images import open_image
from minunet.errors import UserError


def read_cell_files(files: Sequence[Path]) -> tuple[np.ndarray, CellRemarks]:
    """Number the cells of several mask files.

    Parameters
    ----------
    files : sequence of Path
        At least one, all of the same size. A cell is what is above the middle between the darkest and the lightest value of its
        file, or below it in a file whose corners are all light.

    Returns
    -------
    labels : ndarray, (H, W) int32
        The number of the file in this order, 0 for background; see `number_cells`.
    remarks : CellRemarks

    Raises
    ------
    UserError
        For every file that cannot be read, or has another size than the first one.
    """
    parts: list[CellPart] = []
    problems: list[str] = []
    shape: tuple[int, int] | None = None
    for file in files:
        try:
            with open_image(file) as image:
                mask = _cell(image.pixels(mask=True))
        except UserError as error:
            problems += error.problems
            continue
        shape = shape or (mask.shape[0], mask.shape[1])
        if mask.shape != shape:
            problems.append(
                f"{file} has {mask.shape[1]}x{mask.shape[0]} pixels, and other cells in {file.parent} have {shape[1]}x{shape[0]}: "
                "export it at the size of its image."
            )
            continue
        parts.append(cut_out(mask))
    if problems:
        raise UserError(problems)
    assert shape is not None
    return number_cells(parts, shape)


def _cell(values: np.ndarray) -> np.ndarray:
    """The pixels of the one cell of a mask: (H, W) bool."""
    if values.ndim == 3:
        values = values.max(axis=2)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.full(values.shape, high > 0)
    cell = values > (low + high) / 2
    corners = cell[[0, 0, -1, -1], [0, -1, 0, -1]]
    return ~cell if corners.all() and cell.mean() > 0.5 else cell
