import pytest

from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import FEWEST, CountInterval
from minunet.errors import UserError

CHOICE = CellChoice(CellSettings(0.4, 0.02, 0.2, 0.3), CountInterval(0.05, 9), {"cell_f1": 0.9})


def test_a_choice_survives_a_file():
    assert CellChoice.from_dict(CHOICE.to_dict()) == CHOICE
    assert CellChoice.from_dict(CellChoice().to_dict()) == CellChoice()


@pytest.mark.parametrize("name", ["threshold", "smoothing", "seed_height", "smallest_area"])
@pytest.mark.parametrize(
    "value",
    [None, True, "0.5", float("nan"), float("inf"), -0.1, 1.5, [0.5], 10**400],
    ids=lambda value: str(value)[:5],
)
def test_values_out_of_range_are_refused(name, value):
    with pytest.raises(UserError, match=f"{name}.*give a number from"):
        CellSettings(**{name: value})


def test_all_problems_are_named_at_once():
    with pytest.raises(UserError) as error:
        CellSettings(threshold=2, smoothing=-1)
    assert len(error.value.problems) == 2
    with pytest.raises(UserError) as error:
        CellSettings.from_dict({"threshold": 0.5, "other": 1})
    assert "unknown (other)" in error.value.problems[0]
    assert "without seed_height, smallest_area, smoothing" in error.value.problems[1]


@pytest.mark.parametrize(
    "change",
    [
        {"settings": None},
        {"settings": {}},
        {"interval": 0.1},
        {"interval": {"error": 0.1}},
        {"interval": {"error": -0.1, "images": 9}},
        {"interval": {"error": float("nan"), "images": 9}},
        {"interval": {"error": 0.1, "images": 3}},
        {"interval": {"error": 0.1, "images": True}},
        {"validation": []},
        {"validation": {"cell_f1": "good"}},
        {"validation": {"cell_f1": float("inf")}},
        {"extra": 1},
    ],
)
def test_a_stored_choice_is_checked(change):
    with pytest.raises(UserError):
        CellChoice.from_dict({**CHOICE.to_dict(), **change})


def test_an_entry_that_is_missing_is_refused():
    stored = CHOICE.to_dict()
    del stored["settings"]
    with pytest.raises(UserError, match="settings"):
        CellChoice.from_dict(stored)


def test_the_interval_is_the_conformal_quantile():
    true, predicted = [100] * 19, [100 + error for error in range(19)]
    interval = CountInterval.calibrate(true, predicted)
    # ceil(0.9 * 20) = 18: the second largest of 19 errors.
    assert interval == CountInterval(17 / 117, 19)
    assert interval.of(0) == (0, 0)
    low, high = CountInterval(0.05, 9).of(100)
    assert (low, high) == (95, 105)


def test_the_interval_covers_nine_of_ten_new_images():
    import numpy as np

    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        true = rng.integers(40, 120, 21)
        predicted = np.rint(true * rng.normal(1, 0.08, 21)).astype(int)
        interval = CountInterval.calibrate(true[:20].tolist(), predicted[:20].tolist())
        low, high = interval.of(int(predicted[20]))
        covered.append(low <= true[20] <= high)
    assert 0.88 <= np.mean(covered) <= 0.97


def test_too_few_images_give_no_interval():
    assert FEWEST == 9
    assert CountInterval.calibrate([10] * 8, [10] * 8) is None
    assert CountInterval.calibrate([10] * 9, [10] * 9) == CountInterval(0.0, 9)
