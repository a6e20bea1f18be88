"""The watershed: pixels that are probably cell become numbered cells, and cells that touch are separated.

The distance to the background has a maximum in the middle of each cell, and so has what a network may have learned to separate
cells by. From these maxima, the seeds, a watershed fills every connected region of cell pixels; pieces whose seeds hardly stand out
from those of their neighbours are put together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from minunet.cell_packages import require
from minunet.cells.cell_settings import CellSettings
from minunet.data.cell_size import mean_diameter
from minunet.data.mask_cells import speck_area, typical_area

LEAST_DISTANCE = 1e-3  # share of the distance in the height
NEIGHBOURS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)  # up, down, left and right


@dataclass(frozen=True)
class CutRegion:
    """A connected region of cell pixels, cut into more pieces than there are cells.

    Attributes
    ----------
    top, left : int
        Of its box in the image.
    pieces : ndarray, (h, w) int32
        The number of the piece of each pixel, from 1; 0 is outside of the region.
    areas : ndarray, (pieces,)
        In pixels.
    peaks : ndarray, (pieces,)
        The largest height in each piece, in pixels.
    passes : list of (height, piece, piece)
        The largest height on the border of two neighbours, the highest first.
    """

    top: int
    left: int
    pieces: np.ndarray
    areas: np.ndarray
    peaks: np.ndarray
    passes: list[tuple[float, int, int]]


def find_cells(
    probability: np.ndarray, settings: CellSettings | None = None, separation: np.ndarray | None = None
) -> np.ndarray:
    """The cells of an image.

    Parameters
    ----------
    probability : ndarray, (H, W)
        That a pixel belongs to a cell, in [0, 1].
    settings : CellSettings, optional
        The defaults unless given.
    separation : ndarray, (H, W), optional
        What separates cells, in [0, 1]: high inside of cells, low where two of them meet (see `minunet.data.outputs.Outputs`).

    Returns
    -------
    ndarray, (H, W) int32
        The number of the cell of each pixel, 0 where there is none. Cells are numbered from 1 without gaps, from top to bottom
        by the first row of the region that they are in.

    Raises
    ------
    UserError
        If the packages that cells need are not installed.

    Notes
    -----
    The seeds are the maxima of a height whose dynamics is at least `seed_height` [1]_: as many as the h-maxima transform leaves.
    With r the radius of the median cell, d the distance to the background, s the separation and w the setting `learned`, the
    height is (1 - w) d + w r s; without a separation it is d. The watershed is that of Meyer [2]_, in scikit-image.

    Beyond the border of the image nothing is known, so that a cell which is cut by the border has its seed there.

    References
    ----------
    .. [1] Grimaud, M. (1992). New measure of contrast: the dynamics. Image Algebra and Morphological Image Processing III, 292.
    .. [2] Meyer, F. (1994). Topographic distance and watershed lines. Signal Processing 38(1), 113-125.
    """
    settings = settings or CellSettings()
    return CellRegions(probability, settings.threshold, separation).cut(settings).cells(settings)


class CellRegions:
    """The connected regions of cell pixels of an image, found once; they can be cut in several ways.

    Parameters
    ----------
    probability : ndarray, (H, W)
    threshold : float
        A pixel belongs to a cell where its probability is above it.
    separation : ndarray, (H, W), optional
    """

    def __init__(self, probability: np.ndarray, threshold: float, separation: np.ndarray | None = None):
        self.shape, self.separation = probability.shape, separation
        self.distances = list(_connected_regions(np.asarray(probability) > threshold))  # each with its top and left
        self.radius = typical_radius([float(distance.max()) for _, _, distance in self.distances])

    def cut(self, settings: CellSettings) -> CutRegions:
        """The regions, cut for the smoothing and the share of the separation in `settings`."""
        regions = []
        for top, left, distance in self.distances:
            height, width = distance.shape
            part = None
            if self.separation is not None:
                part = np.asarray(self.separation)[top : top + height, left : left + width]
            regions.append(cut_region(top, left, distance, part, settings, self.radius))
        return CutRegions(self.shape, self.radius, regions)


@dataclass(frozen=True)
class CutRegions:
    """The regions of an image, cut once; the cells for several seed heights and smallest areas are made from them in no time.

    Attributes
    ----------
    shape : (int, int)
        Of the image, (H, W).
    radius : float
        Of the median cell, in pixels.
    regions : list of CutRegion
    """

    shape: tuple[int, ...]
    radius: float
    regions: list[CutRegion]

    def cells(self, settings: CellSettings) -> np.ndarray:
        """The cells, (H, W) int32; see `find_cells`."""
        merged = [merge_pieces(region, settings.seed_height * self.radius) for region in self.regions]
        areas = [area for region in merged for area in region.areas if area]
        smallest = settings.smallest_area * typical_area(np.array(areas))
        labels, count = np.zeros(self.shape, np.int32), 0
        for region in merged:
            # A piece that became part of another one has no area.
            kept = (region.areas > 0) & (region.areas >= smallest)
            numbers = np.zeros(len(kept) + 1, np.int32)  # (pieces + 1,): the label of each piece
            numbers[1:][kept] = count + 1 + np.arange(np.count_nonzero(kept))
            count += int(np.count_nonzero(kept))
            height, width = region.pieces.shape
            window = labels[region.top : region.top + height, region.left : region.left + width]
            window += numbers[region.pieces]
        return labels


def _connected_regions(cell: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Top, left, and the distance to the background (h, w) of each region; neighbours are up, down, left and right."""
    ndimage = require("scipy.ndimage")
    labels, count = ndimage.label(cell)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    speck = speck_area(areas, mean_diameter(cell))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if areas[number - 1] < speck:
            continue
        rows, columns = box
        # One more row and column of background on each side, where the image has them.
        top, left = max(0, rows.start - 1), max(0, columns.start - 1)
        region = labels[top : rows.stop + 1, left : columns.stop + 1] == number
        yield top, left, background_distance(region, speck)


