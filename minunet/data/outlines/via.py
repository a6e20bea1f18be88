"""VIA, the VGG Image Annotator: one JSON file for many images, with a list of regions for each.

Versions 1 and 2 are read, and the projects of version 2. See https://www.robots.ox.ac.uk/~vgg/software/via.
"""

from __future__ import annotations

from typing import Any

from minunet.data.outlines.drawing import FARTHEST, corners, draw_ellipse
from minunet.data.outlines.image_outlines import CellOutline, ImageOutlines
from minunet.errors import UserError


def is_via(document: Any) -> bool:
    """Whether a JSON document is of VIA."""
    if isinstance(document, dict) and "_via_img_metadata" in document:
        document = document["_via_img_metadata"]
    if not isinstance(document, dict) or not document:
        return False
    first = next(iter(document.values()))
    return isinstance(first, dict) and "filename" in first and "regions" in first


def read_via(document: dict[str, Any], what: str) -> dict[str, ImageOutlines]:
    """The outlines of each image by its file name, for all images in a document of VIA."""
    images = {}
    entries = document.get("_via_img_metadata", document)
    if not isinstance(entries, dict):
        raise UserError(f"{what} has no list of images.")
    for key, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            raise UserError(f"{what}: {key!r:.80} has no file name.")
        name, regions = entry["filename"].replace("\\", "/"), entry.get("regions")
        regions = list(regions.values()) if isinstance(regions, dict) else regions
        if not isinstance(regions, list):
            raise UserError(f"{what}: {name} has no list of regions.")
        image = images[name] = ImageOutlines()
        for number, region in enumerate(regions, start=1):
            _add(image, region, f"{what}: region {number} of {name}")
    return images


def _add(image: ImageOutlines, region: object, place: str) -> None:
    shape = region.get("shape_attributes") if isinstance(region, dict) else None
    if not isinstance(region, dict) or not isinstance(shape, dict):
        raise UserError(f"{place} has no shape.")
    kind, label = shape.get("name"), _label(region.get("region_attributes"))
    if kind in ("polygon", "polyline"):
        x, y = shape.get("all_points_x"), shape.get("all_points_y")
        if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y):
            raise UserError(f"{place} has not as many x as y.")
        ring = corners(list(zip(x, y, strict=True)), place) if x else None
        if ring is None or len(ring) < 3:
            image.skipped += 1
        else:
            image.add(CellOutline.of_rings([ring], label))
    elif kind == "rect":
        left, top, width, height = _numbers(shape, ("x", "y", "width", "height"), place)
        right, bottom = left + width, top + height
        image.add(
            CellOutline.of_rings([corners([(left, top), (right, top), (right, bottom), (left, bottom)], place)], label)
        )
    elif kind in ("circle", "ellipse"):
        x0, y0 = _numbers(shape, ("cx", "cy"), place)
        rx, ry = _numbers(shape, ("rx", "ry") if kind == "ellipse" else ("r", "r"), place)
        (angle,) = _numbers({"theta": shape.get("theta") or 0}, ("theta",), place)
        image.add(CellOutline(lambda size: draw_ellipse((x0, y0), (rx, ry), angle, size), label))
    else:
        image.skipped += 1


def _numbers(shape: dict[str, Any], names: tuple[str, ...], place: str) -> list[float]:
    values = [shape.get(name) for name in names]
    if not all(isinstance(value, (int, float)) and abs(value) <= FARTHEST for value in values):
        raise UserError(f"{place} has no number, or one that is in no image, as {' or '.join(dict.fromkeys(names))}.")
    return [float(value) for value in values if value is not None]


def _label(attributes: object) -> str:
    """The class: the first attribute that is a text."""
    if not isinstance(attributes, dict):
        return ""
    return next((value for value in attributes.values() if isinstance(value, str)), "")
