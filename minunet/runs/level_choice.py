"""The choice of a level: which size of a pyramid, such as a whole slide, is predicted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minunet.data.reading.image_rows import ImageRows
from minunet.data.reading.pyramids import Pyramid, smallest_level
from minunet.errors import UserError
from minunet.inference.large_images import estimate_of_rows
from minunet.inference.loaded_model import LoadedModel


@dataclass
class LevelChoice:
    """The level of one image, for `minunet.data.reading.rows_of_files.open_rows`.

    Parameters
    ----------
    model : LoadedModel
    level : int or None
        The level that was asked for; None: the smallest at which cells have the size that the model knows.
    diameter : float or None
        Of the cells at level 0, in its pixels; None: it is estimated there, by a model that does so.

    Attributes
    ----------
    pyramid : Pyramid or None
        The image, once the level was chosen; None for an image of one size.
    """

    model: LoadedModel
    level: int | None = 0
    diameter: float | None = None
    pyramid: Pyramid | None = None

    def __call__(self, pyramid: Pyramid, rows: ImageRows) -> int:
        """The level, given the pyramid and the rows of its level 0."""
        self.pyramid = pyramid
        if self.level is not None:
            return self.level
        if self.diameter is None:
            self.diameter = estimate_of_rows(self.model, rows)
        return self.sufficient(self.diameter)

    def check(self, path: Path) -> None:
        """Refuse a level of an image that has one size only."""
        if self.level and self.pyramid is None:
            raise UserError(f"{path} has no level {self.level}: it is stored at one size; leave out --level.")

    def sufficient(self, diameter: float | None) -> int:
        """The smallest level at which cells are not smaller than the model knows them, by their diameter at level 0."""
        if self.pyramid is None or diameter is None or self.model.diameter is None:
            return 0
        return smallest_level(self.pyramid.levels, diameter, self.model.diameter)

    def described(self, rows: ImageRows, pixel_size: float | None, diameter: float | None) -> str | None:
        """The level that is predicted, in words; None for an image of one size.

        Parameters
        ----------
        rows : ImageRows
            Of the level.
        pixel_size : float or None
            Of level 0, in micrometres.
        diameter : float or None
            Of the cells, in pixels of the level.
        """
        if self.pyramid is None or len(self.pyramid.levels) == 1:
            return None
        size = "" if pixel_size is None else f", {pixel_size * rows.scale:.4g} um a pixel"
        text = f"level {rows.level} of 0 to {len(self.pyramid.levels) - 1}, {rows.width}x{rows.height} pixels{size}"
        enough = self.sufficient(None if diameter is None else diameter * rows.scale)
        if self.pyramid.levels[enough].scale > rows.scale:
            text += f"; level {enough} would be enough for cells of this size, and less work: --level auto"
        return text


def level_problems(model: LoadedModel, level: int | None, diameter: float | None) -> list[str]:
    """A sentence where the level cannot be chosen by the size of the cells."""
    if level is not None:
        return []
    if model.diameter is None:
        return ["--level auto: the model does not know how large its cells are; give a number, such as --level 1."]
    if diameter is None and model.preprocessing.diameter is None:
        return [
            "--level auto: this model does not estimate the diameter of cells; add --diameter PX, in pixels of level 0."
        ]
    return []
