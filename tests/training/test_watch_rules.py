"""Each rule on a history that it is for, and on histories that go well: those are not complained about."""

import math
from dataclasses import replace

import pytest

from minunet.runs.train_config import TrainConfig
from minunet.training import watch_rules
from minunet.training.events import COLUMNS, EpochRecord
from minunet.training.watch import RULES
from minunet.training.watch_rules import WatchedTraining, predicted_share

CELLS = 0.3
ENTROPY = -CELLS * math.log(CELLS) - (1 - CELLS) * math.log(1 - CELLS)
BACKGROUND = {"val_dice": 0.0, "val_recall": 0.0, "val_accuracy": 1 - CELLS}
CELL = {"val_dice": 2 * CELLS / (1 + CELLS), "val_recall": 1.0, "val_accuracy": CELLS}
GOOD = {"val_dice": 0.9, "val_recall": 0.9, "val_accuracy": 0.94, "val_loss": 0.2, "train_loss": 0.2}


def record(epoch, **values):
    plain = dict.fromkeys(COLUMNS, 0.0) | {"val_baseline": 1 - CELLS, "val_loss": 0.5, "train_loss": 0.5}
    return EpochRecord(**{**plain, **GOOD, "epoch": epoch, "step": 20 * epoch, "best": epoch == 1, **values})


def watched(*epochs, of=40, constant=ENTROPY):
    return WatchedTraining([record(n, **values) for n, values in enumerate(epochs, 1)], of, constant, 0.01)


def test_a_good_training_has_no_warnings():
    # As drawn smears are learned: nothing for two epochs, then quickly.
    start = [{**BACKGROUND, "val_loss": ENTROPY, "train_loss": ENTROPY}] * 2 + [{**CELL, "val_loss": 0.65}]
    rising = [{"val_dice": 0.95 - 0.4 / n, "val_loss": 0.5 / n + 0.05, "train_loss": 0.5 / n} for n in range(1, 38)]
    history = [*start, *rising]
    for count in range(1, 41):
        training = watched(*history[:count])
        assert {kind: rule(training) for kind, rule in RULES.items()} == dict.fromkeys(RULES)
        assert not watch_rules.is_hopeless(training)


def test_the_share_that_is_predicted_follows_from_the_measures():
    assert predicted_share(record(1, **BACKGROUND)) == pytest.approx(0)
    assert predicted_share(record(1, **CELL)) == pytest.approx(1)
    # 20 of 30 cells found, and 14 of 70 pixels of the background called cell
    assert predicted_share(record(1, val_recall=2 / 3, val_accuracy=0.76)) == pytest.approx(0.34)


@pytest.mark.parametrize(
    ("answer", "rule", "word"),
    [(BACKGROUND, watch_rules.all_background, "background"), (CELL, watch_rules.all_cell, "cell")],
)
def test_one_answer_for_every_pixel_is_noticed_after_four_epochs(answer, rule, word):
    assert rule(watched({}, *[answer] * 3)) is None
    sentence = rule(watched({}, *[answer] * 4))
    assert f"is called {word} since epoch 2: see with python -m minunet.doctor DATA" in sentence
    assert "lower --lr, to 0.001 say" in sentence
    assert rule(watched(*[{**answer, "val_baseline": 1.0}] * 4)) is None  # there are no cells to find
    assert rule(watched(*[{**answer, "val_baseline": 0.0}] * 4)) is None


def test_epochs_of_a_few_steps_are_given_more_of_them():
    few = [{**BACKGROUND, "step": 3 * n} for n in range(1, 21)]
    assert watch_rules.all_background(watched(*few[:19])) is None
    assert "since epoch 1:" in watch_rules.all_background(watched(*few))


def test_at_the_end_of_a_short_training_the_remedy_is_more_steps():
    sentence = watch_rules.all_background(watched(BACKGROUND, BACKGROUND, of=2))
    assert sentence.endswith("since epoch 1: 40 steps are too few, train longer: --epochs 20")
    assert watch_rules.all_background(watched(BACKGROUND, BACKGROUND, of=3)) is None


def test_a_loss_at_the_entropy_of_the_share_of_cell_is_stuck():
    history = [{"val_loss": ENTROPY * (1 + sign * 0.04)} for sign in (1, -1, 0, 0.5, -0.5)]
    sentence = watch_rules.stuck(watched(*history))
    assert sentence.startswith(
        "the validation loss has stayed at 0.611 since epoch 1, which one and the same probability"
    )
    assert "cells cover 30.0 %" in sentence and "lower --lr, to 0.001 say" in sentence
    assert watch_rules.stuck(watched(*history[:4])) is None
    assert watch_rules.stuck(watched(*history[:4], {"val_loss": ENTROPY * 0.9})) is None
    assert watch_rules.stuck(watched(*history, constant=None)) is None


