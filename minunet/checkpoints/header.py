"""The entries of the header that describe a model, written from a model and turned into a model again.

Model files and training states have them in common: architecture, preprocessing, layout of the weights.
"""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.version import __version__

LAYOUT = {
    "activations": "(N, H, W, C)",
    "convolution": "(kh, kw, C_in, C_out), cross-correlation",
    "transposed convolution": "(kh, kw, C_in, C_out): y[h*s+kh-p, w*s+kw-p, o] += x[h, w, i] * weight[kh, kw, i, o]",
    "linear": "(C_in, C_out)",
    "skip": "concat([skip, upsampled]) along channels",
    "output": "logits; a probability is sigmoid(logit)",
}


def in_folder(path: str | Path, name: str, reason: str) -> Path:
    """`path` itself, or the file `name` in it where it is a folder; `reason` ends the error message where there is no such file."""
    path = Path(path)
    if not path.is_dir():
        return path
    if not (path / name).is_file():
        raise UserError(f"{path}: this folder holds no {name}; {reason}.")
    return path / name


def describe_model(model: UNet, preprocessing: Preprocessing | None) -> dict[str, Any]:
    """The entries of the header that both kinds of file have."""
    parameters = dict(model.named_parameters())
    return {
        "architecture": to_json(model.config),
        "parameters": sum(math.prod(parameter.shape) for parameter in parameters.values()),
        "tensors_in_order_of_use": list(parameters),
        "preprocessing": None if preprocessing is None else to_json(preprocessing.to_dict()),
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
    return str(value) if isinstance(value, Path) else value


def entry(path: Path, document: Mapping[str, Any], key: str, kind: type = dict) -> Any:
    """The entry `key` of the header; a UserError where it is missing or not a `kind`."""
    value = document.get(key)
    if not isinstance(value, kind):
        raise UserError(
            f"{path}: the header of this file has no usable entry '{key}'; copy it again, or write it anew."
        )
    return value


def build_model(path: Path, config: Mapping[str, Any]) -> UNet:
    """The untrained model that a header describes; a UserError where this version has no such model."""
    try:
        return UNet(**config)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{path}: this minunet ({__version__}) cannot build the architecture the file describes ({error}); use the "
            "version that wrote it (see 'versions' in its header)."
        ) from error


def build_preprocessing(path: Path, stored: Mapping[str, Any]) -> Preprocessing:
    """The preprocessing that a header describes; a UserError where this version has no such step."""
    try:
        return Preprocessing.from_dict(dict(stored))
    except (TypeError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: this minunet ({__version__}) does not know the preprocessing the file describes ({error}); use "
            "the version that wrote it (see 'versions' in its header)."
        ) from error


def fill_model(path: Path, model: UNet, tensors: Mapping[str, np.ndarray]) -> None:
    """Copy `tensors` into `model`; a UserError lists everything that is wrong with them."""
    parameters = dict(model.named_parameters())
    problems = [f"{path}: the tensor '{name}' is missing." for name in parameters if name not in tensors]
    problems += [f"{path}: the tensor '{name}' belongs to no layer." for name in tensors if name not in parameters]
    for name in parameters.keys() & tensors.keys():
        needed, stored = tuple(parameters[name].shape), tuple(tensors[name].shape)
        if needed != stored:
            problems.append(f"{path}: the tensor '{name}' has shape {stored}, the architecture needs {needed}.")
        elif tensors[name].dtype.kind != "f":
            problems.append(f"{path}: the tensor '{name}' holds {tensors[name].dtype}, not floating-point numbers.")
    if problems:
        remedy = f"{path}: the weights do not fit the architecture; give the file training wrote, or train again."
        raise UserError([*sorted(problems), remedy])
    not_finite = [name for name in parameters if not np.isfinite(tensors[name]).all()]
    if not_finite:
        raise UserError(
            f"{path}: {len(not_finite)} of {len(parameters)} tensors hold NaN or infinite values (such as '{not_finite[0]}'), so "
            "that it cannot predict anything; give another model, or train again with a lower --lr."
        )
    model.load_state_dict({name: tensors[name].astype(parameters[name].dtype) for name in parameters})
