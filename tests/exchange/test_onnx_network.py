"""Every kind of network as an ONNX graph: the same maps in ONNX Runtime, for any number and any size of images."""

import json

import numpy as np
import pytest

from minunet.data.outputs import Outputs
from minunet.exchange.onnx_check import in_float64
from minunet.exchange.onnx_model import OPSET, joined_maps, joined_names, map_channels, onnx_model
from tests.exchange.small_models import CLASSES, EACH_KIND, KINDS, small_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def session_of(model):
    return onnxruntime.InferenceSession(onnx_model(model).SerializeToString())


def maps_in_onnx(session, images):
    """All outputs beside each other, (N, h, w, M)."""
    found = session.run(None, {"image": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})
    return np.concatenate(found, axis=1).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("kind", EACH_KIND)
def test_the_maps_are_those_of_the_network_for_any_shape(kind):
    model = KINDS[kind]
    session = session_of(model)
    rng = np.random.default_rng(3)
    for shape in ((1, 1, 1), (1, 16, 32), (3, 13, 7), (2, 37, 50)):
        images = rng.random((*shape, model.config["in_channels"]), np.float32)
        expected = in_float64(model).maps(images.astype(np.float64))
        assert expected.dtype == np.float64 and (shape == (1, 1, 1) or expected.std() > 1e-4)
        np.testing.assert_allclose(maps_in_onnx(session, images), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["paper, grey", "deep", "classes and separation", "one cell diameter"])
def test_the_plain_graph_takes_multiples_and_has_no_nodes_for_other_sizes(kind):
    model = KINDS[kind]
    written = onnx_model(model, "tiles")
    assert not {node.op_type for node in written.graph.node} & {"Shape", "Pad", "Gather", "Mod"}
    session = onnxruntime.InferenceSession(written.SerializeToString())
    images = np.random.default_rng(3).random((2, 32, 64, model.config["in_channels"]), np.float32)
    np.testing.assert_allclose(
        maps_in_onnx(session, images), joined_maps(model.maps(images), model.outputs), rtol=0, atol=1e-5
    )
    assert session.get_outputs()[0].shape == ["batch", len(joined_names(model.outputs)), "height", "width"]


@pytest.mark.parametrize("form", ["network", "images", "tiles"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_constant_is_used(kind, form):
    """ONNX Runtime prints a warning for each that is not, whenever the file is opened."""
    graph = onnx_model(KINDS[kind], form).graph
    used = {name for node in graph.node for name in node.input}
    assert [constant.name for constant in graph.initializer if constant.name not in used] == []


def test_inputs_and_outputs_have_names_and_dynamic_axes():
    session = session_of(small_model("rgb", Outputs(CLASSES, "distance")))
    (image,) = session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(float)", ["batch", 3, "height", "width"])
    assert {output.name: output.shape for output in session.get_outputs()} == {
        "probability": ["batch", 1, "height", "width"],
        "separation": ["batch", 1, "height", "width"],
        "class_probabilities": ["batch", 3, "height", "width"],
    }


def test_layers_have_their_names_and_weights_the_layout_of_onnx():
    model = small_model("rgb")
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx_model(model).graph.initializer}
    parameters = dict(model.model.named_parameters())
    assert set(parameters) <= set(weights)
    convolution, up = "contraction.0.convs.1.weight", "expansion.0.up.weight"
    np.testing.assert_array_equal(weights[convolution], parameters[convolution].data.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(weights[up], parameters[up].data.transpose(2, 3, 0, 1))


def test_the_metadata_are_the_model_and_words():
    model = KINDS["resized"]
    written = onnx_model(model)
    stored = {entry.key: json.loads(entry.value) for entry in written.metadata_props}
    assert stored["architecture"] == model.config
    assert stored["preprocessing"]["size"] == [48, 36] and stored["preprocessing"]["range"]["high"] == 230.0
    assert stored["outputs"] == {"classes": [], "separation": None}
    assert "resized to 48x36" in stored["image"] and "low = 20.0 and high = 230.0" in stored["image"]
    own_size = {entry.key: json.loads(entry.value) for entry in onnx_model(KINDS["paper, grey"]).metadata_props}
    assert own_size["image"].endswith("; at its own size")
    assert [entry.version for entry in written.opset_import] == [OPSET]
    onnx.checker.check_model(written, full_check=True)


def test_the_joined_output_has_every_class_and_the_separation():
    assert joined_names(Outputs()) == ["cell"]
    assert joined_names(Outputs(CLASSES, "seam")) == [*CLASSES, "separation"]
    maps = np.arange(5.0)  # cell, separation, three classes
    assert joined_maps(maps, Outputs(CLASSES, "seam")).tolist() == [2, 3, 4, 1]
    assert joined_maps(maps[:1], Outputs()).tolist() == [0]


def test_the_number_of_channels_of_each_output():
    assert map_channels(Outputs(CLASSES, "seam")) == {"probability": 1, "separation": 1, "class_probabilities": 3}
