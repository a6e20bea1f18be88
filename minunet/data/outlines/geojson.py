"""GeoJSON: one file for each image, with polygons that may have holes and parts, as QuPath writes it (RFC 7946)."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.data.outlines.drawing import between_sides, corners
from minunet.data.outlines.image_outlines import CellOutline, ImageOutlines
from minunet.errors import UserError


def is_geojson(document: Any) -> bool:
    """Whether a JSON document is GeoJSON."""
    if isinstance(document, list):
        return bool(document) and is_geojson(document[0])
    return isinstance(document, dict) and document.get("type") in ("FeatureCollection", "Feature")


def read_geojson(document: Any, what: str) -> ImageOutlines:
    """The outlines in a GeoJSON document."""
    image = ImageOutlines()
    features = document.get("features", [document]) if isinstance(document, dict) else document
    if not isinstance(features, list):
        raise UserError(f"{what} has no list of features.")
    for number, feature in enumerate(features, start=1):
        place = f"{what}: feature {number}"
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict):
            raise UserError(f"{place} has no geometry.")
        kind, parts = geometry.get("type"), geometry.get("coordinates")
        if kind not in ("Polygon", "MultiPolygon"):
            image.skipped += 1
            continue
        polygons = parts if kind == "MultiPolygon" else [parts]
        if not isinstance(polygons, list) or not all(isinstance(polygon, list) for polygon in polygons):
            raise UserError(f"{place} has no list of corners.")
        rings = [_ring(ring, place) for polygon in polygons for ring in polygon]
        if rings:
            image.add(CellOutline.of_rings(rings, _label(feature.get("properties"))))
    return image


def _ring(ring: object, place: str) -> np.ndarray:
    """The corners of a ring, without the last one, which repeats the first, and without heights."""
    if not isinstance(ring, list) or not all(isinstance(corner, list) for corner in ring):
        raise UserError(f"{place} has no list of corners.")
    return between_sides(corners([corner[:2] for corner in ring[:-1]] or np.zeros((0, 2)), place))


def _label(properties: object) -> str:
    """The class as QuPath stores it."""
    stored = properties.get("classification") if isinstance(properties, dict) else None
    return str(stored.get("name", "")) if isinstance(stored, dict) else ""
