"""What the tables of a folder of predictions hold, as far as the plots and sentences of a report need it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from minunet.cells.class_measures import COUNT


@dataclass
class FolderContents:
    """What the tables of a folder hold, as far as plots and sentences need it.

    Attributes
    ----------
    counts : list of float
        Cells of each image.
    intervals : list of (float, float) or None
        Of each image.
    notes : list of (str, str)
        Images with notes.
    diameters : dict of str to array
        By the class of the cells, of those that do not reach the edge of their image: in pixels.
    in_um : dict of str to array
        The same in micrometres, of the cells whose size is known.
    class_counts : dict of str to int
        Cells of each class in all images; empty where no model had classes.
    ratios : dict of str to array
        By the class of the cells: the ratio of nucleus to cytoplasm of those that have one and do not reach the edge.
    """

    counts: list[float] = field(default_factory=list)
    intervals: list[tuple[float, float] | None] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    diameters: dict[str, array[float]] = field(default_factory=dict)
    in_um: dict[str, array[float]] = field(default_factory=dict)
    class_counts: dict[str, int] = field(default_factory=dict)
    ratios: dict[str, array[float]] = field(default_factory=dict)

    def add_image(self, row: dict[str, str]) -> None:
        """Add a row of images.csv."""
        self.counts.append(float(row["cells"]))
        ends = row.get("cells_low"), row.get("cells_high")
        self.intervals.append((float(ends[0]), float(ends[1])) if ends[0] and ends[1] else None)
        if row.get("notes"):
            self.notes.append((row["image"], row["notes"]))
        for column, value in row.items():
            if column.startswith(COUNT) and value:
                name = column.removeprefix(COUNT)
                self.class_counts[name] = self.class_counts.get(name, 0) + int(value)

    def add_cell(self, row: dict[str, str]) -> None:
        """Add a row of cells.csv."""
        if row.get("touches_edge") == "1":
            return
        for column, diameters in (("equivalent_diameter_px", self.diameters), ("equivalent_diameter_um", self.in_um)):
            if text := row.get(column):
                diameters.setdefault(row.get("class", ""), array("f")).append(float(text))
        if ratio := row.get("nucleus_to_cytoplasm_ratio"):
            self.ratios.setdefault(row.get("class", ""), array("f")).append(float(ratio))

    def sizes(self) -> tuple[dict[str, np.ndarray], str]:
        """The diameters by class, and their unit: micrometres where all are known in them."""
        total = [sum(map(len, values.values())) for values in (self.diameters, self.in_um)]
        values, unit = (self.in_um, "um") if total[0] == total[1] else (self.diameters, "px")
        return {name: np.asarray(found, np.float64) for name, found in sorted(values.items())}, unit

    def class_rows(self) -> dict[str, dict[str, float | int | None]]:
        """By the name of each class: its cells in all images, and of those inside the images the medians of size and ratio."""
        sizes, unit = self.sizes()
        total = sum(self.class_counts.values())
        return {
            name: {
                "cells": count,
                "percent": 100 * count / total if total else None,
                f"median_diameter_{unit}": float(np.median(sizes[name])) if name in sizes else None,
                "median_nucleus_to_cytoplasm": float(np.median(self.ratios[name])) if name in self.ratios else None,
            }
            for name, count in self.class_counts.items()
        }
