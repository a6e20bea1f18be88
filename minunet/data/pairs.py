"""Pairs: the images of a data set with their masks, found and checked before anything else happens.

A survey reports everything that is wrong at once, so that a user can correct a data set in one go.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from minunet.data.finding.data_folders import DataFolders
from minunet.data.finding.folder_names import SIDES
from minunet.data.finding.layouts import find_data_folders
from minunet.data.finding.listing import natural_key
from minunet.data.finding.matching import Pair
from minunet.data.finding.pages import divide_into_pages
from minunet.data.pair_checks import constant_warnings, find_problems, find_warnings
from minunet.data.pair_statistics import PairStatistics, measure_pairs
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.mask_counts import MaskCounts
from minunet.errors import UserError
from minunet.wording import at_most, count_noun

__all__ = ["Pair", "Survey", "check_pairs", "find_pairs", "survey"]


FEWEST_PAIRS = 3  # that a split needs


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
    notes : tuple of str
        What was decided by the names of files and folders, such as how masks are named, or what is left out.
    """

    pairs: tuple[Pair, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    statistics: tuple[PairStatistics, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """For the name of each pair the hash of its image's pixels, by which copies are recognised; see `split_pairs`."""
        return {pair.pair.name: pair.image.digest for pair in self.statistics}

    @property
    def mask_counts(self) -> list[MaskCounts]:
        """The counts of the masks that could be read, by which they are read; see `choose_reading`."""
        return [pair.mask.counts for pair in self.statistics if pair.mask.counts is not None]

    @property
    def mask_names(self) -> list[Path]:
        """The files of the masks of `mask_counts`, in the same order."""
        return [pair.mask.path for pair in self.statistics if pair.mask.counts is not None]

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
    skip_unpaired: bool = False,
    numbered: bool = True,
    contents: bool = True,
    progress: ProgressCallback | None = None,
) -> Survey:
    """Look through a data set: folders, names and, by default, the pixels of every file.

    Parameters
    ----------
    data : path or None
        A folder in one of the layouts of docs/layouts.md: a folder of images and one of masks, by their usual names, also inside
        train/, validation/ and test/, whose split is then kept; images and masks in one folder, told apart by their names; or
        one folder for each image, with one mask a cell.
    images, masks : path or None
        Two folders in place of `data`, or patterns of the names of files in one folder. Masks are named like their images, or
        by one regular difference.
    skip_unpaired : bool
        Leave out images without a mask and masks without an image, in place of calling them problems.
    numbered : bool
        Read instances/ beside masks/ where both have the same names, since it numbers the cells; False reads masks/.
    contents : bool
        Decode every file, each once; False looks at names only.
    progress : callable or None
        Called as `progress(files decoded, files in all)`.

    Returns
    -------
    Survey
        Nothing that is wrong with the data raises an error here; `Survey.require` does.
    """
    folders = find_data_folders(_given(data), _given(images), _given(masks), numbered)
    paged = divide_into_pages(folders.pairs)
    pairs = sorted(paged.pairs, key=_order)
    problems, notes = _unpaired(folders, skip_unpaired)
    problems += at_most(paged.problems, "masks with another number of pages")
    notes += paged.notes
    warnings = list(folders.warnings)
    statistics = measure_pairs(pairs, progress) if contents else []
    problems += find_problems(statistics)
    if problems:  # what would stop the next attempt, or make it useless
        problems += constant_warnings(statistics)
    warnings += find_warnings(statistics)
    return Survey(tuple(pairs), tuple(problems), tuple(warnings), tuple(statistics), tuple(notes))


def _given(path: str | PathLike | None) -> Path | None:
    return None if path is None else Path(os.path.expanduser(path))


def _order(pair: Pair) -> tuple:
    return SIDES.index(pair.split) if pair.split else 0, natural_key(pair.name), pair.page


def _unpaired(folders: DataFolders, skip: bool) -> tuple[list[str], list[str]]:
    """The problems of the folders and what was decided about them, with or without the files that have no counterpart."""
    if skip and folders.pairs:
        left_out = [
            f"{count_noun(len(sentences), noun)} without {other} left out, such as {sentences[0].split(' has no ')[0]}."
            for sentences, noun, other in (
                (folders.unpaired, "image", "a mask"),
                (folders.lone_masks, "mask", "an image"),
            )
            if sentences
        ]
        return list(folders.problems), [*folders.notes, *left_out]
    problems = [
        *folders.problems,
        *at_most(folders.unpaired, "images without a mask"),
        *at_most(folders.lone_masks, "masks without an image"),
    ]
    if len(folders.pairs) >= FEWEST_PAIRS and (folders.unpaired or folders.lone_masks):
        problems.append(
            f"{count_noun(len(folders.pairs), 'image')} have a mask: with --skip-unpaired only these are used, and the others "
            "are left out."
        )
    return problems, list(folders.notes)


def find_pairs(
    data: str | PathLike | None = None,
    *,
    images: str | PathLike | None = None,
    masks: str | PathLike | None = None,
    skip_unpaired: bool = False,
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
    found = survey(data, images=images, masks=masks, skip_unpaired=skip_unpaired, contents=False)
    return list(found.require().pairs)


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
