"""Preprocessing in operators of ONNX: from images as they are in files, (N, H, W, C), to the input of the network, and back.

Every step is that of `minunet.data.reading`, in the same numbers. Resizing is written as two products with matrices of weights,
because ONNX's own Resize has no mean over areas.
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.channels import channel_numbers
from minunet.data.reading.pixels import LUMA_601, white_level
from minunet.data.reading.preprocessing import Preprocessing
from minunet.exchange.onnx_graph import OnnxGraph

DIAMETER = "diameter"  # the name of the second input of a model of one cell diameter


def image_dtype(preprocessing: Preprocessing) -> np.dtype:
    """The type of the numbers that a graph with preprocessing takes: that of the training images, or one that holds all of theirs.

    8 bits where it is not known; then the largest number is white.
    """
    types = () if preprocessing.range is None else preprocessing.range.types
    return np.result_type(*types) if types else np.dtype(np.uint8)


def network_input(graph: OnnxGraph, preprocessing: Preprocessing, images: str) -> str:
    """Add the preprocessing of images (N, H, W, C).

    Grey and rgb take images of one channel or of three, as `select_channels` does.

    Returns
    -------
    str
        The input of the network, (N, C', h, w) float32 in [0, 1].
    """
    values = _values(graph, preprocessing, graph.add("Cast", images, to=graph.type_of(np.float64)))
    x = graph.add("Transpose", graph.add("Cast", values, to=graph.type_of(np.float32)), perm=[0, 3, 1, 2])
    if preprocessing.size is None and preprocessing.diameter is None:
        return x
    height, width = graph.size(x, 2, "height"), graph.size(x, 3, "width")
    if preprocessing.diameter is None:
        assert preprocessing.size is not None
        target_w, target_h = (graph.constant(side) for side in preprocessing.size)
        rows, columns = _area_matrix(graph, height, target_h), _area_matrix(graph, width, target_w)
    else:
        target_h, target_w = (_scaled_side(graph, side, preprocessing.diameter) for side in (height, width))
        enlarged = graph.add("Greater", target_w, width)
        rows, columns = (
            graph.add("Where", enlarged, _linear_matrix(graph, *sides), _area_matrix(graph, *sides))
            for sides in ((height, target_h), (width, target_w))
        )
    return _clipped(graph, _resized(graph, x, rows, columns))


def image_maps(graph: OnnxGraph, preprocessing: Preprocessing, images: str, maps: dict[str, str]) -> dict[str, str]:
    """Bring maps (N, K, h, w) of the network to the size of the images.

    Returns
    -------
    dict of str to str
        Each map as (N, H, W), and the probabilities of classes as (N, H, W, K).
    """
    height, width = graph.size(images, 1, "height"), graph.size(images, 2, "width")
    rows = columns = ""
    resized = preprocessing.size is not None or preprocessing.diameter is not None
    if resized:
        first = next(iter(maps.values()))
        rows = _linear_matrix(graph, graph.size(first, 2), height)
        columns = _linear_matrix(graph, graph.size(first, 3), width)
    found = {}
    for name, value in maps.items():
        if resized:
            value = _clipped(graph, _resized(graph, value, rows, columns))
        if name == "class_probabilities":
            found[name] = graph.add("Transpose", value, perm=[0, 2, 3, 1])
        else:
            found[name] = graph.add("Squeeze", value, graph.constant([1]))
    return found


def _values(graph: OnnxGraph, preprocessing: Preprocessing, images: str) -> str:
    """The chosen channels of images (N, H, W, C) as fractions of white, in float64."""
    channels, span = preprocessing.channels, preprocessing.range
    numbers = channel_numbers(channels)
    white = white_level(image_dtype(preprocessing)) if span is None else 1
    if numbers is None:
        images = graph.add(
            "Expand", images, graph.constant([1, 1, 1, 3])
        )  # one channel three times, or three as they are
    elif max(numbers) < 3:
        # An image of one channel has it for every number, because a colour image whose channels are equal is read as grey.
        count = graph.size(images, 3)
        single = graph.add("Equal", count, graph.constant(1))
        least = graph.add("Where", single, graph.constant(max(numbers) + 1), graph.constant(1))
        one = graph.constant(1)
        images = graph.add("Expand", images, graph.joined(one, one, one, least))
    if numbers is not None:
        images = graph.add("Gather", images, graph.constant(list(numbers)), axis=3)
    if channels == "grey":
        thousandths = graph.add("Mul", images, graph.constant(LUMA_601, "float64"))
        images = graph.add("ReduceSum", thousandths, graph.constant([3]), keepdims=1)
        images = graph.add("Div", images, graph.constant(1000.0 * white, "float64"))
    elif span is None:
        images = graph.add("Div", images, graph.constant(float(white), "float64"))
    if span is None:
        return images
    low, high = np.asarray(span.low, np.float64), np.asarray(span.high, np.float64)
    images = graph.add("Sub", images, graph.constant(low, "float64"))
    images = graph.add("Div", images, graph.constant(high - low, "float64"))
    return graph.add("Clip", images, graph.constant(0.0, "float64"), graph.constant(1.0, "float64"))


def _scaled_side(graph: OnnxGraph, side: str, known: float) -> str:
    """As `scaled_size`: the side that brings cells of the diameter of the second input to the known one."""
    factor = graph.add("Div", graph.constant(known, "float64"), DIAMETER)
    exact = graph.add("Mul", graph.add("Cast", side, to=graph.type_of(np.float64)), factor)
    rounded = graph.add(
        "Cast", graph.add("Round", exact), to=graph.type_of(np.int64)
    )  # half to even, as Python's round
    return graph.add("Max", rounded, graph.constant(1))


def _area_matrix(graph: OnnxGraph, source: str, target: str) -> str:
    """The weights of `area_weights` as a matrix (target, source), float32."""
    left, pixel = _places(graph, target, source)  # (target, 1) and (1, source)
    left, pixel = graph.add("Mul", left, source), graph.add("Mul", pixel, target)
    right, end = graph.add("Add", left, source), graph.add("Add", pixel, target)
    overlap = graph.add("Sub", graph.add("Min", right, end), graph.add("Max", left, pixel))
    overlap = graph.add("Max", overlap, graph.constant(0))
    return graph.add("Cast", graph.add("Div", *_as_float64(graph, overlap, source)), to=graph.type_of(np.float32))


def _linear_matrix(graph: OnnxGraph, source: str, target: str) -> str:
    """The weights of `linear_weights` as a matrix (target, source), float32: 1 - |position - pixel| where that is positive."""
    out, pixel = _as_float64(graph, *_places(graph, target, source))  # (target, 1) and (1, source)
    half, one = graph.constant(0.5, "float64"), graph.constant(1.0, "float64")
    zero = graph.constant(0.0, "float64")
    sides = _as_float64(graph, source, target)
    scaled = graph.add("Div", graph.add("Mul", graph.add("Add", out, half), sides[0]), sides[1])
    position = graph.add("Max", graph.add("Sub", scaled, half), zero)
    position = graph.add("Min", position, graph.add("Sub", sides[0], one))
    distance = graph.add("Abs", graph.add("Sub", position, pixel))
    weights = graph.add("Max", graph.add("Sub", one, distance), zero)
    return graph.add("Cast", weights, to=graph.type_of(np.float32))


def _places(graph: OnnxGraph, target: str, source: str) -> tuple[str, str]:
    """The numbers 0, 1, ... of output pixels as (target, 1), and of input pixels as (1, source)."""
    zero, one = graph.constant(0), graph.constant(1)
    rows = graph.add("Unsqueeze", graph.add("Range", zero, target, one), graph.constant([1]))
    return rows, graph.add("Unsqueeze", graph.add("Range", zero, source, one), graph.constant([0]))


def _as_float64(graph: OnnxGraph, *values: str) -> list[str]:
    return [graph.add("Cast", value, to=graph.type_of(np.float64)) for value in values]


def _resized(graph: OnnxGraph, x: str, rows: str, columns: str) -> str:
    """(h, H) @ (N, C, H, W) @ (W, w) -> (N, C, h, w)."""
    return graph.add("MatMul", graph.add("MatMul", rows, x), graph.add("Transpose", columns, perm=[1, 0]))


def _clipped(graph: OnnxGraph, x: str) -> str:
    return graph.add("Clip", x, graph.constant(0.0, "float32"), graph.constant(1.0, "float32"))
