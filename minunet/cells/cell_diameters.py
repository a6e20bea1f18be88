"""The diameters of the cells of masks and of those that were predicted, of all images of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minunet.data.cell_numbers import without_gaps


@dataclass
class CellDiameters:
    """Equivalent diameters in pixels, of the cells that do not reach the edge of their image.

    Attributes
    ----------
    true, predicted : list of float
    """

    true: list[float] = field(default_factory=list)
    predicted: list[float] = field(default_factory=list)

    def add(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Add the labels (H, W) of an image, 0 for background."""
        self.true += inside_diameters(truth).tolist()
        self.predicted += inside_diameters(predicted).tolist()

    def extend(self, other: CellDiameters) -> None:
        """Add those of other images."""
        self.true += other.true
        self.predicted += other.predicted

    def medians(self) -> dict[str, float | None]:
        """The median of the true and of the predicted ones; None where there are none."""
        return {
            f"{name}_median_diameter_px": float(np.median(values)) if values else None
            for name, values in (("true", self.true), ("predicted", self.predicted))
        }


def inside_diameters(labels: np.ndarray) -> np.ndarray:
    """The diameters of the discs of the same areas, of the cells that do not reach the edge of the image.

    Parameters
    ----------
    labels : ndarray, (H, W)
        Whole numbers, 0 for background.

    Returns
    -------
    ndarray, float64
        In pixels, in the order of the labels: sqrt(4 area / pi).

    Examples
    --------
    >>> labels = np.zeros((5, 8), int)
    >>> labels[1:3, 1:3], labels[0, 5:] = 7, 9
    >>> inside_diameters(labels).round(3)
    array([2.257])
    """
    numbers, areas = without_gaps(labels)
    edge = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])
    inside = np.ones(len(areas) + 1, bool)
    inside[0] = inside[edge] = False
    return np.sqrt(4 * areas[inside[1:]] / np.pi)
