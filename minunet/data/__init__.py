"""Data: from folders of images and masks to batches, and from a large image to tiles and back.

The names below are imported when first used, so that importing the package costs nothing; `augment` stays the module of that
name, whose function is `minunet.data.augment.augment`.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Batches": "batches",
    "Pair": "matching",
    "Preprocessing": "preprocessing",
    "Split": "split",
    "Survey": "pairs",
    "check_pairs": "pairs",
    "decode": "images",
    "decode_mask": "images",
    "find_pairs": "pairs",
    "from_pil": "pixels",
    "otsu_threshold": "threshold",
    "predict_tiled": "tiles",
    "resize_area": "resize",
    "resize_bilinear": "resize",
    "split_pairs": "split",
    "survey": "pairs",
    "to_grey": "pixels",
    "to_rgb": "pixels",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
