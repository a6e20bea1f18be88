"""Model files: what is stored, that it is read exactly, and that a file is written completely or not at all."""

import numpy as np
import pytest
from safetensors.numpy import load_file

import minunet
from minunet.checkpoints import container
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.files import atomic_write
from tests.checkpoints.model_files import SIZE, header, rewritten, unet


def test_a_stranger_can_read_the_file(saved):
    document = header(saved)
    assert document["format"] == "minunet-model"
    assert document["format_version"] == container.VERSION
    assert document["architecture"] == unet().config
    assert document["preprocessing"] == {**SIZE.to_dict(), "size": [16, 12]}
    assert document["weight_layout"]["convolution"].startswith("(kh, kw, C_in, C_out)")
    assert document["metrics"] == {"dice": 0.9}
    assert document["versions"]["numpy"] == np.__version__
    assert document["tensors_in_order_of_use"] == [name for name, _ in unet().named_parameters()]
    assert load_file(saved)["contraction.0.convs.0.weight"].shape == (3, 3, 1, 2)


def test_round_trip(saved):
    loaded = load_model(saved)
    state = unet().state_dict()
    for name, parameter in loaded.model.named_parameters():
        np.testing.assert_array_equal(parameter.data, state[name])
    assert loaded.preprocessing == SIZE
    assert loaded.config == unet().config
    assert loaded.metrics == {"dice": 0.9}
    assert loaded.path == saved
    assert not loaded.model.training


@pytest.mark.parametrize(
    "options",
    [
        {"variant": "classic", "depth": 2},
        {"activation": "tanh", "pooling": "average", "block_end_relu": False},
        {"in_channels": 3},
    ],
)
def test_architecture_and_preprocessing_round_trip(tmp_path, options):
    channels = "rgb" if options.get("in_channels") == 3 else "grey"
    preprocessing = Preprocessing(channels=channels, crop=32, mask="grayscale", threshold=0.25)
    loaded = load_model(write_model(tmp_path / "m.safetensors", unet(**options), preprocessing))
    assert loaded.config == unet(**options).config
    assert loaded.preprocessing == preprocessing


def test_the_outputs_round_trip_and_one_logit_needs_no_entry(saved, tmp_path):
    outputs = Outputs(("background", "red", "white"), "seam")
    path = write_model(tmp_path / "m.safetensors", unet(out_channels=4), SIZE, outputs=outputs)
    assert load_model(path).outputs == outputs
    assert header(path)["outputs"] == outputs.to_dict()
    assert load_model(saved).outputs == Outputs() and "outputs" not in header(saved)


def test_run_folder_stands_for_its_model(saved):
    assert load_model(saved.parent).path == saved
    assert load_model(str(saved.parent)).path == saved


def test_public_name(saved):
    assert minunet.load_model(saved).predict(np.zeros((3, 4), np.uint8)).shape == (3, 4)


def test_same_model_same_bytes(saved):
    again = write_model(saved.with_name("again.safetensors"), unet(), SIZE, metrics={"dice": 0.9})
    assert again.read_bytes() == saved.read_bytes()


def test_scrambled_memory_is_stored_in_order(tmp_path):
    array = np.arange(12.0).reshape(3, 4).T
    container.write(tmp_path / "x", {"a": array, "zero_d": np.float32(3)}, {"format": "test"})
    tensors, _ = container.read(tmp_path / "x", {"test": "a test"})
    np.testing.assert_array_equal(tensors["a"], array)
    assert tensors["zero_d"].shape == ()


def test_metrics_json_has_no_word_for_become_null(tmp_path):
    metrics = {"dice": np.float32(0.5), "loss": float("nan"), "per_image": [np.inf, 1]}
    path = write_model(tmp_path / "m.safetensors", unet(), SIZE, metrics=metrics)
    assert header(path)["metrics"] == {"dice": 0.5, "loss": None, "per_image": [None, 1]}


def test_half_precision_weights_are_widened(saved):
    def halve(tensors, document):
        tensors.update({name: value.astype(np.float16) for name, value in tensors.items()})

    loaded = load_model(rewritten(saved, halve))
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {np.dtype(np.float32)}


def test_weights_in_half_precision_take_half_of_the_room(saved, tmp_path):
    half = write_model(tmp_path / "half.safetensors", unet(), SIZE, dtype="float16", about="A model to try.")
    assert {array.dtype for array in load_file(half).values()} == {np.dtype("float16")}
    assert header(half)["about"] == "A model to try."
    state = unet().state_dict()
    for name, parameter in load_model(half).model.named_parameters():
        np.testing.assert_array_equal(parameter.data, state[name].astype(np.float16).astype(np.float32))


def test_weights_that_half_precision_cannot_hold_are_refused(tmp_path):
    model = unet()
    next(iter(model.parameters())).data[:] = 1e6
    with pytest.raises(UserError, match=r"contraction\.0\.convs\.0\.weight are too large for float16; write float32"):
        write_model(tmp_path / "half.safetensors", model, SIZE, dtype="float16")
    assert not (tmp_path / "half.safetensors").exists()


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_interrupted_write_leaves_the_old_file(saved, monkeypatch, failure, moment):
    before = saved.read_bytes()

    def fail(*arguments):
        raise failure

    monkeypatch.setattr(atomic_write.os, moment, fail)
    with pytest.raises((UserError, KeyboardInterrupt)) as caught:
        write_model(saved, unet(seed=3), SIZE)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["model.safetensors"]
    if isinstance(failure, OSError):
        assert caught.value.problems == [
            f"{saved}: cannot be written (No space left on device); "
            "free some space, or choose a folder you may write to."
        ]


def test_folder_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_model(tmp_path / "file" / "model.safetensors", unet(), SIZE)


def test_written_files_may_be_read_by_others(saved):
    assert saved.stat().st_mode & 0o777 == atomic_write.write_text(saved.with_name("x"), "x").stat().st_mode & 0o777
    plain = saved.with_name("plain")
    plain.write_text("")
    assert saved.stat().st_mode == plain.stat().st_mode