def background_distance(region: np.ndarray, speck: float) -> np.ndarray:
    """The distance of each pixel of a region (h, w) to the background, float32; holes that are smaller than a speck are filled."""
    region = _without_small_holes(region, speck)
    if region.all():  # no background at all: one cell fills the image
        return np.full(region.shape, float(min(region.shape)), np.float32)
    distance = require("scipy.ndimage").distance_transform_edt(region)
    return np.asarray(distance.astype(np.float32))


def _without_small_holes(region: np.ndarray, smallest: float) -> np.ndarray:
    """The region with its smaller holes filled, which are noise; the background between cells in a ring is larger."""
    ndimage = require("scipy.ndimage")
    holes, count = ndimage.label(~region)
    if count <= 1:
        return region
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    outside = np.unique(np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]]))
    small = sizes < smallest
    small[outside] = small[0] = False
    return np.asarray(region | small[holes])


def typical_radius(largest: Sequence[float]) -> float:
    """The median over the regions of their largest distance, which in a clump of cells is the radius of one of them."""
    return float(np.median(largest)) if len(largest) else 0.0


def cut_region(
    top: int, left: int, distance: np.ndarray, separation: np.ndarray | None, settings: CellSettings, radius: float
) -> CutRegion:
    """Cut a region at the maxima of its height.

    Parameters
    ----------
    top, left : int
        Of the region in the image.
    distance : ndarray, (h, w) float32
        See `background_distance`.
    separation : ndarray, (h, w), optional
        The same part of what separates cells.
    settings : CellSettings
    radius : float
        Of the median cell of the image, in pixels.
    """
    height = distance
    if separation is not None and settings.learned:
        of_distance, of_separation = np.float32(1 - settings.learned), np.float32(settings.learned * radius)
        # A little of the distance is kept, so that the height is above 0 inside, and a flat separation has one maximum a cell.
        learned = of_separation * separation + np.maximum(of_distance, np.float32(LEAST_DISTANCE)) * distance
        height = np.where(distance > 0, learned, 0).astype(np.float32)
    return _cut(top, left, height, settings.smoothing * radius)


def _cut(top: int, left: int, height: np.ndarray, sigma: float) -> CutRegion:
    """Cut a region at every maximum of its smoothed height, which is 0 outside of it."""
    ndimage = require("scipy.ndimage")
    inside = height > 0
    smooth = ndimage.gaussian_filter(height, sigma, mode="nearest", truncate=3) if sigma else height
    smooth = np.where(inside, smooth, 0)
    maxima = inside & (ndimage.maximum_filter(smooth, footprint=NEIGHBOURS, mode="nearest") == smooth)
    seeds, count = ndimage.label(maxima)
    if count == 1:
        pieces = inside.astype(np.int32)
    else:
        pieces = require("skimage.segmentation").watershed(-smooth, seeds, mask=inside).astype(np.int32)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    peaks = np.zeros(count, np.float32)
    peaks[seeds[maxima] - 1] = smooth[maxima]  # the same on all pixels of a seed
    return CutRegion(top, left, pieces, areas, peaks, _passes(pieces, smooth) if count > 1 else [])


def _passes(pieces: np.ndarray, smooth: np.ndarray) -> list[tuple[float, int, int]]:
    """The highest point on the border of each two neighbours, the highest first."""
    pairs, heights = [], []
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        one, other = pieces[here], pieces[there]
        border = (one != other) & (one > 0) & (other > 0)
        pairs.append(np.sort(np.stack([one[border], other[border]], axis=1), axis=1))  # (borders, 2)
        heights.append(np.minimum(smooth[here][border], smooth[there][border]))
    pair, height = np.concatenate(pairs), np.concatenate(heights)
    order = np.argsort(-height, kind="stable")
    highest: dict[tuple[int, int], float] = {}
    for (one, other), value in zip(pair[order].tolist(), height[order].tolist(), strict=True):
        highest.setdefault((one, other), value)
    return [(value, *pieces_of_pair) for pieces_of_pair, value in highest.items()]


def merge_pieces(region: CutRegion, height: float) -> CutRegion:
    """Put pieces together whose lower maximum is less than `height` above the pass between them; their areas are added up."""
    group = list(range(len(region.peaks) + 1))
    peaks = [0.0, *region.peaks.tolist()]

    def root(piece: int) -> int:
        while group[piece] != piece:
            piece = group[piece]
        return piece

    for pass_height, one, other in region.passes:
        lower, higher = sorted((root(one), root(other)), key=peaks.__getitem__)
        if lower != higher and peaks[lower] - pass_height < height:
            group[lower] = higher
    if not region.passes:
        return region
    roots = np.array([root(piece) for piece in range(len(group))])
    areas = np.bincount(roots[1:], region.areas, minlength=len(group))[1:].astype(region.areas.dtype)
    return replace(region, pieces=roots[region.pieces], areas=areas)
