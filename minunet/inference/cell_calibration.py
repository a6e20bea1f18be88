"""Cell calibration: the settings of cells are chosen for a trained model on its validation images, at the images' own size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from minunet.cells.cell_choice import CellChoice
from minunet.cells.settings_search import MapsAndTruth, choose_cells
from minunet.data.mask_cells import cells_of_mask
from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.inference.loaded_model import LoadedModel

MOST_IMAGES = 20  # more take longer and change little; they are taken evenly from all
# Of all images together: their maps are kept in memory, those of more are predicted again in each step.
KEPT_PIXELS = 40_000_000


def calibrate_cells(
    model: LoadedModel, pairs: Sequence[Pair], progress: ProgressCallback | None = None
) -> CellChoice | None:
    """Choose how the cells of a model are cut out.

    Parameters
    ----------
    model : LoadedModel
    pairs : sequence of Pair
        The validation images, of which at most 20 are used.
    progress : callable, optional
        Called with the number of images predicted, and of all.

    Returns
    -------
    CellChoice or None
        None where no mask has a cell.

    Raises
    ------
    UserError
        If the packages that cells need are not installed.
    """
    places = np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_IMAGES)).round().astype(int)
    used = [pairs[place] for place in places]
    kept: dict[str, MapsAndTruth] = {}

    def images() -> Iterator[MapsAndTruth]:
        for number, pair in enumerate(used, start=1):
            found = kept.get(pair.name)
            if found is None:
                maps = model.cell_maps(model.predict_outputs(read_image(pair)))
                found = maps, cells_of_mask(read_mask(pair), model.preprocessing)
                if sum(cells.labels.size for _, cells in kept.values()) + found[1].labels.size <= KEPT_PIXELS:
                    kept[pair.name] = found
            if progress:
                progress(number, len(used))
            yield found

    return choose_cells(images, model.default_cell_settings)
