"""The request of a training: settings, folder and problems, from the settings that a user gave on a command line or in Python."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.kernels.machine import machine_problems
from minunet.runs.first_weights import SCALE, followed_settings
from minunet.runs.moved_data import find_moved, missing_paths
from minunet.runs.run_folder import RunFolder, given_as_images
from minunet.runs.setting_checks import DATA_PATHS, MAY_CHANGE, SETTING_CHOICES, crop_for, flag
from minunet.runs.setting_flags import as_typed
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_target import target_problems, with_target

# Without DATA the run is a demonstration: small enough to take a few minutes, large enough for a Dice of 0.9.
# Drawn smears differ in their lighting as they are; more of it costs 0.014 of the test Dice in a training this short.
WITHOUT_DATA = {"size": (128, 128), "base_channels": 8, "batch_size": 4, "epochs": 20, "lighting": "mild"}


@dataclass(frozen=True)
class TrainRequest:
    """A training as requested by a user.

    Attributes
    ----------
    config : TrainConfig
    folder : RunFolder
        Where nobody named one, the name of a new one; a number is added to it where another process takes it first.
    resume : bool
    fresh : bool
        Whether nobody named the folder.
    problems : list of str
        What is wrong with the flags, and what this machine cannot do, as sentences.
    given : frozenset of str
        The settings that the user gave, and those of the size of cells that follow the model of `init`.
    report : bool
        Whether report.html is written.
    notes : tuple of str
        What was decided for the user, such as where data are that were moved.
    """

    config: TrainConfig
    folder: RunFolder
    resume: bool
    fresh: bool
    problems: list[str]
    given: frozenset[str]
    report: bool = True
    notes: tuple[str, ...] = ()

    @property
    def fit_size(self) -> bool:
        """Whether nobody named a size or a crop: the size is then that of `fitting_size` for the images."""
        resized = self.given & {"size", "crop"} or self.config.diameter is not None
        return not (self.resume or self.config.drawn or resized)


def new_request(values: Mapping[str, Any], out: str | Path | None, problems: Sequence[str] = ()) -> TrainRequest:
    """The request of a new training.

    Parameters
    ----------
    values : mapping
        The settings that the user gave, by name; their paths are absolute.
    out : str, Path or None
        The folder of the run; None: one named after the time.
    problems : sequence of str
        Mistakes that are known already.

    Raises
    ------
    UserError
        If the data are the folder of a run; other mistakes are the request's `problems`.
    """
    problems, values = [*problems], with_target(values)
    given = frozenset(values)
    if isinstance(values.get("init"), str):
        followed, unfit = followed_settings(values)
        problems += unfit
        given |= followed.keys() & set(SCALE)
        values = {**followed, **values}
        if followed.get("diameter") is not None and "size" in values:
            values["size"] = None  # `unfit` has a sentence on it
    if "diameter" in values:
        values.setdefault("crop", crop_for(values["diameter"], values.get("depth", TrainConfig.depth)))
    if "crop" in values:
        values.setdefault("size", None)
    if not any(name in values for name in DATA_PATHS):
        values = {**WITHOUT_DATA, **values}
    if values.get("lighting") == "wide" and values.get("augment") == "none":
        problems.append("--lighting wide changes nothing with --augment none: leave one of the two out.")
    data = values.get("data")
    if no_images := given_as_images(data, f"give a folder of images and masks, or go on with it: --resume {data}"):
        raise UserError([*problems, *no_images])
    config = TrainConfig(**values)
    folder = RunFolder.fresh() if out is None else RunFolder(out)
    problems += config.problems() + target_problems(config, separated="separation" in given)
    problems += folder.problems(resume=False) + _unfit_machine(config)
    return TrainRequest(config, folder, False, out is None, problems, given)


def resumed_request(values: Mapping[str, Any], folder: RunFolder, problems: Sequence[str] = ()) -> TrainRequest:
    """The request that goes on with a run, with its stored settings.

    Parameters
    ----------
    values : mapping
        The settings that the user gave again. They must be the same, except for those that may change.
    folder : RunFolder
    problems : sequence of str
        Mistakes that are known already.

    Raises
    ------
    UserError
        If the folder has no settings that can be read, or its data are not found; other mistakes are the request's `problems`.
    """
    problems = [*problems, *folder.problems(resume=True)]
    if not os.path.isfile(folder.config):
        raise UserError(problems)
    try:
        stored = TrainConfig.read(folder.config)
    except UserError as error:
        raise UserError([*problems, *error.problems]) from error
    problems += _changed_settings(values, stored)
    changed = {name: value for name, value in values.items() if name in MAY_CHANGE}
    if any(name in DATA_PATHS for name in changed):
        changed = {**dict.fromkeys(DATA_PATHS), **changed}  # the data was moved: none of the stored paths is valid
    config = replace(stored, **changed, extended=())  # what it was begun with is in its last state
    notes: list[str] = []
    if not any(name in DATA_PATHS for name in changed) and (missing := missing_paths(vars(stored))):
        moved: dict[str, Any] | None = find_moved(vars(stored), folder)
        if moved is None:  # nothing like it is suggested: other images would be another training
            raise UserError(
                [
                    *problems,
                    f"{missing[0]}, where the data of this run were, does not exist; say where they are now: "
                    f"python -m minunet.train DATA --resume {shlex.quote(str(folder.path))}.",
                ]
            )
        config = replace(config, **moved)
        notes.append(f"{missing[0]} does not exist any more; the same images are in {next(iter(moved.values()))}")
    if stored.drawn and not config.drawn:
        problems.append("this run draws its own smears; leave out DATA, --images and --masks, or start a new run.")
    problems += config.problems() + target_problems(config) + _unfit_machine(config)
    return TrainRequest(config, folder, True, False, problems, frozenset(values), notes=tuple(notes))


def _changed_settings(values: Mapping[str, Any], stored: TrainConfig) -> list[str]:
    """A sentence for each setting whose value differs from that of the run that is resumed, where it may not."""
    return [
        f"{flag(name)} {as_typed(value)}: this run has {as_typed(getattr(stored, name))}, and a resumed run keeps its "
        "settings; leave the flag out, or start a new run."
        for name, value in values.items()
        if name not in MAY_CHANGE and value != getattr(stored, name)
    ]


def _unfit_machine(config: TrainConfig) -> list[str]:
    """Why this machine cannot train so; nothing where device or precision is none that exists, which `config` says itself."""
    known = all(getattr(config, name) in SETTING_CHOICES[name] for name in ("device", "precision"))
    return machine_problems(config.device, config.precision) if known else []
