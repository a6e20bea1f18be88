"""predict --json: stdout holds one document, with every image, and what failed."""

import json

from minunet.predict import main


def test_the_document_has_every_image_and_what_failed(model, smears, capsys):
    (smears / "c.png").write_bytes(b"no picture")
    assert main([str(model), "smears", "--out", "out", "--json", "--no-report"]) == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert [image["image"] for image in found["images"]] == ["a", "b", "deep/a"]
    assert found["images"][0]["pixels"] == 9 * 14 and 0 <= found["images"][0]["cell_share"] <= 1
    assert found["exit_code"] == 1 and found["out"] == "out" and "c.png" in found["failures"][0]
    assert "done " in said.err


def test_the_counts_of_cells_are_those_of_the_table(cell_model, folder, capsys):
    assert main([str(cell_model), "cells", "--out", "out", "--json", "--no-report"]) == 0
    cells = {image["image"]: image["cells"]["cells"] for image in json.loads(capsys.readouterr().out)["images"]}
    assert cells == {"three": 3, "one": 1, "none": 0}


def test_a_mistake_is_a_document_too(model, smears, capsys):
    assert main([str(model), "nowhere", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 2 and "nowhere does not exist" in found["problems"][0]


def test_a_run_folder_is_no_folder_of_images(model, smears, tmp_path, capsys):
    run = tmp_path / "runs" / "first"
    run.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "curves.png"):
        (run / name).write_bytes(b"")
    assert main([str(model), str(run)]) == 2
    assert f"{run} is the folder of a training, and its pictures are no images of cells" in capsys.readouterr().err
