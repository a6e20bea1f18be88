"""The interval of the count: its quantile, what it covers, and the images that it needs."""

import numpy as np

from minunet.cells.count_interval import FEWEST, CountInterval


def test_the_interval_is_the_conformal_quantile():
    true, predicted = [100] * 19, [100 + error for error in range(19)]
    interval = CountInterval.calibrate(true, predicted)
    # ceil(0.9 * 20) = 18: the second largest of 19 errors.
    assert interval == CountInterval(17 / 117, 19)
    assert interval.of(0) == (0, 0)
    low, high = CountInterval(0.05, 9).of(100)
    assert (low, high) == (95, 105)


def test_the_interval_covers_nine_of_ten_new_images():
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
