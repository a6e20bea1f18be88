"""Model files and training states: they come back as they were, and every bad file says what is wrong with it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import minunet
from minunet import UNet, optim
from minunet.data.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.kernels import dispatch
from minunet.training import atomic, container, predictor
from minunet.training.checkpoint import load_model, load_state, save_model, save_state

SIZE = Preprocessing(size=(16, 12))


def unet(seed=0, **options):
    return UNet(**{"base_channels": 2, "depth": 1, **options}, rng=np.random.default_rng(seed))


@pytest.fixture
def saved(tmp_path):
    return save_model(tmp_path / "model.safetensors", unet(), SIZE, metrics={"dice": 0.9})


def header(path):
    with safe_open(path, "np") as file:
        return json.loads(file.metadata()["minunet"])


def rewritten(path, change):
    """Change a file's tensors and document, as a faulty program would."""
    tensors, document = dict(load_file(path)), header(path)
    change(tensors, document)
    save_file(tensors, path, metadata={"minunet": json.dumps(document)})
    return path


def error_of(path, load=load_model):
    with pytest.raises(UserError) as caught:
        load(path)
    problems = caught.value.problems
    assert all(str(path) in problem for problem in problems)
    return problems


# What is stored


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
    loaded = load_model(save_model(tmp_path / "m.safetensors", unet(**options), preprocessing))
    assert loaded.config == unet(**options).config
    assert loaded.preprocessing == preprocessing


def test_run_folder_stands_for_its_model(saved):
    assert load_model(saved.parent).path == saved
    assert load_model(str(saved.parent)).path == saved


def test_public_name(saved):
    assert minunet.load_model(saved).predict(np.zeros((3, 4), np.uint8)).shape == (3, 4)


def test_same_model_same_bytes(saved):
    again = save_model(saved.with_name("again.safetensors"), unet(), SIZE, metrics={"dice": 0.9})
    assert again.read_bytes() == saved.read_bytes()


def test_scrambled_memory_is_stored_in_order(tmp_path):
    array = np.arange(12.0).reshape(3, 4).T
    container.write(tmp_path / "x", {"a": array, "zero_d": np.float32(3)}, {"format": "test"})
    tensors, _ = container.read(tmp_path / "x", {"test": "a test"})
    np.testing.assert_array_equal(tensors["a"], array)
    assert tensors["zero_d"].shape == ()


def test_metrics_json_has_no_word_for_become_null(tmp_path):
    metrics = {"dice": np.float32(0.5), "loss": float("nan"), "per_image": [np.inf, 1]}
    path = save_model(tmp_path / "m.safetensors", unet(), SIZE, metrics=metrics)
    assert header(path)["metrics"] == {"dice": 0.5, "loss": None, "per_image": [None, 1]}


# Training states


def trained(optimizer_class=optim.Adam, steps=2):
    model = unet()
    optimizer = optimizer_class(model.parameters(), lr=0.1)
    rng = np.random.default_rng(1)
    for _ in range(steps):
        step(model, optimizer, rng)
    return model, optimizer, rng


def step(model, optimizer, rng):
    x = rng.random((2, 6, 6, 1), np.float32)
    optimizer.zero_grad()
    minunet.functional.dice_loss(model(x), (x > 0.5).astype(np.float32)).backward()
    optimizer.step()


@pytest.mark.parametrize("kind", [optim.Adam, lambda params, lr: optim.SGD(params, lr, momentum=0.9)])
def test_resumed_training_takes_the_same_steps(tmp_path, kind):
    model, optimizer, rng = trained(kind)
    save_state(tmp_path / "last.safetensors", model, optimizer, epoch=1, step=2, config={}, history=[])
    other = unet(seed=5)
    resumed = kind(other.parameters(), lr=0.3)
    load_state(tmp_path / "last.safetensors", other, resumed)
    assert resumed.lr == 0.1
    after = np.random.default_rng()
    after.bit_generator.state = rng.bit_generator.state
    for _ in range(2):
        step(model, optimizer, rng)
        step(other, resumed, after)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)


