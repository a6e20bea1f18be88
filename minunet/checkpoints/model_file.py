"""A trained model in one file, `model.safetensors`, that needs nothing else to predict: its header describes the rest.

The other file that training leaves, its full state to go on from, is `state`'s and is offered here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minunet.checkpoints import container
from minunet.checkpoints.header import build_model, build_preprocessing, described, entry, fill_model, in_folder, plain
from minunet.checkpoints.training_state import STATE, STATE_FILE, TrainingState, load_state, save_state, stored_weights
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.inference.predictor import LoadedModel
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

__all__ = ["LoadedModel", "TrainingState", "load_model", "load_state", "model_file", "save_model", "save_state"]

MODEL_FILE = "model.safetensors"
MODEL = "minunet-model"  # the file's format, as its header calls it


def save_model(
    path: str | Path,
    model: UNet,
    preprocessing: Preprocessing,
    *,
    metrics: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model that `load_model` can use without being told anything else.

    Parameters
    ----------
    path : str or Path
        The file; written whole or not at all, an existing one is replaced.
    model : UNet
        Its weights are stored under the names of `named_parameters()`, in the layout they have.
    preprocessing : Preprocessing
        What turns an image into the model's input.
    metrics : mapping, optional
        How good the model is, and on what. Numbers JSON has no word for (NaN, infinity) are stored as null.
    extra : mapping, optional
        Anything else JSON can hold, such as the training configuration.

    Raises
    ------
    UserError
        Where the file cannot be written or safetensors is not installed.
    """
    document = {
        "format": MODEL,
        "about": "A trained U-Net for blood-cell images, for minunet.load_model. Tensors are named after layers.",
        **described(model, preprocessing),
        "metrics": plain(metrics or {}),
        "extra": plain(extra or {}),
    }
    return container.write(path, model.state_dict(), document)


def load_model(path: str | Path, device: str = "auto", precision: str = "auto") -> LoadedModel:
    """Read a model and make it ready to predict.

    Parameters
    ----------
    path : str or Path
        A file that `save_model` wrote, or the run folder that holds it. A training state (`last.safetensors`) is
        accepted too: then the weights are those of the last epoch, not of the best.
    device : {"auto", "cpu", "cuda"}
        Where it shall run; "auto" takes a usable GPU where there is one.
    precision : {"auto", "fp32", "tf32", "bf16"}
        Of a GPU's convolutions, whatever the model was trained in. "auto" takes tf32 where the GPU has tensor cores for it,
        else fp32; the CPU has only fp32.

    Returns
    -------
    LoadedModel
        In evaluation mode, with `.predict(image)`, `.model`, `.preprocessing`, `.metrics`, `.config` and `.extra`.

    Raises
    ------
    UserError
        Where the file is missing, cut off, damaged, not ours, too new, holds NaN, or does not fit its own architecture (every
        tensor that is missing, unexpected or of another shape is listed), and where the device or the precision cannot be had.
    """
    problems: list[str] = []
    try:
        machine = Machine.choose(device, precision)
    except UserError as error:
        problems += error.problems
    try:
        path, model, preprocessing, document = _read_model(path)
    except UserError as error:
        problems += error.problems
    if problems:
        raise UserError(problems)
    model.to(machine.device)
    model.eval()
    return LoadedModel(
        model=model,
        preprocessing=preprocessing,
        metrics=document.get("metrics") or {},
        config=model.config,
        extra=document.get("extra") or {},
        path=path,
        machine=machine,
    )


def _read_model(path: str | Path) -> tuple[Path, UNet, Preprocessing, dict]:
    """The file that `path` means, its model with its weights, the preparation of its images, and what else it says."""
    path = model_file(path)
    wanted = {MODEL: f"the {MODEL_FILE} that training wrote, or its run folder", STATE: f"its {STATE_FILE}"}
    tensors, document = container.read(path, wanted)
    if document["format"] == STATE:
        tensors = stored_weights(tensors)
    preprocessing = build_preprocessing(path, entry(path, document, "preprocessing"))
    model = build_model(path, entry(path, document, "architecture"))
    fill_model(path, model, tensors)
    channels = {"grey": 1, "rgb": 3}[preprocessing.channels], 1
    if (model.config["in_channels"], model.config["out_channels"]) != channels:
        raise UserError(
            f"{path}: this model turns {model.config['in_channels']} channels into {model.config['out_channels']} masks, and "
            f"to predict from {preprocessing.channels} images it takes {channels[0]} and 1; give another model."
        )
    return path, model, preprocessing, document


def model_file(path: str | Path) -> Path:
    """The model file that `path` means: itself, or the `model.safetensors` of a run folder."""
    reason = "training had not finished an epoch, or this is no run folder"
    if (Path(path) / STATE_FILE).is_file():
        reason = f"give its {STATE_FILE} to use the weights of the last epoch"
    return in_folder(path, MODEL_FILE, reason)
