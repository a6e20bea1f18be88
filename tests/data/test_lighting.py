"""Another lighting changes the tones of an image as a lamp or a camera does, and a run of an older version does without."""

import numpy as np
import pytest

from minunet.data.augmentation import augment
from minunet.data.batches import Batches
from minunet.data.lighting import BALANCE, GAIN, GAMMA, UNCHANGED, relight
from minunet.data.pairs import find_pairs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError


def drawn(image, count=200):
    return [relight(image, np.random.default_rng(seed)) for seed in range(count)]


def test_grey_images_are_changed_by_a_curve_and_a_gain():
    image = np.linspace(0.01, 0.4, 60, dtype=np.float32).reshape(6, 10, 1)
    gammas, gains = [], []
    for relit in drawn(image):
        assert relit.dtype == np.float32
        assert relit.shape == image.shape
        assert not np.shares_memory(relit, image)
        gamma, gain = np.polyfit(np.log(image.ravel()), np.log(relit.ravel()), 1)  # log y = gamma log x + log gain
        assert np.allclose(relit, np.exp(gain) * image**gamma, rtol=1e-3)
        gammas.append(gamma)
        gains.append(np.exp(gain))
    assert 1 / GAMMA - 1e-3 < min(gammas) < 0.9
    assert 1.1 < max(gammas) < GAMMA + 1e-3
    assert GAIN[0] - 1e-3 < min(gains) < 0.8
    assert 1.6 < max(gains) < GAIN[1] + 1e-3
    unchanged = np.mean([abs(gain - 1) < 1e-4 for gain in gains])  # some images stay as they are
    assert abs(unchanged - UNCHANGED) < 0.08


def test_the_light_of_a_colour_image_gets_another_colour():
    image = np.full((2, 3, 3), 0.4, np.float32)
    ratios = [relit[0, 0].max() / relit[0, 0].min() for relit in drawn(image)]
    assert 1.2 < max(ratios) < BALANCE**2 + 1e-3


def test_nothing_is_brighter_than_white_and_black_stays_black():
    for image in (np.full((2, 2, 1), 0.95, np.float32), np.zeros((2, 2, 3), np.float32)):
        values = np.stack(drawn(image))
        assert 0 <= values.min() <= values.max() <= 1
        assert (values.max() > 0) == (image.max() > 0)


def test_wide_lighting_changes_tones_but_no_shapes():
    rng = np.random.default_rng(0)
    image = 0.2 + 0.6 * rng.random((12, 16, 1), np.float32)
    mask = (rng.random((12, 16, 1)) > 0.5).astype(np.float32)
    means = []
    for seed in range(20):
        mild, wide = (
            augment(image, mask, np.random.default_rng(seed), "light", lighting) for lighting in ("mild", "wide")
        )
        assert np.array_equal(mild[1], wide[1])
        order = np.argsort(mild[0].ravel())
        assert np.all(np.diff(wide[0].ravel()[order]) >= 0)  # what was brighter is not darker now
        means.append(wide[0].mean() - image.mean())
    assert min(means) < -0.07  # more than --augment light does without it
    assert max(means) > 0.1
    assert np.array_equal(augment(image, mask, rng, "none", "wide")[0], image)


def test_what_the_lamp_makes_white_differs_from_image_to_image():
    """The white of a file is not always the white of the network's range, so the tones of the level follow the lamp's."""
    image = np.array([0.8, 0.9], np.float32).reshape(1, 2, 1)
    varied = [augment(image, image, np.random.default_rng(seed), "light", "wide")[0].ravel() for seed in range(100)]
    cut_off = [values[0] for values in varied if values[0] == values[1]]
    assert len(cut_off) > 10
    assert 0.94 < min(cut_off) < 0.97
    assert max(cut_off) == 1


def test_mild_lighting_gives_the_values_from_before_there_was_a_choice():
    """A run that was begun then goes on with them."""
    image = np.linspace(0.2, 0.8, 12, dtype=np.float32).reshape(3, 4, 1)
    found, _ = augment(image, image, np.random.default_rng(7), "light", "mild")
    old = [0.7890618443489075, 0.7315089106559753, 0.6739559769630432, 0.6164030432701111]
    assert found.ravel()[:4].tolist() == pytest.approx(old, abs=1e-6)


def test_a_lighting_that_does_not_exist_is_refused(make_set, tmp_path):
    image = np.zeros((2, 2, 1), np.float32)
    with pytest.raises(UserError, match="lighting 'dark': choose mild or wide"):
        augment(image, image, np.random.default_rng(0), "light", "dark")
    with pytest.raises(UserError, match="lighting 'dark': choose mild or wide"):
        Batches(find_pairs(make_set("a", root=tmp_path)), Preprocessing(size=(16, 16)), 1, lighting="dark")


def test_batches_vary_the_lighting_only_where_they_are_told_to(make_set, tmp_path):
    pairs = find_pairs(make_set(*"abcdef", root=tmp_path))

    def images(**options):
        batches = Batches(pairs, Preprocessing(size=(16, 16)), 6, seed=1, shuffle=True, **options)
        return next(batches.epoch(0))[0]

    mild, wide = images(augment="light"), images(augment="light", lighting="wide")
    assert np.abs(wide - mild).max() > 0.1
    assert np.array_equal(images(augment="light", lighting="mild"), mild)
    assert np.array_equal(images(lighting="wide"), images())