def test_state_comes_back_exactly(tmp_path):
    model, optimizer, _ = trained()
    history = [{"loss": 0.1 + 0.2, "dice": float("nan"), "best": True}, {"loss": np.float64(1e-300), "dice": np.inf}]
    save_state(
        tmp_path / "last.safetensors",
        model,
        optimizer,
        epoch=3,
        step=7,
        config=SIZE,
        history=history,
        preprocessing=SIZE,
        extra={"best": 0.25},
    )
    state = load_state(tmp_path)
    assert (state.epoch, state.step, state.extra) == (3, 7, {"best": 0.25})
    assert state.config == {**SIZE.to_dict(), "size": [16, 12]}
    assert state.preprocessing == SIZE
    assert state.architecture == model.config
    assert state.history[0]["loss"] == 0.1 + 0.2
    assert np.isnan(state.history[0]["dice"])
    assert state.history[1] == {"loss": 1e-300, "dice": np.inf}
    assert state.weights.keys() == model.state_dict().keys()


def test_state_is_also_a_model(tmp_path):
    model, optimizer, _ = trained()
    path = tmp_path / "last.safetensors"
    save_state(path, model, optimizer, epoch=1, step=2, config={}, history=[], preprocessing=SIZE)
    loaded = load_model(path)
    np.testing.assert_array_equal(loaded.model.state_dict()["head.bias"], model.state_dict()["head.bias"])
    (problem,) = error_of(tmp_path)
    assert "holds no model.safetensors; give its last.safetensors" in problem


def test_state_for_another_model_or_optimizer(tmp_path):
    model, optimizer, _ = trained()
    path = save_state(tmp_path / "last.safetensors", model, optimizer, epoch=1, step=2, config={}, history=[])
    problems = error_of(path, lambda path: load_state(path, unet(base_channels=3)))
    assert any("head.weight" in problem and "(3, 3, 2, 1)" in problem for problem in problems)
    momentum = optim.SGD(unet().parameters(), 0.1, momentum=0.5)
    (problem,) = error_of(path, lambda path: load_state(path, optimizer=momentum))
    assert "does not fit this training" in problem
    assert "velocity.0 is missing" in problem


def test_model_is_no_state_and_folder_without_one(saved):
    (problem,) = error_of(saved, load_state)
    assert "holds 'minunet-model'" in problem
    assert "give the last.safetensors" in problem
    (problem,) = error_of(saved.parent, load_state)
    assert "holds no last.safetensors" in problem


# Bad files


def test_missing(tmp_path):
    (problem,) = error_of(tmp_path / "absent.safetensors")
    assert "no such file" in problem


def test_folder_without_a_model(tmp_path):
    (problem,) = error_of(tmp_path)
    assert "holds no model.safetensors" in problem
    assert "no run folder" in problem


@pytest.mark.parametrize("kept", [0, 3, 8, 100, 0.5, 0.9, -1])
def test_cut_off(saved, kept):
    data = saved.read_bytes()
    size = int(len(data) * kept) if isinstance(kept, float) else kept
    saved.write_bytes(data[:size])
    (problem,) = error_of(saved)
    assert ("is empty" if kept == 0 else "is cut off") in problem
    assert "copy it again" in problem
    if kept == 0.9:
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


def test_half_precision_weights_are_widened(saved):
    def halve(tensors, document):
        tensors.update({name: value.astype(np.float16) for name, value in tensors.items()})

    loaded = load_model(rewritten(saved, halve))
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document["architecture"].update(depth=99), "cannot build the architecture"),
        (lambda document: document["architecture"].update(attention=True), "cannot build the architecture"),
        (lambda document: document["preprocessing"].update(channels="infrared"), "does not know the preprocessing"),
        (lambda document: document["preprocessing"].update(sharpen=2), "does not know the preprocessing"),
        (lambda document: document.pop("architecture"), "no usable entry 'architecture'"),
        (lambda document: document["preprocessing"].update(channels="rgb"), "turns 1 channels into 1 masks"),
        (lambda document: document.pop("format"), "header of this file is damaged"),
        (lambda document: document.update(format="minunet-recipe"), "holds 'minunet-recipe'"),
    ],
)
def test_header_that_cannot_be_followed(saved, change, message):
    (problem,) = error_of(rewritten(saved, lambda tensors, document: change(document)))
    assert message in problem


