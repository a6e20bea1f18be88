"""Numbered twins: folders of masks that number the cells of other masks, as instances/ beside masks/ does.

The numbers say which cells touch; the other masks only say what is cell.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.folder_names import FolderRole
from minunet.data.finding.listing import list_tree
from minunet.data.finding.matching import match_masks


def numbered_twins(masks: Sequence[FolderRole]) -> dict[Path, Path]:
    """The twins among some folders of masks of one side.

    Returns
    -------
    dict of Path to Path
        For a folder of masks the one that has masks of the same images, with numbers. Empty where there is none, or several.
    """
    numbering = [role.folder for role in masks if role.numbers_cells]
    if len(numbering) != 1:
        return {}
    others = [role.folder for role in masks if not role.numbers_cells]
    return {folder: numbering[0] for folder in others if _have_the_same_names(folder, numbering[0])}


def twin_note(masks: Path, twin: Path) -> str:
    """The note that a twin is read in place of the other masks."""
    return (
        f"masks are read from {twin.name}/, which numbers the cells; for {masks.name}/ add "
        f"--masks {shlex.quote(str(masks))}."
    )


def _have_the_same_names(first: Path, second: Path) -> bool:
    listings = list_tree(first), list_tree(second)
    if not all(listing.files for listing in listings):
        return False
    found = match_masks(DataFolder(*listings))
    return bool(found.pairs) and not (found.problems or found.unpaired or found.lone_masks)
