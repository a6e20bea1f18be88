"""Prepared images: the data set resized once, with every kind of target that the study needs, as image files.

They are 16-bit grey PNGs of the training size, so that all trainings start without delay and learn from the same pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import ProgressCallback, map_files
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import Split
from minunet.experiments.mask_targets import mask_target, sixteen_bit
from minunet.files.atomic_write import write_bytes
from minunet.inference.mask_limits import MaskLimits
from minunet.results.picture import png_bytes

Size = tuple[int, int]


class PreparedImages:
    """The folder of prepared images.

    Parameters
    ----------
    folder : Path
        Gets WIDTHxHEIGHT/images/NAME.png and WIDTHxHEIGHT/KIND/NAME.png for each kind of target.
    threshold : "otsu" or float
        Of the masks.
    levels : (float, float), optional
        Greys of background and cells for the kind "levels".
    reading : MaskReading, optional
        Which values of the masks are cell; see `mask_target`.
    image_range : ImageRange, optional
        Of the images; None: the largest number of its type is white in each.
    """

    def __init__(
        self,
        folder: Path,
        threshold: str | float = "otsu",
        levels: tuple[float, float] | None = None,
        image_range: ImageRange | None = None,
        reading: MaskReading | None = None,
    ):
        self.folder, self.threshold, self.levels, self.range = folder, threshold, levels, image_range
        self.reading = reading

    def write(
        self,
        pairs: Sequence[Pair],
        kinds_by_size: Mapping[Size, Iterable[str]],
        progress: ProgressCallback | None = None,
    ) -> None:
        """Write the files of the pairs that do not exist yet.

        Parameters
        ----------
        pairs : sequence of Pair
            As they were given.
        kinds_by_size : mapping of (width, height) to kinds of targets
        progress : callable, optional
            Called with the number of pairs done, and of all.

        Raises
        ------
        UserError
            If a file cannot be read or written.
        """
        missing = [pair for pair in pairs if any(not path.is_file() for path in self._files(pair, kinds_by_size))]
        if missing:
            map_files(lambda pair: self._write(pair, kinds_by_size), missing, progress)

    def pairs(self, pairs: Sequence[Pair], size: Size, kind: str) -> tuple[Pair, ...]:
        """The prepared files of pairs, under the same names."""
        return tuple(
            replace(pair, image=self._file(size, "images", pair), mask=self._file(size, kind, pair)) for pair in pairs
        )

    def split(self, split: Split, size: Size, kind: str) -> Split:
        """The prepared files of a split."""
        return Split(*(self.pairs(side, size, kind) for side in (split.train, split.validation, split.test)))

    def subfolder(self, size: Size, what: str) -> Path:
        """The folder of the images ("images") or of one kind of targets."""
        return self.folder / f"{size[0]}x{size[1]}" / what

    def limits(self, pairs: Sequence[Pair], size: Size, kind: str) -> MaskLimits:
        """The best scores that the targets of these pairs allow."""
        grey = Preprocessing(mask="grayscale")
        prepared = self.pairs(pairs, size, kind)
        return MaskLimits.of(map_files(lambda pair: grey.target(read_mask(pair)), prepared, None))

    def _file(self, size: Size, what: str, pair: Pair) -> Path:
        return self.subfolder(size, what) / f"{pair.name}.png"

    def _files(self, pair: Pair, kinds_by_size: Mapping[Size, Iterable[str]]) -> list[Path]:
        return [self._file(size, what, pair) for size, kinds in kinds_by_size.items() for what in ("images", *kinds)]

    def _write(self, pair: Pair, kinds_by_size: Mapping[Size, Iterable[str]]) -> None:
        image, mask = read_image(pair), read_mask(pair)
        for size, kinds in kinds_by_size.items():
            _write_png(self._file(size, "images", pair), Preprocessing(size=size, range=self.range).image(image))
            for kind in kinds:
                values = mask_target(mask, kind, size, self.threshold, self.levels or (0.0, 1.0), self.reading)
                _write_png(self._file(size, kind, pair), values)


def _write_png(path: Path, values: np.ndarray) -> None:
    write_bytes(path, png_bytes(sixteen_bit(values[..., 0]), compress_level=1), durable=False)  # (h, w, 1) -> (h, w)
