"""The statistics of the training images in a model file: stored, read, checked, and missing in older files."""

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.checkpoints.training_state import load_state, save_state
from minunet.nn.optim import Adam
from tests.checkpoints.model_files import SIZE, error_of, header, rewritten, unet
from tests.data.small_appearances import smears, statistics


@pytest.fixture
def saved(tmp_path):
    return write_model(
        tmp_path / "m.safetensors", unet(), SIZE, training_images=statistics(smears(10, size=(48, 48)), SIZE)
    )


def test_a_loaded_model_knows_its_training_images(saved):
    model = load_model(saved)
    assert model.training_images == statistics(smears(10, size=(48, 48)), SIZE)
    assert header(saved)["training_images"] == model.training_images.to_dict()
    image = smears(1, size=(48, 48))[0]
    assert model.unlike(image) == []
    assert any("darker" in sentence for sentence in model.unlike(image // 4))
    assert model.unlike(image.astype(np.uint16) * 16)[-1].startswith("its values are at most")
    assert "a 12-bit picture in 16 bits?" in model.unlike(image.astype(np.uint16) * 16)[-1]


def test_an_older_model_says_nothing(tmp_path):
    path = write_model(tmp_path / "m.safetensors", unet(), SIZE)
    assert "training_images" not in header(path)
    model = load_model(path)
    assert model.training_images is None
    assert model.unlike(np.zeros((5, 5), np.uint8)) == []


def test_a_training_state_knows_them_too_and_is_checked(tmp_path):
    model, known = unet(), statistics(smears(10, size=(48, 48)), SIZE)
    arguments = {"epoch": 0, "step": 0, "config": {}, "history": [], "preprocessing": SIZE}
    path = save_state(tmp_path / "s.safetensors", model, Adam(model.parameters()), **arguments, training_images=known)
    assert load_model(path).training_images == known
    rewritten(path, lambda tensors, document: document.update(training_images={"count": "ten"}))
    for load in (load_model, load_state):
        assert "no usable entry 'training_images'" in error_of(path, load)[0]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ([], "not a count and measures"),
        ({"count": 10, "measures": {"colour": [0, 0, 0]}}, "colour is no measure of the training images"),
        ({"count": -1, "measures": {}}, "the number of training images is -1"),
        ({"count": 10, "measures": {"dark": [0, "1", 1]}}, "the measure dark of the training images is [0, '1', 1]"),
        ({"count": 10, "measures": {"dark": [0, 1, 10**400]}}, "the measure dark of the training images"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(saved, entry, reason):
    (problem,) = error_of(rewritten(saved, lambda tensors, document: document.update(training_images=entry)))
    assert "no usable entry 'training_images'" in problem
    assert reason in problem
    assert len(problem) < 600