def test_a_dice_no_better_than_that_of_everything_cell_is_named_beside_it():
    poor = {"val_dice": 0.465, "val_recall": 0.4, "val_accuracy": 0.7}
    assert watch_rules.trivial(watched(*[poor] * 15)) is None
    sentence = watch_rules.trivial(watched(*[poor] * 16))
    assert "no better than calling everything cell: its validation Dice is 0.465 at best, theirs is 0.462" in sentence
    assert "--epochs 80" in sentence
    assert watch_rules.trivial(watched(*[poor] * 15, {})) is None
    assert watch_rules.trivial(watched(*[poor] * 6, of=6)) is not None
    assert ": 1 step is too few, train longer" in watch_rules.trivial(watched({**poor, "step": 1}, of=1))


def test_over_fitting_is_a_validation_loss_that_rises_for_five_epochs_while_the_training_loss_falls():
    best = {"val_loss": 0.2, "train_loss": 0.2}
    worse = [{"val_loss": 0.3, "train_loss": 0.2 / n} for n in range(2, 7)]
    assert watch_rules.over_fitting(watched(best, *worse[:4])) is None
    sentence = watch_rules.over_fitting(watched(best, *worse))
    assert "since epoch 1 the validation loss has risen from 0.200 to 0.300 while the training loss fell" in sentence
    assert "--augment full" in sentence and sentence.endswith("the model of epoch 1 is kept")
    assert watch_rules.over_fitting(watched(best, *[{**w, "train_loss": 0.2} for w in worse])) is None
    assert watch_rules.over_fitting(watched(best, *[{**w, "val_loss": 0.24} for w in worse])) is None  # 20 % is little
    assert watch_rules.over_fitting(watched(best, *worse, {"val_loss": 0.21, "train_loss": 0.01})) is None


def test_an_exploding_loss_is_named_and_is_hopeless_when_it_is_enormous_or_stays():
    big = watched({}, {"val_loss": 30.0})
    assert "the loss has grown to 30, where a prediction without any knowledge has 0.69" in watch_rules.exploding(big)
    assert not watch_rules.is_hopeless(big)
    assert watch_rules.is_hopeless(watched({}, {"val_loss": 3.4e13}))
    assert watch_rules.is_hopeless(watched({}, {"train_loss": 1e4}))
    assert watch_rules.is_hopeless(watched({}, *[{"val_loss": 30.0}] * 3))
    assert not watch_rules.is_hopeless(watched({}, *[{"val_loss": 30.0}] * 2))
    assert not watch_rules.is_hopeless(watched({}, {"val_loss": 30.0}, {}, {"val_loss": 30.0}))
    assert watch_rules.exploding(watched({"val_loss": 6.0}, constant=None)) is None


def test_a_dice_that_still_rises_at_the_last_epoch_asks_for_more_epochs():
    rising = [{"val_dice": 0.7 + 0.02 * n} for n in range(8)]
    sentence = watch_rules.too_few_epochs(watched(*rising, of=8))
    assert sentence == (
        "the validation Dice still rose at the end, from 0.800 to 0.840 in the last 2 epochs: train longer, --epochs 16"
    )
    assert watch_rules.too_few_epochs(watched(*rising, of=9)) is None
    flat = [*rising[:6], {"val_dice": 0.81}, {"val_dice": 0.805}]
    assert watch_rules.too_few_epochs(watched(*flat, of=8)) is None


@pytest.mark.parametrize(("earlier", "best", "rises"), [(0.5, 0.54, False), (0.93, 0.944, False), (0.5, 0.56, True)])
def test_a_dice_rises_by_a_part_of_what_is_missing_and_by_more_than_chance(earlier, best, rises):
    training = watched(*[{"val_dice": earlier}] * 6, *[{"val_dice": best}] * 2, of=8)
    assert (watch_rules.too_few_epochs(training) is not None) == rises


def test_a_few_steps_are_too_few_whatever_they_reached():
    training = watched({"step": 3}, of=1)
    assert watch_rules.too_few_epochs(training) == (
        "only 3 steps were taken, and a training needs some hundred: train longer, --epochs 134"
    )
    assert "1 step was taken" in watch_rules.too_few_epochs(watched({"step": 1}, of=1))


def test_the_usual_rate_is_the_default_of_the_command():
    assert TrainConfig().lr == watch_rules.USUAL_RATE
    assert replace(watched({}), lr=1.0).slower == "lower --lr, to 0.002 say, and start a new run"
