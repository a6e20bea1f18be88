"""An experiment: the pairs that it is trained on, its name, and its settings."""

from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.experiments.experiment import Experiment, draw_pairs
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.variations import Variations


def test_few_are_nested_drawn_by_the_seed_and_leave_the_rest_of_the_split_alone(tmp_path):
    pairs = [Pair(f"p{i:02}", tmp_path / f"{i}.png", tmp_path / f"{i}m.png") for i in range(30)]
    split = Split(tuple(pairs[:26]), tuple(pairs[26:28]), tuple(pairs[28:]))
    names = {
        (count, seed): {pair.name for pair in draw_pairs(split, count, seed)} for count in (10, 20) for seed in (0, 1)
    }
    assert {count: len(drawn) for (count, _), drawn in names.items()} == {10: 10, 20: 20}
    assert names[10, 0] < names[20, 0]
    assert names[10, 0] != names[10, 1]
    assert draw_pairs(split, None, 0) == draw_pairs(split, 26, 0) == split.train


def test_a_seed_names_its_run():
    variation = Variations(StudySettings(), 72).by_key["m1"]
    assert Experiment(variation, 3).name == "m1-seed3"


def test_its_settings_are_those_of_its_variation_on_the_prepared_images(tmp_path):
    variation = Variations(StudySettings(), 72).by_key["m1"]
    config = Experiment(variation, 3).config(PreparedImages(tmp_path), device="cpu", threads=2)
    assert (config.seed, config.device, config.threads, config.mask) == (3, "cpu", 2, "grayscale")
    assert config.images == str(tmp_path / "256x192" / "images")
    assert config.masks == str(tmp_path / "256x192" / "resized")
    assert config.architecture() == variation.config.architecture()
