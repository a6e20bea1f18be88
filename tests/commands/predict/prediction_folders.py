"""Folders that `python -m minunet.predict` writes: how one is made, and which files it holds."""

import numpy as np
from PIL import Image

from minunet.predict import main

KINDS = ("mask", "probability", "product", "overlay")


def run(*arguments):
    """Exit code of the command."""
    return main([str(argument) for argument in arguments])


def pixels(path):
    """A picture as an array, of the type that its file has."""
    with Image.open(path) as image:
        return np.asarray(image)


def written(folder):
    """The files in a folder and those in it, by their paths within it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pictures(*names):
    """The files that there should be for images of these names."""
    return sorted(f"{name}_{kind}.png" for name in names for kind in KINDS)
