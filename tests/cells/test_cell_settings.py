"""The settings of cells: which values they may have."""

import pytest

from minunet.cells.cell_settings import CellSettings
from minunet.errors import UserError


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
