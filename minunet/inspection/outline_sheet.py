"""The outline sheet of a data set: some of its images with the outlines of their masks, the unusual ones among them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.data.reading.preprocessing import as_picture
from minunet.files.folders import unwritable
from minunet.files.names import resolved
from minunet.inference.metrics import THRESHOLD
from minunet.inspection.inspection import Inspection
from minunet.inspection.pair_measures import PreparedPair, prepare_pair
from minunet.results.figures import PAPER, contact_sheet
from minunet.results.overlay import line_width, overlay
from minunet.results.picture import resize_to_width
from minunet.wording import count_noun

TILES = 12
UNUSUAL = 6  # tiles at most for images that stand out
TILE_WIDTH = 320  # pixels
CAPTION = 32  # letters below a tile
TALLEST = 1.5  # height over width of a tile; a taller image is shown narrower


def chosen_for_sheet(inspection: Inspection) -> dict[int, str]:
    """The pairs to show, by their places in `Inspection.measures` in ascending order, and what is unusual about each.

    First come outliers, images that are there twice, the masks with the most and with the fewest cells; the other tiles are
    spread evenly over the set.
    """
    measures = inspection.measures
    reasons: dict[int, str] = {}
    for outlier in inspection.outliers:
        reasons.setdefault(outlier.place, outlier.kind)
    for group in inspection.similar:
        for place in group.members[:2]:
            reasons.setdefault(place, "there twice")
    shares = np.array([one.mask.cell_share for one in measures])
    if len(measures) > TILES:
        reasons.setdefault(int(shares.argmax()), "most cell")
        reasons.setdefault(int(shares.argmin()), "least cell")
    chosen = dict(list(reasons.items())[:UNUSUAL])
    for count in range(1, TILES + 1):  # the finest even spacing that there is room for
        evenly = {int(place) for place in np.linspace(0, len(measures) - 1, count).round()}
        if len(evenly | chosen.keys()) > TILES:
            break
        spread = evenly
    for place in spread:
        chosen.setdefault(place, "")
    rest = (place for place in range(len(measures)) if place not in chosen)
    while len(chosen) < min(TILES, len(measures)):
        chosen[next(rest)] = ""
    return dict(sorted(chosen.items()))


def outline_sheet(inspection: Inspection) -> Image.Image:
    """Draw the sheet.

    Parameters
    ----------
    inspection : Inspection
        With at least one measured pair.

    Returns
    -------
    PIL image, RGB
        Every cell that a mask numbers has an outline of its own; ignored pixels are tinted orange.
    """
    assert inspection.preprocessing is not None
    chosen = chosen_for_sheet(inspection)
    tiles, captions = [], []
    for place, reason in chosen.items():
        measured = inspection.measures[place]
        tiles.append(outlined(prepare_pair(measured.pair, inspection.preprocessing)))
        side = inspection.sides.get(measured.pair.name)
        notes = ", ".join(filter(None, [count_noun(inspection.cell_areas[place].size, "cell"), side, reason]))
        captions.append(f"{_middle_left_out(measured.pair.name, CAPTION - len(notes))}: {notes}")
    of = f" of {len(inspection.measures):,}" if len(chosen) < len(inspection.measures) else ""
    heading = f"{len(chosen)}{of} images as training sees them, with the outlines of their masks"
    return contact_sheet(tiles, columns=4, captions=captions, tile_width=TILE_WIDTH, heading=heading)


def outlined(prepared: PreparedPair) -> Image.Image:
    """A pair at the width of a tile, with the outline of its mask."""
    target = prepared.target[..., 0]
    cells = prepared.labels if prepared.labels is not None else target >= THRESHOLD
    ignored = np.where(target < 0, 0.5, 0.0) if target.min() < 0 else None  # drawn as most uncertain
    thickness = line_width(target.shape, TILE_WIDTH)
    drawn = overlay(as_picture(prepared.values), cells, ignored, thickness=thickness)
    if drawn.height <= TALLEST * drawn.width:
        return resize_to_width(drawn, TILE_WIDTH)
    narrow = resize_to_width(drawn, max(1, round(TALLEST * TILE_WIDTH * drawn.width / drawn.height)))
    tile = Image.new("RGB", (TILE_WIDTH, min(narrow.height, round(TALLEST * TILE_WIDTH))), PAPER)
    tile.paste(narrow, ((TILE_WIDTH - narrow.width) // 2, 0))
    return tile


def sheet_problems(path: Path, folders: set[Path]) -> list[str]:
    """Why the sheet cannot be written to a file, a sentence each.

    Parameters
    ----------
    path : Path
    folders : set of Path
        Those of the data, in which nothing is written.
    """
    problems = []
    if path.suffix.lower() != ".png":
        problems.append(f"--sheet {path}: the sheet is a PNG file; give it a name that ends in .png.")
    if os.path.lexists(path):
        problems.append(f"--sheet {path}: is there already and would be overwritten; choose another name.")
    parent = resolved(path.parent)
    if any(parent == folder or folder in parent.parents for folder in folders):
        problems.append(f"--sheet {path}: it would be in the folder of the data; choose another one.")
    if obstacle := unwritable(path.parent):
        problems.append(f"--sheet {obstacle}")
    return problems


def _middle_left_out(name: str, length: int) -> str:
    """A name of at most `length` letters; the end often distinguishes the names of files."""
    if len(name) <= length:
        return name
    kept = max(4, length - 3)
    return f"{name[: (kept + 1) // 2]}...{name[len(name) - kept // 2 :]}"
