"""`minunet.fit`: train a U-Net from Python, on arrays, images or folders, with the engine of `python -m minunet.train`.

The run has a folder like any other, so that it can be stopped, resumed, predicted with and evaluated by the commands too.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.trained_model import TrainedModel
from minunet.data.given_images import is_path, write_given
from minunet.errors import UserError
from minunet.files.json_files import is_finite_number
from minunet.files.lock import FolderLock
from minunet.files.names import absolute_text
from minunet.ranks import launched_rank
from minunet.runs.first_weights import init_text
from minunet.runs.run_folder import RunFolder
from minunet.runs.setting_checks import DATA_PATHS
from minunet.runs.train_config import TrainConfig
from minunet.runs.train_request import TrainRequest, new_request, resumed_request
from minunet.train import train
from minunet.training.events import Callback
from minunet.wording import join_names, shorten

COMMAND = "minunet.fit(...) with"
DECIDED = (
    "split",
    "reading",
    "image_range",
    "extended",
    "init_hash",
    "class_weights",
)  # settings that the training decides itself, or by its data
RESUME = re.compile(r"--resume .+$")
FLAG = re.compile(r"--([a-z][a-z-]*[a-z])")
SHARED_BY_THE_COMMAND = (
    "{size} processes were started together, and minunet.fit trains a model of its own in each of them; to share one training "
    "out, save the images in a folder: mpiexec -n {size} python -m minunet.train FOLDER"
)
# What other libraries call a setting.
ELSEWHERE = {
    "learning_rate": "lr",
    "batch": "batch_size",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "image_size": "size",
}


def fit(
    images: Any = None,
    masks: Any = None,
    *,
    validation: float = 0.1,
    test: float = 0.1,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    **settings: Any,
) -> TrainedModel:
    """Train a U-Net on images and their masks.

    The same engine, checks, reading of the masks and files as `python -m minunet.train`.

    Where an MPI launcher (mpiexec, srun) has started several processes, each trains a model of its own, as for a comparison of
    settings, and a warning says so; `mpiexec -n 4 python -m minunet.train` shares one training out over them.

    Parameters
    ----------
    images : sequence, ndarray, str or Path
        A list with an item for each image: an array (H, W) or (H, W, C) of any type of numbers, a PIL image, or the path of a
        file; or one array (N, H, W) or (N, H, W, C); or a folder. A folder without `masks` holds images and masks, as DATA of the
        command.
    masks : sequence, ndarray, str or Path, optional
        The masks in the order of the images: (H, W), cells and background in any of the ways that the command understands:
        boolean, 0 and 1, 0 and 255, or a number for each cell, which is best. Or the folder of the masks.
    validation, test : float
        Shares of the images that choose the best epoch, and that are kept for the scores at the end. Each side has one image at
        least, so that three are needed.
    out : str or Path, optional
        The folder of the run, by default runs/<time>. Images that are not in folders are written there, as TIFF files in their own
        type or as copies, in `given`.
    resume : bool
        Go on with the run in `out`, which was stopped. It has its images and its settings; only those that the command may change
        too can be given, such as `epochs`.
    progress : bool
        Print what the command prints, with a progress bar; False is silent.
    callbacks : sequence of Callback
        Called at each event of the training (see `minunet.training.events.Callback`), after those of the run itself.
    **settings
        Any other setting of the command, with underscores: `epochs=40`, `size=(256, 192)` (width and height), `base_channels=16`,
        `lr=1e-3`, `channels="rgb"`, `device="cpu"`, `seed=0`; see `minunet.runs.train_config.TrainConfig`.

    Returns
    -------
    TrainedModel
        The best model of the training, with `.predict(image)`, `.cells(image)`, `.evaluate(images, masks)`, `.save(path)`, and its
        scores in `.metrics`.

    Raises
    ------
    UserError
        With every setting, image and mask that cannot be used. It is a ValueError.
    KeyboardInterrupt
        After Ctrl-C. The first one stops after the current step and saves everything, so that `resume=True` goes on to exactly the
        same result; the second stops at once.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import minunet
    >>> rng = np.random.default_rng(0)
    >>> rows, columns = np.mgrid[:32, :32]
    >>> masks = [(rows - y) ** 2 + (columns - x) ** 2 < 60 for y, x in rng.integers(8, 24, (6, 2))]
    >>> images = [(200 - 100 * mask + rng.integers(-20, 20, mask.shape)).astype(np.uint8) for mask in masks]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = minunet.fit(
    ...         images, masks, epochs=1, base_channels=2, depth=1, out=f"{folder}/run", device="cpu", progress=False
    ...     )
    >>> model.predict(images[0]).shape
    (32, 32)
    """
    say = functools.partial(print, flush=True) if progress else _silent
    rank, size = launched_rank() or (0, 1)
    if size > 1 and rank == 0:
        warnings.warn(SHARED_BY_THE_COMMAND.format(size=size), stacklevel=2)
    try:
        lists = None if resume else _lists(images, masks)
        request = _request(images, masks, settings, validation=validation, test=test, out=out, resume=resume)
        if request.problems:
            raise UserError(request.problems)
        with FolderLock(request.folder.path, fresh=request.fresh, say=say) as lock:
            lock.sweep()
            folder = RunFolder(lock.folder)
            if lists is not None:
                places = [absolute_text(place) for place in write_given(*lists, folder.given)]
                request = replace(request, config=replace(request.config, images=places[0], masks=places[1]))
            try:
                code = train(replace(request, folder=folder), say, COMMAND, bar=progress, callbacks=callbacks)
            finally:
                if lists is not None and not folder.config.exists():  # the training has refused the images
                    shutil.rmtree(folder.given, ignore_errors=True)
    except UserError as error:
        raise _in_python(error) from error
    if code:
        raise KeyboardInterrupt(
            f"stopped; minunet.fit(out={str(folder.path)!r}, resume=True) goes on from where it was stopped"
        )
    return load_model(folder.path, request.config.device)


def _silent(line: str) -> None:
    """Print nothing."""


def _request(
    images: Any,
    masks: Any,
    settings: Mapping[str, Any],
    *,
    validation: float,
    test: float,
    out: str | os.PathLike | None,
    resume: bool,
) -> TrainRequest:
    """The request of a training, with its problems; images that are no paths have none yet."""
    values, problems = _known_settings(settings)
    if resume:
        if images is not None or masks is not None:
            problems.append("resume=True takes the images that the run has: leave images and masks out.")
        if out is None:
            raise UserError([*problems, "resume=True: name the folder of the run, such as out='runs/first'."])
        return resumed_request(values, RunFolder(Path(out)), problems)
    if images is None:
        problems.append("images: give images and masks, or a folder that holds both.")
    shares = []
    for name, share in (("validation", validation), ("test", test)):
        if not is_finite_number(share) or not 0 < share < 1:
            shares.append(f"{name}={shorten(repr(share))}: give a share above 0 and below 1, such as 0.1.")
    if not shares and validation + test >= 1:
        shares.append(f"validation={validation:g} and test={test:g} leave nothing to train on: give smaller shares.")
    if not shares:
        values["split"] = (1 - validation - test, validation, test)
    # As if it had not been given.
    said = {
        name: value for name, value in values.items() if value is not None or getattr(TrainConfig, name) is not None
    }
    return new_request({**_paths(images, masks), **said}, None if out is None else Path(out), problems + shares)


def _known_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The settings that there are, and a problem for each of the others."""
    known = [field.name for field in fields(TrainConfig) if field.name not in (*DATA_PATHS, *DECIDED)]
    problems = []
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(ELSEWHERE.get(name, name), known, 1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else f": there are {join_names(known, len(known))}."
            problems.append(f"there is no setting {shorten(name)}{hint}")
    values = {name: _plain(value) for name, value in settings.items() if name in known}
    if isinstance(values.get("init"), (str, os.PathLike)):
        values["init"] = init_text(os.fspath(values["init"]))
    return values, problems


def _paths(images: Any, masks: Any) -> dict[str, str]:
    """The settings that say where images and masks are; stand-ins for those that are yet to be written to files."""
    if is_path(images) and masks is None:
        return {"data": absolute_text(images)}
    if is_path(images):
        return {"images": absolute_text(images), "masks": absolute_text(masks)}
    return {"images": "images", "masks": "masks"}


def _lists(images: Any, masks: Any) -> tuple[Any, Any] | None:
    """The images and the masks where they are to be written to files; None where they are in folders."""
    if images is None or (masks is None and is_path(images)) or (is_path(images) and is_path(masks)):
        return None
    if masks is None:
        raise UserError("masks: give a mask for each image, in the order of the images.")
    if is_path(images) or is_path(masks):
        which, other = ("images", "masks") if is_path(images) else ("masks", "images")
        raise UserError(f"{which} is a path and {other} is a list: give two folders, or two lists.")
    return images, masks


def _plain(value: Any) -> Any:
    """A value in the types that settings have: NumPy's numbers as Python's, lists and arrays as tuples."""
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    return tuple(_plain(part) for part in value) if isinstance(value, (list, tuple)) else value


def _in_python(error: UserError) -> UserError:
    """The same problems with the settings named as in Python: lr for --lr; commands that they name stay as they are typed."""
    return UserError(map(_sentence_in_python, error.problems))


def _sentence_in_python(problem: str) -> str:
    words, *command = re.split(r"(?=python -m )", problem, maxsplit=1)
    words = FLAG.sub(lambda match: match[1].replace("-", "_"), RESUME.sub("resume=True", words))
    return "".join([words, *command])
