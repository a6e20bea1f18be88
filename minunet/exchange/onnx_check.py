"""The check of an ONNX file: what it predicts for an image, compared with what the network predicts in float64.

ONNX Runtime runs the file; where it is not installed, the reference implementation of the package onnx does, which is slow. float64
because minunet's own fast convolutions round too: a difference from float32 would not say which of the two is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minunet.data.reading.channels import channel_numbers
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.synthetic.smear import draw_smear
from minunet.errors import UserError
from minunet.exchange.extra_packages import is_installed, require_package
from minunet.exchange.onnx_model import IMAGE
from minunet.inference.loaded_model import LoadedModel
from minunet.kernels.backend import to_numpy
from minunet.kernels.cpu.threads import get_num_threads
from minunet.nn.unet import UNet
from minunet.wording import shorten

LARGEST_DIFFERENCE = 1e-5  # of a probability
LARGEST_SIDE = {"ONNX Runtime": 256, "onnx.reference": 40}  # pixels of the part of an image that is compared
DRAWN_SIZE = (253, 190)  # no multiples of 2, so that the border is part of the check


@dataclass(frozen=True)
class OnnxCheck:
    """The result of a check.

    Attributes
    ----------
    runtime : str
        What ran the file: "ONNX Runtime" or "onnx.reference", each with its version.
    difference : float
        The largest difference of a value of all outputs from the exact one, computed in float64.
    own_difference : float
        The same of what minunet predicts, in float32.
    shapes : list of tuple
        Of the inputs that were compared.
    """

    runtime: str
    difference: float
    own_difference: float
    shapes: list[tuple[int, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The result, for a JSON document."""
        return {
            "runtime": self.runtime,
            "largest_difference": self.difference,
            "largest_difference_of_minunet": self.own_difference,
            "inputs": [list(shape) for shape in self.shapes],
        }


def check_onnx(path: Path, model: LoadedModel, image: np.ndarray) -> OnnxCheck:
    """Compare an ONNX file with the model of which it was made, on an image and on a batch of parts of it.

    Parameters
    ----------
    path : Path
    model : LoadedModel
    image : ndarray, (H, W) or (H, W, C)
        As `decode` returns it; of a large one the middle is compared.

    Raises
    ------
    UserError
        If the file is not valid, or a value differs from the exact one by more than 1e-5 and by more than twice as much as
        minunet's own does.
    """
    onnx = require_package("onnx", "an ONNX file")
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:  # of onnx, which has several kinds and no common one
        raise UserError(f"onnx finds that the file is not valid ({shorten(error)}), so it was not written.") from error
    runtime, run = _runtime(path)
    prepared = model.fitted((image.shape[0], image.shape[1]), model.settled_diameter(image)).image(image)
    inputs = _compared_inputs(prepared, LARGEST_SIDE[runtime.rpartition(" ")[0]])
    exact = in_float64(model)
    difference = own_difference = 0.0
    for images in inputs:
        found = run({IMAGE: np.ascontiguousarray(images.transpose(0, 3, 1, 2))})
        values = np.concatenate(found, axis=1).transpose(0, 2, 3, 1)  # (N, M, h, w) -> (N, h, w, M)
        expected = exact.maps(images.astype(np.float64))
        # NaN spreads through numpy's maximum, and is not at most anything.
        difference = float(np.maximum(difference, np.abs(values - expected).max()))
        own_difference = float(np.maximum(own_difference, np.abs(model.maps(images) - expected).max()))
    if not difference <= max(LARGEST_DIFFERENCE, 2 * own_difference):
        raise UserError(
            f"in {runtime} a probability differs by {difference:.2g} from the exact value, more than {LARGEST_DIFFERENCE:g}, so "
            "the file was not written; install another version of ONNX Runtime, or compare another image with --check."
        )
    return OnnxCheck(runtime, difference, own_difference, [images.shape for images in inputs])


def in_float64(model: LoadedModel) -> LoadedModel:
    """The same model with weights in float64, whose maps of float64 inputs are exact to some 14 digits."""
    unet = UNet(**model.config)
    for exact, parameter in zip(unet.parameters(), model.model.parameters(), strict=True):
        exact.data = to_numpy(parameter.data).astype(np.float64)
    unet.eval()
    return LoadedModel(unet, model.preprocessing, outputs=model.outputs)


def drawn_image(preprocessing: Preprocessing) -> np.ndarray:
    """A drawn smear in the units and with the channels of a model's images, (H, W, C)."""
    smear = draw_smear(np.random.default_rng(0), DRAWN_SIZE).image
    numbers = channel_numbers(preprocessing.channels)
    if numbers is not None:
        smear = smear[..., [number % 3 for number in range(max(numbers) + 1)]]
    span = preprocessing.range
    if span is None or span.types in ((), ("uint8",)):
        return smear
    low, high = np.min(span.low), np.max(span.high)
    values = low + smear * ((high - low) / 255.0)
    return values.astype(span.types[0])


def _compared_inputs(prepared: np.ndarray, largest: int) -> list[np.ndarray]:
    """The middle of an input (h, w, C), and two smaller parts of it as a batch, whose sides are odd numbers where they can be."""
    height, width = (min(side, largest) for side in prepared.shape[:2])
    top, left = (prepared.shape[0] - height) // 2, (prepared.shape[1] - width) // 2
    middle = prepared[top : top + height, left : left + width]
    part_h, part_w = (max(1, (side // 2) // 2 * 2 - 1) for side in (height, width))
    parts = [middle[:part_h, :part_w], middle[height - part_h :, width - part_w :]]
    return [middle[None], np.stack(parts)]


def _runtime(path: Path) -> tuple[str, Any]:
    """The name of what runs the file, and a function from inputs by name to the list of outputs."""
    if is_installed("onnxruntime"):
        runtime = require_package("onnxruntime", "the check of an ONNX file")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = get_num_threads()
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return f"ONNX Runtime {runtime.__version__}", lambda inputs: session.run(None, inputs)
    reference = require_package("onnx.reference", "the check of an ONNX file")
    evaluator = reference.ReferenceEvaluator(str(path))
    version = require_package("onnx", "the check of an ONNX file").__version__
    return f"onnx.reference {version}", lambda inputs: evaluator.run(None, inputs)
