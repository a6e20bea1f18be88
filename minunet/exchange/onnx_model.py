"""The ONNX model: the network of a minunet model with its weights, and what a program must know to use it, in one file.

It has no operator that is newer than opset 13, of 2020, so that older programs read it too.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from minunet.checkpoints.header import to_json
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.exchange.extra_packages import require_package
from minunet.exchange.onnx_graph import OnnxGraph
from minunet.exchange.onnx_images import DIAMETER, image_dtype, image_maps, network_input
from minunet.exchange.onnx_network import output_maps, unet_logits
from minunet.inference.loaded_model import LoadedModel
from minunet.version import __version__

OPSET, IR_VERSION = 13, 7  # of ONNX 1.8
LARGEST_FILE = 2**31 - 2**20  # bytes: protobuf, the format of the file, ends at 2 GiB
IMAGE, PROBABILITIES = "image", "probabilities"  # names of the input, and of the joined output


def onnx_problem(model: LoadedModel) -> str | None:
    """A sentence where a model cannot be an ONNX file; None where it can."""
    weights = 4 * sum(parameter.data.size for parameter in model.model.parameters())
    if weights <= LARGEST_FILE:
        return None
    return f"its weights take {weights / 1e9:.1f} GB, and an ONNX file holds at most 2.1 GB; give a smaller model."


def onnx_model(model: LoadedModel, form: str = "network") -> Any:
    """The ONNX model of a minunet model.

    Parameters
    ----------
    model : LoadedModel
    form : {"network", "images", "tiles"}
        What the graph takes and gives. "network": its input "image" is (N, C, H, W) float32, as `LoadedModel.preprocessing` makes
        it but with the channels first; its outputs are those of `output_maps`. "images": images as they are in files, (N, H, W, C)
        of `image_dtype`, and for a model of one cell diameter a second input "diameter", float64; its outputs are those of
        `image_maps`. "tiles": as "network", but the sides are multiples of 2**depth, so that the graph is plainer, and all maps are
        the channels of one output "probabilities", (N, K, H, W), with the names of `joined_names`.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    UserError
        If onnx is not installed.
    """
    helper = require_package("onnx.helper", "an ONNX file")
    graph = OnnxGraph()
    mirrored = model.preprocessing.diameter is not None
    border = None if form == "tiles" else "mirror" if mirrored else "zeros"
    x = network_input(graph, model.preprocessing, IMAGE) if form == "images" else IMAGE
    maps = output_maps(graph, model.outputs, unet_logits(graph, model.model, x, border))
    if form == "images":
        maps = image_maps(graph, model.preprocessing, IMAGE, maps)
    elif form == "tiles":
        maps = {PROBABILITIES: _joined(graph, maps)}
    for name, value in maps.items():
        graph.nodes.append(helper.make_node("Identity", [value], [name], name=f"{name}/node"))
    nodes = _needed(graph.nodes, [*maps])
    used = {name for node in nodes for name in node.input}  # ONNX Runtime warns of each constant that is not
    constants = [constant for constant in graph.initializers if constant.name in used]
    written = helper.make_model(
        helper.make_graph(nodes, "minunet", *_signature(graph, model, form), constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="minunet",
        producer_version=__version__,
        doc_string=f"{model.summary()}; written by minunet {__version__}",
    )
    helper.set_model_props(written, onnx_metadata(model, form))
    return written


def joined_names(outputs: Outputs) -> list[str]:
    """What the channels of "probabilities" are: the classes, or the cell, and last the separation."""
    return [*(outputs.classes or ("cell",)), *(["separation"] if outputs.separation is not None else [])]


def joined_maps(maps: np.ndarray, outputs: Outputs) -> np.ndarray:
    """The maps (..., M) of `LoadedModel.maps` in the order of `joined_names`, (..., K)."""
    separated = outputs.separation is not None
    parts = [maps[..., 1 + separated :] if outputs.classes else maps[..., :1], maps[..., 1 : 1 + separated]]
    return np.concatenate(parts, axis=-1)


def _joined(graph: OnnxGraph, maps: dict[str, str]) -> str:
    parts = [maps.get("class_probabilities", maps["probability"]), maps.get("separation")]
    given = [part for part in parts if part is not None]
    return given[0] if len(given) == 1 else graph.add("Concat", *given, axis=1)


def _needed(nodes: list[Any], outputs: list[str]) -> list[Any]:
    """The nodes on which the outputs depend."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _signature(graph: OnnxGraph, model: LoadedModel, form: str) -> tuple[list[Any], list[Any]]:
    """The inputs and the outputs, with their types and axes."""
    value_info = require_package("onnx.helper", "an ONNX file").make_tensor_value_info
    float32, sides = graph.type_of(np.float32), ["height", "width"]
    channels = {PROBABILITIES: len(joined_names(model.outputs))} if form == "tiles" else map_channels(model.outputs)
    if form != "images":
        return (
            [value_info(IMAGE, float32, ["batch", model.config["in_channels"], *sides])],
            [value_info(name, float32, ["batch", count, *sides]) for name, count in channels.items()],
        )
    inputs = [value_info(IMAGE, graph.type_of(image_dtype(model.preprocessing)), ["batch", *sides, "channels"])]
    if model.preprocessing.diameter is not None:
        inputs.append(value_info(DIAMETER, graph.type_of(np.float64), []))
    counts = {name: [count] if name == "class_probabilities" else [] for name, count in channels.items()}
    return inputs, [value_info(name, float32, ["batch", *sides, *count]) for name, count in counts.items()]


