"""Similar images: the same picture twice, also where it was saved again, made lighter or darker, resized, turned or mirrored.

The thumbnails of `ImageMeasures` are compared by their correlation. Parts of one picture that only overlap are not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SIMILAR = 0.9  # on real smears copies are above 0.99, different images below 0.3
SYMMETRIC = 0.1  # largest squared distance of the symmetric parts: the expected one is (1 - SIMILAR) / 4
BLOCK = 512  # rows of the table of distances in memory at the same time


@dataclass(frozen=True)
class SimilarImages:
    """Images that show the same picture.

    Attributes
    ----------
    members : tuple of int
        The places of the images in the sequence that was compared, in ascending order.
    correlation : float
        The lowest that joined them, from `SIMILAR` to 1.
    turned : bool
        Whether one is turned or mirrored.
    """

    members: tuple[int, ...]
    correlation: float
    turned: bool


def find_similar(descriptors: Sequence[np.ndarray]) -> list[SimilarImages]:
    """Groups of images that show the same picture.

    Parameters
    ----------
    descriptors : sequence of ndarray, (n, n)
        Each of norm 1, or zeros for an image that is like no other; see `ImageMeasures.descriptor`.

    Returns
    -------
    list of SimilarImages
        Each image is in one of them at most.

    Notes
    -----
    Two images that are equal but for a turn have equal symmetric parts (the mean of an image and its seven turned and mirrored
    versions). Only pairs whose symmetric parts are near each other are compared in all eight ways.
    """
    if len(descriptors) < 2:
        return []
    images = np.stack([np.asarray(descriptor, np.float32) for descriptor in descriptors])  # (N, n, n)
    symmetric = _symmetric_parts(images)
    squares = np.einsum("ij,ij->i", symmetric, symmetric)
    empty = np.abs(images).max(axis=(1, 2)) == 0
    leader = list(range(len(images)))
    joined: dict[int, tuple[float, bool]] = {}  # by the leader of a group
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        distances = squares[block, None] + squares - 2 * symmetric[block] @ symmetric.T
        for one, other in zip(*np.nonzero(distances < SYMMETRIC), strict=True):
            one = int(one) + start
            if one < other and not (empty[one] or empty[other]):
                _join(images, one, int(other), leader, joined)
    groups: dict[int, list[int]] = {}
    for place in range(len(images)):
        groups.setdefault(_root(leader, place), []).append(place)
    return [SimilarImages(tuple(members), *joined[root]) for root, members in groups.items() if len(members) > 1]


def _join(images: np.ndarray, one: int, other: int, leader: list[int], joined: dict[int, tuple[float, bool]]) -> None:
    """Join the groups of two images where the images are similar."""
    root, other_root = sorted((_root(leader, one), _root(leader, other)))
    if root == other_root:
        return
    correlations = [float(np.vdot(_turned(images[one][None], way), images[other])) for way in range(8)]
    best = int(np.argmax(correlations))
    if correlations[best] < SIMILAR:
        return
    found = (min(1.0, correlations[best]), best > 0)
    known = [joined.pop(place) for place in (root, other_root) if place in joined]
    leader[other_root] = root
    joined[root] = (min(c for c, _ in (*known, found)), any(turned for _, turned in (*known, found)))


def _symmetric_parts(images: np.ndarray) -> np.ndarray:
    """The mean of each image (N, n, n) and its seven other versions, as (N, k) with the same distances."""
    total = np.zeros_like(images)
    for way in range(8):
        total += _turned(images, way)
    half = (images.shape[1] + 1) // 2
    rows, columns = np.triu_indices(half)  # an eighth of the image: the rest is equal to it
    count = np.zeros(images.shape[1:], np.float32)
    place = np.arange(images.shape[1])
    fold = np.minimum(place, place[::-1])
    upper, lower = np.minimum(fold[:, None], fold), np.maximum(fold[:, None], fold)
    np.add.at(count, (upper, lower), 1)  # how many pixels each of the eighth stands for
    return total[:, rows, columns] / 8 * np.sqrt(count[rows, columns])


def _root(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = leader[place]
    return place


def _turned(images: np.ndarray, way: int) -> np.ndarray:
    """Images (N, n, n) turned by a quarter `way % 4` times, and mirrored for `way` of at least 4; 0 leaves them as they are."""
    return np.rot90(images[:, :, ::-1] if way >= 4 else images, way % 4, axes=(1, 2))
