"""The data of a run, as its folder knows them: for an evaluation that names a run and no data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from minunet.errors import UserError
from minunet.files.json_files import read_json
from minunet.runs.moved_data import find_moved, missing_paths
from minunet.runs.run_folder import RunFolder


@dataclass(frozen=True)
class OwnData:
    """Where the data of a run are.

    Attributes
    ----------
    data, images, masks : Path or None
        As the arguments of a command.
    skip_unpaired : bool
    """

    data: Path | None
    images: Path | None
    masks: Path | None
    skip_unpaired: bool


def own_data(model: str | Path, command: str) -> OwnData:
    """The data of the run that a model is of.

    Parameters
    ----------
    model : str or Path
        A run folder, or a file in one.
    command : str
        As it is typed, with what has to be replaced in capital letters, for the remedy.

    Raises
    ------
    UserError
        If the model is not in a run folder, or the data are no longer there.
    """
    path = Path(model)
    folder = RunFolder(path if os.path.isdir(path) else path.parent)
    if not (folder.config.is_file() and folder.split.is_file()):
        raise UserError(
            f"which images? {model} is no run folder, which would know its own data: {command}, or --images and --masks."
        )
    settings = read_json(folder.config)
    if not isinstance(settings, dict):
        raise UserError(f"{folder.config}: these are not the settings of a run: {command}.")
    if all(settings.get(name) is None for name in ("data", "images", "masks")):
        return OwnData(folder.synthetic, None, None, False)
    if missing := missing_paths(settings):
        moved = find_moved(settings, folder)
        if moved is None:
            raise UserError(
                f"{missing[0]}, where the data of this run were, does not exist; say where they are: {command}."
            )
        settings = {**settings, **moved}
    data, images, masks = (
        None if settings.get(name) is None else Path(settings[name]) for name in ("data", "images", "masks")
    )
    return OwnData(data, images, masks, settings.get("skip_unpaired") is True)
