"""Fitting sizes: the size to which images are resized where the user names none, and what is wrong with one that was named."""

from __future__ import annotations

import math
from collections.abc import Mapping

MOST_PIXELS = 256 * 256  # of the size: about what an epoch of a few seconds on two cores allows
STEP = 16  # sides are multiples of it, so that a network of depth 4 needs no padding
DISTORTED = 0.05  # a change of the aspect of most images by more than this share is said
DISTORTED_FEW = 0.15  # and of some images by more than this
SMALLEST_CELL = 8.0  # pixels; smaller cells are a few pixels of edge
GOOD_CELL = 12.0  # pixels; what a larger size that is recommended aims at


def fitting_size(
    sizes: Mapping[tuple[int, int], int], *, least: int = STEP, pixels: int = MOST_PIXELS
) -> tuple[int, int]:
    """A size with about the aspect of most images.

    The area is at most `pixels`, or that of the images where they are smaller, so that nothing is enlarged by more than the
    rounding of the sides. Of the sizes whose sides are multiples of 16 the one is taken whose aspect is nearest to that of the
    images, where a smaller area counts as a worse fit.

    Parameters
    ----------
    sizes : mapping of (width, height) to int
        How many images have which size; at least one.
    least : int
        The shortest side that the network takes.
    pixels : int

    Returns
    -------
    (int, int)
        Width and height in pixels.

    Examples
    --------
    >>> fitting_size({(1600, 1200): 83, (1944, 1383): 7}), fitting_size({(640, 640): 9}), fitting_size({(100, 80): 3})
    ((256, 192), (256, 256), (80, 64))
    """
    width, height = _middle(sizes)
    area = min(pixels, width * height)
    aspect = math.log(width / height)
    least = -(-max(least, STEP) // STEP) * STEP
    best, fit = (least, least), math.inf
    for across in range(least, max(least, -(-width // STEP) * STEP, STEP) + 1, STEP):
        ideal = across / math.exp(aspect)
        for down in {max(least, math.floor(ideal / STEP) * STEP), max(least, math.ceil(ideal / STEP) * STEP)}:
            too_large = across * down / area
            if too_large > 1 + 1e-9 and (area == pixels or too_large > 1.25) and (across, down) != (least, least):
                continue
            misfit = abs(math.log(across / down) - aspect) + 0.1 * abs(math.log(too_large))
            if misfit < fit - 1e-12:
                best, fit = (across, down), misfit
    small = width * height <= pixels and min(width, height) >= least
    return (width, height) if small and distortion((width, height), best) > DISTORTED else best


def distortion(image: tuple[int, int], size: tuple[int, int]) -> float:
    """By which share resizing changes the aspect of an image: 0.33 from 4:3 to 1:1, whichever side becomes longer."""
    return math.exp(abs(math.log(image[0] / image[1]) - math.log(size[0] / size[1]))) - 1


def size_warnings(size: tuple[int, int], sizes: Mapping[tuple[int, int], int], *, least: int = STEP) -> list[str]:
    """A sentence where a size distorts the images.

    Parameters
    ----------
    size : (int, int)
        Width and height in pixels.
    sizes : mapping of (width, height) to int
        How many images have which size.
    least : int
        The shortest side that the network takes.
    """
    distorted, count = _distorted(size, sizes)
    total = sum(sizes.values())
    if not distorted:
        return []
    worst = max(distorted, key=lambda image: distortion(image, size))
    (width, height), (image_width, image_height) = size, worst
    which = "every image" if count == total else f"{count} of {total} images"
    by = "by" if len(distorted) == 1 else "by up to"
    fitting = fitting_size(sizes, least=least, pixels=max(width * height, MOST_PIXELS))
    remedy = f"--size {fitting[0]}x{fitting[1]}, or " if _distorted(fitting, sizes)[1] < count else ""
    return [
        f"resizing to {width}x{height} changes the aspect of {which} {by} {distortion(worst, size):.0%} "
        f"({image_width}x{image_height}), so that round cells become oval: use {remedy}--crop N to train at native resolution."
    ]


def cell_size_warnings(
    diameter: float, size: tuple[int, int], sizes: Mapping[tuple[int, int], int], *, least: int = STEP
) -> list[str]:
    """A sentence where cells are so small after resizing that they are hardly seen.

    Parameters
    ----------
    diameter : float
        Of a typical cell in pixels, after resizing; 0 where there are no cells.
    size, sizes, least
        As for `size_warnings`.
    """
    if not 0 < diameter < SMALLEST_CELL:
        return []
    width, height = _middle(sizes)
    factor = GOOD_CELL / diameter
    wanted = min(size[0] * size[1] * factor**2, width * height)
    fitting = fitting_size(sizes, least=least, pixels=max(1, round(wanted)))
    larger = fitting[0] * fitting[1] > 1.2 * size[0] * size[1]
    remedy = f"--size {fitting[0]}x{fitting[1]}, or " if larger else ""
    native = diameter * math.sqrt(width * height / (size[0] * size[1]))
    return [
        f"a typical cell is {diameter:.1f} pixels wide after resizing to {size[0]}x{size[1]} ({native:.0f} in the images), "
        f"and below {SMALLEST_CELL:.0f} it is hardly seen: use {remedy}--crop N to train at native resolution."
    ]


def _distorted(size: tuple[int, int], sizes: Mapping[tuple[int, int], int]) -> tuple[list[tuple[int, int]], int]:
    """The sizes of images that are distorted so much that it is said, and how many images have them."""
    for limit, least in ((DISTORTED, sum(sizes.values()) / 2), (DISTORTED_FEW, 0)):
        distorted = [image for image in sizes if distortion(image, size) > limit]
        count = sum(sizes[image] for image in distorted)
        if count > least:
            return distorted, count
    return [], 0


def _middle(sizes: Mapping[tuple[int, int], int]) -> tuple[int, int]:
    """The size of the image in the middle, when all are in the order of their aspects."""
    ordered = sorted(sizes, key=lambda size: (size[0] / size[1], size))
    seen, half = 0, sum(sizes.values()) / 2
    for size in ordered:
        seen += sizes[size]
        if seen >= half:
            return size
    raise ValueError("no sizes were given")