def map_channels(outputs: Outputs) -> dict[str, int]:
    """The number of channels of each output, by its name."""
    channels = {"probability": 1}
    if outputs.separation is not None:
        channels["separation"] = 1
    if outputs.classes:
        channels["class_probabilities"] = len(outputs.classes)
    return channels


def onnx_metadata(model: LoadedModel, form: str) -> dict[str, str]:
    """What a program must know to use the file, as texts of JSON by their keys (`metadata_props`)."""
    return {
        "minunet": json.dumps(__version__),
        "architecture": json.dumps(to_json(model.config)),
        "preprocessing": json.dumps(to_json(model.preprocessing.to_dict())),
        "outputs": json.dumps(to_json(model.outputs)),
        "cells": json.dumps(to_json(model.cell_settings)),
        "image": json.dumps((image_text if form == "images" else input_text)(model.preprocessing)),
    }


def input_text(preprocessing: Preprocessing) -> str:
    """In words how an image becomes the input of the network."""
    channels = preprocessing.channels
    steps = {
        "grey": "grey, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)",
        "rgb": "red, green, blue",
    }.get(channels, f"the channels {channels} of the image, counted from 0")
    if (span := preprocessing.range) is not None:
        values = f"(value - low) / (high - low) for low = {span.low} and high = {span.high}, clipped to 0 and 1"
    else:
        values = "divided by the largest value of their type, such as 255"
    return f"float32 (batch, channels, height, width); {steps}; {values}; {size_text(preprocessing)}"


def size_text(preprocessing: Preprocessing) -> str:
    """In words how large an image is when the network gets it."""
    if preprocessing.scale is not None:
        text = f"resized to {preprocessing.scale:g} times the width and the height, rounded down"
    elif preprocessing.diameter is not None:
        text = f"resized so that cells are {preprocessing.diameter:g} pixels across"
    elif preprocessing.size is not None:
        text = "resized to {}x{} (width x height)".format(*preprocessing.size)
    else:
        return "at its own size"
    return f"{text}, by the mean over areas where smaller"


def image_text(preprocessing: Preprocessing) -> str:
    """In words what images a graph with preprocessing takes."""
    channels = {"grey": "1 or 3 channels", "rgb": "1 or 3 channels"}.get(
        preprocessing.channels, f"channels counted from 0, of which {preprocessing.channels} are used"
    )
    text = f"{image_dtype(preprocessing)} (batch, height, width, channels), as it is in its file; {channels}"
    if preprocessing.diameter is not None:
        text += f"; and {DIAMETER}, float64: that of the cells in pixels of the image"
    return text
