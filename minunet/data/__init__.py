"""Data: from folders of images and masks to batches, and from a large image to tiles and back.

The names below are imported when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Batches": "batches",
    "augment": "augmentation",
    "Pair": "finding.matching",
    "Preprocessing": "reading.preprocessing",
    "Split": "split",
    "Survey": "pairs",
    "check_pairs": "pairs",
    "decode": "reading.image_files",
    "decode_mask": "reading.image_files",
    "find_pairs": "pairs",
    "from_pil": "reading.pixels",
    "otsu_threshold": "reading.threshold",
    "predict_tiled": "tiling",
    "resize_area": "reading.resize",
    "resize_bilinear": "reading.resize",
    "split_pairs": "split",
    "survey": "pairs",
    "to_grey": "reading.pixels",
    "to_rgb": "reading.pixels",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
