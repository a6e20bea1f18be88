"""The cell model: it finds and measures the cells in the maps of an image.

The packages that this takes are imported when cells are asked for: a process that only predicts does not wait for them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from minunet.inference.image_array import image_array
from minunet.inference.scaling_model import ScalingModel

if TYPE_CHECKING:
    from minunet.cells.cell_choice import CellChoice
    from minunet.cells.cell_maps import CellMaps
    from minunet.cells.cell_measures import Cells
    from minunet.cells.cell_settings import CellSettings
    from minunet.data.class_legend import ClassLegend
    from minunet.inference.predicted_maps import PredictedMaps


class CellModel(ScalingModel):
    """What a `LoadedModel` does to find cells; its fields are described there."""

    cell_choice: CellChoice | None

    @property
    def cell_settings(self) -> CellSettings:
        """How cells are cut out: as the model stores it, or the defaults where it stores nothing."""
        return self.default_cell_settings if self.cell_choice is None else self.cell_choice.settings

    @property
    def default_cell_settings(self) -> CellSettings:
        """The settings of models that store none."""
        from minunet.cells.cell_settings import SEPARATED, CellSettings

        return CellSettings() if self.outputs.separation is None else SEPARATED

    @property
    def legend(self) -> ClassLegend | None:
        """The classes of the model; None where it tells cell and background only."""
        if not self.outputs.classes:
            return None
        from minunet.data.class_legend import ClassLegend

        reading = self.preprocessing.reading
        return ClassLegend.of(self.outputs.classes, () if reading is None else reading.classes)

    def cell_maps(self, maps: PredictedMaps) -> CellMaps:
        """What cells are found in, of the maps of an image."""
        from minunet.cells.cell_maps import CellMaps

        return CellMaps.of(maps.probability, maps.foreground_class, self.legend, maps.separation)

    def cells(self, image: Any, pixel_size: float | None = None, diameter: float | None = None) -> Cells:
        """The cells of an image, numbered and measured.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.
        pixel_size : float, optional
            The side of a pixel in micrometres; for a file by default what the file itself says, where that can be believed.
        diameter : float, optional
            As for `predict`.

        Returns
        -------
        Cells
            `labels`, (H, W) int32, the number of the cell of each pixel, 0 where there is none; and `table`, a dictionary for each
            cell with the columns of cells.csv.

        Raises
        ------
        UserError
            As `predict`, and where the packages that cells need are not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from minunet import UNet
        >>> from minunet.checkpoints.trained_model import TrainedModel
        >>> from minunet.data.reading.preprocessing import Preprocessing
        >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> labels, table = model.cells(np.zeros((30, 40), np.uint8))  # a network without training finds no cells
        >>> labels.shape, [row["area_px2"] for row in table]
        ((30, 40), [])
        """
        from minunet.cells.found_cells import find_and_measure
        from minunet.data.reading.pixel_size import read_pixel_size

        if pixel_size is None and isinstance(image, (str, os.PathLike)):
            pixel_size = read_pixel_size(image)
        array = image_array(image)
        maps = self.cell_maps(self.predict_outputs(array, diameter))
        return find_and_measure(maps, array, self.cell_settings, pixel_size)
