"""Image costs: the time and the memory that predicting or scoring an image takes, estimated before it is decoded.

The figures were measured on one core of a Xeon processor at 2.8 GHz. Of interest is how they compare with each other and with
the start of a process, which is about the same on other machines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from minunet.data.cell_scale import scaled_size
from minunet.data.reading.image_rows import LARGE
from minunet.data.reading.open_images import open_image
from minunet.data.reading.rows_of_files import open_rows
from minunet.errors import UserError
from minunet.inference.diameter_estimate import SMALLEST
from minunet.inference.large_images import MOST_INPUT_PIXELS, estimate_of_rows
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.tile_size import pixels_at_once, tiling
from minunet.runs.cell_results import SMALL_ENOUGH
from minunet.workers.worker_count import TaskCost

SAMPLE = 64  # tasks whose images are looked at, at most: of more, every second, every third ...
LOOKED_AT = 8  # images whose cells are looked at, at most, where memory is short
MUCH_SMALLER = 1.5  # times as small that cells of the other images may be
EVERY_IMAGE = 0.03  # seconds
# Seconds a pixel: reading, the four pictures and the report; masks and scores; finding, measuring and drawing cells.
PICTURES, SCORES, CELLS = 0.3e-6, 0.2e-6, 0.3e-6
# Seconds a pixel of the network's input: for each base channel, and for each product of two.
CHANNEL, PRODUCT = 0.06e-6, 0.0011e-6
# Where the diameter of cells is estimated: pixels at most that go through the network for it, and seconds for its many small calls.
LOOKS, LOOKING = 100e3, 0.06
USUAL_SHRINKING = 1 / 16  # of the pixels of an image, where the diameter of its cells is not known yet
MARGINS = 1.5  # times as many pixels as an image has go through the network in tiles
# Bytes a pixel at the peak, with several images done before: of an image with its cells, and without.
WITH_CELLS, WITHOUT_CELLS = 170, 110
LARGE_WITH_CELLS = 85  # of an image whose pictures are made in parts
HELD = 30  # bytes a pixel of an image that waits while others of its task are done: the image and its maps
DECODED_WHOLE, FORMATS_READ_WHOLE = 6, ("JPEG", "MPO", "BMP", "DIB")
NETWORK = 38  # bytes a pixel of the network's input and base channel: the most that was measured
INPUT = 16  # bytes a pixel of the network's input and of what comes out of it, where an image is enlarged for it


@dataclass(frozen=True)
class ImageCosts:
    """What the images of a command take.

    Attributes
    ----------
    model : LoadedModel
    cells : bool
        Whether cells are found.
    diameter : float or None
        Of the cells, as for `LoadedModel.predict`.
    level : int or None
        Of the images that are pyramids.
    per_pixel : float
        Seconds a pixel, besides those of network and cells: `PICTURES` or `SCORES`.
    smallest : float
        The smallest diameter of cells, in pixels of an image, that is expected where it is estimated image by image.
    """

    model: LoadedModel
    cells: bool
    diameter: float | None = None
    level: int | None = 0
    per_pixel: float = PICTURES
    smallest: float = SMALLEST

    def of_tasks(self, groups: Sequence[Sequence[Path]], closely: bool = False) -> list[TaskCost]:
        """The cost of each of many tasks, which are groups of image files; of a long list a sample is looked at.

        Parameters
        ----------
        groups : sequence of sequence of Path
        closely : bool
            Estimate the diameter of the cells in some of the images, where the network gets images resized by it: that takes some
            tenths of a second for each of them. Without it the smallest diameter that can be found is expected.
        """
        if closely and self._estimates_diameter:
            images = [path for group in groups for path in group]
            return replace(self, smallest=self._smallest_in(images)).of_tasks(groups)
        step = -(-len(groups) // SAMPLE) or 1
        sample = [self.of_task(group) for group in groups[::step]]
        return [sample[place // step] for place in range(len(groups))]

    def _smallest_in(self, paths: Sequence[Path]) -> float:
        """The smallest diameter of cells that is to be expected, after a look at some of the images."""
        found = [self._estimate_in(path) for path in paths[:: -(-len(paths) // LOOKED_AT) or 1]]
        return max(SMALLEST, min(filter(None, found), default=SMALLEST) / MUCH_SMALLER)

    def _estimate_in(self, path: Path) -> float | None:
        """The diameter of the cells in an image, by which it is resized; None for one that cannot be read."""
        try:
            with open_rows(path, report=None) as rows:
                return estimate_of_rows(self.model, rows) or self.model.preprocessing.diameter
        except (UserError, MemoryError):
            return None

    def of_task(self, paths: Sequence[Path]) -> TaskCost:
        """The cost of a task, whose images go through the network together as far as they may."""
        images = [self._of_image(path) for path in paths]
        at_once = max(pixels_at_once(self.model.config), *(image.input_pixels for image in images))
        channels = self.model.config["base_channels"]
        network = NETWORK * channels * min(at_once, sum(image.input_pixels for image in images))
        waiting = HELD * sum(image.pixels for image in images) if len(images) > 1 else 0
        return TaskCost(
            sum(image.serial for image in images),
            sum(image.parallel for image in images),
            network + waiting + max(image.memory for image in images),
            alone=any(
                image.pixels > SMALL_ENOUGH for image in images
            ),  # it takes disk, too, and has a bar over its parts
        )

    @property
    def _estimates_diameter(self) -> bool:
        return self.diameter is None and self.model.preprocessing.diameter is not None

    def _of_image(self, path: Path) -> _ImageCost:
        """The cost of an image; of one that cannot be opened, which fails soon, nothing."""
        try:
            with open_image(path) as image:
                (width, height), file_format, scale = image.header.size, image.header.format, 1.0
                if image.pyramid is not None:
                    level = image.pyramid.levels[min(self.level or 0, len(image.pyramid.levels) - 1)]
                    width, height, scale = level.width, level.height, level.scale
            size = self._input_size((height, width), scale)
            passing, at_once = self._passing((height, width), size), self._at_once(size)
            every = EVERY_IMAGE + LOOKING * self._estimates_diameter
        except UserError:
            return _ImageCost()
        pixels, channels = width * height, self.model.config["base_channels"]
        enlarged = max(0, min(math.prod(size), MOST_INPUT_PIXELS) - pixels)
        return _ImageCost(
            pixels,
            every + pixels * (self.per_pixel + CELLS * self.cells),
            passing * (CHANNEL * channels + PRODUCT * channels**2),
            self._memory(pixels) + INPUT * enlarged + DECODED_WHOLE * pixels * (file_format in FORMATS_READ_WHOLE),
            at_once,
        )

    def _input_size(self, shape: tuple[int, int], scale: float) -> tuple[int, int]:
        """Height and width of what the network gets of an image, at most; a pixel is `scale` pixels of level 0 wide."""
        if self._estimates_diameter:
            known = self.model.preprocessing.diameter
            assert known is not None
            return scaled_size(shape, self.smallest / scale, known)[::-1]
        size = self.model.fitted(shape, None if self.diameter is None else self.diameter / scale).size
        return shape if size is None else size[::-1]

    def _passing(self, shape: tuple[int, int], size: tuple[int, int]) -> float:
        """How many pixels are expected to go through the network, in all."""
        if self._estimates_diameter:  # it is not known yet
            pixels = math.prod(shape)
            return (min(LOOKS, pixels) + USUAL_SHRINKING * pixels) * (MARGINS if self.model.is_tiled(*shape) else 1)
        return math.prod(size) * (MARGINS if self.model.is_tiled(*size) else 1)

    def _at_once(self, size: tuple[int, int]) -> int:
        """How many pixels of an input of a size (H, W) go through the network together, at most."""
        if not self.model.is_tiled(*size):
            return math.prod(size)
        tile = tiling(self.model.config, size[1])[0] ** 2
        # An image that is resized less than is expected here may be small enough to go through it as a whole.
        return max(tile, pixels_at_once(self.model.config)) if self._estimates_diameter else tile

    def _memory(self, pixels: int) -> float:
        """The bytes that an image of so many pixels takes besides the network and its file."""
        if not self.cells:
            return WITHOUT_CELLS * min(pixels, LARGE)
        return max(WITH_CELLS * min(pixels, LARGE), LARGE_WITH_CELLS * min(pixels, SMALL_ENOUGH))


class _ImageCost(NamedTuple):
    """As `TaskCost`, of one image; `memory` is without that of the network, which gets `input_pixels` at a time at most."""

    pixels: int = 0
    serial: float = 0.0
    parallel: float = 0.0
    memory: float = 0.0
    input_pixels: int = 0
