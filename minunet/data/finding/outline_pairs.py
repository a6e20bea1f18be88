"""Outline pairs: images whose masks are outlines in files of annotation programs, one for each image or one for all."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.folder_names import folder_role
from minunet.data.finding.matching import MatchedFolder, Pair
from minunet.data.outlines.image_outlines import ImageOutlines
from minunet.data.outlines.outline_file import OUTLINE_ENDINGS, OutlineFile, read_outlines
from minunet.errors import UserError
from minunet.wording import at_most, count_noun, join_names

ONE_IMAGE_ONLY = {".txt", ".xml"}  # endings of files that belong to one image, by its name
NEEDS_MASKS = "boxes, not outlines: minunet needs masks"
RECTANGLES = "every outline is a rectangle along the axes, and so it is taken for a box"
IF_OUTLINES = (
    "; if the cells do have this shape, give their masks as images (CVAT exports them as Segmentation mask, and "
    "labelme_export_json writes them for LabelMe)"
)
MOST_CLASSES = 6
ANY_SIZE = (1, 1)  # of an image, where its outlines are counted and not drawn


@dataclass(frozen=True)
class _Source:
    """A file that holds outlines or boxes of an image, and what it holds of it."""

    file: Path
    program: str
    content: ImageOutlines


def outline_candidates(files: Sequence[Path], images: Sequence[Path]) -> list[Path]:
    """The files that may hold outlines or boxes of some images; texts and XML files only with the name of one of them."""
    stems = {image.stem for image in images}
    return [
        file
        for file in files
        if (ending := file.suffix.lower()) in OUTLINE_ENDINGS and (ending not in ONE_IMAGE_ONLY or file.stem in stems)
    ]


def match_outlines(folder: DataFolder, files: Sequence[Path]) -> MatchedFolder | None:
    """Match files of outlines with the images of a folder.

    Parameters
    ----------
    folder : DataFolder
        Files that cannot be read are passed over where `masks` is None and no other file holds outlines of its images: they
        may be anything. What is in `masks` is not used.
    files : sequence of Path
        That may hold outlines.

    Returns
    -------
    MatchedFolder or None
        None where none of the files holds outlines or boxes of these images.
    """
    found, problems, damaged = MatchedFolder(), list[str](), list[str]()
    sources: dict[Path, list[_Source]] = defaultdict(list)
    images_by_stem = _by_stem(folder.images.files)
    used: set[str] = set()
    for file in files:
        own_images = images_by_stem.get(file.stem, [])
        if not own_images and file.suffix.lower() in ONE_IMAGE_ONLY:
            continue
        try:
            outlines = read_outlines(file)
        except UserError as error:
            problems += error.problems
            continue
        if outlines.images:
            _add_images(outlines, file, folder, sources, used, found)
            continue
        try:
            for image in _nearest(own_images, file):
                source = _Source(file, outlines.program, outlines.of_image(image, ANY_SIZE, str(file)))
                sources[image].append(source)
        except UserError as error:  # of YOLO, whose lines are read here
            damaged += error.problems
    found.problems += at_most(damaged, "damaged files of outlines")
    if not sources:
        found.problems += at_most(problems, "files that are not read") if folder.masks is not None else []
        return found if found.problems else None
    found.problems += at_most(problems, "files that are not read")
    _judge(folder, sources, found)
    return found


def _judge(folder: DataFolder, sources: dict[Path, list[_Source]], found: MatchedFolder) -> None:
    """Make the pairs, or the problem that there are only boxes."""
    drawn: list[_Source] = []
    boxed: list[tuple[Path, _Source]] = []
    ambiguous: list[tuple[Path, list[Path]]] = []
    lone_images = []
    for image in folder.images.files:
        if image not in sources:
            lone_images.append(image)
            continue
        candidates = _candidates(sources[image], folder.split)
        source = candidates[0]
        if len({candidate.file for candidate in candidates}) > 1:
            ambiguous.append((image, [candidate.file for candidate in candidates]))
        if source.content.only_boxes:
            boxed.append((image, source))
            continue
        drawn.append(source)
        found.pairs.append(Pair(folder.pair_name(folder.images.stem(image)), image, source.file, folder.split))
    if boxed and not found.pairs:
        names = join_names(sorted({source.program for _, source in boxed}))
        rectangles = any(source.content.outlines for _, source in boxed)
        file = boxed[0][1].file
        found.problems.append(
            f"{file.parent} holds {NEEDS_MASKS} ({names}, {count_noun(len(boxed), 'image')}, such as {file.name})"
            f"{'; ' + RECTANGLES if rectangles else ''}: draw the outlines of the cells, for example in LabelMe or CVAT"
            f"{IF_OUTLINES if rectangles else ''}."
        )
        return
    found.unpaired += [
        f"{image} has no mask: {source.file} holds {NEEDS_MASKS}{'; ' + RECTANGLES if source.content.outlines else ''}."
        for image, source in boxed
    ]
    found.unpaired += [f"{image} has no mask: add its outlines or take the image out." for image in lone_images]
    if ambiguous:
        image, files = ambiguous[0]
        place = shlex.quote(str(folder.images.folder))
        ways = [f"--images {place} --masks {shlex.quote(str(file))}" for file in files]
        found.problems.append(
            f"{join_names(files)} all hold outlines of {count_noun(len(ambiguous), 'image')}, such as {image.name}: choose with "
            f"{' or '.join(ways[:3])}, in place of DATA."
        )
    found.notes.append(_note(drawn))


def _candidates(sources: list[_Source], split: str | None) -> list[_Source]:
    """The files that may hold the mask of an image: those with outlines, and of these the ones of its side of the split."""
    with_outlines = [source for source in sources if not source.content.only_boxes] or sources
    of_side = [source for source in with_outlines if folder_role(Path(source.file.stem)).split == split]
    return of_side if split and of_side else with_outlines


def _note(sources: Sequence[_Source]) -> str:
    """The sentence on the outlines of which the masks are drawn, each image's from one file."""
    contents = [source.content for source in sources]
    cells = sum(len(content.outlines) for content in contents)
    skipped = sum(content.skipped + content.boxes for content in contents)
    classes = Counter(outline.label for content in contents for outline in content.outlines if outline.label)
    listed = ", ".join(f"{name} {count:,}" for name, count in classes.most_common(MOST_CLASSES))
    more = f" ({listed})" if len(classes) > 1 else ""
    left_out = f"; {count_noun(skipped, 'mark')} without an outline left out" if skipped else ""
    return (
        f"masks are outlines of {join_names(sorted({source.program for source in sources}))}: {count_noun(cells, 'cell')} in "
        f"{count_noun(len(sources), 'image')}{more}{left_out}."
    )


