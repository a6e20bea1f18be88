"""Scored images that are unlike those of the training are said, and marked in the tables and files."""

import csv

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from tests.commands.evaluate.small_evaluations import SIZE, flat, numbers, run
from tests.data.small_appearances import smears, statistics


def test_images_unlike_those_of_the_training_are_marked(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = load_model(made / "run")
    known = statistics(smears(10, size=(32, 24)), model.preprocessing)
    write_model("m.safetensors", model.model, model.preprocessing, training_images=known)
    for flags in ((), ("--native",)):
        assert run("m.safetensors", made / "data", "--out", "out", "--overwrite", *flags) == 0
        text = flat(capsys.readouterr().out)
        assert "a (unlike)" in text
        assert "unlike a: most of it is dark" in text
        with open("out/per_image.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert all("a negative, or" in row["unlike"] for row in rows)
        assert all("a negative, or" in image["unlike"] for image in numbers()["images"])


def test_an_older_model_marks_nothing(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(made / "run", made / "data", "--out", "out") == 0
    assert "unlike" not in capsys.readouterr().out
    assert all(image["unlike"] == "" for image in numbers()["images"])
    assert tuple(numbers()["scale"]) == SIZE
