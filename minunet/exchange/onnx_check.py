"""The check of an ONNX file: what it predicts for an image, compared with what the network predicts in float64.

ONNX Runtime runs the file; where it is not installed, the reference implementation of the package onnx does, which is slow. float64
because minunet's own fast convolutions round too: a difference from float32 would not say which of the two is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minunet.data.reading.resize import resize_probability
from minunet.errors import UserError
from minunet.exchange.extra_packages import is_installed, require_package
from minunet.exchange.onnx_images import DIAMETER, image_dtype
from minunet.exchange.onnx_model import IMAGE, joined_maps
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.mirrored_border import with_mirrored_border
from minunet.kernels.backend import to_numpy
from minunet.kernels.cpu.threads import get_num_threads
from minunet.nn.unet import UNet
from minunet.wording import shorten

LARGEST_DIFFERENCE = 1e-5  # of a probability
LARGEST_SIDE = {"ONNX Runtime": 256, "onnx.reference": 40}  # pixels of the network's input that are compared

Run = Callable[[dict[str, np.ndarray]], list[np.ndarray]]  # from the inputs by their names to the outputs


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
        Of the maps that were compared, (N, H, W, maps).
    """

    runtime: str
    difference: float
    own_difference: float
    shapes: list[tuple[int, ...]]

    def line(self, image: str) -> str:
        """The result in words; `image` says what was compared."""
        return (
            f"checked on {image}: {self.runtime} differs from the exact probabilities by at most {self.difference:.1e}, and "
            f"minunet by {self.own_difference:.1e}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The result, for a JSON document."""
        return {
            "runtime": self.runtime,
            "largest_difference": self.difference,
            "largest_difference_of_minunet": self.own_difference,
            "outputs": [list(shape) for shape in self.shapes],
        }


@dataclass(frozen=True)
class ComparedBatch:
    """The maps of a batch (N, h, w, M): of the file, of minunet in float32, and of the network in float64."""

    found: np.ndarray
    own: np.ndarray
    exact: np.ndarray


def check_onnx(path: Path, model: LoadedModel, image: np.ndarray, form: str) -> OnnxCheck:
    """Compare an ONNX file with the model of which it was made, on an image and on a batch of parts of it.

    Parameters
    ----------
    path : Path
    model : LoadedModel
    image : ndarray, (H, W) or (H, W, C)
        As `decode` returns it; of a large one the middle is compared.
    form : {"network", "images", "tiles"}
        As for `onnx_model`.

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
    compare = _images if form == "images" else partial(_inputs, tiles=form == "tiles")
    difference, own_difference = 0.0, 0.0
    shapes: list[tuple[int, ...]] = []
    for batch in compare(run, model, image, LARGEST_SIDE[runtime.rpartition(" ")[0]]):
        # NaN spreads through numpy's maximum, and is not at most anything.
        difference = float(np.maximum(difference, np.abs(batch.found - batch.exact).max()))
        own_difference = float(np.maximum(own_difference, np.abs(batch.own - batch.exact).max()))
        shapes.append(batch.found.shape)
    if not difference <= max(LARGEST_DIFFERENCE, 2 * own_difference):
        raise UserError(
            f"in {runtime} a probability differs by {difference:.2g} from the exact value, more than {LARGEST_DIFFERENCE:g}, so "
            "the file was not written; install another version of ONNX Runtime, or compare another image with --check."
        )
    return OnnxCheck(runtime, difference, own_difference, shapes)


def in_float64(model: LoadedModel) -> LoadedModel:
    """The same model with weights in float64, whose maps of float64 inputs are exact to some 14 digits."""
    unet = UNet(**model.config)
    for exact, parameter in zip(unet.parameters(), model.model.parameters(), strict=True):
        exact.data = to_numpy(parameter.data).astype(np.float64)
    unet.eval()
    return LoadedModel(unet, model.preprocessing, outputs=model.outputs)


def _inputs(run: Run, model: LoadedModel, image: np.ndarray, largest: int, *, tiles: bool) -> Iterator[ComparedBatch]:
    """Batches of inputs of the network, for a file that takes these."""
    exact = in_float64(model)
    prepared = model.fitted((image.shape[0], image.shape[1]), model.settled_diameter(image)).image(image)
    for part in _parts(prepared, largest):
        height, width = part.shape[1:3]
        inputs = with_mirrored_border(part, model.model.padded_size(height, width)) if tiles else part
        outputs = run({IMAGE: np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))})
        found = np.concatenate(outputs, axis=1).transpose(0, 2, 3, 1)  # (N, M, h, w) -> (N, h, w, M)
        maps = model.maps(inputs), exact.maps(inputs.astype(np.float64))
        yield ComparedBatch(found, *(joined_maps(one, model.outputs) if tiles else one for one in maps))


def _images(run: Run, model: LoadedModel, image: np.ndarray, largest: int) -> Iterator[ComparedBatch]:
    """Batches of images, for a file that takes these."""
    exact = in_float64(model)
    diameter, known = model.settled_diameter(image), model.preprocessing.diameter
    image = (image[..., None] if image.ndim == 2 else image).astype(image_dtype(model.preprocessing))
    if model.preprocessing.size is not None:  # its input has the same number of pixels, however large the image is
        batches = [image[None]]
    else:
        batches = _parts(image, round(largest * diameter / known) if diameter and known else largest)
    for images in batches:
        inputs = {IMAGE: np.ascontiguousarray(images)}
        if diameter is not None:
            inputs[DIAMETER] = np.asarray(diameter, np.float64)
        outputs = run(inputs)
        shape = (images.shape[1], images.shape[2])
        prepared = np.stack([model.fitted(shape, diameter).image(one) for one in images])
        own, expected = (
            np.stack([resize_probability(maps, shape) for maps in network.maps(prepared.astype(dtype))])
            for network, dtype in ((model, np.float32), (exact, np.float64))
        )
        found = np.concatenate([maps if maps.ndim == 4 else maps[..., None] for maps in outputs], axis=-1)
        yield ComparedBatch(found, own, expected)


def _parts(image: np.ndarray, largest: int) -> list[np.ndarray]:
    """The middle of an image (H, W, C), and two smaller parts of it as a batch, whose sides are odd numbers where they can be."""
    height, width = (min(side, max(1, largest)) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    middle = image[top : top + height, left : left + width]
    part_h, part_w = (max(1, (side // 2) // 2 * 2 - 1) for side in (height, width))
    parts = [middle[:part_h, :part_w], middle[height - part_h :, width - part_w :]]
    return [middle[None], np.stack(parts)]


def _runtime(path: Path) -> tuple[str, Run]:
    """The name of what runs the file, and the function that does."""
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
