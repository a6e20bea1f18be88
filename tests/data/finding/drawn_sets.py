"""Data sets of tiny files in any layout, to look for their pairs by name."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from minunet.data.pairs import find_pairs

PICTURE = Image.new("L", (2, 3), 7)


def make(root: Path, *names: str) -> Path:
    """Write a picture, or a text where the ending is not that of a picture, for each name below a folder."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in (".png", ".jpg", ".tif", ".bmp"):
            PICTURE.save(path)
        else:
            path.write_text("x")
    return root


def numbered(*patterns: str, count: int = 6) -> list[str]:
    """Names with the numbers 1, 2 and so on in each pattern."""
    return [pattern.format(number, n=number) for number in range(1, count + 1) for pattern in patterns]


def matched(root: Path, **options) -> dict[str, str]:
    """The mask of each image that was found, both as paths from the root on."""
    pairs = find_pairs(root, **options)
    return {pair.image.relative_to(root).as_posix(): pair.mask.relative_to(root).as_posix() for pair in pairs}


def expected(image: str, mask: str, count: int = 6) -> dict[str, str]:
    """What `matched` gives for images and masks of the same numbers."""
    return {image.format(number, n=number): mask.format(number, n=number) for number in range(1, count + 1)}
