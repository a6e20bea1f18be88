"""Tiny studies of `python -m minunet.paper`: their data and flags, the names of their experiments, and their files."""

import json

from minunet.paper import main
from tests.discs import write_discs

TINY = [
    *("--size", "16x12", "--claims-size", "16x12", "--base-channels", "2", "--claims-base-channels", "2"),
    *("--depth", "1", "--epochs", "2", "--claims-epochs", "1", "--device", "cpu"),
]
MODELS = ["m1", "m1-no-relu", "m2", "m2-no-relu", "m1-levels", "m1-levels-no-relu"]
CLAIMS = ["relu-max-all", "tanh", "sigmoid", "average", "10-images"]


def write_pairs(folder, count=14, **greys):
    """Discs and their masks, larger than they are trained on."""
    return write_discs(folder, count, (32, 24), squared_radius=50, **greys)


def study(*words):
    """Exit code of the command."""
    return main([str(word) for word in words])


def files(folder):
    """When each file of the runs was last written."""
    return {path: path.stat().st_mtime_ns for path in sorted((folder / "runs").rglob("*")) if path.is_file()}


def results(folder):
    """The content of a study's results.json."""
    return json.loads((folder / "results.json").read_text())
