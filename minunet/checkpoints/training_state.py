"""The full state of training, `last.safetensors`: all that the next step depends on, so that a stopped run goes on.

In the file (see `container`) weights are `model.NAME`, the optimizer's arrays `optimizer.NAME`, numbers JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints import container
from minunet.checkpoints.header import build_preprocessing, described, entry, fill_model, in_folder, plain
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.kernels import backend
from minunet.nn.unet import UNet

STATE_FILE = "last.safetensors"
STATE = "minunet-training-state"  # the file's format, as its header calls it
WEIGHTS, OPTIMIZER = "model.", "optimizer."  # what the names of the tensors begin with


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """What `last.safetensors` holds: all that the next step of training depends on.

    Attributes
    ----------
    weights : dict of str to ndarray
        The model's `state_dict()`.
    optimizer : dict
        The optimizer's `state_dict()`, arrays and numbers.
    epoch, step : int
        Epochs and optimizer steps done.
    config : dict
        The training configuration.
    history : list of dict
        One record per epoch.
    architecture : dict
        The arguments that rebuild the model: `UNet(**architecture)`.
    preprocessing : Preprocessing or None
        What turned the images into the model's input.
    extra : dict
        Whatever else the caller of `save_state` stored.
    """

    weights: dict[str, np.ndarray]
    optimizer: dict[str, Any]
    epoch: int
    step: int
    config: dict[str, Any]
    history: list[dict[str, Any]]
    architecture: dict[str, Any]
    preprocessing: Preprocessing | None
    extra: dict[str, Any]


def save_state(
    path: str | Path,
    model: UNet,
    optimizer: Any,
    *,
    epoch: int,
    step: int,
    config: Any,
    history: Sequence[Mapping[str, Any]],
    preprocessing: Preprocessing | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write all that training needs to go on as if it had never stopped.

    Parameters
    ----------
    path : str or Path
        The file; written whole or not at all, an existing one is replaced.
    model : UNet
    optimizer : Adam or SGD
        Its `state_dict()` is stored: arrays as tensors, numbers in the header.
    epoch, step : int
        Epochs and optimizer steps done.
    config : dataclass or mapping
        The training configuration.
    history : sequence of mapping
        One record per epoch; numbers come back exactly, NaN included.
    preprocessing : Preprocessing, optional
        With it the file is also a model that `load_model` reads.
    extra : mapping, optional
        Anything else JSON can hold, such as the best score so far.
    """
    state = optimizer.state_dict()
    arrays = {name: value for name, value in state.items() if getattr(value, "ndim", 0)}
    tensors = {WEIGHTS + name: value for name, value in model.state_dict().items()}
    tensors |= {OPTIMIZER + name: backend.to_numpy(value) for name, value in arrays.items()}
    document = {
        "format": STATE,
        "about": "The state of training a U-Net for blood-cell images; minunet.train --resume goes on from it.",
        **described(model, preprocessing),
        "epoch": int(epoch),
        "step": int(step),
        "config": plain(config, exact=True),
        "history": plain(history, exact=True),
        "optimizer": plain({name: value for name, value in state.items() if name not in arrays}, exact=True),
        "extra": plain(extra or {}, exact=True),
    }
    return container.write(path, tensors, document)


def load_state(path: str | Path, model: UNet | None = None, optimizer: Any = None) -> TrainingState:
    """Read what `save_state` wrote, and put it into a model and an optimizer where they are given.

    Parameters
    ----------
    path : str or Path
        The file, or the run folder that holds it.
    model : UNet, optional
        Gets the stored weights; it must have the stored architecture.
    optimizer : Adam or SGD, optional
        Gets the stored state.

    Raises
    ------
    UserError
        As `load_model`; also where the stored tensors do not fit the model or the optimizer given.
    """
    path = in_folder(path, STATE_FILE, "training had not finished an epoch, or this is no run folder")
    tensors, document = container.read(path, {STATE: f"the {STATE_FILE} that training wrote, or its run folder"})
    weights = stored_weights(tensors)
    state = entry(path, document, "optimizer") | _with_prefix(tensors, OPTIMIZER)
    preprocessing = document.get("preprocessing")
    if model is not None:
        fill_model(path, model, weights)
    if optimizer is not None:
        try:
            optimizer.load_state_dict(state)
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(
                f"{path}: the stored optimizer does not fit this training ({error}); start a new run."
            ) from error
    return TrainingState(
        weights=weights,
        optimizer=state,
        epoch=entry(path, document, "epoch", int),
        step=entry(path, document, "step", int),
        config=entry(path, document, "config"),
        history=entry(path, document, "history", list),
        architecture=entry(path, document, "architecture"),
        preprocessing=None if preprocessing is None else build_preprocessing(path, preprocessing),
        extra=document.get("extra") or {},
    )


def stored_weights(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The model's weights among the tensors of a state file, under the names the model gives them."""
    return _with_prefix(tensors, WEIGHTS)


def _with_prefix(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
