"""The page of an inspection: all that it found, in words, at 80 columns."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from minunet.cli.console import LABEL, WIDTH, say_commands
from minunet.data.pairs import Pair
from minunet.files.names import resolved
from minunet.inspection.inspection import VERDICTS, Inspection
from minunet.wording import count_noun, join_names, percent, shorten

LONGEST_SENTENCE = 10_000  # letters
MOST_NAMES = 5
KINDS = {1: "grey", 3: "colour"}


def page_lines(inspection: Inspection) -> list[str]:
    """The page, a string for each line; none has more than 80 columns, except for a path in the command that is longer."""
    lines = []
    for label, sentences in _items(inspection):
        folded = [line for sentence in sentences for line in fold(sentence, WIDTH - LABEL)]
        lines += [f"{label if number == 0 else '':<{LABEL}}{line}".rstrip() for number, line in enumerate(folded)]
    if inspection.command is not None:
        say_commands(lines.append, "train", inspection.command)
    return lines


def fold(sentence: str, width: int) -> list[str]:
    """A sentence in lines of at most `width` columns, broken at spaces, and within words that are longer than a line.

    Letters that would begin a line or steer the terminal are escaped; letters of double width count twice.
    """
    lines, line = [], ""
    for word in shorten(sentence, LONGEST_SENTENCE).split(" "):
        if line and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line = ""
        else:
            word = f"{line} {word}" if line else word
        while columns(word) > width:
            head = word
            while columns(head) > width:
                head = head[: min(len(head) - 1, width)]
            lines.append(head)
            word = word[len(head) :]
        line = word
    return [*lines, line]


def columns(text: str) -> int:
    """The columns that a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _items(inspection: Inspection) -> Iterator[tuple[str, list[str]]]:
    """The labels of the page and the sentences behind each."""
    config, survey, preprocessing = inspection.config, inspection.survey, inspection.preprocessing
    yield "data", list(map(str, filter(None, (config.data, config.images, config.masks))))
    yield "", [f"{count_noun(len(survey.pairs), 'pair')}{_layout(survey.pairs, config.data)}", *survey.notes]
    if inspection.sizes:
        yield "images", _images(inspection)
    if survey.pairs:
        yield "masks", _masks(inspection)
    if preprocessing is not None:
        yield "range", _range(inspection)
    if inspection.measures:
        yield "classes", [_classes(inspection)]
        yield "cells", _cells(inspection)
    if inspection.split is not None:
        sides = ", ".join(
            f"{len(names)} {what}"
            for names, what in zip(
                inspection.split.to_dict().values(), ("to train", "to validate", "to test"), strict=True
            )
        )
        yield "split", [f"{sides} (seed {config.seed})"]
    if inspection.measures:
        yield "similar", _similar(inspection)
        yield "unusual", _unusual(inspection)
        yield "limits", _limits(inspection)
    for label, sentences in (("warning", inspection.warnings), ("problem", inspection.problems)):
        for sentence in sentences:
            yield label, [sentence]
    yield "verdict", [_verdict(inspection)]


def _layout(pairs: Iterable[Pair], data: str | None) -> str:
    """The folders of the pairs, such as ": images/ with masks/"."""
    root = None if data is None else resolved(data)
    where = Counter((_below(pair.image.parent, root), _below(pair.mask.parent, root)) for pair in pairs)
    folders = [
        f"{images} with {masks}" if images != masks else f"images and masks in {images}" for images, masks in where
    ]
    return f": {join_names(folders, 3)}" if folders else ""


def _below(folder: Path, root: Path | None) -> str:
    """A folder as it is called below the data folder."""
    path = str(folder)
    if root is not None and (root == resolved(folder) or root in resolved(folder).parents):
        path = os.path.relpath(resolved(folder), root)
    return "one folder" if path == "." else f"{path}{os.sep}"


def _images(inspection: Inspection) -> list[str]:
    sizes = [f"{count} of {width}x{height}" for (width, height), count in inspection.sizes.most_common()]
    size = join_names(sizes, 3) if len(sizes) > 1 else f"all {sizes[0].rpartition(' ')[2]}"
    channels = Counter(one.channels for one in inspection.measures)
    kinds = [(KINDS.get(number, f"{number} channels"), count) for number, count in channels.most_common()]
    kind = (
        ", ".join(f"{count} {name}" for name, count in kinds) if len(kinds) > 1 else "".join(name for name, _ in kinds)
    )
    depth = " and ".join(map(_bits, inspection.image_types))
    return [
        "; ".join(filter(None, [size, ", ".join(filter(None, [kind, depth])), _of_each(inspection.image_formats)])),
        f"training sees --channels {inspection.config.channels}",
    ]


def _bits(dtype: str) -> str:
    """A type of numbers in words, such as "16 bit" for uint16."""
    bits = 8 * np.dtype(dtype).itemsize
    kind = np.dtype(dtype).kind
    return f"{bits} bit" + {"f": " float", "i": " signed"}.get(kind, "")


