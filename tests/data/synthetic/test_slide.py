"""The slide: where cells overlap, which cells are refused, and whether a cell is in one piece."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minunet.data.synthetic.film import sample_film
from minunet.data.synthetic.outline import ANGLES, Outline, scaled
from minunet.data.synthetic.red_cell import sample_red_cell
from minunet.data.synthetic.slide import Slide, is_connected
from minunet.data.synthetic.white_cell import sample_white_cell
from tests.data.synthetic.connected_pieces import pieces


@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
@settings(max_examples=200, deadline=None)
def test_is_connected_agrees_with_flooding(mask):
    assert is_connected(mask) == (pieces(mask) == 1)


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
