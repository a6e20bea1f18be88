"""Damaged model files, by the thousand: each is refused in sentences, or read as a whole and sound model."""

import json

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from tests.checkpoints.model_files import SIZE, unet
from tests.fuzz.mutations import mutated_bytes, mutated_json, mutated_table, packed, pick, unpacked
from tests.fuzz.outcomes import each_count, try_files


@pytest.fixture
def path(tmp_path):
    return write_model(
        tmp_path / "model.safetensors", unet(), SIZE, metrics={"dice": 0.9}, extra={"training": {"lr": 0.1}}
    )


@each_count
def test_they_are_refused_or_read(count, path):
    whole = path.read_bytes()
    header, tensors = unpacked(whole)
    document = json.loads(header["__metadata__"]["minunet"])
    original = unet().state_dict()

    def mutate(rng, k):
        kind = pick(rng, ("bytes", "document", "document without checksum", "table", "header"))
        if kind == "bytes":
            return kind, mutated_bytes(rng, whole)
        if kind == "table":
            return kind, mutated_table(rng, header, tensors)
        if kind == "header":
            return kind, packed(mutated_json(rng, header), tensors)
        changed = mutated_json(rng, document)
        if kind == "document without checksum":
            changed.pop("checksum", None)
        elif "checksum" not in changed:  # the mutation has removed it
            kind = "document without checksum"
        return kind, packed({**header, "__metadata__": {"minunet": json.dumps(changed)}}, tensors)

    def read(kind, data):
        model = load_model(path, device="cpu")
        state = model.model.state_dict()
        assert all(np.isfinite(value).all() for value in state.values())
        assert isinstance(model.metrics, dict) and isinstance(model.extra, dict)
        if kind != "document without checksum":  # what the checksum covers is as it was
            assert model.config == unet().config and model.preprocessing == SIZE and model.metrics == {"dice": 0.9}
            assert all(np.array_equal(state[name], value) for name, value in original.items())

    outcomes = try_files(count, path, mutate, read)
    assert outcomes["bytes", "refused"] and outcomes["document without checksum", "read"]
