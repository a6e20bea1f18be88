"""Checks: everything that can be wrong or unusual about a set of pairs, judged by the statistics of their files.

Problems stop a training before it begins and name the file and the remedy; warnings are for the user to weigh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from minunet.data.pair_statistics import PairStatistics
from minunet.data.reading.file_statistics import FileStatistics
from minunet.data.reading.image_files import frames_warning
from minunet.data.reading.numbered_cells import CellRemarks
from minunet.data.reading.pair_files import OUTLINES
from minunet.wording import at_most, count_noun, join_names

PHOTO_LEVELS = 48  # a photograph has more grey levels than this, a drawn mask fewer
PHOTO_CONCENTRATION = 0.6  # less than this share of a grey photograph is near its two most frequent levels
COLOUR_CONCENTRATION = 0.8  # and less than this of a photograph in colour
MASK_CONCENTRATION = 0.8  # at least this share of a mask is, also after JPEG compression or averaging
SOFT_BLACK = 0.2  # a grey mask with soft edges has at least this share of black around its cells
MASK_FLATNESS = 0.5  # share of flat squares of 2x2 pixels, of which a photograph has few
MASK_REGIONS = 0.8  # share of the values with large regions
COLOURFUL = 4.0  # mean spread of the channels, of 255, above which an image is in colour


def find_problems(statistics: Sequence[PairStatistics]) -> list[str]:
    """Problems that must be corrected before training: unreadable files, sizes that differ, masks that look like images."""
    files = (*(pair.image for pair in statistics), *(pair.mask for pair in statistics))
    unreadable = [problem for file in files if file.problem for problem in (file.problem, *file.other_problems)]
    problems = at_most(list(dict.fromkeys(unreadable)), "files that cannot be read")
    readable = [pair for pair in statistics if pair.readable]
    sizes = at_most(_size_problems(statistics), "masks of another size than their images")
    return problems + sizes + at_most(_swap_problems(readable), "masks that look like images")


def find_warnings(statistics: Sequence[PairStatistics]) -> list[str]:
    """Warnings for the user: copies, JPEG masks, constant files, unread frames."""
    readable = [pair for pair in statistics if pair.readable]
    of_pages = {path for pair in readable if pair.pair.page for path in (pair.image.path, pair.mask.path)}
    headers = {
        file.path: file.header for pair in readable for file in (pair.image, pair.mask) if file.path not in of_pages
    }
    return [
        *_frame_warnings([path for path, header in headers.items() if header and header.frames > 1]),
        *_orientation_warnings(readable),
        *_copy_warnings(readable),
        *_jpeg_warnings([pair.mask for pair in readable]),
        *_constant_warnings(readable),
        *_cell_warnings(readable),
    ]


def constant_warnings(statistics: Sequence[PairStatistics]) -> list[str]:
    """Masks and images of a single level among those that can be read."""
    return _constant_warnings([pair for pair in statistics if pair.readable])


def looks_like_image(file: FileStatistics) -> bool:
    """Whether a file given as a mask has the tones of a photograph: many levels, and no two near which most of it lies."""
    if file.levels <= PHOTO_LEVELS or is_flat(file) or file.two_groups:
        return False
    if file.colourfulness >= COLOURFUL:
        return file.concentration < COLOUR_CONCENTRATION
    return file.concentration < PHOTO_CONCENTRATION and file.black_share < SOFT_BLACK


def is_flat(file: FileStatistics) -> bool:
    """Whether most of a mask lies in regions of one value each, as numbers or colours of cells do, and no photograph."""
    counts = file.counts
    return counts is not None and counts.flat_share >= MASK_FLATNESS and counts.region_share >= MASK_REGIONS


def looks_like_mask(file: FileStatistics) -> bool:
    """Whether a file has the tones of a mask: no colour, and most of it at two levels or much of it black."""
    if file.two_groups:
        return True
    if file.colourfulness >= COLOURFUL:
        return False
    return file.levels <= 2 or file.concentration > MASK_CONCENTRATION or file.black_share >= SOFT_BLACK


def describe_tones(file: FileStatistics) -> str:
    """The numbers by which a file is judged, as part of a sentence."""
    in_colour = file.colourfulness >= COLOURFUL
    colour = f"mean colour {file.mean_colour}" if in_colour else f"mean grey {file.mean_colour[0]}"
    levels = "1 grey level" if file.levels == 1 else f"{file.levels} grey levels"
    return f"{levels}, {colour}, {file.concentration:.0%} of it near its two most common levels"


def _size_problems(statistics: Iterable[PairStatistics]) -> list[str]:
    problems = []
    for image, mask in ((pair.image, pair.mask) for pair in statistics):
        if image.header is None or mask.header is None or image.header.size == mask.header.size:
            continue
        (width, height), (mask_width, mask_height) = image.header.size, mask.header.size
        turned = " (turned by 90 degrees)" if (mask_width, mask_height) == (height, width) else ""
        problems.append(
            f"{mask.path} has {mask_width}x{mask_height} pixels but {image.path} has {width}x{height}{turned}: "
            "export the mask at the size of its image."
        )
    return problems


def _swap_problems(statistics: Sequence[PairStatistics]) -> list[str]:
    """Masks that look like images: one sentence for folders that were swapped as a whole, else one for each file."""
    problems, swapped = [], []
    for image, mask in ((pair.image, pair.mask) for pair in statistics):
        if image.digest == mask.digest and not image.constant and image.levels > 2:
            problems.append(f"{mask.path} holds the same pixels as {image.path}: put the real mask in its place.")
        elif mask.levels > PHOTO_LEVELS and not is_flat(mask) and looks_like_mask(image) and not looks_like_mask(mask):
            swapped.append((image, mask))
        elif looks_like_image(mask):
            problems.append(
                f"{mask.path} looks like an image, not a mask ({describe_tones(mask)}): a mask has two levels or soft edges "
                "between them; put the mask of this image in its place."
            )
    if swapped and 2 * len(swapped) > len(statistics):
        image, mask = swapped[0]
        problems.append(
            f"{image.path.parent} and {mask.path.parent} look swapped: in {count_noun(len(swapped), 'pair')} of "
            f"{len(statistics)} the mask looks like an image and the image like a mask; {mask.path} has "
            f"{describe_tones(mask)}, {image.path} has {describe_tones(image)}: swap the two folders (or --images and "
            "--masks)."
        )
    else:
        problems += [
            f"{image.path} and {mask.path} look swapped: the mask has {describe_tones(mask)}, the image has "
            f"{describe_tones(image)}: swap the two files."
            for image, mask in swapped
        ]
    return problems


def _frame_warnings(paths: Sequence[Path]) -> list[str]:
    """One sentence on all files of several images."""
    if len(paths) < 2:
        return [frames_warning(path) for path in paths]
    return [
        f"{count_noun(len(paths), 'file')} hold several frames ({join_names(paths)}); only the first of each is used: export the "
        "others as files of their own."
    ]


def _orientation_warnings(statistics: Iterable[PairStatistics]) -> list[str]:
    """One sentence for each way in which masks without an EXIF orientation were fitted to images that have one."""
    by_raw, by_view, by_both = list[Path](), list[Path](), list[Path]()
    for pair in statistics:
        image, mask = pair.image.header, pair.mask.header
        if image is None or mask is None or image.orientation == 1 or not pair.pair.mask.is_file():
            continue
        if mask.turned_with_image:
            by_raw.append(pair.image.path)
        elif mask.orientation == 1 and mask.size == image.size and mask.format != OUTLINES:
            (by_both if image.stored_size == mask.size else by_view).append(pair.image.path)
    readings = (
        (by_raw, "fit the pixels as they are stored, before the turn: the masks are turned with the images"),
        (by_view, "fit the images after the turn: they are read as drawn on the upright images"),
        (
            by_both,
            "fit before and after the turn: they are read as drawn on the upright images; look at the outlines "
            "(python -m minunet.doctor DATA --sheet sheet.png), and if they lie beside the cells, remove the orientation from the "
            "images (exiftool -Orientation= FILE)",
        ),
    )
    return [
        f"{count_noun(len(paths), 'image')} turned by EXIF orientation ({join_names(paths)}), with masks that have none and {how}."
        for paths, how in readings
        if paths
    ]


def _copy_warnings(statistics: Iterable[PairStatistics]) -> list[str]:
    by_digest = defaultdict(list)
    for pair in statistics:
        by_digest[pair.image.digest].append(pair)
    warnings = []
    for copies in by_digest.values():
        if len(copies) < 2:
            continue
        names = join_names(copy.image.path for copy in copies)
        sides = sorted({copy.pair.split for copy in copies if copy.pair.split})
        if len(sides) > 1:
            remedy = f"they are on both sides of the split ({' and '.join(sides)}), so the scores will be too good: keep one."
        else:
            remedy = "they are kept on one side of the split; keep one unless this is intended."
        masks = "" if len({copy.mask.digest for copy in copies}) == 1 else ", but their masks differ"
        warnings.append(f"{names} hold the same picture{masks}: {remedy}")
    return at_most(warnings, "pictures that are there more than once")


def _jpeg_warnings(masks: Iterable[FileStatistics]) -> list[str]:
    lossy = [mask.path for mask in masks if mask.header and mask.header.format in ("JPEG", "MPO")]
    if not lossy:
        return []
    return [
        f"{count_noun(len(lossy), 'mask')} stored as JPEG, which blurs edges and invents levels ({join_names(lossy)}): "
        "PNG masks are exact."
    ]


def _constant_warnings(statistics: Sequence[PairStatistics]) -> list[str]:
    warnings = []
    masks = [pair.mask.path for pair in statistics if pair.mask.constant]
    images = [pair.image.path for pair in statistics if pair.image.constant]
    if masks:
        every = len(masks) == len(statistics)
        extent = "all masks are" if every else f"{count_noun(len(masks), 'mask')} of a single level:"
        warnings.append(
            f"{extent} constant, without any edge to learn ({join_names(masks)}): check that this is intended."
        )
    if images:
        warnings.append(
            f"{count_noun(len(images), 'image')} of a single colour ({join_names(images)}): nothing can be learnt from it."
        )
    return warnings


def _cell_warnings(statistics: Sequence[PairStatistics]) -> list[str]:
    """What was noticed when masks were put together from single cells."""
    remarks = {pair.pair.name: pair.mask.remarks for pair in statistics if pair.mask.remarks is not None}
    total = sum(remarks.values(), CellRemarks())
    warnings = []
    if total.overlap:
        where = [name for name, remark in remarks.items() if remark.overlap]
        warnings.append(
            f"cells overlap in {count_noun(len(where), 'mask')} ({join_names(where, 3)}): {count_noun(total.overlap, 'pixel')} in "
            f"more than one of {count_noun(total.cells, 'cell')} count for the smallest."
        )
    if total.hidden:
        where = [name for name, remark in remarks.items() if remark.hidden]
        warnings.append(
            f"{count_noun(total.hidden, 'cell')} of the masks of {join_names(where, 3)} lie under others, with no pixel left: "
            "check for cells that are there twice."
        )
    if total.empty:
        where = [name for name, remark in remarks.items() if remark.empty]
        warnings.append(
            f"{count_noun(total.empty, 'cell')} of the masks of {join_names(where, 3)} have no pixel in the image."
        )
    return warnings
