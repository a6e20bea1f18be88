"""Damaged training states, by the thousand: a run is resumed from a sound state that is as it was written, or not at all."""

import dataclasses
import json

import numpy as np
import pytest

from minunet.checkpoints import container
from minunet.checkpoints.checksum import checksum
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.runs.checkpoint_files import CheckpointFiles
from minunet.runs.run_folder import RunFolder
from minunet.runs.train_config import TrainConfig
from minunet.training.events import EpochRecord, TrainingProgress
from tests.fuzz.mutations import mutated_bytes, mutated_json, mutated_table, packed, pick, unpacked
from tests.fuzz.outcomes import each_count, try_files

CONFIG = TrainConfig(base_channels=2, depth=1, size=(16, 16), epochs=9, threads=1, device="cpu", precision="fp32")
DICE = (0.5, 0.75, 0.625)
STEPS = 2  # of an epoch


def record(epoch):
    shares = dict.fromkeys(("train_dice", "train_iou", "val_iou", "val_precision", "val_recall", "val_accuracy"), 0.5)
    shares |= {"val_keras_accuracy": 0.5, "val_baseline": 0.25, "val_dice": DICE[epoch - 1], "best": epoch < 3}
    return EpochRecord(epoch=epoch, step=2 * epoch, lr=0.01, train_loss=0.7, val_loss=0.6, seconds=1.5, **shares)


def files(folder):
    """A run's files with a new model and a new optimizer."""
    model = UNet(**CONFIG.architecture())
    return CheckpointFiles(CONFIG, RunFolder(folder), model, Adam(model.parameters()))


@pytest.fixture
def path(tmp_path):
    """The state of three epochs of two steps."""
    rng, keeper = np.random.default_rng(0), files(tmp_path)
    for _ in range(6):
        for parameter in keeper.model.parameters():
            parameter.grad = rng.standard_normal(parameter.shape).astype(np.float32)
        keeper.optimizer.step()
    history = [record(epoch) for epoch in (1, 2, 3)]
    keeper.save_last(TrainingProgress(epoch=3, step=6, best_epoch=2, best_value=0.75, history=history))
    return tmp_path / "last.safetensors"


def test_the_state_is_sound(path):
    progress = files(path.parent).restore(STEPS)
    assert (progress.epoch, progress.best_epoch, progress.best_value) == (3, 2, 0.75)


@each_count
def test_they_are_refused_or_read(count, path):
    whole = path.read_bytes()
    header, tensors = unpacked(whole)
    document = json.loads(header["__metadata__"]["minunet"])
    arrays, _ = container.read(path, {"minunet-training-state": "a state"})
    original, moments = dict(files(path.parent).model.named_parameters()), None
    keeper = files(path.parent)
    expected = dataclasses.asdict(keeper.restore(STEPS))
    moments = keeper.optimizer.state_dict()
    assert set(original) == set(keeper.model.state_dict())

    def mutate(rng, k):
        kind = pick(rng, ("bytes", "document", "document with a new checksum", "document without checksum", "table"))
        if kind == "bytes":
            return kind, mutated_bytes(rng, whole)
        if kind == "table":
            return kind, mutated_table(rng, header, tensors)
        part = pick(rng, ("history", "extra", "optimizer", None, None))
        if part is None:
            changed = mutated_json(rng, document)
        else:
            changed = {**document, part: mutated_json(rng, document[part])}
        if kind == "document without checksum":
            changed.pop("checksum", None)
        elif "checksum" not in changed:  # the mutation has removed it
            kind = "document without checksum"
        if kind == "document with a new checksum":
            changed["checksum"] = checksum(arrays, changed)
        return kind, packed({**header, "__metadata__": {"minunet": json.dumps(changed)}}, tensors)

    def read(kind, data):
        again = files(path.parent)
        progress = again.restore(STEPS)
        state = again.optimizer.state_dict()
        assert all(np.isfinite(value).all() for value in again.model.state_dict().values())
        assert all(np.isfinite(value).all() for value in state.values())
        assert progress.best_epoch == 2 and progress.best_value == 0.75  # the history names no other epoch
        assert (progress.epoch, progress.step) == (3, 6)
        if "without" not in kind and "new" not in kind:
            assert dataclasses.asdict(progress) == expected
            assert all(np.array_equal(state[name], value) for name, value in moments.items())

    outcomes = try_files(count, path, mutate, read)
    assert outcomes["bytes", "refused"] and outcomes["document without checksum", "read"]
