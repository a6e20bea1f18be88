"""Argument types: functions that turn the text of a command-line argument into a value.

Each raises `ValueError` with a phrase; the parser puts the flag and the text before it.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from minunet.data.cell_scale import diameter_problem
from minunet.data.reading.mask_classes import ClassRequest
from minunet.data.reading.mask_values import MaskValues
from minunet.files.names import unusable_name

MOST_BYTES = 2**60


def path_text(text: str) -> str:
    """Read a path, of a file or folder that may not exist yet."""
    if reason := unusable_name(text):
        raise ValueError(f"{reason}; check the path")
    return text


def file_path(text: str) -> Path:
    """Read a path as a `Path`."""
    return Path(path_text(text))


def image_size(text: str) -> tuple[int, int]:
    """Read "256x192" as (256, 192), width first; "256" is a square."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) == 1:
        parts *= 2
    try:
        width, height = (int(part) for part in parts)
    except ValueError:
        raise ValueError("a size is WIDTHxHEIGHT in pixels, as 256x192") from None
    if width < 1 or height < 1:
        raise ValueError("width and height must be at least 1")
    return width, height


def positive_int(text: str) -> int:
    """Read a whole number of at least 1."""
    return _whole_number(text, 1)


def non_negative_int(text: str) -> int:
    """Read a whole number of at least 0: a seed, a number of workers."""
    return _whole_number(text, 0)


def pyramid_level(text: str) -> int | None:
    """Read the level of a pyramid, 0 for the largest; None for "auto"."""
    return None if text == "auto" else _whole_number(text, 0)


def worker_number(text: str) -> int | None:
    """Read a number of workers; None for "auto"."""
    if text == "auto":
        return None
    if not text.lstrip("+-").isdecimal():
        raise ValueError("must be a whole number, or auto")
    return _whole_number(text, 1)


def positive_float(text: str) -> float:
    """Read a number greater than 0: a learning rate."""
    value = _number(text)
    if value <= 0:
        raise ValueError("must be greater than 0")
    return value


def micrometres(text: str) -> float:
    """Read the side of a pixel in micrometres."""
    from minunet.data.reading.pixel_size import LARGEST, SMALLEST  # slow to import

    value = _number(text)
    if not SMALLEST <= value <= LARGEST:
        raise ValueError(f"must be from {SMALLEST:g} to {LARGEST:g} micrometres")
    return value


def non_negative_float(text: str) -> float:
    """Read a number of at least 0: a norm."""
    value = _number(text)
    if value < 0:
        raise ValueError("must be at least 0")
    return value


def cell_diameter(text: str) -> float:
    """Read the diameter of cells in pixels."""
    value = _number(text)
    if problem := diameter_problem(value):
        raise ValueError(problem)
    return value


def fraction(text: str) -> float:
    """Read a number from 0 to 1: a threshold, a share."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise ValueError("must be from 0 to 1")
    return value


def memory_size(text: str) -> int:
    """Read an amount of memory as bytes: "2GB" is 2,000,000,000, "1.5GiB" is 1.5 * 1024**3."""
    match = re.fullmatch(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*([KMGT])(I?)B\s*", text.upper(), re.ASCII)
    if match is None:
        raise ValueError("give a number with KB, MB, GB or TB (or KiB, MiB, GiB, TiB), such as 2GB")
    number, prefix, binary = match.groups()
    size = float(number) * (1024 if binary else 1000) ** ("KMGT".index(prefix) + 1)
    if size < 1:
        raise ValueError("must be greater than 0")
    if size > MOST_BYTES:
        raise ValueError("is more than any machine has")
    return int(size)


def mask_values(text: str) -> str:
    """Read values or colours of masks, such as ">0" or "not:#ffffff"."""
    return MaskValues(text).text


def class_names(text: str) -> str:
    """Read the classes of masks, such as "background,red,white"."""
    ClassRequest.of(text)
    return text


def mask_threshold(text: str) -> str | float:
    """Read the threshold of a mask: "otsu", or a share of white."""
    if text == "otsu":
        return text
    try:
        return fraction(text)
    except ValueError as error:
        raise ValueError(f"{error}, or otsu") from None


def _whole_number(text: str, minimum: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if value < minimum:
        raise ValueError(f"must be at least {minimum}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        decimal = text.replace(",", ".")
        comma = f", with a point as in {decimal}" if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text, re.ASCII) else ""
        raise ValueError(f"must be a number{comma}") from None
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value
