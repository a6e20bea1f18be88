"""How cells are cut out, in the header of a model: stored, read again, checked; and models of versions that did not know it."""

import pytest

from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from tests.checkpoints.model_files import SIZE, error_of, header, rewritten, unet

CHOICE = CellChoice(CellSettings(0.4, 0.1, 0.2, 0.05), CountInterval(0.03, 12), {"cell_f1": 0.95})


def test_a_choice_is_stored_and_read(tmp_path):
    path = write_model(tmp_path / "model.safetensors", unet(), SIZE, cell_choice=CHOICE)
    model = load_model(path)
    assert model.cell_choice == CHOICE
    assert model.cell_settings == CHOICE.settings


def test_a_model_without_a_choice_has_the_defaults(saved):
    assert "cells" not in header(saved)
    assert load_model(saved).cell_choice is None
    assert load_model(saved).cell_settings == CellSettings()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cells: cells["settings"].update(threshold=7), "threshold 7: give a number from 0.01 to 0.99"),
        (lambda cells: cells["settings"].update(seeds=1), "unknown (seeds)"),
        (lambda cells: cells["settings"].pop("smoothing"), "without smoothing"),
        (lambda cells: cells["interval"].update(images="many"), "images 'many'"),
        (lambda cells: cells["validation"].update(cell_f1=[]), "no numbers (cell_f1)"),
        (lambda cells: cells.update(settings=[]), "settings is no object"),
        (lambda cells: cells.pop("validation"), "it has"),
    ],
)
def test_a_choice_that_cannot_be_used_is_an_error_that_names_the_file(tmp_path, change, said):
    path = write_model(tmp_path / "model.safetensors", unet(), SIZE, cell_choice=CHOICE)
    (problem,) = error_of(rewritten(path, lambda tensors, document: change(document["cells"])))
    assert said in problem


@pytest.mark.parametrize("value", [[], 3, "cells", True])
def test_an_entry_of_another_type_is_refused(saved, value):
    (problem,) = error_of(rewritten(saved, lambda tensors, document: document.update(cells=value)))
    assert "no usable entry 'cells'" in problem
