"""Pairs: the images of a data set with their masks, found and checked before anything else happens.

A survey reports everything that is wrong at once, so that a user can correct a data set in one go.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from minunet.data.finding.layouts import SIDES, find_data_folders
from minunet.data.finding.listing import natural_key
from minunet.data.finding.matching import Pair, match_masks
from minunet.data.pair_checks import find_problems, find_warnings
from minunet.data.pair_statistics import PairStatistics, measure_pairs
from minunet.data.reading.file_workers import ProgressCallback
from minunet.errors import UserError

__all__ = ["Pair", "Survey", "check_pairs", "find_pairs", "survey"]


@dataclass(frozen=True)
class Survey:
    """The pairs of a data set and what was noticed about them.

    Attributes
    ----------
    pairs : tuple of Pair
        The pairs that were found, usable or not, in natural order, by side of the split first where the layout has one.
    problems : tuple of str
        What must be corrected before training, each a sentence that names the file and the remedy.
    warnings : tuple of str
        What the user should know.
    statistics : tuple of PairStatistics
        Statistics of the files, in the order of the pairs; empty where they were not decoded.
    """

    pairs: tuple[Pair, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    statistics: tuple[PairStatistics, ...] = ()

    @property
    def digests(self) -> dict[Path, str]:
        """For each image file the hash of its pixels, by which copies are recognised; see `minunet.data.split_pairs`."""
        return {pair.image.path: pair.image.digest for pair in self.statistics}

    def require(self) -> Survey:
        """Return the survey itself, or raise a `UserError` with all its problems."""
        if self.problems:
            raise UserError(self.problems)
        return self


def survey(
    data: str | PathLike | None = None,
    *,
    images: str | PathLike | None = None,
    masks: str | PathLike | None = None,
    contents: bool = True,
    progress: ProgressCallback | None = None,
) -> Survey:
    """Look through a data set: folders, names and, by default, the pixels of every file.

    Parameters
    ----------
    data : path or None
        A folder in one of the layouts images/ + masks/, imgs/ + masks/, original/ + mask/, image/ + label/ (each also
        inside train/, validation/ and test/, whose split is then kept), or one folder with NAME.ext beside
        NAME_mask.ext, NAME-mask.ext, or NAME.bmp beside NAME.png.
    images, masks : path or None
        Two folders in place of `data`. Masks are named like their images, with or without _mask at the end.
    contents : bool
        Decode every file, each once; False looks at names only.
    progress : callable or None
        Called as `progress(files decoded, files in all)`.

    Returns
    -------
    Survey
        Nothing that is wrong with the data raises an error here; `Survey.require` does.
    """
    folders = find_data_folders(
        *(None if path is None else Path(os.path.expanduser(path)) for path in (data, images, masks))
    )
    problems, warnings = list(folders.problems), list(folders.warnings)
    pairs: list[Pair] = []
    for folder in folders.found:
        matched, unmatched = match_masks(folder)
        pairs += matched
        problems += unmatched
    pairs.sort(key=lambda pair: (SIDES.index(pair.split) if pair.split else 0, natural_key(pair.name)))
    statistics = measure_pairs(pairs, progress) if contents else []
    problems += find_problems(statistics)
    warnings += find_warnings(statistics)
    return Survey(tuple(pairs), tuple(problems), tuple(warnings), tuple(statistics))


def find_pairs(
    data: str | PathLike | None = None, *, images: str | PathLike | None = None, masks: str | PathLike | None = None
) -> list[Pair]:
    """Find the pairs of a data set by folder and file names only (see `survey` for the layouts).

    Returns
    -------
    list of Pair
        At least one, in natural order.

    Raises
    ------
    UserError
        With every folder and file that doesn't fit.
    """
    return list(survey(data, images=images, masks=masks, contents=False).require().pairs)


def check_pairs(pairs: Sequence[Pair], *, progress: ProgressCallback | None = None) -> list[str]:
    """Decode every file of the pairs and judge them.

    Parameters
    ----------
    pairs : sequence of Pair
    progress : callable or None
        Called as `progress(files decoded, files in all)`.

    Returns
    -------
    list of str
        Warnings: copies, JPEG masks, constant masks, frames that are not read and the like.

    Raises
    ------
    UserError
        With every unreadable or truncated file, every mask of another size, and every mask that looks like an image.
    """
    statistics = measure_pairs(pairs, progress)
    if problems := find_problems(statistics):
        raise UserError(problems)
    return find_warnings(statistics)
