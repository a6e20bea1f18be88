"""The inputs of a prediction: which of the arguments names the model, and which are images.

The model comes first; where the first argument is an image or a folder of images, the model is the one that comes with minunet.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from minunet.checkpoints.pretrained import PRETRAINED
from minunet.data.finding.listing import NOT_READ, READ, is_pattern, list_tree
from minunet.data.reading.zarr_metadata import is_zarr
from minunet.files.reading import open_regular
from minunet.runs.run_folder import RunFolder, given_as_images

MODEL_ENDING = ".safetensors"
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II", b"MM")  # of PNG, JPEG, BMP and TIFF files


def model_and_images(arguments: Sequence[str]) -> tuple[str | None, list[Path], list[str]]:
    """Divide the arguments of a prediction.

    Parameters
    ----------
    arguments : sequence of str
        At least one, as they were typed.

    Returns
    -------
    model : str or None
        For `load_model`; None is the one that comes with minunet.
    images : list of Path
        Images and folders of images; empty where a problem says that there are none.
    problems : list of str
        A sentence for each argument that cannot be where it is.
    """
    first, *rest = arguments
    images = [Path(text) for text in rest]
    problems = [
        f"{path} is a model, and the model comes first: python -m minunet.predict {path} IMAGES."
        for path in images
        if path.suffix.lower() == MODEL_ENDING
    ]
    for path in images:
        problems += given_as_images(path, "give the images, or folders of images")
    if first == PRETRAINED:  # the name, whatever is there: `named_model` does not guess
        if not images:
            problems.append(f"no images were given: name images or folders after {PRETRAINED}.")
        return PRETRAINED, images, problems
    if is_images(Path(first)):
        return None, [Path(first), *images], problems
    if images:
        return first, images, problems
    if is_model(Path(first)):
        return first, images, [f"no images were given: name images or folders after {first}."]
    what = "holds neither images nor a model" if os.path.isdir(first) else "is neither an image nor a model"
    found = what if os.path.lexists(first) else "does not exist"
    return None, images, [f"{first} {found}: give an image, a folder of images, or a model and images."]


def is_images(path: Path) -> bool:
    """Whether a path is that of an image, of a folder of images, or a pattern such as 'smears/*.jpg', and not that of a model.

    A folder with a model or the settings of a run, or with such folders, is no folder of images, whatever pictures are in it.
    """
    if is_zarr(path):
        return True
    if os.path.isdir(path):
        tree = list_tree(path)
        return bool(tree.files) and not any(RunFolder(folder).is_run() for folder in (path, *tree.folders))
    suffix = path.suffix.lower()
    if suffix in READ or suffix in NOT_READ:
        return True
    if not os.path.lexists(path):
        return is_pattern(path)
    return _start_of(path).startswith(_STARTS)


def is_model(path: Path) -> bool:
    """Whether a path looks like that of a model: a run folder, or a file of such a format or name."""
    if os.path.isdir(path):
        return RunFolder(path).is_run()
    return os.path.lexists(path) and (path.suffix.lower() == MODEL_ENDING or _start_of(path)[8:] == b"{")


def _start_of(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(9)  # a safetensors file has the length of its header, then the header, in JSON
    except OSError:
        return b""
