"""The paper's numbers and what follows from them."""

import math

import pytest

from minunet.experiments.paper_numbers import M1, M2, entropy, implied_by_m1, level_of_entropy


def test_the_papers_numbers():
    assert (M1.loss, M1.accuracy, M2.loss, M2.accuracy) == (0.5721, 0.0190, 0.0210, 0.9843)


def test_entropy_against_hand_computed_values():
    assert entropy(0.5) == pytest.approx(math.log(2))
    assert entropy(0.25) == pytest.approx(0.25 * math.log(4) + 0.75 * math.log(4 / 3))
    assert entropy(0.0) == entropy(1.0) == 0.0


@pytest.mark.parametrize("level", [0.0, 1e-6, 0.1, 0.3, 0.499, 0.5])
def test_the_level_of_an_entropy_has_that_entropy(level):
    assert level_of_entropy(entropy(level)) == pytest.approx(level, abs=1e-7)
    assert entropy(1 - level) == pytest.approx(entropy(level))


@pytest.mark.parametrize("nats", [-0.1, 0.7])
def test_no_target_has_less_entropy_than_none_or_more_than_an_even_one(nats):
    with pytest.raises(ValueError, match="nats"):
        level_of_entropy(nats)


def test_what_the_paper_implies_of_its_masks():
    accuracy, loss = implied_by_m1()
    assert "at most 1.9 % of the pixels" in accuracy
    assert "0.26 or 0.74" in loss
