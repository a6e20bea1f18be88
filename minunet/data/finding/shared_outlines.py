"""Shared outlines: the outlines of many images in one file.

The images are in one folder, at any depth.
"""

from __future__ import annotations

from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.data_folders import DataFolders
from minunet.data.finding.folder_choice import folders_of_kind
from minunet.data.finding.folder_names import SIDES, folder_role
from minunet.data.finding.listing import Listing, list_folder, list_tree
from minunet.data.finding.outline_pairs import match_outlines
from minunet.data.outlines.outline_file import OutlineFile, read_outlines
from minunet.errors import UserError
from minunet.wording import count_noun


def add_shared_outlines(folders: DataFolders, listing: Listing, split: str | None, prefix: str) -> bool:
    """Add the images in a folder, at any depth, whose outlines are in one file; False where there is no such file."""
    places = [listing, *(list_folder(role.folder) for role in folders_of_kind(listing, "masks"))]
    files = [file for place in places for file in place.others if file.suffix.lower() == ".json"]
    if not files:
        return False
    images = list_tree(listing.folder)
    read = {file: _read_shared(file, images.files) for file in files} if images.files else {}
    sources = {file: outlines for file, outlines in read.items() if outlines is not None}
    if not sources:
        return False
    in_files = {image.parent for image in images.files if any(source.find(image) for source in sources.values())}
    stated = {image.parent for image in images.files if any(s.states_folders_of(image) for s in sources.values())}
    used = stated or in_files
    for folder in dict.fromkeys(image.parent for image in images.files):
        if folder not in used:
            own = [image for image in images.files if image.parent == folder]
            folders.notes.append(f"{folder} holds {count_noun(len(own), 'image')} without outlines: left out.")
    sides: dict[str | None, list[Path]] = {}
    for image in (image for image in images.files if image.parent in used):
        top = folder_role(listing.folder / image.relative_to(listing.folder).parts[0])
        side = None if image.parent == listing.folder else top.split
        sides.setdefault(split or side, []).append(image)
    added = False
    for side, own in sides.items():
        found = match_outlines(DataFolder(Listing(listing.folder, own), None, side, prefix), list(sources))
        if found is None and side in SIDES[1:]:
            folders.notes.append(
                f"{count_noun(len(own), 'image')} for {side} without masks left out, such as {own[0]}."
            )
        elif found is None:
            folders.unpaired += [f"{image} has no mask: add its outlines or take the image out." for image in own]
        else:
            if len(sides) > 1:
                found.lone_masks.clear()  # the images of the other sides
            folders.take(found)
            added = True
    return added


def _read_shared(file: Path, images: list[Path]) -> OutlineFile | None:
    """The outlines in a JSON file that holds those of images by their names; None where it holds none of these images."""
    try:
        outlines = read_outlines(file)
    except UserError:
        return None
    return outlines if any(outlines.find(image) is not None for image in images) else None
