"""Which images are scored: those the model has not seen, unless others are asked for, and then with a warning."""

import shutil

from tests.commands.evaluate.small_evaluations import draw, flat, numbers, run


def test_by_default_only_unseen_images(root, capsys):
    assert run("run", root / "data", "--out", "out") == 0
    output = flat(capsys.readouterr().out)
    assert "scored 2 of 6 images: 2 of its test side" in output
    assert "left out: 3 it was trained on, 1 that chose its best epoch (by run/split.json)" in output
    assert "NOT TEST SCORES" not in output
    assert [image["side"] for image in numbers()["images"]] == ["test", "test"]
    assert numbers()["sides"] == {"test": 2}


def test_training_images_are_never_passed_off_as_test(root, capsys):
    assert run("run", root / "data", "--side", "all", "--out", "out") == 0
    assert "warning 4 of these images were used in training: THESE ARE NOT TEST SCORES" in flat(capsys.readouterr().out)
    assert numbers()["sides"] == {"train": 3, "validation": 1, "test": 2}
    assert run("run", root / "data", "--side", "train") == 0
    assert "warning these images were used in training: THESE ARE NOT TEST SCORES" in flat(capsys.readouterr().out)


def test_other_data_are_scored_whole(root, tmp_path, capsys):
    other = draw(tmp_path / "other", "abc", seed=5)
    assert run("run", other) == 0
    output = flat(capsys.readouterr().out)
    assert "scored 3 images: 3 it has not seen (by run/split.json)" in output
    assert "left out" not in output


def test_model_without_its_run(root, tmp_path, capsys):
    shutil.copy("run/model.safetensors", "alone.safetensors")
    assert run("alone.safetensors", root / "data") == 0
    output = flat(capsys.readouterr().out)
    assert "scored 6 images warning there is no split.json beside the model" in output
    assert run("alone.safetensors", root / "data", "--split", "run", "--side", "test") == 0
    assert "scored 2 of 6 images" in flat(capsys.readouterr().out)
    assert run("alone.safetensors", root / "data", "--side", "test") == 2
    assert "name one with --split" in capsys.readouterr().err


def test_images_and_masks_apart(root, capsys):
    assert run("run", "--images", root / "data/images", "--masks", root / "data/masks") == 0
    assert "scored 2 of 6 images" in flat(capsys.readouterr().out)
