"""The record of a warning, as it is stored and read."""

import pytest

from minunet.training.watch_record import TrainingWarning

WARNING = TrainingWarning("stuck", 5, "the loss stays: lower --lr")


def test_a_warning_is_the_same_after_it_was_stored():
    assert TrainingWarning.from_dict(WARNING.to_dict()) == WARNING
    assert WARNING.to_dict() == {"kind": "stuck", "epoch": 5, "message": "the loss stays: lower --lr"}


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind 'bad luck' is not known; choose one of not finite, exploding"):
        TrainingWarning("bad luck", 1, "")


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"kind": "stuck", "epoch": 5},
        {"kind": "stuck", "epoch": 0, "message": ""},
        {"kind": "stuck", "epoch": True, "message": ""},
        {"kind": "stuck", "epoch": "5", "message": ""},
        {"kind": "stuck", "epoch": 5, "message": None},
        {"kind": ["stuck"], "epoch": 5, "message": ""},
        {"kind": "stuck", "epoch": 5, "message": "", "more": 1},
    ],
)
def test_anything_else_is_no_warning(values):
    with pytest.raises(ValueError, match="warning"):
        TrainingWarning.from_dict(values)
