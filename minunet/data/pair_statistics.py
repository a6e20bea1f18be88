"""Pair statistics: the measurements of each image and mask file of a set of pairs, each decoded once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from minunet.data.finding.matching import Pair
from minunet.data.outlines.outline_file import OUTLINE_ENDINGS
from minunet.data.reading.file_statistics import FileStatistics, measure_pixels
from minunet.data.reading.file_workers import ProgressCallback, map_files
from minunet.data.reading.mask_statistics import measure_stored_mask
from minunet.data.reading.pair_files import Content, OpenFile, open_pair_image, open_pair_mask
from minunet.errors import UserError


@dataclass(frozen=True)
class PairStatistics:
    """Statistics of both files of a pair."""

    pair: Pair
    image: FileStatistics
    mask: FileStatistics

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the image in pixels, (0, 0) where it can't be read."""
        return self.image.header.size if self.image.header else (0, 0)

    @property
    def readable(self) -> bool:
        """Whether both files could be decoded."""
        return not (self.image.problem or self.mask.problem)


def measure_pairs(pairs: Sequence[Pair], progress: ProgressCallback | None = None) -> list[PairStatistics]:
    """Decode every image and every mask of the pairs once and measure it.

    Parameters
    ----------
    pairs : sequence of Pair
    progress : callable or None
        Called as `progress(files done, files in all)`.
    """
    tasks: dict[Hashable, tuple[Callable[[Pair], FileStatistics], Pair]] = {}
    for measure, source in ((measure_image, _image_source), (measure_mask, _mask_source)):
        for pair in pairs:
            tasks.setdefault(source(pair), (measure, pair))
    results = map_files(lambda task: task[0](task[1]), list(tasks.values()), progress)
    measured = dict(zip(tasks, results, strict=True))
    return [PairStatistics(pair, measured[_image_source(pair)], measured[_mask_source(pair)]) for pair in pairs]


def measure_image(pair: Pair) -> FileStatistics:
    """Decode the image of a pair and measure it; what is wrong with it is reported in `FileStatistics.problem`."""
    return _measure(FileStatistics(pair.image), open_pair_image(pair), measure_pixels)


def measure_mask(pair: Pair) -> FileStatistics:
    """Decode the mask of a pair and measure it; what is wrong with it is reported in `FileStatistics.problem`."""
    return _measure(FileStatistics(pair.mask), open_pair_mask(pair), measure_stored_mask)


def measure_digests(pairs: Iterable[Pair]) -> dict[str, str]:
    """The hash of the decoded pixels of the image of each pair, by the pair's name; "" where it can't be read."""
    pairs = list(pairs)
    return {pair.name: image.digest for pair, image in zip(pairs, map_files(measure_image, pairs), strict=True)}


def _measure(
    statistics: FileStatistics,
    opened: AbstractContextManager[OpenFile[Content]],
    measure: Callable[[FileStatistics, Content], FileStatistics],
) -> FileStatistics:
    try:
        with opened as file:
            statistics = replace(statistics, header=file.header)
            return measure(statistics, file.read())
    except UserError as error:
        return replace(statistics, problem=error.problems[0], other_problems=tuple(error.problems[1:]))


def _image_source(pair: Pair) -> Hashable:
    return "image", pair.image, pair.page


def _mask_source(pair: Pair) -> Hashable:
    """One file of outlines may hold the masks of many images."""
    return "mask", pair.mask, pair.page, pair.image if pair.mask.suffix.lower() in OUTLINE_ENDINGS else ""
