"""Tiny labs of `python -m minunet.paper`: their data and flags, the names of their experiments, and what lies in their folders."""

import json

import numpy as np
from PIL import Image

from minunet.paper import main

TINY = [
    *("--size", "16x12", "--claims-size", "16x12", "--base-channels", "2", "--claims-base-channels", "2"),
    *("--depth", "1", "--epochs", "2", "--claims-epochs", "1", "--device", "cpu"),
]
MODELS = ["m1", "m1-no-relu", "m2", "m2-no-relu", "m1-levels", "m1-levels-no-relu"]
CLAIMS = ["relu-max-all", "tanh", "sigmoid", "average", "10-images"]


def write_discs(folder, count=14, size=(32, 24), black=0, white=255):
    """Bright discs on noise and their masks, larger than they are trained on."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[1], : size[0]]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        row, column = rng.uniform(6, size[1] - 6), rng.uniform(6, size[0] - 6)
        cell = (rows - row) ** 2 + (columns - column) ** 2 < 50
        grey = np.clip(60 + 120 * cell + rng.normal(0, 20, cell.shape), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / "images" / f"cell{number}.png")
        Image.fromarray(np.where(cell, white, black).astype(np.uint8)).save(folder / "masks" / f"cell{number}.png")
    return folder


def lab(*words):
    """Exit code of the command."""
    return main([str(word) for word in words])


def files(folder):
    """When each file of the runs was last written."""
    return {path: path.stat().st_mtime_ns for path in sorted((folder / "runs").rglob("*")) if path.is_file()}


def results(folder):
    """What lies in a lab's results.json."""
    return json.loads((folder / "results.json").read_text())