def _add_images(
    outlines: OutlineFile,
    file: Path,
    folder: DataFolder,
    sources: dict[Path, list[_Source]],
    used: set[str],
    found: MatchedFolder,
) -> None:
    """Add a file with the outlines of many images to those images, and the entries that have no image."""
    matched: dict[int, list[Path]] = defaultdict(list)  # by entry, since several images may have the name of one entry
    for image in folder.images.files:
        entry = outlines.find(image)
        if entry is not None:
            matched[id(entry)].append(image)
    if not matched:
        return
    for images in matched.values():
        exact = [image for image in images if outlines.states_folders_of(image)]
        for image in exact if len(images) > 1 and exact else images:
            sources[image].append(_Source(file, outlines.program, outlines.of_image(image, ANY_SIZE, str(file))))
    names = {image.name for image in folder.images.files}
    for name in outlines.images:
        if name.rpartition("/")[2] not in names and name not in used:
            used.add(name)
            found.lone_masks.append(f"{file} has no image for its entry {name}: add the image or take the entry out.")


def _by_stem(images: Sequence[Path]) -> dict[str, list[Path]]:
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        by_stem[image.stem].append(image)
    return by_stem


def _nearest(images: list[Path], file: Path) -> list[Path]:
    """Of the images with the stem of a file the one in its folder, or the only one, or the one in a folder of the same name."""
    beside = [image for image in images if image.parent == file.parent]
    if len(beside) == 1 or len(images) < 2:
        return beside or images
    return [image for image in images if image.parent.name == file.parent.name]
