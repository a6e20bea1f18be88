"""Numbered masks drawn at random, and their outlines as annotation programs write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from minunet.data.pairs import find_pairs
from minunet.data.reading.pair_files import read_mask
from tests.data.small_pictures import photo, save

measure = pytest.importorskip("skimage.measure")

SHAPE = (48, 64)


def numbered_mask(seed: int, shape=SHAPE) -> np.ndarray:
    """Cells that do not touch: discs, a ring with a hole, and a cell of two parts, numbered from 1: (H, W) int."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for number, (top, left) in enumerate([(4, 4), (4, 26), (4, 46), (28, 4)], start=1):
        y, x = top + 8 + rng.uniform(-1, 1), left + 8 + rng.uniform(-1, 1)
        labels[np.hypot(rows - y, columns - x) < rng.uniform(4, 7)] = number
    y, x = 36, 32
    distance = np.hypot(rows - y, columns - x)
    labels[(distance < 7) & (distance > 3)] = 5
    labels[30:34, 46:50] = 6
    labels[38:42, 54:58] = 6
    return labels


NAMES = ("a1", "a2", "b10")
MASKS = {name: numbered_mask(seed) for seed, name in enumerate(NAMES)}


def draw_images(root: Path) -> None:
    """Write an image for each of `NAMES`."""
    for seed, name in enumerate(NAMES):
        save(root / f"{name}.png", photo(seed, SHAPE[::-1]))


def is_true(root: Path | None, **options) -> bool:
    """Whether the masks that are read equal the truth, cell by cell."""
    pairs = find_pairs(root, **options) if root else find_pairs(**options)
    assert len(pairs) == len(NAMES)
    for pair in pairs:
        stored, truth = read_mask(pair), MASKS[pair.image.stem]
        assert stored.is_numbered
        assert np.array_equal(stored.values, truth)
    return True


def rings(cell: np.ndarray) -> list[np.ndarray]:
    """The outlines of a cell, (N, 2) as (x, y), those of holes included."""
    return [contour[:-1, ::-1] - 1 for contour in measure.find_contours(np.pad(cell, 1).astype(float), 0.5)]


def parts(labels: np.ndarray) -> list[list[np.ndarray]]:
    """The rings of every cell."""
    return [rings(labels == number) for number in range(1, labels.max() + 1)]


def run_lengths(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run lengths."""
    flat = mask.T.ravel().astype(int)
    ends = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
    return np.diff([0, *ends, len(flat)]).tolist()


def run_length_text(lengths: list[int]) -> str:
    """COCO's compressed run lengths."""
    text = ""
    for i, length in enumerate(lengths):
        value = length - lengths[i - 2] if i > 2 else length
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(bits + (32 if more else 0) + 48)
    return text


def labelme(labels: np.ndarray, name: str) -> dict:
    shapes = [
        {"label": "red", "points": ring.tolist(), "group_id": number, "shape_type": "polygon"}
        for number, cell in enumerate(parts(labels))
        for ring in cell
    ]
    return {
        "version": "5.0",
        "shapes": shapes,
        "imagePath": name,
        "imageHeight": labels.shape[0],
        "imageWidth": labels.shape[1],
    }


def coco(masks: dict[str, np.ndarray], form: str = "polygons") -> dict:
    images, annotations = [], []
    for key, (name, labels) in enumerate(masks.items(), start=100):
        images.append({"id": key, "file_name": name, "width": labels.shape[1], "height": labels.shape[0]})
        for number, cell in enumerate(parts(labels), start=1):
            lengths = run_lengths(labels == number)
            stored = {
                "polygons": [(ring + 0.5).ravel().tolist() for ring in cell],
                "lengths": {"size": list(labels.shape), "counts": lengths},
                "text": {"size": list(labels.shape), "counts": run_length_text(lengths)},
            }[form]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": key,
                    "category_id": 1,
                    "segmentation": stored,
                    "bbox": [0, 0, 5, 5],
                }
            )
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}


def geojson(labels: np.ndarray) -> dict:
    features = []
    for cell in parts(labels):
        closed = [(np.vstack([ring, ring[:1]]) + 0.5).tolist() for ring in cell]
        features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": closed}, "properties": {}})
    return {"type": "FeatureCollection", "features": features}


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path
