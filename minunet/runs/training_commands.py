"""The commands that train a run again, from its settings."""

from __future__ import annotations

import shlex
from typing import Any

from minunet.runs.setting_checks import flag
from minunet.runs.setting_flags import SETTING_FLAGS, as_typed
from minunet.runs.train_config import TrainConfig
from minunet.runs.train_request import WITHOUT_DATA

OTHER = ("skip_unpaired", "recompute")  # flags that are not in SETTING_FLAGS


def training_commands(config: TrainConfig, run: str = "RUN") -> list[str]:
    """The commands: one for the epochs that the run began with, and one for each time that it was made longer.

    Settings that are the defaults are left out.

    Parameters
    ----------
    config : TrainConfig
    run : str
        The folder for the new run, in the commands that make it longer.
    """
    defaults = {**vars(TrainConfig()), **(WITHOUT_DATA if config.drawn else {})}
    epochs = [*config.extended, config.epochs]
    words = ["python", "-m", "minunet.train"]
    if config.data is not None:
        words.append(config.data)
    # The data choose what is not given of these, and the defaults of others depend on the weights that a training begins with.
    always = {"size", "target"} if not config.drawn else {"target"}
    if config.init is not None:
        always |= {"epochs", "lr", "batch_size"}
    for name in (*SETTING_FLAGS, *OTHER):
        value: Any = epochs[0] if name == "epochs" else getattr(config, name, None)
        if name == "separation" and config.target != "cells":
            continue
        if value is None or value is False or (value == defaults.get(name) and name not in always):
            continue
        if value is True:
            words.append(flag(name))
        else:
            text = _exactly(value, name)
            words += [f"{flag(name)}={text}"] if text.startswith("-") else [flag(name), text]
    if len(epochs) == 1:
        return [shlex.join(words)]
    longer = [
        shlex.join(["python", "-m", "minunet.train", "--resume", run, "--epochs", str(count)]) for count in epochs[1:]
    ]
    return [shlex.join([*words, "--out", run]), *longer]


def _exactly(value: Any, name: str) -> str:
    """A value as it would be typed, with all its digits."""
    if name == "max_memory":
        return f"{value / 1000!r}KB"
    if isinstance(value, float):
        return str(value)
    return as_typed(value, name)
