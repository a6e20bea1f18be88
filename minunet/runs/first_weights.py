"""First weights: those of another model, with which a training begins in place of random ones (`--init`).

Settings that the user did not give follow that model, so that its weights fit and see cells of the size that they know.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints.model_file import load_model, model_file
from minunet.checkpoints.pretrained import PRETRAINED, is_pretrained
from minunet.data.outputs import Outputs
from minunet.data.reading.channels import channel_count, channels_problem
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.files.names import absolute_text
from minunet.files.reading import file_sha256
from minunet.inference.loaded_model import LoadedModel
from minunet.nn.unet import UNet
from minunet.runs.provenance import Provenance
from minunet.runs.setting_checks import crop_for, flag
from minunet.runs.setting_flags import as_typed
from minunet.runs.train_config import TrainConfig
from minunet.wording import count_noun

NETWORK = ("variant", "base_channels", "depth", "activation", "pooling", "block_end_relu")
SCALE = ("size", "crop", "diameter")
# Small batches give enough steps where images are few, and few images are learnt by heart in more epochs. A quarter of this rate
# learns too little from twenty images (docs/pretrained.md).
FINE_TUNING = {"epochs": 30, "lr": 2e-3, "batch_size": 4}
HEAD = "head."  # what the names of the last layer begin with, whose last axis are the outputs


def init_text(text: str) -> str:
    """What a user gives as --init, so that it holds from any folder: the name of the pretrained model, or an absolute path."""
    return text if text == PRETRAINED else absolute_text(text)


def followed_settings(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The settings of a training that begins with the weights of another model.

    Parameters
    ----------
    given : mapping
        The settings that the user gave, `init` among them.

    Returns
    -------
    settings : dict
        Those that follow the model, and those for a training of this kind; none of them was given.
    problems : list of str
        Where the model cannot be used, or what was given contradicts it.
    """
    try:
        model = load_model(given["init"], "cpu")
        settings: dict[str, Any] = {"init_hash": file_sha256(model_file(given["init"]))}
    except UserError as error:
        return {}, [f"--init: {problem}" for problem in error.problems]
    network = {**model.model.config}
    problems = [
        f"{flag(name)} {given[name]}: the model of --init has {network[name]}; leave the flag out, or train without --init."
        for name in NETWORK
        if name in given and given[name] != network[name]
    ]
    settings |= {name: network[name] for name in NETWORK}
    settings["channels"] = channels = model.preprocessing.channels
    unlike = "channels" in given and not channels_problem(given["channels"])
    if unlike and channel_count(given["channels"]) != channel_count(channels):
        problems.append(
            f"--channels {given['channels']}: the model of --init takes {count_noun(channel_count(channels), 'channel')} "
            f"({channels}); leave the flag out, or train without --init."
        )
    if model.outputs.separation is not None:
        settings["separation"] = model.outputs.separation
    scale, unfit = _scale(model, given)
    settings |= {**scale, **FINE_TUNING}
    return {name: value for name, value in settings.items() if name not in given}, problems + unfit


def begin_with(model: UNet, config: TrainConfig) -> list[str]:
    """Copy the weights of the model of `config.init`; returns what is to be said of it.

    Raises
    ------
    UserError
        If it cannot be read, or is another file than when the run was planned.
    """
    assert config.init is not None
    loaded = load_model(config.init, "cpu")
    file = model_file(config.init)
    if config.init_hash is not None and file_sha256(file) != config.init_hash:
        raise UserError(f"{file}: this model has changed since the run began; start a new run.")
    name = "the model that comes with minunet" if is_pretrained(file) else file
    said = [f"with the weights of {name}"]
    weights, own = loaded.model.state_dict(), model.state_dict()
    copied = {key: weights[key] for key in own if not key.startswith(HEAD)}
    places, anew = _outputs_in_common(loaded.outputs, config.outputs)
    for key in (key for key in own if key.startswith(HEAD)):
        copied[key] = np.array(own[key])
        for there, here in places:
            copied[key][..., here] = weights[key][..., there]
    model.load_state_dict(copied)
    if anew:
        said.append(f"new, because that model does not have them: {anew}")
    if (scale := loaded.preprocessing.scale) is not None:  # of an imported model; a run has no such setting
        said.append(
            f"that model resizes its images by {scale:g}: cells look as large in this run where --size is {scale:g} times the "
            "width and the height of your images"
        )
    return said


def seen_before(config: TrainConfig, split: Split) -> str | None:
    """A sentence where the model of `config.init` was trained on images that are to validate or to test; None where not."""
    if config.init is None:
        return None
    record = Provenance.beside(Path(model_file(config.init)))
    if record is None:
        return None
    kept = [*split.validation, *split.test]
    count = sum(side == "train" for side in record.sides(kept))
    if not count:
        return None
    return (
        f"the model of --init was trained on {count} of the {count_noun(len(kept), 'image')} that validate and test this run: "
        "their scores are too good; give both runs the same --split and --seed, or other images."
    )


def _scale(model: LoadedModel, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Size, crop and diameter that follow a model, and what contradicts them."""
    preprocessing, known = model.preprocessing, model.preprocessing.diameter
    if known is None:
        if any(name in given for name in SCALE):
            return {}, []
        if preprocessing.size is not None:
            return {"size": preprocessing.size}, []
        return ({"size": None, "crop": preprocessing.crop} if preprocessing.crop is not None else {}), []
    problems = []
    knows = f"the model of --init knows cells that are {known:g} pixels across"
    if given.get("size") is not None:
        problems.append(
            f"--size {as_typed(given['size'])}: {knows}, and images are brought to that; leave the flag out."
        )
    if given.get("diameter", known) != known:
        problems.append(f"--diameter {as_typed(given['diameter'])}: {knows}; leave the flag out.")
    return {"size": None, "diameter": known, "crop": crop_for(known, model.model.config["depth"])}, problems


def _outputs_in_common(theirs: Outputs, ours: Outputs) -> tuple[list[tuple[int, int]], str]:
    """The places of outputs that both have, there and here; and the outputs that are new, in words."""
    places, anew = [], []
    if theirs.classes == ours.classes:
        places += [(index, index) for index in range(max(1, len(ours.classes)))]
    else:
        anew.append("the outputs for classes" if ours.classes else "the output for cells")
    if ours.separation is not None and ours.separation == theirs.separation:
        places.append((theirs.channels - 1, ours.channels - 1))
    elif ours.separation is not None:
        anew.append(f"the output that separates cells ({ours.separation})")
    return places, " and ".join(anew)
