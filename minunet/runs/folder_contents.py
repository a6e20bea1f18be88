"""What the tables of a folder of predictions hold, as far as the plots and sentences of a report need it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np


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
    """

    counts: list[float] = field(default_factory=list)
    intervals: list[tuple[float, float] | None] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    diameters: dict[str, array[float]] = field(default_factory=dict)
    in_um: dict[str, array[float]] = field(default_factory=dict)

    def add_image(self, row: dict[str, str]) -> None:
        """Add a row of images.csv."""
        self.counts.append(float(row["cells"]))
        ends = row.get("cells_low"), row.get("cells_high")
        self.intervals.append((float(ends[0]), float(ends[1])) if ends[0] and ends[1] else None)
        if row.get("notes"):
            self.notes.append((row["image"], row["notes"]))

    def add_cell(self, row: dict[str, str]) -> None:
        """Add a row of cells.csv."""
        if row.get("touches_edge") == "1":
            return
        for column, diameters in (("equivalent_diameter_px", self.diameters), ("equivalent_diameter_um", self.in_um)):
            if text := row.get(column):
                diameters.setdefault(row.get("class", ""), array("f")).append(float(text))

    def sizes(self) -> tuple[dict[str, np.ndarray], str]:
        """The diameters by class, and their unit: micrometres where all are known in them."""
        total = [sum(map(len, values.values())) for values in (self.diameters, self.in_um)]
        values, unit = (self.in_um, "um") if total[0] == total[1] else (self.diameters, "px")
        return {name: np.asarray(found, np.float64) for name, found in sorted(values.items())}, unit