def _masks(inspection: Inspection) -> list[str]:
    reading = inspection.config.reading
    line = "how they are read is not decided: see the problems below" if reading is None else reading.describe()
    held = inspection.mask_values
    return [line, *filter(None, ["" if held is None else f"they hold {held}", _of_each(inspection.mask_formats)])]


def _range(inspection: Inspection) -> list[str]:
    assert inspection.preprocessing is not None
    chosen, choice = inspection.preprocessing.range, inspection.config.range
    if chosen is None:
        return ["the largest number of its type is white in each image"]
    held = inspection.image_values
    ends = "" if held is None else f"they hold {held[0]:g} to {held[1]:g}; "
    based = "from --range"
    if choice == "set":
        based = "0.1 % of the pixels of the training images are below, and 0.1 % above"
    elif choice == "full":
        based = "all that the type of the numbers can hold"
    return [chosen.describe(), ends + based]


def _classes(inspection: Inspection) -> str:
    shares = inspection.shares
    assert shares is not None
    of_images = [one.mask.cell_share for one in inspection.measures]
    single = (
        f"; in single images {percent(min(of_images))} to {percent(max(of_images))} cell" if len(of_images) > 1 else ""
    )
    if inspection.classes is not None:
        listed = ", ".join(f"{percent(share)} {name}" for name, (share, _) in inspection.classes.items())
        return f"{listed}{single}"
    ignored = f", {percent(shares['ignored'])} ignored" if shares["ignored"] else ""
    return f"{percent(shares['background'])} background, {percent(shares['cell'])} cell{ignored}{single}"


def _cells(inspection: Inspection) -> list[str]:
    cells = inspection.cells
    assert cells is not None
    how = "by their numbers" if cells.numbered else "as separate parts of the masks"
    specks = f", without {count_noun(cells.specks, 'speck')}" if cells.specks else ""
    span = (
        f"{cells.fewest:,} to {cells.most:,} in an image"
        if cells.fewest < cells.most
        else f"{cells.most:,} in each image"
    )
    lines = [f"{cells.count:,} {how}{specks}; {span}"]
    if inspection.classes is not None:
        counts = [f"{number:,} {name}" for name, (_, number) in inspection.classes.items() if number]
        lines.append(f"by class: {', '.join(counts)}")
    if cells.count:
        lines.append(
            f"{cells.median:.0f} pixels in diameter (5 % below {cells.small:.0f}, 5 % above {cells.large:.0f})"
        )
        size = inspection.config.size
        if size is not None:
            lines.append(f"{cells.median_in_network:.0f} pixels after resizing to {size[0]}x{size[1]}")
    return lines


def _similar(inspection: Inspection) -> list[str]:
    if not inspection.similar:
        return ["no image is there twice"]
    apart = sum(len(inspection.sides_of(group)) > 1 for group in inspection.similar)
    lines = [
        f"{count_noun(len(inspection.similar), 'picture')} there more than once, {apart} of them on two sides of the split"
    ]
    for group in inspection.similar[:MOST_NAMES]:
        turned = ", turned or mirrored" if group.turned else ""
        lines.append(f"{join_names(inspection.names(group.members))} (correlation {group.correlation:.3f}{turned})")
    if len(inspection.similar) > MOST_NAMES:
        lines.append(f"and {len(inspection.similar) - MOST_NAMES} more: --json lists all")
    return lines


def _unusual(inspection: Inspection) -> list[str]:
    if not inspection.outliers:
        return ["no image is much blurrier, lighter or darker than the others"]
    return [
        f"{kind}: {join_names(inspection.names([one.place for one in found]))}"
        for kind, found in inspection.outliers_by_kind.items()
    ]


def _limits(inspection: Inspection) -> list[str]:
    greys, config = inspection.greys, inspection.config
    lines = []
    if config.mask == "binary":
        lines.append("binary masks set no limits: a loss of 0 and an accuracy of 1 are possible")
        if config.size is not None:
            lines.append(
                f"resized to {config.size[0]}x{config.size[1]} and back they reach a Dice of {inspection.returned.dice:.4f} with "
                "themselves: about the best that a model can at the images' own size"
            )
    if greys is not None and config.classes is None:
        lines.append(
            f"{'with ' if config.mask == 'binary' else ''}--mask grayscale: cross-entropy no lower than {greys.loss_floor:.4f}, "
            f"Keras accuracy no higher than {greys.keras_accuracy_ceiling:.4f}"
        )
    return lines


def _verdict(inspection: Inspection) -> str:
    if inspection.problems:
        return f"{count_noun(len(inspection.problems), 'problem')} to correct before training (exit code 2)"
    if inspection.warnings:
        return f"{count_noun(len(inspection.warnings), 'warning')} to weigh before training (exit code 1)"
    return f"{VERDICTS[0]} (exit code 0)"


def _of_each(formats: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in formats.items())
