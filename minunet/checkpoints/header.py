"""The entries of the header that describe a model, written from a model and turned into a model again.

Model files and training states have them in common: architecture, preprocessing, layout of the weights.
"""

from __future__ import annotations

import dataclasses
import math
import os
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.version import __version__
from minunet.wording import count_noun, shorten

if TYPE_CHECKING:
    from pathlib import Path

    from minunet.cells.cell_choice import CellChoice
    from minunet.data.training_images import TrainingImages

MODEL = "minunet-model"  # the format of a model file, as its header calls it
LAYOUT = {
    "activations": "(N, H, W, C)",
    "convolution": "(kh, kw, C_in, C_out), cross-correlation",
    "transposed convolution": "(kh, kw, C_in, C_out): y[h*s+kh-p, w*s+kw-p, o] += x[h, w, i] * weight[kh, kw, i, o]",
    "linear": "(C_in, C_out)",
    "skip": "concat([skip, upsampled]) along channels",
    "output": "logits; a probability is sigmoid(logit)",
}


def in_folder(path: str | Path, name: str, reason: str) -> str:
    """`path` itself, or the file `name` in it where it is a folder; `reason` ends the error message where there is no such file."""
    if not os.path.isdir(path):
        return os.fspath(path)
    file = os.path.join(path, name)
    if not os.path.lexists(file):
        raise UserError(f"{path}: this folder holds no {name}; {reason}.")
    return file


def describe_model(model: UNet, preprocessing: Preprocessing | None, outputs: Outputs | None = None) -> dict[str, Any]:
    """The entries of the header that both kinds of file have; that of the outputs only where they are not one logit."""
    parameters = dict(model.named_parameters())
    described = {} if outputs in (None, Outputs()) else {"outputs": to_json(outputs)}
    return {
        "architecture": to_json(model.config),
        "parameters": sum(math.prod(parameter.shape) for parameter in parameters.values()),
        "tensors_in_order_of_use": list(parameters),
        "preprocessing": None if preprocessing is None else to_json(preprocessing.to_dict()),
        **described,
        "weight_layout": LAYOUT,
        "versions": {"minunet": __version__, "numpy": np.__version__, "python": platform.python_version()},
    }


def to_json(value: Any, *, exact: bool = False) -> Any:
    """`value` in the types of JSON. NaN and infinity become None; `exact` keeps them, in a form that only Python reads."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = value.to_dict() if hasattr(value, "to_dict") else dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item, exact=exact) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item, exact=exact) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_json(value.tolist(), exact=exact)
    if isinstance(value, float) and not exact and not math.isfinite(value):
        return None
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def entry(path: str | Path, document: Mapping[str, Any], key: str, kind: type = dict) -> Any:
    """The entry `key` of the header; a UserError where it is missing or not a `kind`. A whole number is at least 0."""
    value = document.get(key)
    usable = isinstance(value, kind) and not (isinstance(value, bool) or (isinstance(value, int) and value < 0))
    if not usable:
        raise UserError(
            f"{path}: the header of this file has no usable entry '{key}'; copy it again, or write it again."
        )
    return value


def check_document(path: str | Path, document: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A UserError where an entry is not of the type that `describe_model` gives it, or contradicts the tensors.

    Entries that older versions did not write may be missing.
    """
    kinds = {"about": str, "weight_layout": dict, "versions": dict, "metrics": dict, "extra": dict}
    wrong = [key for key, kind in kinds.items() if not isinstance(document.get(key, kind()), kind)]
    facts = {
        "parameters": sum(math.prod(shape) for shape in shapes.values()),
        "tensors_in_order_of_use": list(shapes),
    }
    wrong += [key for key, fact in facts.items() if document.get(key, fact) != fact]
    texts = [document.get("weight_layout", {}), document.get("versions", {})]
    wrong += [
        key
        for key, text in zip(("weight_layout", "versions"), texts, strict=True)
        if key not in wrong and not all(isinstance(value, str) for value in text.values())
    ]
    if wrong:
        raise UserError(
            f"{path}: the header of this file has no usable entry '{wrong[0]}'; copy it again, or write it again."
        )


