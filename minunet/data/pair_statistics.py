"""Pair statistics: the measurements of each image and mask file of a set of pairs, each decoded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.matching import Pair
from minunet.data.reading.file_statistics import FileStatistics, measure_file
from minunet.data.reading.file_workers import ProgressCallback, map_files


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
    """Decode every file of the pairs once and measure it.

    Parameters
    ----------
    pairs : sequence of Pair
    progress : callable or None
        Called as `progress(files done, files in all)`.
    """
    files = list(dict.fromkeys([(pair.image, False) for pair in pairs] + [(pair.mask, True) for pair in pairs]))
    measured = dict(
        zip(files, map_files(lambda file: measure_file(file[0], mask=file[1]), files, progress), strict=True)
    )
    return [PairStatistics(pair, measured[pair.image, False], measured[pair.mask, True]) for pair in pairs]


def measure_digests(images: Iterable[Path]) -> dict[Path, str]:
    """The hash of the decoded pixels of each image file; "" where it can't be read."""
    paths = list(dict.fromkeys(images))
    return {path: file.digest for path, file in zip(paths, map_files(measure_file, paths), strict=True)}
