"""LabelMe: one JSON file for each image, with a list of shapes.

Shapes with the same group and label are parts of one cell. See https://github.com/wkentaro/labelme.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from minunet.data.outlines.drawing import corners, draw_ellipse
from minunet.data.outlines.image_outlines import CellOutline, ImageOutlines, image_size
from minunet.data.reading.numbered_cells import CellPart
from minunet.errors import UserError


def is_labelme(document: Any) -> bool:
    """Whether a JSON document is of LabelMe."""
    return isinstance(document, dict) and isinstance(document.get("shapes"), list)


def read_labelme(document: dict[str, Any], what: str) -> ImageOutlines:
    """The outlines in a document of LabelMe; `what` begins the sentence on what is wrong with it."""
    image = ImageOutlines(size=image_size(document.get("imageWidth"), document.get("imageHeight"), what))
    groups: dict[tuple[str, str], list[np.ndarray]] = {}
    for number, shape in enumerate(document["shapes"], start=1):
        place = f"{what}: shape {number}"
        if not isinstance(shape, dict):
            raise UserError(f"{place} is not an object.")
        kind, label = shape.get("shape_type") or "polygon", str(shape.get("label") or "")
        group = shape.get("group_id")
        if kind in ("polygon", "rectangle", "circle", "mask"):
            points = corners(shape.get("points"), place)
        if kind == "polygon" and len(points) >= 3:
            if group is None:
                image.add(CellOutline.of_rings([points], label))
            else:
                groups.setdefault((str(group), label), []).append(points)
        elif kind == "rectangle" and len(points) in (2, 4):
            image.add(CellOutline.of_rings([_rectangle(points)], label))
        elif kind == "circle" and len(points) == 2:
            image.add(CellOutline(_circle(points), label))
        elif kind == "mask" and len(points) == 2:
            image.add(CellOutline(_mask(shape.get("mask"), points, place), label))
        else:
            image.skipped += 1
    for (_, label), rings in groups.items():
        image.add(CellOutline.of_rings(rings, label))
    return image


def _rectangle(points: np.ndarray) -> np.ndarray:
    if len(points) == 4:
        return points
    (left, top), (right, bottom) = points
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _circle(points: np.ndarray) -> Callable[[tuple[int, int]], CellPart]:
    """The circle around the first point through the second one."""
    (x, y), radius = points[0], float(np.hypot(*(points[1] - points[0])))
    return lambda shape: draw_ellipse((float(x), float(y)), (radius, radius), 0.0, shape)


def _mask(text: object, points: np.ndarray, place: str) -> Callable[[tuple[int, int]], CellPart]:
    """A picture in base64 whose top left corner is at the first point."""
    try:
        content = base64.b64decode(str(text), validate=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                part = np.asarray(picture.convert("L")) > 0
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise UserError(f"{place} has a mask that is not a PNG picture.") from error
    left, top = (round(float(value)) for value in points.min(axis=0))

    def draw(shape: tuple[int, int]) -> CellPart:
        first_row, first_column = max(0, top), max(0, left)
        inside = part[first_row - top :, first_column - left :]
        height, width = max(0, shape[0] - first_row), max(0, shape[1] - first_column)
        return CellPart(first_row, first_column, inside[:height, :width])

    return draw
