"""Model files that cannot be used: missing, cut off, damaged, of another program or version; each says what is wrong with it."""

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from minunet.checkpoints import container
from minunet.checkpoints.model_file import load_model
from minunet.errors import UserError
from tests.checkpoints.model_files import error_of, rewritten


def test_missing(tmp_path):
    (problem,) = error_of(tmp_path / "absent.safetensors")
    assert "no such file" in problem


def test_folder_without_a_model(tmp_path):
    (problem,) = error_of(tmp_path)
    assert "holds no model.safetensors" in problem
    assert "no run folder" in problem


@pytest.mark.parametrize("length", [0, 3, 8, 100, 0.5, 0.9, -1])
def test_cut_off(saved, length):
    data = saved.read_bytes()
    size = int(len(data) * length) if isinstance(length, float) else length
    saved.write_bytes(data[:size])
    (problem,) = error_of(saved)
    assert ("is empty" if length == 0 else "is cut off") in problem
    assert "copy it again" in problem
    if length == 0.9:
        assert f"{size:,} of {len(data):,} bytes" in problem


def test_cut_off_anywhere_is_an_error_that_names_the_file(saved):
    data = saved.read_bytes()
    for size in range(0, len(data), 97):
        saved.write_bytes(data[:size])
        error_of(saved)


def test_other_kinds_of_file(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "picture.png")
    (tmp_path / "text").write_text("these are not the weights you are looking for\n")
    (tmp_path / "json").write_text('{"format": "minunet-model", "format_version": 1}')
    (tmp_path / "zeros").write_bytes(bytes(1000))
    for name in ("picture.png", "text", "json", "zeros"):
        (problem,) = error_of(tmp_path / name)
        assert "not a safetensors file" in problem


def test_damaged_header(saved):
    data = bytearray(saved.read_bytes())
    data[8:12] = b"{{{{"
    saved.write_bytes(data)
    (problem,) = error_of(saved)
    assert "header of this file is damaged" in problem


def test_more_bytes_than_the_header_says(saved):
    saved.write_bytes(saved.read_bytes() + b"more")
    (problem,) = error_of(saved)
    assert "damaged" in problem


def test_safetensors_of_somebody_else(tmp_path):
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "other.safetensors", metadata={"format": "pt"})
    (problem,) = error_of(tmp_path / "other.safetensors")
    assert "was not written by minunet" in problem
    assert "give the model.safetensors that training wrote" in problem


def test_newer_format(saved, monkeypatch):
    def newer(tensors, document):
        document["format_version"] = container.VERSION + 1
        document["versions"]["minunet"] = "9.1"

    (problem,) = error_of(rewritten(saved, newer))
    assert f"format version {container.VERSION + 1}, written by minunet 9.1" in problem
    assert "pip install --upgrade minunet" in problem


def test_every_tensor_that_does_not_fit_is_listed(saved):
    def spoil(tensors, document):
        del tensors["head.bias"], tensors["bottleneck.convs.0.weight"]
        tensors["extra.weight"] = np.zeros(2, np.float32)
        tensors["head.weight"] = np.zeros((1, 1, 2, 1), np.float32)
        tensors["contraction.0.convs.0.bias"] = np.zeros(2, np.int32)

    text = "\n".join(error_of(rewritten(saved, spoil)))
    assert "'head.bias' is missing" in text
    assert "'bottleneck.convs.0.weight' is missing" in text
    assert "'extra.weight' belongs to no layer" in text
    assert "'head.weight' has shape (1, 1, 2, 1), the architecture needs (3, 3, 2, 1)" in text
    assert "'contraction.0.convs.0.bias' holds int32" in text
    assert "do not fit the architecture" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document["architecture"].update(depth=99), "cannot build the architecture"),
        (lambda document: document["architecture"].update(attention=True), "cannot build the architecture"),
        (lambda document: document["preprocessing"].update(channels="infrared"), "does not know the preprocessing"),
        (lambda document: document["preprocessing"].update(sharpen=2), "does not know the preprocessing"),
        (lambda document: document.pop("architecture"), "no usable entry 'architecture'"),
        (lambda document: document["preprocessing"].update(channels="rgb"), "takes 1 channel, and rgb images have 3"),
        (lambda document: document.update(outputs={"classes": [], "separation": "glue"}), "cannot use the outputs"),
        (lambda document: document.update(outputs=[]), "cannot use the outputs"),
        (
            lambda document: document.update(outputs={"classes": [], "separation": "seam"}),
            "has 1 output channel, and its header describes 2",
        ),
        (lambda document: document.pop("format"), "header of this file is damaged"),
        (lambda document: document.update(format="minunet-recipe"), "holds 'minunet-recipe'"),
    ],
)
def test_header_that_cannot_be_followed(saved, change, message):
    (problem,) = error_of(rewritten(saved, lambda tensors, document: change(document)))
    assert message in problem


def test_device_that_is_not_there(saved):
    from minunet.kernels.backend import why_no_gpu

    with pytest.raises(UserError, match="not known; choose"):
        load_model(saved, device="tpu")
    if why_no_gpu():
        with pytest.raises(UserError, match="cannot be used"):
            load_model(saved, device="cuda")


def test_a_missing_file_and_a_device_that_cannot_be_had_are_told_together(tmp_path):
    with pytest.raises(UserError) as caught:
        load_model(tmp_path / "no.safetensors", device="tpu")
    device, file = caught.value.problems
    assert "tpu" in device and "no.safetensors" in file