def test_without_safetensors(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    (problem,) = error_of(saved)
    assert "pip install safetensors" in problem
    (problem,) = error_of(saved, lambda path: save_model(path, unet(), SIZE))
    assert "pip install safetensors" in problem


def test_safetensors_is_imported_when_a_file_is_touched():
    code = "import sys, minunet, minunet.training.checkpoint; sys.exit('safetensors' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


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


# Whole or not at all


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_interrupted_write_leaves_the_old_file(saved, monkeypatch, failure, moment):
    before = saved.read_bytes()

    def fail(*arguments):
        raise failure

    monkeypatch.setattr(atomic.os, moment, fail)
    with pytest.raises((UserError, KeyboardInterrupt)) as caught:
        save_model(saved, unet(seed=3), SIZE)
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
        save_model(tmp_path / "file" / "model.safetensors", unet(), SIZE)


def test_written_files_may_be_read_by_others(saved):
    assert saved.stat().st_mode & 0o777 == atomic.write_text(saved.with_name("x"), "x").stat().st_mode & 0o777
    plain = saved.with_name("plain")
    plain.write_text("")
    assert saved.stat().st_mode == plain.stat().st_mode


# Predicting


@pytest.mark.parametrize("preprocessing", [SIZE, Preprocessing(crop=8), Preprocessing(channels="rgb", size=(8, 8))])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (33, 20)])
def test_result_has_the_size_of_the_image(tmp_path, preprocessing, size):
    in_channels = 3 if preprocessing.channels == "rgb" else 1
    model = load_model(save_model(tmp_path / "m", unet(in_channels=in_channels), preprocessing))
    rng = np.random.default_rng(0)
    height, width = size
    grey = rng.integers(0, 256, (height, width), np.uint8)
    colour = rng.integers(0, 256, (height, width, 3), np.uint8)
    sixteen = rng.integers(0, 65536, (height, width), np.uint16)
    palette = Image.fromarray(colour).quantize(8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(sixteen).save(tmp_path / "sixteen.tif")
    given = [grey, colour, sixteen, grey[..., None], palette, Image.fromarray(grey).convert("1")]
    given += [Image.fromarray(colour).convert("RGBA"), tmp_path / "colour.png", str(tmp_path / "sixteen.tif")]
    for image in given:
        probability = model.predict(image)
        assert probability.shape == size
        assert probability.dtype == np.float32
        assert 0 <= probability.min() <= probability.max() <= 1
    np.testing.assert_array_equal(model.predict(colour), model.predict(tmp_path / "colour.png"))
    np.testing.assert_array_equal(model.predict(sixteen), model.predict(tmp_path / "sixteen.tif"))


def test_prediction_is_sigmoid_of_the_network_on_the_prepared_image(tmp_path):
    model = load_model(save_model(tmp_path / "m", unet(), SIZE))
    image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    logits = unet()(SIZE.image(image)[None]).data[0, :, :, 0]
    np.testing.assert_allclose(model.predict(image), 1 / (1 + np.exp(-logits)), rtol=1e-6)


def test_prediction_is_the_same_on_every_path(tmp_path):
    """A grey image reaches the kernels with an axis of one channel, whose stride can be any number."""
    model = load_model(save_model(tmp_path / "m", unet(base_channels=8), Preprocessing(crop=32)))
    image = np.random.default_rng(0).integers(0, 256, (90, 110), np.uint8)
    weight = np.zeros((3, 3, 1, 8), np.float32)
    arguments = (np.zeros((1, 90, 110, 1), np.float32),), weight, None, (1, 1), ((1, 1), (1, 1)), "relu"
    paths = [candidate.name for candidate in dispatch.primitives()["conv2d"].candidates(*arguments)]
    with dispatch.prefer("reference"):
        expected = model.predict(image)
    for path in paths:
        with dispatch.prefer(path):
            np.testing.assert_allclose(model.predict(image), expected, atol=1e-5, err_msg=path)


def test_many_images_as_one_by_one(tmp_path):
    model = load_model(save_model(tmp_path / "m", unet(), Preprocessing(crop=8)))
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, np.uint8) for size in [(9, 9), (9, 9), (5, 8), (9, 9), (9, 9), (9, 9)]]
    together = list(model.predict_many(images, batch_size=2))
    assert [probability.shape for probability in together] == [image.shape for image in images]
    for probability, image in zip(together, images, strict=True):
        np.testing.assert_allclose(probability, model.predict(image), atol=1e-6)


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_large_images_are_tiled_without_a_seam(tmp_path, monkeypatch, variant):
    model = load_model(save_model(tmp_path / "m", unet(variant=variant), Preprocessing(crop=8)))
    image = np.random.default_rng(0).integers(0, 256, (401, 250), np.uint8)
    whole = model.predict(image)
    sizes = []
    run = model._run
    monkeypatch.setattr(model, "_run", lambda inputs: sizes.append(inputs.shape[1:3]) or run(inputs))
    monkeypatch.setattr(predictor, "BUDGET", predictor.BYTES_PER_CHANNEL * 2 * 200 * 200)
    tiled = model.predict(image)
    assert len(sizes) > 1
    assert max(height * width for height, width in sizes) <= 200 * 200
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_reach_covers_all_that_an_output_pixel_depends_on(tmp_path, variant, depth):
    model = load_model(save_model(tmp_path / "m", unet(depth=depth, variant=variant), Preprocessing(crop=8)))
    reach, side = model._reach(), 160
    centre = side // 2
    image = np.random.default_rng(0).random((1, side, side, 1), np.float32)
    touched = image.copy()
    touched[:, centre, centre] += 100
    with dispatch.prefer("reference"):  # the others round an output by its neighbours too
        rows = np.flatnonzero((model.logits(image) != model.logits(touched))[0].any(axis=1))
    assert abs(rows - centre).max() <= reach


