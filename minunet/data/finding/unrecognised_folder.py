"""Unrecognised folders: why a folder has none of the layouts, and which of its folders might be images and masks."""

from __future__ import annotations

import shlex
from itertools import combinations
from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.folder_names import folder_role
from minunet.data.finding.listing import Listing, list_tree
from minunet.data.finding.matching import match_masks
from minunet.data.finding.unread_files import why_no_files
from minunet.wording import join_names

MOST_TRIED = 6  # folders of unknown names whose files are compared


def why_unrecognised(listing: Listing) -> str:
    """The problem of a folder that has none of the layouts."""
    folder = listing.folder
    tried = listing.folders[:MOST_TRIED]
    matching = [two for two in combinations(tried, 2) if _match(*two)]
    if len(matching) == 1:
        first, second = matching[0]
        kinds = [folder_role(inner).kind for inner in (first, second)]
        orders = [(first, second), (second, first)]
        if kinds[0] == "images" or kinds[1] == "masks":
            orders.pop()
        elif kinds[1] == "images" or kinds[0] == "masks":
            orders.pop(0)
        ways = [f"--images {shlex.quote(str(images))} --masks {shlex.quote(str(masks))}" for images, masks in orders]
        return (
            f"{folder} holds no images/ and masks/, but the files of {first.name}/ and {second.name}/ match: choose with "
            f"{', or '.join(ways)}."
        )
    for inner in listing.folders:
        if kind := folder_role(inner).kind:
            other = "masks" if kind == "images" else "images"
            return f"{folder} has {inner.name}/ but no folder of {other}: add {other}/, or use --images and --masks."
    if listing.folders:
        names = join_names(f.name + "/" for f in listing.folders)
        return f"{folder} holds no images/ and masks/, only {names}: rename these, or use --images and --masks."
    return why_no_files(listing, None)


def _match(first: Path, second: Path) -> bool:
    """Whether the files of two folders match by their names."""
    listings = list_tree(first), list_tree(second)
    if not all(listing.files for listing in listings):
        return False
    found = match_masks(DataFolder(*listings))
    return bool(found.pairs) and not (found.problems or found.unpaired or found.lone_masks)
