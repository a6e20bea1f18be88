"""A smear: a drawn photograph of blood, with the exact cell at each pixel.

The same generator state and size give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minunet.data.synthetic import debris
from minunet.data.synthetic.film import Film, red_cell_radius, sample_film
from minunet.data.synthetic.microscope import sample_microscope
from minunet.data.synthetic.red_cell import sample_red_cell
from minunet.data.synthetic.slide import Cell, Slide
from minunet.data.synthetic.stain import sample_absorbance
from minunet.data.synthetic.variety import SIZE_SPREAD, VARIETIES
from minunet.data.synthetic.white_cell import sample_white_cell

SMALLEST_SIDE = 16  # pixels; below it a cell is a few pixels wide
STAR = np.array([[0, 0, 0, 1, -1, 0.7, 0.7, -0.7, -0.7], [0, 1, -1, 0, 0, 0.7, -0.7, 0.7, -0.7]])
SMALLEST_DIAMETER = 4  # of a red cell in pixels
LARGEST_DIAMETER = 2  # of a red cell, in widths or heights of the image, whichever is more
WALL_GAP = 0.06  # between cells that flatten each other, in radii


@dataclass(frozen=True)
class Smear:
    """A drawn smear.

    Attributes
    ----------
    image : ndarray, uint8, (H, W, 3)
    mask : ndarray, bool, (H, W)
        The cells, red and white: True where the centre of a pixel is inside one. Precipitated stain, fibres, remains of
        burst cells and dust are in the image only, and platelets also in `classes`.
    instances : ndarray, int32, (H, W)
        The number of the cell at each pixel, from 1 without gaps; 0 is background, and `instances > 0` is `mask`. Where
        cells overlap, a pixel belongs to the topmost one. Each instance is one 4-connected component.
    classes : ndarray, uint8, (H, W)
        The `minunet.data.synthetic.drawn_class.DrawnClass` of each pixel: background, red cell, cytoplasm or nucleus of a white
        cell, or platelet. Red and white cells are exactly those of `mask`.
    kinds : dict[int, str]
        "red" or "white", for each instance.
    shapes : dict[int, str]
        The name of each instance's shape, such as "discocyte" or "neutrophil".
    """

    image: np.ndarray
    mask: np.ndarray
    instances: np.ndarray
    classes: np.ndarray
    kinds: dict[int, str]
    shapes: dict[int, str] = field(default_factory=dict)


def draw_smear(
    rng: np.random.Generator, size: tuple[int, int] = (256, 256), variety: str = "mild", diameter: float | None = None
) -> Smear:
    """Draw a smear.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : (width, height)
        In pixels, at least 16. An image of 256x256 holds 12 to 35 cells, one of 1600x1200 about 40 to 110.
    variety : "mild" or "wide"
        How much smears differ from each other: see `Variety`.
    diameter : float, optional
        Of a red cell in pixels, on average; from 4 to twice the longer side of the image. By default it depends on the size of
        the image. In the wide variety the smears vary around it, by 16 %.

    Returns
    -------
    Smear

    Raises
    ------
    ValueError
        If a side is under 16 pixels, or for another variety or diameter.
    """
    width, height = size
    if problems := drawing_problems(size, variety, diameter):
        raise ValueError("; ".join(problems.values()))
    drawn = VARIETIES[variety]
    radius = red_cell_radius(width, height) if diameter is None else diameter / 2
    if drawn.wide:
        radius *= float(np.exp(rng.normal(0, SIZE_SPREAD)))
    film = drawn.film(rng, radius)
    slide = Slide(width, height)
    drawn.cover(rng, slide, film)
    for _ in range(rng.poisson(drawn.white_cells(film, width, height))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        slide.place(sample_white_cell(rng, film, x, y), rng)
    _place_red_cells(rng, slide, film)
    image = drawn.photograph(rng, slide, film)
    return Smear(image, slide.instances > 0, slide.instances, slide.classes, slide.kinds, slide.shapes)


def drawing_problems(size: tuple[int, int], variety: str = "mild", diameter: float | None = None) -> dict[str, str]:
    """Why a smear cannot be drawn: a sentence for each argument of `draw_smear` that cannot be used, under its name."""
    width, height = size
    problems = {}
    if min(size) < SMALLEST_SIDE:
        problems["size"] = f"size {width}x{height}: a smear is at least {SMALLEST_SIDE} pixels wide and high"
    if variety not in VARIETIES:
        problems["variety"] = f"variety {variety!r}: choose {' or '.join(VARIETIES)}"
    largest = LARGEST_DIAMETER * max(size)
    if diameter is not None and not SMALLEST_DIAMETER <= diameter <= largest:
        problems["diameter"] = (
            f"diameter {diameter:g}: in an image of {width}x{height} pixels cells are {SMALLEST_DIAMETER} to {largest} pixels wide"
        )
    return problems


def _place_red_cells(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """Place red cells, single ones or next to another cell, until they cover the share of the image given by the film.

    A crowded slide refuses some of them, and the number of attempts is limited, so the share is not always reached.
    """
    height, width = slide.instances.shape
    reach = 0.8 * film.radius  # beyond the border, so that cells are cut by it
    target_count = film.coverage * (width + reach) * (height + reach) / (np.pi * film.radius**2)
    placed: list[tuple[float, float]] = []
    direction = rng.uniform(0, 2 * np.pi)
    for _ in range(20 + int(6 * target_count)):
        if len(placed) >= max(1.0, target_count):
            break
        clumped = placed and rng.random() < film.clumping
        if clumped:
            in_line = rng.random() < film.rouleaux
            x, y = placed[-1] if in_line else placed[rng.integers(len(placed))]
            direction = direction + rng.normal(0, 0.3) if in_line else rng.uniform(0, 2 * np.pi)
            step = 2 * film.radius * (rng.uniform(0.85, 1.02) if film.packed else rng.uniform(0.62, 1.04))
            x, y = x + step * np.cos(direction), y + step * np.sin(direction)
        else:
            x, y = rng.uniform(-reach, width + reach), rng.uniform(-reach, height + reach)
        if _crowded(slide, x, y, 0.6 * film.radius) > (4 if clumped else 0):
            continue
        walls = _walls(rng, film, placed, x, y) if film.packed else ()
        if slide.place(sample_red_cell(rng, film, x, y, walls=walls), rng, film.overlap if clumped else 0.0):
            placed.append((x, y))


def _walls(
    rng: np.random.Generator, film: Film, placed: list[tuple[float, float]], x: float, y: float
) -> list[tuple[float, float]]:
    """Where the neighbours of a cell at (x, y) flatten it: the direction of each, and the distance to its edge."""
    if not placed:
        return []
    across, down = np.array(placed).T - np.array([[x], [y]])
    far = np.hypot(across, down)
    near = np.flatnonzero((far < 2.1 * film.radius) & (far > 1.4 * film.radius))
    gap = film.radius * WALL_GAP * rng.random()
    return [(float(np.arctan2(down[i], across[i])), float(far[i] - film.radius - gap)) for i in near]


def _crowded(slide: Slide, x: float, y: float, reach: float) -> int:
    """How many of nine points at and around (x, y) are in a cell: a fast test of a place before a cell is drawn for it."""
    height, width = slide.instances.shape
    rows = (y + reach * STAR[0]).astype(int).clip(0, height - 1)
    columns = (x + reach * STAR[1]).astype(int).clip(0, width - 1)
    return int(np.count_nonzero(slide.instances[rows, columns]))


def draw_cell(rng: np.random.Generator, size: int, kind: str) -> np.ndarray:
    """Draw one cell in the middle of a square image, with parts of red cells around it: an example to classify.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        Side of the image in pixels, at least 16.
    kind : "red" or "white"
        Both kinds are drawn in the same range of sizes, so that their size does not distinguish them.

    Returns
    -------
    ndarray, uint8, (size, size, 3)

    Raises
    ------
    ValueError
        For another kind or a smaller size.
    """
    if kind not in ("red", "white"):
        raise ValueError(f'kind {kind!r}: a cell is "red" or "white"')
    if size < SMALLEST_SIDE:
        raise ValueError(f"size {size}: a cell's picture is at least {SMALLEST_SIDE} pixels wide and high")
    radius = size * rng.uniform(0.26, 0.38)
    film = sample_film(rng, radius)
    slide = Slide(size, size)
    debris.scatter(rng, slide, film)
    sample: Callable[..., Cell] = sample_red_cell if kind == "red" else sample_white_cell
    placed = False
    while not placed:  # a cell whose finest points are less than a pixel wide can be refused: then another is drawn
        x, y = rng.normal(size / 2, 0.04 * size, 2)
        placed = slide.place(sample(rng, film, x, y, radius=radius), rng)
    for _ in range(rng.poisson(1.5)):
        angle, far = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.6, 0.8)
        x, y = size / 2 + far * np.cos(angle), size / 2 + far * np.sin(angle)
        slide.place(sample_red_cell(rng, film, x, y), rng, film.overlap if kind == "red" else 0.0)
    microscope = sample_microscope(rng, radius)
    return microscope.photograph(rng, slide.stains, sample_absorbance(rng, film.strength))
