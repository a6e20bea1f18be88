"""Words in names: how the name of a file or folder is divided into words, and which of them are said of masks."""

from __future__ import annotations

import re

_MASKS = """
    mask masks label labels lbl lbls gt gts groundtruth truth seg segs segment segments segmentation segmentations
    annotation annotations annot annots anno annos target targets manual
"""
MASK_WORDS = frozenset(_MASKS.split())  # of files and of folders


def split_words(name: str) -> list[str]:
    """The words and numbers of a name in their order, in small letters; BloodMask_1 has blood, mask and 1."""
    return [word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)]
