"""Folders that `python -m minunet.predict` writes: how one is made, and which files it holds."""

import numpy as np
from PIL import Image

from minunet.predict import main
from minunet.runs.cell_results import CELL_FILES
from minunet.runs.prediction_tables import TABLES
from minunet.runs.report_file import REPORT

KINDS = ("mask", "probability", "product", "overlay")


def run(*arguments):
    """Exit code of the command."""
    return main([str(argument) for argument in arguments])


def pixels(path):
    """A picture as an array, of the type that its file has."""
    with Image.open(path) as image:
        return np.asarray(image)


def written(folder):
    """The files in a folder and those in it, by their paths within it, without the tables of cells and the report."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name.rpartition("/")[2] not in (*TABLES, REPORT))


def pictures(*names):
    """The files that there should be for images of these names."""
    return sorted(f"{name}_{ending}" for name in names for ending in (*(f"{kind}.png" for kind in KINDS), *CELL_FILES))
