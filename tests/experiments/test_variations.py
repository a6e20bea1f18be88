"""What the study trains: every variation once, each with one difference from the paper's network."""

from dataclasses import asdict

import pytest

from minunet.experiments.result_table import COLUMNS, LABEL
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.variations import Variations


def changed(variation, base):
    """The settings in which a variation differs."""
    return {name: value for name, value in asdict(variation.config).items() if value != getattr(base, name)}


def test_both_models_are_trained_with_and_without_the_relus_and_nothing_else_differs():
    settings = StudySettings()
    models = {variation.key: variation for variation in Variations(settings, 72).of_part("m1m2")}
    base = settings.config("m1m2")
    assert {key: (variation.masks, changed(variation, base)) for key, variation in models.items()} == {
        "m1": ("resized", {"mask": "grayscale"}),
        "m1-no-relu": ("resized", {"mask": "grayscale", "block_end_relu": False}),
        "m2": ("binary", {}),
        "m2-no-relu": ("binary", {"block_end_relu": False}),
        "m1-levels": ("levels", {"mask": "grayscale"}),
        "m1-levels-no-relu": ("levels", {"mask": "grayscale", "block_end_relu": False}),
    }


def test_stored_greys_take_the_place_of_resized_ones():
    models = {v.key: v.masks for v in Variations(StudySettings(graded=True, levels=None), 72).of_part("m1m2")}
    assert models == {"m1": "stored", "m1-no-relu": "stored", "m2": "binary", "m2-no-relu": "binary"}


def test_each_claim_changes_one_thing_and_the_shared_run_is_one():
    settings = StudySettings()
    variations = Variations(settings, 72)
    base = settings.config("claims")
    claims = {variation.key: changed(variation, base) for variation in variations.of_part("claims")}
    assert claims.pop("relu-max-all") == {}
    assert claims.pop("tanh") == {"activation": "tanh"}
    assert claims.pop("sigmoid") == {"activation": "sigmoid"}
    assert claims.pop("average") == {"pooling": "average"}
    assert set(claims) == {"10-images", "20-images", "40-images"}
    assert sum("relu-max-all" in dict(section.rows) for section in variations.sections) == 3


@pytest.mark.parametrize("images", [9, 10, 11, 30, 72, 500])
def test_few_images_take_as_many_steps_as_all(images):
    settings = StudySettings(claims_epochs=7, batch_size=8)
    steps = 7 * -(-images // 8)
    few_images = [v for v in Variations(settings, images).of_part("claims") if v.images is not None]
    assert [v.images for v in few_images] == [count for count in (10, 20, 40) if count < images]
    for variation in few_images:
        each = -(-variation.images // 8)
        assert 0 <= variation.config.epochs * each - steps < each


@pytest.mark.parametrize("graded", [False, True])
def test_every_row_is_known_and_its_label_fits_the_table(graded):
    variations = Variations(StudySettings(graded=graded, levels=(0.125, 0.875), claims_epochs=999), 9999)
    assert LABEL + sum(COLUMNS.values()) <= 80
    for section in variations.sections:
        assert len(section.title) <= 80
        for key, label in section.rows:
            assert key in variations.by_key
            assert len(label) <= LABEL - 2, label
