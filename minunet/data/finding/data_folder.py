"""Data folders: the files among which images and masks are matched, of a data set or of a part of it."""

from __future__ import annotations

from dataclasses import dataclass

from minunet.data.finding.listing import Listing


@dataclass(frozen=True)
class DataFolder:
    """The files of a data set, of one side of its split, or of one of its folders.

    Attributes
    ----------
    images : Listing
    masks : Listing or None
        None where images and masks are in one folder, that of `images`.
    split : "train", "validation", "test" or None
    prefix : str
        What the names of the pairs begin with: "" or the folders that they are in, with a slash behind.
    """

    images: Listing
    masks: Listing | None
    split: str | None = None
    prefix: str = ""

    def pair_name(self, stem: str) -> str:
        """The name of the pair of the image with a stem."""
        side = f"{self.split}/" if self.split else ""
        return f"{side}{self.prefix}{stem}"
