"""YOLO: one text file for each image, with a line for each cell: its class, then the corners of its outline as shares of the image.

A line with four numbers behind the class is a box. See https://docs.ultralytics.com/datasets/segment.
"""

from __future__ import annotations

import numpy as np

from minunet.data.outlines.drawing import corners
from minunet.data.outlines.image_outlines import CellOutline, ImageOutlines
from minunet.errors import UserError

BOX = 4  # numbers behind the class


def is_yolo(text: str) -> bool:
    """Whether a text is of YOLO, by its first line."""
    first = next((line.split() for line in text.splitlines() if line.strip()), [])
    if len(first) <= BOX or not first[0].isdecimal():
        return False
    try:
        return all(-0.5 <= float(number) <= 1.5 for number in first[1:])
    except ValueError:
        return False


def read_yolo(text: str, size: tuple[int, int], what: str) -> ImageOutlines:
    """The outlines in a text of YOLO for an image of a size (width, height) in pixels."""
    image = ImageOutlines()
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) in (BOX + 1, BOX + 2):  # with a confidence
            image.boxes += 1
            continue
        if len(words) < 7 or len(words) % 2 == 0:
            raise UserError(f"{what}: line {number} has {len(words) - 1} numbers, which are no corners.")
        ring = corners(list(zip(words[1::2], words[2::2], strict=True)), f"{what}: line {number}")
        image.add(CellOutline.of_rings([ring * np.array(size, float)], words[0]))
    return image
