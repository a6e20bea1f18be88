"""Class measures: the class of each cell, and how much of it a class inside takes, as further columns of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minunet.cells.cell_measures import Cells
from minunet.data.class_legend import ClassLegend

CLASS_COLUMNS = {
    "class": "class of the cell; of a cell with a class inside (a nucleus) the outer one",
    "inner_area_px2": "pixels of the cell that are of a class inside its own, such as a nucleus",
    "nucleus_to_cytoplasm_ratio": "inner_area_px2 / pixels of the outer class; empty where there are none",
}
INNER_AREA_UM2 = "inner_area_um2"  # with a pixel size
COUNT = "count_"  # the columns of the table of images that begin so count the cells of a class


class ClassifiedCells(Cells):
    """The cells of an image that have classes: labels and table, as of `Cells`, and the legend of the classes."""

    legend: ClassLegend

    @classmethod
    def of(cls, labels: np.ndarray, table: list[dict[str, Any]], legend: ClassLegend) -> ClassifiedCells:
        """The cells of these labels, whose table is that of `measure_classes`."""
        cells = cls(labels, table)
        cells.legend = legend
        return cells


def measure_classes(
    table: Sequence[Mapping[str, Any]],
    classes: np.ndarray,
    areas: Mapping[int, tuple[int, int]],
    legend: ClassLegend,
    pixel_size: float | None = None,
) -> list[dict[str, Any]]:
    """The rows of a table of cells with the columns of their classes.

    Parameters
    ----------
    table : sequence of mapping
        A row for each cell, with its "id".
    classes : ndarray of int, (cells + 1,)
        The class of each number, as of `minunet.data.class_cells.ClassCells`.
    areas : mapping
        What `minunet.data.class_cells.inner_areas` returns.
    legend : ClassLegend
    pixel_size : float, optional
        In micrometres.

    Returns
    -------
    list of dict
        With `CLASS_COLUMNS`; the last two are None for cells of a class in which none lies.
    """
    rows = []
    for row in table:
        inside, own = areas.get(row["id"], (None, None))
        row = dict(row) | {
            "class": legend.names[classes[row["id"]]],
            "inner_area_px2": inside,
            "nucleus_to_cytoplasm_ratio": inside / own if inside is not None and own else None,
        }
        if pixel_size is not None:
            row[INNER_AREA_UM2] = None if inside is None else inside * pixel_size**2
        rows.append(row)
    return rows


def class_counts(table: Sequence[Mapping[str, Any]], legend: ClassLegend) -> dict[str, int]:
    """The number of cells of each class that cells can have, as columns of the table of images."""
    found = [row["class"] for row in table]
    return {f"{COUNT}{legend.names[kind]}": found.count(legend.names[kind]) for kind in legend.kinds}
