"""COCO: one JSON file for many images, with a list of images and one of annotations.

The segmentation of an annotation is a list of polygons, or run lengths. See https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.data.outlines.drawing import between_sides, corners, cut_out
from minunet.data.outlines.image_outlines import CellOutline, ImageOutlines, image_size
from minunet.data.outlines.run_lengths import decode_run_lengths
from minunet.data.reading.numbered_cells import CellPart
from minunet.errors import UserError


def is_coco(document: Any) -> bool:
    """Whether a JSON document is of COCO."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("images"), list)
        and isinstance(document.get("annotations"), list)
    )


def read_coco(document: dict[str, Any], what: str) -> dict[str, ImageOutlines]:
    """The outlines of each image by its file name, for all images in a document of COCO."""
    images: dict[Any, ImageOutlines] = {}
    by_name: dict[str, ImageOutlines] = {}
    for number, image in enumerate(document["images"], start=1):
        place = f"{what}: image {number}"
        name, key = _fields(image, ("file_name", "id"), place)
        if not isinstance(name, str) or not isinstance(key, (int, str)):
            raise UserError(f"{place} has no file name or no id.")
        if key in images:
            raise UserError(f"{place} has the id of another image, {key}.")
        found = ImageOutlines(size=image_size(image.get("width"), image.get("height"), place))
        images[key] = by_name[name.replace("\\", "/")] = found
    classes = _classes(document.get("categories"))
    for number, annotation in enumerate(document["annotations"], start=1):
        place = f"{what}: annotation {number}"
        (key,) = _fields(annotation, ("image_id",), place)
        if not isinstance(key, (int, str)) or key not in images:
            raise UserError(f"{place} belongs to no image of the file.")
        _add(images[key], annotation, classes, place)
    return by_name


def _add(image: ImageOutlines, annotation: dict[str, Any], classes: dict[Any, str], place: str) -> None:
    stored, category = annotation.get("segmentation"), annotation.get("category_id")
    label = classes.get(category, "") if isinstance(category, (int, str)) else ""
    if not stored:
        image.boxes += bool(annotation.get("bbox"))
    elif isinstance(stored, list):
        rings = [_ring(polygon, place) for polygon in ([stored] if _is_flat(stored) else stored)]
        image.add(CellOutline.of_rings([ring for ring in rings if len(ring)], label))
    else:
        mask = decode_run_lengths(stored, place)
        part, size = cut_out(mask), (mask.shape[0], mask.shape[1])
        image.add(CellOutline(lambda shape: _checked(part, size, shape, place), label))


def _ring(polygon: object, place: str) -> np.ndarray:
    """The corners of [x1, y1, x2, y2, ...]."""
    if not isinstance(polygon, list) or len(polygon) % 2:
        raise UserError(f"{place} has a polygon that is not a list of x and y in turn.")
    if not polygon:
        return np.zeros((0, 2))
    return between_sides(corners(list(zip(polygon[0::2], polygon[1::2], strict=True)), place))


def _is_flat(stored: list[Any]) -> bool:
    """Whether a segmentation is one polygon, and not a list of polygons."""
    return isinstance(stored[0], (int, float))


def _checked(part: CellPart, size: tuple[int, int], shape: tuple[int, int], place: str) -> CellPart:
    if size != shape:
        raise UserError(
            f"{place} has run lengths of {size[1]}x{size[0]} pixels, and its image has {shape[1]}x{shape[0]}."
        )
    return part


def _classes(categories: object) -> dict[Any, str]:
    if not isinstance(categories, list):
        return {}
    return {
        category["id"]: str(category.get("name", ""))
        for category in categories
        if isinstance(category, dict) and isinstance(category.get("id"), (int, str))
    }


def _fields(entry: object, names: tuple[str, ...], place: str) -> list[Any]:
    if not isinstance(entry, dict):
        raise UserError(f"{place} is not an object.")
    return [entry.get(name) for name in names]
