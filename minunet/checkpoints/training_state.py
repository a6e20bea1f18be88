"""The training state, `last.safetensors`: everything that the next step depends on, so that a stopped training can be resumed.

In the file (see `container`) weights are tensors `model.NAME`, those of the optimizer `optimizer.NAME`; numbers are in the header.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.checkpoints import container
from minunet.checkpoints.architecture import check_architecture, check_tensors, parameter_shapes
from minunet.checkpoints.header import (
    as_weights,
    build_outputs,
    build_preprocessing,
    build_training_images,
    check_document,
    describe_model,
    entry,
    fill_model,
    in_folder,
    to_json,
)
from minunet.checkpoints.state_tensors import OPTIMIZER, STATE, STATE_FILE, WEIGHTS, stored_weights, with_prefix
from minunet.checkpoints.tensor_table import FLOATS, TensorEntry
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.kernels import backend
from minunet.nn.unet import UNet
from minunet.wording import join_names, shorten

if TYPE_CHECKING:
    from minunet.data.training_images import TrainingImages

MOST_STEPS = 1 << 53  # and the largest of an optimizer's numbers; a float is exact up to it


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
    training_images: TrainingImages | None = None,
    outputs: Outputs | None = None,
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
    training_images : TrainingImages, optional
        How the images of the training look, for `load_model`.
    outputs : Outputs, optional
        What the channels of the model's logits mean; one logit, cell or not, unless given.
    """
    state = optimizer.state_dict()
    arrays = {name: value for name, value in state.items() if getattr(value, "ndim", 0)}
    tensors = {WEIGHTS + name: value for name, value in model.state_dict().items()}
    tensors |= {OPTIMIZER + name: backend.to_numpy(value) for name, value in arrays.items()}
    document = {
        "format": STATE,
        "about": "The state of training a U-Net for blood-cell images; minunet.train --resume goes on from it.",
        **describe_model(model, preprocessing, outputs),
        "epoch": int(epoch),
        "step": int(step),
        "config": to_json(config, exact=True),
        "history": to_json(history, exact=True),
        "optimizer": to_json({name: value for name, value in state.items() if name not in arrays}, exact=True),
        "extra": to_json(extra or {}, exact=True),
    }
    if training_images is not None:
        document["training_images"] = to_json(training_images.to_dict())
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
    needed = None if model is None else {name: tuple(value.shape) for name, value in model.named_parameters()}

    def check(path: str | Path, table: Mapping[str, TensorEntry], document: dict[str, Any]) -> None:
        check_state(path, table, document, needed)

    formats = {STATE: f"the {STATE_FILE} that training wrote, or its run folder"}
    tensors, document = container.read(path, formats, check)
    weights, shapes = stored_weights(tensors), parameter_shapes(document["architecture"])
    state = document["optimizer"] | with_prefix(tensors, OPTIMIZER)
    checked = as_weights(path, shapes, weights)
    check_moments(path, state)
    preprocessing = document.get("preprocessing")
    if optimizer is not None:
        try:
            optimizer.load_state_dict(state)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise UserError(
                f"{path}: the stored optimizer does not fit this training ({shorten(error)}); start a new run."
            ) from error
    if model is not None:
        fill_model(model, checked)
    return TrainingState(
        weights=weights,
        optimizer=state,
        epoch=document["epoch"],
        step=document["step"],
        config=document["config"],
        history=document["history"],
        architecture=document["architecture"],
        preprocessing=None if preprocessing is None else build_preprocessing(path, preprocessing),
        extra=document.get("extra") or {},
    )


def check_state(
    path: str | Path,
    table: Mapping[str, TensorEntry],
    document: Mapping[str, Any],
    needed: Mapping[str, tuple[int, ...]] | None = None,
) -> None:
    """Refuse a file by its header, as `load_model` does; `needed` are the shapes of the model that it is for."""
    config = entry(path, document, "architecture")
    check_architecture(path, config)
    shapes = parameter_shapes(config)
    check_tensors(path, shapes if needed is None else needed, stored_weights(table))
    check_document(path, document, shapes)
    if document.get("preprocessing") is not None:
        build_preprocessing(path, document["preprocessing"])
    build_training_images(path, document)
    build_outputs(path, document)
    for key, kind in (("epoch", int), ("step", int), ("config", dict), ("history", list), ("optimizer", dict)):
        entry(path, document, key, kind)
    if not all(isinstance(record, dict) for record in document["history"]):
        raise UserError(f"{path}: the history of this file is not a list of records; start a new run.")
    order = list(shapes.values())
    problems = [name for name in table if not name.startswith((WEIGHTS, OPTIMIZER))]
    for name, tensor in with_prefix(table, OPTIMIZER).items():
        index = name.rpartition(".")[2]
        if name == "updates":
            fits = tensor.shape == (len(order),) and tensor.dtype == "int64"
        else:  # NAME.k belongs to the parameter k
            number = int(index) if index.isascii() and index.isdigit() and len(index) < 9 else len(order)
            fits = number < len(order) and tensor.shape == order[number] and tensor.dtype in FLOATS
        problems += [] if fits else [OPTIMIZER + name]
    for name, value in document["optimizer"].items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < MOST_STEPS:
            problems.append(OPTIMIZER + name)
    if problems:
        raise UserError(
            f"{path}: the optimizer of this file cannot be used ({shorten(join_names(problems), 160)}); copy it again, or start a "
            "new run."
        )


def check_moments(path: str | Path, state: Mapping[str, Any]) -> None:
    """A UserError where a number of the optimizer's state is not finite, or negative where it is a mean of squares or a count."""
    wrong = []
    for name, value in state.items():
        if not isinstance(value, np.ndarray):
            continue
        with np.errstate(over="ignore"):
            values = value if name == "updates" else value.astype(np.float32)
        negative = name.startswith(("exp_avg_sq", "updates")) and (values < 0).any()
        too_many = name == "updates" and (values > state.get("step", 0)).any()
        if negative or too_many or not np.isfinite(values).all():
            wrong.append(name)
    if wrong:
        raise UserError(
            f"{path}: the optimizer of this file holds values that it never has ({join_names(wrong, 3)}); start a new run."
        )
