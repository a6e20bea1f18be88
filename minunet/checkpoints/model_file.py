"""The model file, `model.safetensors`: a trained model in one file with everything that prediction needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minunet.checkpoints.architecture import build_model, check_architecture, check_tensors, parameter_shapes
from minunet.checkpoints.container import StoredFile, read_unchecked
from minunet.checkpoints.header import (
    MODEL,
    as_weights,
    build_cell_choice,
    build_outputs,
    build_preprocessing,
    build_training_images,
    check_document,
    entry,
    finite,
    give_weights,
    in_folder,
)
from minunet.checkpoints.pretrained import named_model
from minunet.checkpoints.state_tensors import STATE, STATE_FILE, stored_weights
from minunet.checkpoints.tensor_table import TensorEntry
from minunet.data.reading.channels import channel_count
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.wording import count_noun

if TYPE_CHECKING:
    from pathlib import Path

    from minunet.checkpoints.trained_model import TrainedModel

MODEL_FILE = "model.safetensors"


def load_model(path: str | Path | None = None, device: str = "auto", precision: str = "auto") -> TrainedModel:
    """Read a model for prediction.

    Parameters
    ----------
    path : str or Path, optional
        A file that `save_model` wrote, or the run folder that holds it. A training state (`last.safetensors`) is
        also accepted: its weights are those of the last epoch, not of the best. Without it, or for the text "pretrained", the
        model that comes with the package, which was trained on drawn smears (docs/pretrained.md).
    device : {"auto", "cpu", "cuda"}
        Where it runs; "auto" is a GPU where one is usable.
    precision : {"auto", "fp32", "tf32", "bf16"}
        Of a GPU's convolutions; it need not be that of the training. "auto" is tf32 where the GPU has tensor cores for it, else
        fp32; the CPU has only fp32.

    Returns
    -------
    TrainedModel
        In evaluation mode, with `.predict(image)`, `.model`, `.preprocessing`, `.metrics`, `.config` and `.extra`.

    Raises
    ------
    UserError
        If the file is missing, cut off, damaged, of another program, too new, holds NaN, or does not fit its own architecture
        (every tensor that is missing, unexpected or of another shape is listed), and where the device or the precision is not
        available.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import minunet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = minunet.save_model(minunet.UNet(base_channels=2, depth=1), f"{folder}/cells.safetensors")
    ...     model = minunet.load_model(path)
    >>> model.predict(np.zeros((30, 40), np.uint8)).shape
    (30, 40)
    """
    problems: list[str] = []
    stored: StoredFile | None = None
    try:
        file = model_file(path)
        formats = {MODEL: f"the {MODEL_FILE} that training wrote, or its run folder", STATE: f"its {STATE_FILE}"}
        stored = read_unchecked(file, formats, check_model)
    except UserError as error:
        problems = error.problems
    # These take long to import; the checksum is computed meanwhile.
    from minunet.checkpoints.trained_model import TrainedModel
    from minunet.kernels.machine import Machine

    try:
        machine = Machine.choose(device, precision)
    except UserError as error:
        problems = error.problems + problems
    if stored is not None:
        try:
            model, preprocessing, document = _build(file, stored)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    model.to(machine.device)
    model.eval()
    return TrainedModel(
        model=model,
        preprocessing=preprocessing,
        metrics=document.get("metrics") or {},
        config=model.config,
        extra=document.get("extra") or {},
        path=file,
        machine=machine,
        cell_choice=build_cell_choice(file, document.get("cells")),
        training_images=build_training_images(file, document),
        outputs=build_outputs(file, document),
    )


def _build(path: str, stored: StoredFile) -> tuple[UNet, Preprocessing, dict[str, Any]]:
    """The model of a file with its weights, its preprocessing, and its document."""
    tensors, document = stored.tensors(), stored.document
    if document["format"] == STATE:
        tensors = stored_weights(tensors)
    config = document["architecture"]
    weights = as_weights(path, parameter_shapes(config), tensors)
    preprocessing = build_preprocessing(path, document["preprocessing"])
    model = build_model(path, config)
    give_weights(model, weights)
    return model, preprocessing, document


def check_model(path: str | Path, table: Mapping[str, TensorEntry], document: dict[str, Any]) -> None:
    """Refuse a file by its header: entries of another type or out of range, tensors that do not fit the architecture."""
    config, preprocessing = (
        entry(path, document, "architecture"),
        build_preprocessing(path, document.get("preprocessing")),
    )
    check_architecture(path, config)
    is_state = document["format"] == STATE
    if not is_state and not finite({key: document.get(key) for key in ("metrics", "extra")}):
        raise UserError(f"{path}: the metrics of this file are not finite numbers; copy it again, or write it anew.")
    channels, own = channel_count(preprocessing.channels), config.get("in_channels", 1)
    if own != channels:
        raise UserError(
            f"{path}: this model takes {count_noun(own, 'channel')}, and {preprocessing.channels} images have {channels}; "
            "give another model."
        )
    build_outputs(path, document)
    shapes = parameter_shapes(config)
    check_tensors(path, shapes, stored_weights(table) if is_state else table)
    check_document(path, document, shapes)
    build_cell_choice(path, document.get("cells"))
    build_training_images(path, document)


def model_file(path: str | Path | None) -> str:
    """The model file: `path` itself, the `model.safetensors` in it where it is a run folder, or for None that of the package."""
    path = named_model(path)
    reason = "training had not finished an epoch, or this is no run folder"
    if os.path.isfile(os.path.join(path, STATE_FILE)):
        reason = f"give its {STATE_FILE} to use the weights of the last epoch"
    return in_folder(path, MODEL_FILE, reason)
