"""Stored progress: what is missing, out of range or contradicts the history is named, and no training goes on from it."""

import pytest

from minunet.checkpoints.container import read, write
from minunet.errors import UserError
from tests.fuzz.test_damaged_states import STEPS, files, path  # noqa: F401  the fixture


def change(path, edit):  # noqa: F811
    """Change the document of a state, which then gets a new checksum."""
    tensors, document = read(path, {"minunet-training-state": "a state"})
    edit(document)
    write(path, tensors, document)


CHANGES = {
    "no best epoch": lambda d: d["extra"]["progress"].update(best_epoch=0),
    "another best epoch": lambda d: d["extra"]["progress"].update(best_epoch=3),
    "a best epoch that is not there": lambda d: d["extra"]["progress"].update(best_epoch=9),
    "a best epoch that is true": lambda d: d["extra"]["progress"].update(best_epoch=True),
    "best epoch missing": lambda d: d["extra"]["progress"].pop("best_epoch"),
    "best value missing": lambda d: d["extra"]["progress"].pop("best_value"),
    "no best value": lambda d: d["extra"]["progress"].update(best_value=None),
    "a NaN as best value": lambda d: d["extra"]["progress"].update(best_value=float("nan")),
    "an infinite best value": lambda d: d["extra"]["progress"].update(best_value=float("inf")),
    "another best value": lambda d: d["extra"]["progress"].update(best_value=0.99),
    "no progress": lambda d: d["extra"].pop("progress"),
    "progress of another kind": lambda d: d["extra"].update(progress=[1]),
    "an entry too many": lambda d: d["extra"]["progress"].update(other=1),
    "another epoch": lambda d: d["extra"]["progress"].update(epoch=2),
    "another epoch in the header": lambda d: d.update(epoch=2),
    "another step": lambda d: d["extra"]["progress"].update(step=7),
    "another step in the header": lambda d: d.update(step=7),
    "another step of the optimizer": lambda d: d["optimizer"].update(step=99),
    "a step of 10^30": lambda d: d["extra"]["progress"].update(step=10**30),
    "a negative step": lambda d: d.update(step=-1),
    "batches without images": lambda d: d["extra"]["progress"].update(batch=1, step=7),
    "a text as count": lambda d: d["extra"]["progress"].update(images="0"),
    "negative pixels": lambda d: d["extra"]["progress"]["overlap"].update(true_positive=-1),
    "pixels missing": lambda d: d["extra"]["progress"]["overlap"].pop("true_positive"),
    "a warning of no kind": lambda d: d["extra"].update(warnings=[{"kind": "other", "epoch": 1, "message": ""}]),
    "warnings of another type": lambda d: d["extra"].update(warnings="none"),
    "an epoch missing": lambda d: d["history"].pop(),
    "the first epoch missing": lambda d: d["history"].pop(0),
    "epochs exchanged": lambda d: d["history"].reverse(),
    "a column missing": lambda d: d["history"][1].pop("val_dice"),
    "a column too many": lambda d: d["history"][1].update(other=1),
    "a NaN in the history": lambda d: d["history"][0].update(val_dice=float("nan")),
    "a share above 1": lambda d: d["history"][2].update(val_iou=1.5),
    "a text in the history": lambda d: d["history"][2].update(lr="0.1"),
    "no best epoch in the history": lambda d: d["history"][1].update(best=False),
    "two best epochs in the history": lambda d: d["history"][2].update(best=True),
    "a best that is 1": lambda d: d["history"][1].update(best=1),
    "a history of lists": lambda d: d.update(history=[[1], [2], [3]]),
    "a setting of another network": lambda d: d["architecture"].update(activation="tanh"),
    "another loss": lambda d: d["config"].update(loss="dice"),
    "a learning rate without end": lambda d: d["optimizer"].update(lr=float("inf")),
    "a text in the optimizer": lambda d: d["optimizer"].update(beta1="0.9"),
    "a beta of 2": lambda d: d["optimizer"].update(beta1=2),
    "an optimizer without eps": lambda d: d["optimizer"].pop("eps"),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_it_is_refused(name, path):  # noqa: F811
    change(path, CHANGES[name])
    with pytest.raises(UserError) as caught:
        files(path.parent).restore(STEPS)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ") and len(problem) < 700


def test_a_sound_state_is_taken(path):  # noqa: F811
    change(path, lambda document: None)
    progress = files(path.parent).restore(STEPS)
    assert (progress.best_epoch, progress.best_value, progress.step) == (2, 0.75, 6)


def test_a_state_of_an_older_version_has_no_warnings(path):  # noqa: F811
    change(path, lambda document: document["extra"].pop("warnings"))
    assert files(path.parent).restore(STEPS).warnings == []


@pytest.mark.parametrize("name", ["optimizer.exp_avg.0", "optimizer.exp_avg_sq.1", "optimizer.updates"])
def test_moments_that_no_training_has(name, path):  # noqa: F811
    tensors, document = read(path, {"minunet-training-state": "a state"})
    tensors = {key: value.copy() for key, value in tensors.items()}
    tensors[name].reshape(-1)[0] = -5 if "avg." not in name else float("nan")
    write(path, tensors, document)
    with pytest.raises(UserError, match="holds values that it never has|does not fit this training"):
        files(path.parent).restore(STEPS)
