"""Cells of classes: the cells of each kind, from a map of classes, and the class of every cell.

Classes that lie in another one belong to it: a nucleus and the cytoplasm around it are one white cell. Cells of different kinds are
found apart from each other, so that a platelet beside a red cell is a cell of its own, however small it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.components import label_components

# A region of one kind that has so much of its border in common with a larger region of another kind is a wrongly classified part of
# that: a spot inside of it, or a thin rim along it. Cells that touch share less.
SURROUNDED = 0.35
Finder = Callable[[np.ndarray], np.ndarray]  # the cells (H, W) int32 where a map (H, W) bool is True


@dataclass(frozen=True)
class ClassCells:
    """The cells of an image with their classes.

    Attributes
    ----------
    labels : ndarray, (H, W) int32
        The number of the cell of each pixel, from 1 without gaps; 0 where there is none.
    classes : ndarray of int, (cells + 1,)
        The index of the class of each number; 0 for 0. It is that of the outer class where one lies in another.
    """

    labels: np.ndarray
    classes: np.ndarray

    def of_class(self, place: int) -> np.ndarray:
        """The labels of the cells of one class alone, (H, W) int32, 0 elsewhere."""
        return np.where((self.classes == place)[self.labels], self.labels, 0)


def cells_by_class(index: np.ndarray, outer: Sequence[int], find: Finder) -> ClassCells:
    """Find the cells of each kind, and number them all.

    Parameters
    ----------
    index : ndarray, (H, W) int
        The class of each pixel; 0 or less is no cell.
    outer : sequence of int
        For each class the one that it belongs to: the class in which it lies, or itself.
    find : callable
        Finds the cells where a kind is.

    Returns
    -------
    ClassCells
        Numbered by kind, in the order of the classes.
    """
    kinds = np.where(index > 0, np.asarray(outer)[np.maximum(index, 0)], 0)
    return numbered_by_kind({kind: find(kinds == kind) for kind in sorted(set(outer) - {0})}, index.shape)


def numbered_by_kind(found: Mapping[int, np.ndarray], shape: tuple[int, ...]) -> ClassCells:
    """The cells of several kinds together.

    Parameters
    ----------
    found : mapping of int to ndarray
        For each kind the labels of its cells, (H, W) int32 from 1 without gaps. A pixel in cells of two kinds goes to the second.
    shape : (H, W)
    """
    labels, classes = np.zeros(shape, np.int32), [0]
    for kind, cells in found.items():
        labels = np.where(cells > 0, cells + np.int32(len(classes) - 1), labels)
        classes += [kind] * int(cells.max(initial=0))
    return ClassCells(labels.astype(np.int32, copy=False), np.array(classes))


def without_fragments(index: np.ndarray, outer: Sequence[int]) -> np.ndarray:
    """A predicted map of classes in which parts of cells that were taken for another kind have the class of the cell around them.

    Parameters
    ----------
    index : ndarray, (H, W) int
        The class of each pixel; 0 is background.
    outer : sequence of int
        As for `cells_by_class`.

    Returns
    -------
    ndarray, (H, W)
        Of each two regions of different kinds that touch, the smaller one has the outer class of the larger one where at least
        35 % of its border is to that one.
    """
    cells = cells_by_class(index, outer, label_components)
    areas = np.bincount(cells.labels.ravel(), minlength=len(cells.classes))
    becomes = classes_of_regions(cells.classes, areas, [cells.labels])
    changed = becomes != cells.classes
    return np.where(changed[cells.labels], becomes[cells.labels], index).astype(index.dtype)


def classes_of_regions(kinds: np.ndarray, areas: np.ndarray, bands: Iterable[np.ndarray]) -> np.ndarray:
    """The outer class that the regions of an image have in the end, see `without_fragments`.

    Parameters
    ----------
    kinds : ndarray of int, (regions + 1,)
        The outer class of each region; 0 for 0, the background.
    areas : ndarray, (regions + 1,)
        In pixels.
    bands : iterable of ndarray
        The number of the region of each pixel, some rows at a time: the rows of the image from top to bottom, where each band but
        the first begins with the last row of the band above.

    Returns
    -------
    ndarray of int, (regions + 1,)
    """
    becomes = kinds.copy()
    if len(set(becomes.tolist())) < 3:
        return becomes
    border, total = _borders(bands, len(becomes))
    for (small, large), length in sorted(border.items(), key=lambda item: (areas[item[0][0]], item[0])):
        is_part = small and large and areas[small] < areas[large] and length >= SURROUNDED * total[small]
        if is_part and becomes[small] != becomes[large]:
            becomes[small] = becomes[large]
    return becomes


def inner_areas(index: np.ndarray, cells: ClassCells, outer: Sequence[int]) -> dict[int, tuple[int, int]]:
    """For each cell of a class in which others lie: the pixels of these, and those of the class itself.

    Parameters
    ----------
    index : ndarray, (H, W) int
    cells : ClassCells
    outer : sequence of int

    Returns
    -------
    dict of int to (int, int)
        By the number of the cell. Of a white cell they are the areas of the nucleus and of the cytoplasm.
    """
    return inner_areas_of([(index, cells.labels)], cells.classes, outer)


def inner_areas_of(
    parts: Iterable[tuple[np.ndarray, np.ndarray]], classes: np.ndarray, outer: Sequence[int]
) -> dict[int, tuple[int, int]]:
    """As `inner_areas`, of an image in parts.

    Parameters
    ----------
    parts : iterable of (index, labels)
        The class and the number of the cell of each pixel, (h, W) each.
    classes : ndarray of int, (cells + 1,)
        As of `ClassCells`.
    outer : sequence of int
    """
    around = {place for inner, place in enumerate(outer) if inner != place}
    if not around:
        return {}
    count = len(classes)
    lies_inside = np.array([place != inner for inner, place in enumerate(outer)])
    inside, own = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for index, labels in parts:
        inside += np.bincount(labels[lies_inside[np.maximum(index, 0)]], minlength=count)
        own += np.bincount(labels[index == classes[labels]], minlength=count)
    return {number: (int(inside[number]), int(own[number])) for number in range(1, count) if classes[number] in around}


def _borders(bands: Iterable[np.ndarray], count: int) -> tuple[dict[tuple[int, int], int], np.ndarray]:
    """How many sides of pixels each region has in common with each other one, and in all; `bands` as in `classes_of_regions`."""
    border: dict[tuple[int, int], int] = {}
    for place, band in enumerate(bands):
        rows = band[1:] if place else band
        codes = []
        for one, other in ((band[1:], band[:-1]), (rows[:, 1:], rows[:, :-1])):
            differ = one != other
            first, second = one[differ].astype(np.int64), other[differ].astype(np.int64)
            codes += [first * count + second, second * count + first]
        for pair, number in zip(
            *map(np.ndarray.tolist, np.unique(np.concatenate(codes), return_counts=True)), strict=True
        ):
            regions = divmod(pair, count)
            border[regions] = border.get(regions, 0) + number
    lengths = np.zeros(count, np.int64)
    for (region, _), length in border.items():
        lengths[region] += length
    return border, lengths
