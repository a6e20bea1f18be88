"""The training state, `last.safetensors`: everything that the next step depends on, so that a stopped training can be resumed.

In the file (see `container`) weights are tensors `model.NAME`, those of the optimizer `optimizer.NAME`; numbers are in the header.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints import container
from minunet.checkpoints.header import build_preprocessing, describe_model, entry, fill_model, in_folder, to_json
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.kernels import backend
from minunet.nn.unet import UNet

STATE_FILE = "last.safetensors"
STATE = "minunet-training-state"  # the file's format, as its header calls it
WEIGHTS, OPTIMIZER = "model.", "optimizer."  # what the names of the tensors begin with


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """The content of a training state.

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
        One record for each epoch.
    architecture : dict
        The arguments that rebuild the model: `UNet(**architecture)`.
    preprocessing : Preprocessing or None
        What turns an image into the model's input.
    extra : dict
        Other values that were given to `save_state`.
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
    """Write everything that a training needs to go on exactly as if it had not stopped.

    Parameters
    ----------
    path : str or Path
        The file; written completely or not at all. An existing file is replaced.
    model : UNet
    optimizer : Adam or SGD
        Its `state_dict()` is stored: arrays as tensors, numbers in the header.
    epoch, step : int
        Epochs and optimizer steps done.
    config : dataclass or mapping
        The training configuration.
    history : sequence of mapping
        One record for each epoch; numbers are stored exactly, NaN included.
    preprocessing : Preprocessing, optional
        With it the file is also a model that `load_model` reads.
    extra : mapping, optional
        Anything else that JSON can hold, such as the best score so far.
    """
    state = optimizer.state_dict()
    arrays = {name: value for name, value in state.items() if getattr(value, "ndim", 0)}
    tensors = {WEIGHTS + name: value for name, value in model.state_dict().items()}
    tensors |= {OPTIMIZER + name: backend.to_numpy(value) for name, value in arrays.items()}
    document = {
        "format": STATE,
        "about": "The state of training a U-Net for blood-cell images; minunet.train --resume goes on from it.",
        **describe_model(model, preprocessing),
        "epoch": int(epoch),
        "step": int(step),
        "config": to_json(config, exact=True),
        "history": to_json(history, exact=True),
        "optimizer": to_json({name: value for name, value in state.items() if name not in arrays}, exact=True),
        "extra": to_json(extra or {}, exact=True),
    }
    return container.write(path, tensors, document)


def load_state(path: str | Path, model: UNet | None = None, optimizer: Any = None) -> TrainingState:
    """Read what `save_state` wrote, and copy it into a model and an optimizer where they are given.

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
