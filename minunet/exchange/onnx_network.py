"""The U-Net in operators of ONNX: from images (N, C, H, W) to logits, and from logits to what they mean.

Every layer has in the graph the name that it has in the network, such as "contraction.0.convs.0".
"""

from __future__ import annotations

import numpy as np

from minunet.data.outputs import Outputs
from minunet.exchange.onnx_graph import OnnxGraph
from minunet.kernels.backend import to_numpy
from minunet.nn.layers import Conv2d, ConvTranspose2d
from minunet.nn.unet import ConvBlock, UNet

ACTIVATION_OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
ROWS, COLUMNS = 2, 3  # the axes of (N, C, H, W)


def unet_logits(graph: OnnxGraph, unet: UNet, x: str, border: str | None) -> str:
    """Add a U-Net to a graph.

    Parameters
    ----------
    graph : OnnxGraph
    unet : UNet
    x : str
        Images (N, in_channels, H, W), float32.
    border : "zeros", "mirror" or None
        What is beside images whose sides are no multiples of 2**depth; the logits are cropped. None: every image has such
        sides, and the graph has no nodes for it.

    Returns
    -------
    str
        Logits (N, out_channels, H, W).
    """
    multiple = 2 ** unet.config["depth"]
    padded = x if border is None else _with_border(graph, x, multiple, border)
    skips = []
    value = padded
    for level, block in enumerate(unet.contraction):
        skips.append(_block(graph, block, value, f"contraction.{level}"))
        value = _pooled(graph, skips[-1], unet.config["pooling"], f"contraction.{level}.pool")
    value = _block(graph, unet.bottleneck, value, "bottleneck")
    for level, up_block in enumerate(unet.expansion):
        value = _up_convolution(graph, up_block.up, value, f"expansion.{level}.up")
        value = graph.add("Concat", skips.pop(), value, axis=1, name=f"expansion.{level}.joined")
        value = _block(graph, up_block.block, value, f"expansion.{level}.block")
    logits = _convolution(graph, unet.head, value, "head")
    if border is None:
        return logits
    size = graph.joined(graph.size(x, ROWS, "height"), graph.size(x, COLUMNS, "width"))
    return graph.add(
        "Slice", logits, graph.constant([0, 0]), size, graph.constant([ROWS, COLUMNS]), name="logits_of_image"
    )


def output_maps(graph: OnnxGraph, outputs: Outputs, logits: str) -> dict[str, str]:
    """Add what the logits mean; returns the value of each output by its name.

    Returns
    -------
    dict of str to str
        "probability" of cell, (N, 1, H, W); with a separation "separation", (N, 1, H, W); with classes "class_probabilities",
        (N, K, H, W). All are in [0, 1].
    """
    classes = len(outputs.classes)
    maps = {"probability": graph.add("Sigmoid", _cell_logit(graph, outputs, logits))}
    if outputs.separation is not None:
        last = outputs.channels - 1
        maps["separation"] = graph.add("Sigmoid", _channels(graph, logits, last, last + 1))
    if classes:
        maps["class_probabilities"] = graph.add("Softmax", _channels(graph, logits, 0, classes), axis=1)
    return maps


def _cell_logit(graph: OnnxGraph, outputs: Outputs, logits: str) -> str:
    """As `Outputs.cell_logits`: log(sum of exp(logit) over all classes but the background), minus that of the background."""
    first = _channels(graph, logits, 0, 1) if outputs.channels > 1 else logits
    if not outputs.classes:
        return first
    others = _channels(graph, logits, 1, len(outputs.classes))
    top = graph.add("ReduceMax", others, axes=[1], keepdims=1)
    total = graph.add("ReduceSum", graph.add("Exp", graph.add("Sub", others, top)), graph.constant([1]), keepdims=1)
    return graph.add("Sub", graph.add("Add", top, graph.add("Log", total)), first, name="cell_logit")


def _channels(graph: OnnxGraph, x: str, start: int, stop: int) -> str:
    return graph.add("Slice", x, graph.constant([start]), graph.constant([stop]), graph.constant([1]))


def _block(graph: OnnxGraph, block: ConvBlock, x: str, name: str) -> str:
    for number, convolution in enumerate(block.convs):
        x = _convolution(graph, convolution, x, f"{name}.convs.{number}")
    return x


def _convolution(graph: OnnxGraph, layer: Conv2d, x: str, name: str) -> str:
    kh, kw = layer.kernel_size
    weight = to_numpy(layer.weight.data).transpose(3, 2, 0, 1)  # (kh, kw, C_in, C_out) -> (C_out, C_in, kh, kw)
    y = graph.add(
        "Conv",
        x,
        *_parameters(graph, layer, weight, name),
        name=name,
        kernel_shape=[kh, kw],
        pads=[kh // 2, kw // 2, kh // 2, kw // 2],
    )
    if layer.activation is None:
        return y
    return graph.add(ACTIVATION_OPERATORS[layer.activation], y, name=f"{name}.{layer.activation}")


def _up_convolution(graph: OnnxGraph, layer: ConvTranspose2d, x: str, name: str) -> str:
    weight = to_numpy(layer.weight.data).transpose(2, 3, 0, 1)  # (kh, kw, C_in, C_out) -> (C_in, C_out, kh, kw)
    return graph.add(
        "ConvTranspose", x, *_parameters(graph, layer, weight, name), name=name, kernel_shape=[2, 2], strides=[2, 2]
    )


def _parameters(graph: OnnxGraph, layer: Conv2d | ConvTranspose2d, weight: np.ndarray, name: str) -> list[str]:
    names = [graph.constant(weight, "float32", f"{name}.weight")]
    if layer.bias is not None:
        names.append(graph.constant(to_numpy(layer.bias.data), "float32", f"{name}.bias"))
    return names


def _pooled(graph: OnnxGraph, x: str, pooling: str, name: str) -> str:
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    if pooling == "max":
        return graph.add("MaxPool", x, name=name, **window)
    mean = graph.add("AveragePool", x, name=name, **window)
    # ONNX has no sum over windows; four times the mean is the sum exactly, as 4 is a power of two.
    return mean if pooling == "average" else graph.add("Mul", mean, graph.constant(4.0, "float32"), name=f"{name}.sum")


def _with_border(graph: OnnxGraph, x: str, multiple: int, border: str) -> str:
    """Images continued at the bottom and right, up to the next multiples of `multiple`."""
    sizes = {axis: graph.size(x, axis) for axis in (ROWS, COLUMNS)}
    missing = {axis: graph.add("Mod", graph.add("Neg", size), graph.constant(multiple)) for axis, size in sizes.items()}
    if border == "zeros":
        zero = graph.constant(0)
        pads = graph.joined(*[zero] * 6, missing[ROWS], missing[COLUMNS])
        return graph.add("Pad", x, pads, name="padded")
    zero, one, two = graph.constant(0), graph.constant(1), graph.constant(2)
    for axis, size in sizes.items():
        # As numpy.pad's "symmetric", which ONNX's Pad does not have: with the border pixel twice, and again and again.
        places = graph.add("Range", zero, graph.add("Add", size, missing[axis]), one)
        twice = graph.add("Mul", size, two)
        forward = graph.add("Mod", places, twice)
        backward = graph.add("Sub", graph.add("Sub", twice, one), forward)
        x = graph.add("Gather", x, graph.add("Min", forward, backward), axis=axis, name="padded")
    return x
