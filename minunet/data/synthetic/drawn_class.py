"""Drawn classes: what each pixel of a drawn smear shows, as the index that the files in classes/ hold."""

from __future__ import annotations

from enum import IntEnum


class DrawnClass(IntEnum):
    """The class of a pixel. The nucleus lies in the white cell, and both together are the cell."""

    BACKGROUND = 0
    RED_CELL = 1
    WHITE_CELL = 2  # the cytoplasm
    NUCLEUS = 3
    PLATELET = 4
