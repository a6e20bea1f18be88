"""Drawn smears: their masks are exact, the same seed gives the same bits, and they are no easier than a photograph."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minunet.data.synthetic import debris, draw_cell, draw_smear
from minunet.data.synthetic.film import RED_SHAPES, WHITE_SHAPES, red_cell_radius, sample_film
from minunet.data.synthetic.microscope import Microscope, blur
from minunet.data.synthetic.outline import ANGLES, Outline, crenated, disc, ellipse, scaled, teardrop
from minunet.data.synthetic.red_cell import sample_red_cell
from minunet.data.synthetic.slide import Slide, is_connected
from minunet.data.synthetic.stain import Stain, sample_absorbance
from minunet.data.synthetic.white_cell import sample_white_cell

SIZES = [(256, 256), (320, 200), (97, 61), (200, 20), (16, 16)]


def pieces(mask):
    """Number of 4-connected pieces, by flooding."""
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(mask), strict=True)}
    count = 0
    while left:
        count += 1
        queue = deque([left.pop()])
        while queue:
            row, column = queue.popleft()
            for pixel in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if pixel in left:
                    left.remove(pixel)
                    queue.append(pixel)
    return count


def smears(count, size, seed=0):
    return [draw_smear(np.random.default_rng([seed, index]), size) for index in range(count)]


@pytest.mark.parametrize("size", SIZES)
def test_masks_and_instances_agree(size):
    width, height = size
    for smear in smears(3, size):
        assert smear.image.shape == (height, width, 3) and smear.image.dtype == np.uint8
        assert smear.mask.shape == smear.instances.shape == (height, width)
        assert smear.mask.dtype == bool and smear.instances.dtype == np.int32
        assert np.array_equal(smear.instances > 0, smear.mask)
        numbers = np.unique(smear.instances[smear.mask]).tolist()
        assert numbers == list(range(1, len(numbers) + 1)) == list(smear.kinds) == list(smear.shapes)
        for number, kind in smear.kinds.items():
            assert smear.shapes[number] in {"red": RED_SHAPES, "white": WHITE_SHAPES}[kind]


@pytest.mark.parametrize("size", SIZES)
def test_every_instance_is_one_piece(size):
    for smear in smears(3, size, seed=1):
        for number in smear.kinds:
            assert pieces(smear.instances == number) == 1


@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
@settings(max_examples=200, deadline=None)
def test_is_connected_agrees_with_flooding(mask):
    assert is_connected(mask) == (pieces(mask) == 1)


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_smear():
    first, again, other = (draw_smear(np.random.default_rng(seed), (96, 80)) for seed in (5, 5, 6))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.instances, again.instances)
    assert first.kinds == again.kinds and first.shapes == again.shapes
    assert not np.array_equal(first.image, other.image) and not np.array_equal(first.mask, other.mask)


def test_a_disc_is_measured_exactly():
    outline = Outline(20.3, 17.8, 0.7, scaled(np.ones_like(ANGLES), 9.5))
    region = outline.region((40, 44), 4)
    field = outline.distance_field(region)
    rows, columns = np.mgrid[region]
    rho = np.hypot(columns + 0.5 - 20.3, rows + 0.5 - 17.8)
    np.testing.assert_allclose(field.u, rho / 9.5, rtol=1e-5)
    np.testing.assert_allclose(field.distance, 9.5 - rho, atol=1e-4)
    assert np.array_equal(field.inside, rho < 9.5)
    assert outline.area == pytest.approx(np.pi * 9.5**2)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: disc(rng, 0.04),
        lambda rng: ellipse(rng, 1.8, 0.03, 0.2),
        lambda rng: teardrop(rng, 0.8, 0.03),
        lambda rng: crenated(rng, 14, 0.15),
    ],
    ids=["disc", "ellipse", "teardrop", "crenated"],
)
def test_an_outline_covers_its_area(draw):
    """The pixels inside, and the soft coverage that is drawn, both add up to the area of the curve."""
    rng = np.random.default_rng(3)
    outline = Outline(60.2, 59.1, 1.1, scaled(draw(rng), 30.0))
    assert outline.area == pytest.approx(np.pi * 900)
    field = outline.distance_field((slice(0, 120), slice(0, 120)))
    assert np.array_equal(field.inside, field.distance > 0)
    assert np.count_nonzero(field.inside) == pytest.approx(outline.area, rel=0.01)
    assert field.coverage(1.0).sum() == pytest.approx(outline.area, rel=0.01)
    assert np.all((field.coverage(1.0) > 0.5) == field.inside)


def test_a_region_outside_the_picture_is_none():
    outline = Outline(-30.0, 10.0, 0.0, scaled(np.ones_like(ANGLES), 9.0))
    assert outline.region((20, 20), 3) is None


def round_cell(x, y, radius=12.0, seed=0):
    film = sample_film(np.random.default_rng(1), radius)
    cell = sample_red_cell(np.random.default_rng(seed), film, x, y)
    object.__setattr__(cell, "outline", Outline(x, y, 0.0, scaled(np.ones_like(ANGLES), radius)))
    return cell


def painted(*cells):
    slide = Slide(64, 48)
    for cell in cells:
        assert slide.place(cell, np.random.default_rng(2), overlap=0.5)
    return slide


def test_where_cells_overlap_absorbances_add_and_the_top_one_owns_the_pixel():
    below, above = round_cell(24, 24), round_cell(40, 24)
    both, first, second = painted(below, above), painted(below), painted(above)
    np.testing.assert_allclose(both.stains, first.stains + second.stains, atol=1e-6)
    overlap = (first.instances > 0) & (second.instances > 0)
    assert overlap.any()
    assert np.all(both.instances[overlap] == 2)
    assert np.array_equal(both.instances == 1, (first.instances > 0) & ~overlap)


def test_a_cell_that_hides_too_much_is_refused_and_changes_nothing():
    slide = painted(round_cell(24, 24))
    stains, instances = slide.stains.copy(), slide.instances.copy()
    rng = np.random.default_rng(0)
    assert not slide.place(round_cell(40, 24), rng, overlap=0.0)  # may not overlap at all
    assert not slide.place(round_cell(29, 24), rng, overlap=1.0)  # hides more than half
    assert not slide.place(round_cell(-40, 24), rng, overlap=1.0)  # outside
    assert not slide.place(round_cell(-11.5, 24), rng, overlap=1.0)  # but a sliver of it
    assert np.array_equal(slide.stains, stains) and np.array_equal(slide.instances, instances)
    assert slide.kinds == {1: "red"}


def test_a_cell_that_would_cut_another_in_two_is_refused():
    slide = painted(round_cell(32, 24, radius=14.0))
    thin = round_cell(32, 24)
    shape = 1 / np.hypot(np.cos(ANGLES) / 5, np.sin(ANGLES) * 2)  # ten times as long as wide
    object.__setattr__(thin, "outline", Outline(32.0, 24.0, np.pi / 2, scaled(shape, 6.0)))
    assert not slide.place(thin, np.random.default_rng(0), overlap=1.0)
    assert slide.kinds == {1: "red"}


def test_a_white_cell_is_never_covered():
    rng = np.random.default_rng(4)
    slide = Slide(64, 48)
    assert slide.place(sample_white_cell(rng, sample_film(rng, 10.0), 24, 24), rng)
    assert not slide.place(round_cell(41, 24), rng, overlap=0.9)
    assert slide.kinds == {1: "white"}


def test_platelets_and_debris_are_in_the_image_only():
    rng = np.random.default_rng(0)
    film = sample_film(rng, 12.0)
    drawers = (debris.platelet, debris.precipitate, debris.ghost, debris.dust, lambda *a: debris.fibre(*a, 0.3))
    for drawer in drawers:
        slide = Slide(64, 64)
        drawer(rng, slide, film)
        assert slide.stains.any() and not slide.instances.any() and not slide.kinds


def test_light_follows_beer_and_lambert():
    """A perfect instrument shows lamp * 10 ** -(sum of concentration times absorbance)."""
    rng = np.random.default_rng(0)
    stains = np.repeat(rng.uniform(0, 1, (len(Stain), 1, 1)).astype(np.float32), 8, axis=1).repeat(9, axis=2)
    absorbance = sample_absorbance(rng, 0.3)
    lamp = np.array([0.9, 0.8, 0.7])
    perfect = Microscope(lamp, (0.0, 0.0), 0.0, (0.0, 0.0), np.full(3, 0.8), 0.0, 0.0)
    image = perfect.photograph(rng, stains, absorbance)
    expected = lamp * 10 ** -(stains[:, 0, 0] @ absorbance) * 255
    assert image.shape == (8, 9, 3)
    assert np.abs(image - expected).max() <= 0.51


def test_blur_is_a_gaussian():
    plane = np.zeros((41, 41), np.float32)
    plane[20, 20] = 1
    blur(plane, 2.5)
    offsets = np.arange(41) - 20
    assert plane.sum() == pytest.approx(1, abs=1e-5)
    assert (plane.sum(0) * offsets**2).sum() == pytest.approx(2.5**2, rel=0.04)  # cut at three standard deviations
    np.testing.assert_allclose(plane, plane.T, atol=1e-7)


def otsu_dice(smear):
    """Dice of the best split of the grey histogram into dark cells and pale background."""
    grey = np.rint(smear.image @ np.array([0.299, 0.587, 0.114])).astype(int)
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    weight, moment = counts.cumsum(), (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * weight / weight[-1] - moment) ** 2 / (weight * (weight[-1] - weight))
    found = grey <= int(np.nanargmax(np.where(np.isfinite(between), between, np.nan)))
    return 2 * np.count_nonzero(found & smear.mask) / (np.count_nonzero(found) + np.count_nonzero(smear.mask))


def test_a_set_of_smears_looks_like_one():
    """Measured on these 60: foreground 0.31 on average, Otsu's Dice 0.87 (on photographs of malaria smears 0.31 and 0.91)."""
    drawn = smears(60, (128, 128))
    foreground = np.array([smear.mask.mean() for smear in drawn])
    assert 0.2 < foreground.mean() < 0.4 and foreground.min() > 0.01 and foreground.max() < 0.7
    dice = np.array([otsu_dice(smear) for smear in drawn])
    assert 0.7 < dice.mean() < 0.92, dice.mean()
    kinds = [kind for smear in drawn for kind in smear.kinds.values()]
    assert 5 < len(kinds) / len(drawn) < 25 and 0.005 < kinds.count("white") / len(kinds) < 0.15
    shapes = {shape for smear in drawn for shape in smear.shapes.values()}
    assert shapes >= set(RED_SHAPES) and len(shapes & set(WHITE_SHAPES)) >= 3
    # Cells absorb light: darker than what is around them in every smear, pale ones and uneven light included.
    assert all(smear.image[smear.mask].mean() < smear.image[~smear.mask].mean() for smear in drawn)