def test_trained_model_predicts_as_trained(tmp_path):
    """A network that learnt to tell bright from dark finds the bright square, at the image's own place and size."""
    model, preprocessing = unet(base_channels=4), Preprocessing(size=(16, 16))
    optimizer, rng = optim.Adam(model.parameters(), lr=0.03), np.random.default_rng(0)
    for _ in range(80):
        x = np.kron(rng.random((4, 4, 4, 1), np.float32), np.ones((1, 4, 4, 1), np.float32))
        optimizer.zero_grad()
        target = (x > 0.5).astype(np.float32)
        minunet.functional.binary_cross_entropy_with_logits(model(x), target).backward()
        optimizer.step()
    loaded = load_model(save_model(tmp_path / "m", model, preprocessing))
    image = np.full((64, 48), 20, np.uint8)
    image[16:32, 12:36] = 230
    found = loaded.predict(image) > 0.5
    assert np.mean(found == (image > 128)) > 0.95


@pytest.mark.parametrize(
    ("image", "messages"),
    [
        (np.zeros((4, 4), np.float32), ["uint8 or uint16, not float32"]),
        (np.zeros((4, 4, 4), np.uint8), ["(H, W) or (H, W, 3), not (4, 4, 4)"]),
        (np.zeros((0, 3), np.uint8), ["no pixels"]),
        (np.zeros((2, 0, 2), bool), ["not bool", "not (2, 0, 2)", "no pixels"]),
        ([[1, 2]], ["not list"]),
        (None, ["not NoneType"]),
    ],
)
def test_images_of_no_known_kind(saved, image, messages):
    with pytest.raises(UserError) as caught:
        load_model(saved).predict(image)
    assert len(caught.value.problems) == len(messages)
    for problem, message in zip(caught.value.problems, messages, strict=True):
        assert message in problem


def test_image_file_that_is_missing(saved, tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.png"):
        load_model(saved).predict(tmp_path / "nowhere.png")
