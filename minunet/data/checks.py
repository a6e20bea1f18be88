"""Checks: everything that can be wrong or odd about a set of pairs once their files have been decoded.

Problems stop a training before it begins and name the file and the remedy; warnings are for the user to weigh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from minunet.data.finding.matching import Pair
from minunet.data.reading.file_facts import TWELVE_BITS, Facts, examine
from minunet.data.reading.file_workers import ProgressCallback, map_files
from minunet.data.reading.image_files import frames_warning
from minunet.wording import count_noun, join_names

PHOTO_LEVELS = 48  # a photograph has more grey levels than this, a drawn mask fewer
PHOTO_CONCENTRATION = 0.6  # less than this share of a grey photograph lies near its two commonest levels
COLOUR_CONCENTRATION = 0.8  # and less than this of a photograph in colour, which a mask isn't anyway
MASK_CONCENTRATION = 0.8  # at least this share of a mask does, also after JPEG or averaging
SOFT_BLACK = 0.2  # a grey mask with soft slopes has at least this share of black around its cells
COLOURFUL = 4.0  # mean spread of the channels, of 255, above which a picture is in colour


def check_contents(pairs: Sequence[Pair], progress: ProgressCallback | None = None) -> tuple[list[str], list[str]]:
    """Decode every file of the pairs and judge them.

    Parameters
    ----------
    pairs : sequence of Pair
    progress : callable or None
        Called as `progress(files done, files in all)`.

    Returns
    -------
    problems, warnings : list of str
    """
    jobs = list(dict.fromkeys([(pair.image, False) for pair in pairs] + [(pair.mask, True) for pair in pairs]))
    found = dict(zip(jobs, map_files(lambda job: examine(job[0], mask=job[1]), jobs, progress), strict=True))
    facts = [(pair, found[pair.image, False], found[pair.mask, True]) for pair in pairs]
    problems = [file.problem for file in found.values() if file.problem]
    problems += _sizes(facts) + _swapped([row for row in facts if not (row[1].problem or row[2].problem)])
    usable = [row for row in facts if not (row[1].problem or row[2].problem)]
    return problems, _warnings(usable)


def looks_like_image(facts: Facts) -> bool:
    """Whether a file given as a mask has the tones of a photograph: many levels, and no two that hold most of it."""
    if facts.levels <= PHOTO_LEVELS:
        return False
    if facts.colourful >= COLOURFUL:
        return facts.concentration < COLOUR_CONCENTRATION
    return facts.concentration < PHOTO_CONCENTRATION and facts.black < SOFT_BLACK


def looks_like_mask(facts: Facts) -> bool:
    """Whether a picture has the tones of a mask: no colour, and most of it at two levels or much of it black."""
    if facts.colourful >= COLOURFUL:
        return False
    return facts.levels <= 2 or facts.concentration > MASK_CONCENTRATION or facts.black >= SOFT_BLACK


def evidence(facts: Facts) -> str:
    """The numbers by which a picture is judged, for a sentence."""
    colour = f"mean colour {facts.mean}" if facts.colourful >= COLOURFUL else f"mean grey {facts.mean[0]}"
    levels = "1 grey level" if facts.levels == 1 else f"{facts.levels} grey levels"
    return f"{levels}, {colour}, {facts.concentration:.0%} of it near its two commonest levels"


def _sizes(facts: list[tuple[Pair, Facts, Facts]]) -> list[str]:
    problems = []
    for pair, image, mask in facts:
        if image.header is None or mask.header is None or image.header.size == mask.header.size:
            continue
        (width, height), (mask_width, mask_height) = image.header.size, mask.header.size
        turned = " (turned by 90 degrees)" if (mask_width, mask_height) == (height, width) else ""
        problems.append(
            f"{pair.mask} has {mask_width}x{mask_height} pixels but {pair.image} has {width}x{height}{turned}: "
            "export the mask at the size of its image."
        )
    return problems


def _swapped(facts: list[tuple[Pair, Facts, Facts]]) -> list[str]:
    """Masks that look like images: one sentence for a folder that was swapped as a whole, one for each file else."""
    problems, swapped = [], []
    for pair, image, mask in facts:
        if image.digest == mask.digest and not image.constant and image.levels > 2:
            problems.append(f"{pair.mask} holds the same pixels as {pair.image}: put the real mask in its place.")
        elif mask.levels > PHOTO_LEVELS and looks_like_mask(image) and not looks_like_mask(mask):
            swapped.append((pair, image, mask))
        elif looks_like_image(mask):
            problems.append(
                f"{pair.mask} looks like an image, not a mask ({evidence(mask)}): a mask has two levels or soft edges "
                "between them; put the mask of this image in its place."
            )
    if swapped and 2 * len(swapped) > len(facts):
        pair, image, mask = swapped[0]
        problems.append(
            f"{pair.image.parent} and {pair.mask.parent} look swapped: in {count_noun(len(swapped), 'pair')} of {len(facts)} the "
            f"mask looks like an image and the image like a mask; {pair.mask} has {evidence(mask)}, {pair.image} has "
            f"{evidence(image)}: swap the two folders (or --images and --masks)."
        )
    else:
        problems += [
            f"{pair.image} and {pair.mask} look swapped: the mask has {evidence(mask)}, the image has {evidence(image)}: "
            "swap the two files."
            for pair, image, mask in swapped
        ]
    return problems


def _warnings(facts: list[tuple[Pair, Facts, Facts]]) -> list[str]:
    files = {file.path: file for _, image, mask in facts for file in (image, mask)}
    warnings = [frames_warning(file.path, file.header.frames) for file in files.values() if file.header.frames > 1]
    warnings += _duplicates(facts)

    lossy = [mask.path for _, _, mask in facts if mask.header.format in ("JPEG", "MPO")]
    if lossy:
        warnings.append(
            f"{count_noun(len(lossy), 'mask')} stored as JPEG, which blurs edges and invents levels ({join_names(lossy)}): "
            "PNG masks are exact."
        )
    constant = [mask for _, _, mask in facts if mask.constant]
    if constant:
        extent = (
            "all masks are"
            if len(constant) == len(facts)
            else f"{count_noun(len(constant), 'mask')} of a single level:"
        )
        warnings.append(
            f"{extent} constant, without any edge to learn ({_listed(constant)}): check that this is meant."
        )
    blank = [image.path for _, image, _ in facts if image.constant]
    if blank:
        warnings.append(
            f"{count_noun(len(blank), 'image')} of a single colour ({join_names(blank)}): nothing can be learnt from it."
        )
    labelled = [mask for _, _, mask in facts if mask.labels]
    if labelled:
        warnings.append(
            f"{count_noun(len(labelled), 'mask')} with three or more low levels, as if they numbered classes or cells "
            f"({labelled[0].path}: {labelled[0].labels} levels up to {labelled[0].top}): Otsu's threshold would cut among "
            "them; a threshold of 0 takes every number above 0 as cell."
        )
    deep = [image for _, image, _ in facts if image.white > 255]
    if deep and max(image.top for image in deep) <= TWELVE_BITS:
        warnings.append(
            f"{count_noun(len(deep), '16-bit image')} never above {max(image.top for image in deep)} of 65535, as from a 12-bit "
            f"camera ({join_names([image.path for image in deep])}): they read as nearly black; stretch them to 16 bits."
        )
    return warnings


def _duplicates(facts: list[tuple[Pair, Facts, Facts]]) -> list[str]:
    copies = defaultdict(list)
    for row in facts:
        copies[row[1].digest].append(row)
    warnings = []
    for rows in copies.values():
        if len(rows) < 2:
            continue
        names = join_names([pair.image for pair, _, _ in rows])
        sides = sorted({pair.split for pair, _, _ in rows if pair.split})
        if len(sides) > 1:
            remedy = (
                f"they lie on both sides of the split ({' and '.join(sides)}), so the scores will flatter: keep one."
            )
        else:
            remedy = "they are kept on one side of the split; keep one unless this is meant."
        masks = "" if len({mask.digest for _, _, mask in rows}) == 1 else ", but their masks differ"
        warnings.append(f"{names} hold the same picture{masks}: {remedy}")
    return warnings


def _listed(files: list[Facts]) -> str:
    return join_names([Path(file.path) for file in files])
