"""Pairs: the images of a data set with their masks, found and checked before anything else happens.

A survey gathers everything that is wrong at once, so that a user mends a data set in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from minunet.data.checks import check_contents
from minunet.data.finding.layouts import find_sources
from minunet.data.finding.listing import natural_key
from minunet.data.finding.matching import Pair, match
from minunet.data.reading.file_workers import ProgressCallback
from minunet.errors import UserError

__all__ = ["Pair", "Survey", "check_pairs", "find_pairs", "survey"]

SIDES = ("train", "validation", "test")


@dataclass(frozen=True)
class Survey:
    """What looking through a data set brought up.

    Attributes
    ----------
    pairs : tuple of Pair
        The pairs that were found, sound or not, in natural order, by side of the split first where the layout has one.
    problems : tuple of str
        What must be mended before training, each a sentence naming the file and the remedy.
    warnings : tuple of str
        What should be known.
    """

    pairs: tuple[Pair, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

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
    """Look through a data set: folders, names and, unless told otherwise, every pixel.

    Parameters
    ----------
    data : path or None
        A folder in one of the layouts images/ + masks/, imgs/ + masks/, original/ + mask/, image/ + label/ (each also
        inside train/, validation/ and test/, whose split is then kept), or one folder with NAME.ext beside
        NAME_mask.ext, NAME-mask.ext, or NAME.bmp beside NAME.png.
    images, masks : path or None
        Two folders in place of `data`. Masks are named like their images, with or without _mask behind.
    contents : bool
        Decode every file; False looks at names only.
    progress : callable or None
        Called as `progress(files decoded, files in all)`.

    Returns
    -------
    Survey
        Never raises for anything wrong with the data; `Survey.require` does.
    """
    found = find_sources(*(None if given is None else Path(given).expanduser() for given in (data, images, masks)))
    problems, warnings, pairs = list(found.problems), list(found.warnings), []
    for source in found.sources:
        matched, unmatched = match(source)
        pairs += matched
        problems += unmatched
    pairs.sort(key=lambda pair: (SIDES.index(pair.split) if pair.split else 0, natural_key(pair.name)))
    if contents:
        wrong, odd = check_contents(pairs, progress)
        problems += wrong
        warnings += odd
    return Survey(tuple(pairs), tuple(problems), tuple(warnings))


def find_pairs(
    data: str | PathLike | None = None,
    *,
    images: str | PathLike | None = None,
    masks: str | PathLike | None = None,
) -> list[Pair]:
    """Find the pairs of a data set by folder and file names alone (see `survey` for the layouts).

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
        Warnings: copies, JPEG masks, constant masks, frames left unread and the like.

    Raises
    ------
    UserError
        With every unreadable or truncated file, every mask of another size, and every mask that looks like an image.
    """
    problems, warnings = check_contents(pairs, progress)
    if problems:
        raise UserError(problems)
    return warnings