def test_a_larger_picture_shows_more_and_larger_cells():
    assert red_cell_radius(256, 256) == pytest.approx(19)
    assert red_cell_radius(1600, 1200) == pytest.approx(58, abs=1)
    assert red_cell_radius(4000, 20) < 10
    small, large = (np.mean([len(smear.kinds) for smear in smears(6, size)]) for size in ((96, 96), (384, 288)))
    assert large > 1.5 * small


@pytest.mark.parametrize("kind", ["red", "white"])
@pytest.mark.parametrize("size", [16, 48])
def test_a_cell_to_classify(kind, size):
    image = draw_cell(np.random.default_rng(0), size, kind)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    assert np.array_equal(image, draw_cell(np.random.default_rng(0), size, kind))


def test_red_and_white_cells_to_classify_differ_in_their_nucleus():
    """A nucleus is far darker in red light than haemoglobin: the darkest pixels of the middle tell most cells apart."""
    rng = np.random.default_rng(7)
    darkest = {
        kind: [np.percentile(draw_cell(rng, 48, kind)[14:34, 14:34, 1], 10) for _ in range(30)]
        for kind in ("red", "white")
    }
    assert np.median(darkest["white"]) < 0.6 * np.median(darkest["red"])


def test_what_cannot_be_drawn_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="size 15x300: a smear is at least 16 pixels wide and high"):
        draw_smear(rng, (15, 300))
    with pytest.raises(ValueError, match='kind \'green\': a cell is "red" or "white"'):
        draw_cell(rng, 32, "green")
    with pytest.raises(ValueError, match="size 8: a cell's picture is at least 16 pixels"):
        draw_cell(rng, 8, "red")