def finite(value: Any) -> bool:
    """Whether no number in lists and objects is NaN or infinite, which JSON does not have and Python reads all the same."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, (dict, list)):
        return all(map(finite, value.values() if isinstance(value, dict) else value))
    return True


def build_preprocessing(path: str | Path, stored: Any) -> Preprocessing:
    """The preprocessing that a header describes; a UserError where this version has no such step."""
    if not isinstance(stored, dict):
        raise UserError(
            f"{path}: the header of this file has no usable entry 'preprocessing'; copy it again, or write it again."
        )
    try:
        return Preprocessing.from_dict(stored)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        reason = " ".join(error.problems) if isinstance(error, UserError) else error
        raise UserError(
            f"{path}: this minunet ({__version__}) does not know the preprocessing the file describes ({shorten(reason)}); use "
            "the version that wrote it (see 'versions' in its header)."
        ) from error


def build_cell_choice(path: str | Path, stored: Any) -> CellChoice | None:
    """How cells are cut out, as a header describes it; None where it does not; a UserError where this version cannot do it."""
    if stored is None:
        return None
    if not isinstance(stored, dict):
        raise UserError(
            f"{path}: the header of this file has no usable entry 'cells'; copy it again, or write it again."
        )
    from minunet.cells.cell_choice import CellChoice  # a model without settings of cells does not need it

    try:
        return CellChoice.from_dict(stored)
    except UserError as error:
        raise UserError(
            f"{path}: this minunet ({__version__}) cannot use the settings of cells in the file ({' '.join(error.problems)}); "
            "copy it again, or use the version that wrote it (see 'versions' in its header)."
        ) from error


def build_outputs(path: str | Path, document: Mapping[str, Any]) -> Outputs:
    """What the channels of the logits mean; one logit, cell or not, where an older version wrote the file.

    A UserError where this version does not know them, or where the architecture has another number of channels.
    """
    stored = document.get("outputs")
    try:
        outputs = Outputs() if stored is None else Outputs.from_dict(stored)
    except UserError as error:
        raise UserError(
            f"{path}: this minunet ({__version__}) cannot use the outputs that the file describes ({' '.join(error.problems)}); "
            "copy it again, or use the version that wrote it (see 'versions' in its header)."
        ) from error
    own = document["architecture"].get("out_channels", 1)
    if own != outputs.channels:
        raise UserError(
            f"{path}: the network of this file has {count_noun(own, 'output channel')}, and its header describes "
            f"{outputs.channels}; give another model."
        )
    return outputs


def build_training_images(path: str | Path, document: Mapping[str, Any]) -> TrainingImages | None:
    """The statistics of the training images, None where an older version wrote the file; a UserError where they are not usable."""
    if "training_images" not in document:
        return None
    from minunet.data.training_images import TrainingImages  # nor a model that does not know its images this

    try:
        return TrainingImages.from_dict(document["training_images"])
    except UserError as error:
        raise UserError(
            f"{path}: the header of this file has no usable entry 'training_images' ({error.problems[0]}); copy it again, or "
            "write it again."
        ) from error


def as_weights(
    path: str | Path, shapes: Mapping[str, tuple[int, ...]], tensors: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The tensors as float32; a UserError where a value is not finite, or too large for float32."""
    with np.errstate(over="ignore"):
        weights = {name: tensors[name].astype(np.float32, copy=False) for name in shapes}
    # NaN spreads through min and max, and no array of booleans is made.
    not_finite = [name for name, value in weights.items() if not np.isfinite([value.min(), value.max()]).all()]
    if not_finite:
        raise UserError(
            f"{path}: {len(not_finite)} of {len(weights)} tensors hold NaN or infinite values (such as '{not_finite[0]}'), so "
            "that it cannot predict anything; give another model, or train again with a lower --lr."
        )
    return weights


def give_weights(model: UNet, weights: Mapping[str, np.ndarray]) -> None:
    """Make checked weights, which nobody else holds, those of a new model on the CPU, without a copy where the types agree."""
    for name, parameter in model.named_parameters():
        parameter.data = weights[name].astype(parameter.dtype, copy=False)


def fill_model(model: UNet, weights: Mapping[str, np.ndarray]) -> None:
    """Copy checked weights into a model, in the types of its parameters."""
    parameters = dict(model.named_parameters())
    model.load_state_dict({name: weights[name].astype(parameters[name].dtype, copy=False) for name in parameters})
