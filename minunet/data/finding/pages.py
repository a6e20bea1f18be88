"""Pages: TIFF files of several pages, of which each is a picture with its own mask on the same page of the mask file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from minunet.data.finding.matching import Pair
from minunet.data.reading.tiff_pages import count_pages
from minunet.wording import count_noun

TIFF_ENDINGS = {".tif", ".tiff"}


@dataclass
class PagedPairs:
    """The pairs of all pages, and what was found about the files.

    Attributes
    ----------
    pairs : list of Pair
    problems : list of str
        Files whose numbers of pages differ.
    notes : list of str
    """

    pairs: list[Pair] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def divide_into_pages(pairs: Iterable[Pair]) -> PagedPairs:
    """Make a pair of every page, where image and mask are TIFF files of the same number of pages.

    A pair of pages has the name of the file and the number of the page, from 1: `stack/3`.
    """
    found, files, pages = PagedPairs(), 0, 0
    for pair in pairs:
        if pair.mask.suffix.lower() not in TIFF_ENDINGS:
            found.pairs.append(pair)
            continue
        in_mask = count_pages(pair.mask)
        if in_mask == 1:
            found.pairs.append(pair)
        elif (in_image := count_pages(pair.image)) != in_mask:
            found.problems.append(
                f"{pair.mask} has {count_noun(in_mask, 'page')}, and {pair.image} has {in_image}: export both with the same pages, "
                "or the one page that is the mask."
            )
        else:
            files, pages = files + 1, pages + in_mask
            found.pairs += [replace(pair, name=f"{pair.name}/{page + 1}", page=page) for page in range(in_mask)]
    if files:
        found.notes.append(
            f"{count_noun(pages, 'page')} of {count_noun(files, 'TIFF file')} are pairs of their own; to keep the pages of a file "
            "on one side of the split, add --group '.+'."
        )
    return found
