"""The comparison of M1 and M2 on made-up scores, so that each explanation is right once."""

import pytest

from minunet.experiments.comparison import Comparison, comparisons, ranking
from minunet.experiments.seed_scores import SeedScores
from minunet.inference.mask_limits import MaskLimits
from tests.made_up_scores import SHARP, made_up

GREY = MaskLimits(loss_floor=0.06, keras_accuracy_ceiling=0.83, keras_baseline=0.6, foreground=0.3)
NONE = MaskLimits(loss_floor=0.58, keras_accuracy_ceiling=0.0, keras_baseline=0.0, foreground=0.3)


def comparison(grey, grey_free, binary, binary_free, limits=GREY, **both):
    return Comparison(
        "greys",
        made_up(grey, limits=limits, **both),
        made_up(grey_free, limits=limits, **both),
        made_up(binary),
        made_up(binary_free),
    )


@pytest.mark.parametrize(
    ("accuracies", "conclusion", "words"),
    [
        ((0.81, 0.812, 0.97, 0.97), "masks", "the masks and how accuracy counts them, not the ReLU"),
        ((0.75, 0.97, 0.755, 0.97), "relu", "the ReLU, as the paper says"),
        ((0.50, 0.60, 0.97, 0.97), "both", "21% of what binary masks give"),
        ((0.96, 0.962, 0.965, 0.97), "neither", "nothing to explain"),
        ((0.81, 0.70, 0.97, 0.97), "masks", "not the ReLU"),
        ((0.60, 0.60, 0.705, 0.71), "unlearned", "Train longer"),
    ],
)
def test_the_conclusion_follows_from_the_numbers(accuracies, conclusion, words):
    found = comparison(*accuracies)
    assert found.conclusion() == conclusion
    assert words in found.sentences()[-1]


def test_the_sentences_carry_the_numbers():
    found = comparison(0.80, 0.81, 0.97, 0.965, loss=0.09)
    said = " ".join(found.sentences())
    assert "+0.0100, from 0.8000 to 0.8100" in said
    assert "+0.1700, to 0.9700" in said
    assert "M2 without the ReLUs: -0.0050" in said
    assert f"{100 * 0.80 / 0.83:.1f} % of the 0.8300" in said
    assert "0.0300 above its floor of 0.0600" in said
    assert "0.1000 above its own of 0.0000" in said
    assert "0.5721" in said
    assert "0.0190" in said


def test_masks_that_let_no_pixel_count():
    found = comparison(0.0, 0.0, 0.97, 0.97, limits=NONE, loss=0.6)
    assert found.conclusion() == "masks"
    assert any("let no pixel count as right" in sentence for sentence in found.sentences())


@pytest.mark.parametrize(("dice", "words"), [(0.949, "as well as"), (0.90, "less well than"), (0.98, "better than")])
def test_the_overlap_is_compared(dice, words):
    assert any(
        f"finds the cells {words} M2" in sentence
        for sentence in comparison(0.8, 0.8, 0.97, 0.97, dice=dice).sentences()
    )


def test_a_wide_spread_between_seeds_raises_what_counts():
    quiet = comparison([0.80, 0.80], [0.83, 0.83], 0.97, 0.97)
    noisy = comparison([0.78, 0.82], [0.81, 0.85], 0.97, 0.97)
    assert quiet.by_relu == pytest.approx(noisy.by_relu)
    assert (quiet.conclusion(), noisy.conclusion()) == ("both", "masks")
    assert quiet.min_difference == 0.01
    assert noisy.min_difference == pytest.approx(2 * 0.02 * 2**0.5)


def test_only_complete_comparisons_are_made():
    scores = {"m1": made_up(0.8), "m1-no-relu": made_up(0.8), "m2": made_up(0.97)}
    assert comparisons(scores, {"m1": "greys"}) == []
    scores["m2-no-relu"] = made_up(0.97)
    assert [found.greys for found in comparisons(scores, {"m1": "greys", "m1-levels": "others"})] == ["greys"]


def test_rankings():
    rows = {"ReLU": made_up(0.95, dice=0.94), "tanh": made_up(0.95, dice=0.90), "sigmoid": made_up(0.7, dice=0.0)}
    assert ranking("activation", rows) == (
        "activation: ReLU is best in Dice (ReLU 0.9400, tanh 0.9000). "
        "sigmoid has learned nothing: Dice 0.0000, calling everything cell has 0.4615."
    )
    rows["tanh"] = made_up(0.95, dice=0.945)
    assert ranking("activation", rows).startswith(
        "activation: no clear difference in Dice (tanh 0.9450, ReLU 0.9400). sigmoid"
    )
    assert "no clear difference" in ranking(
        "pooling", {"max": made_up(0.95, dice=0.94), "average": made_up(0.95, dice=0.935)}
    )
    assert ranking("pooling", {"max": made_up(0.95)}) is None
    assert SHARP.keras_baseline == 0.7


@pytest.mark.parametrize("which", range(3))
def test_nothing_follows_where_a_model_has_learned_nothing_and_none_is_compared_with_it(which):
    scores = [made_up(0.8), made_up(0.81), made_up(0.97), made_up(0.97)]
    scores[which] = made_up(0.7, dice=0.46)
    found = Comparison("greys", *scores)
    name = ("M1", "M1 without the ReLUs", "M2")[which]
    assert found.conclusion() == "unlearned"
    assert found.sentences() == [
        f"Nothing follows from these trainings. {name} has learned nothing: Dice 0.4600, calling everything cell has 0.4615. "
        "Train longer, with more --epochs, or from other seeds (--seeds 3)."
    ]


def test_a_model_of_one_seed_that_failed_is_compared_with_none():
    failed = made_up([0.97, 0.7], dice=[0.95, 0.0])
    assert failed.failed == (1,)
    found = Comparison("greys", made_up(0.81), made_up(0.81), failed, made_up(0.97))
    assert "M2 has learned nothing with seed 1: Dice 0.0000" in found.sentences()[0]


def test_m2_without_the_relus_is_not_needed_and_its_failure_is_named():
    found = Comparison("greys", made_up(0.81), made_up(0.812), made_up(0.97), made_up(0.7, dice=0.0))
    assert found.conclusion() == "masks"
    assert "M2 without the ReLUs: it has learned nothing: Dice 0.0000" in found.sentences()[0]


def test_a_variation_that_diverged_is_named():
    lost = SeedScores((), SHARP, (0,))
    assert (
        comparisons({"m1": lost, "m1-no-relu": made_up(0.8), "m2": made_up(0.97), "m2-no-relu": lost}, {"m1": "x"})[0]
        .sentences()[0]
        .startswith("Nothing follows from these trainings. M1 diverged. Train longer")
    )
    assert ranking("pooling", {"max": made_up(0.95), "average": lost}).startswith(
        "pooling: nothing follows. average diverged."
    )
