"""The choice of cell settings that a model file stores."""

import pytest

from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.errors import UserError

CHOICE = CellChoice(CellSettings(0.4, 0.02, 0.2, 0.3), CountInterval(0.05, 9), {"cell_f1": 0.9})


def test_a_choice_survives_a_file():
    assert CellChoice.from_dict(CHOICE.to_dict()) == CHOICE
    assert CellChoice.from_dict(CellChoice().to_dict()) == CellChoice()


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


def test_settings_of_older_versions_know_nothing_learned():
    stored = CellChoice(CellSettings()).to_dict()
    del stored["settings"]["learned"]
    assert CellChoice.from_dict(stored).settings == CellSettings()
    assert CellSettings().learned == 0


def test_an_entry_that_is_missing_is_refused():
    stored = CHOICE.to_dict()
    del stored["settings"]
    with pytest.raises(UserError, match="settings"):
        CellChoice.from_dict(stored)
