"""Small runs of `python -m minunet.train` on discs: their data and flags, their output and files, and when two are the same."""

import csv

import numpy as np

import minunet
from minunet.checkpoints.training_state import load_state
from minunet.train import main
from tests.discs import write_discs

SMALL = ["--size", "16x16", "--depth", "1", "--base-channels", "2", "--batch-size", "2"]
TINY = [*SMALL, "--epochs", "3", "--lr", "0.01", "--device", "cpu"]


def write_pairs(folder, count=8):
    """Discs in colour, larger than they are trained on."""
    return write_discs(folder, count, (24, 20), squared_radius=25, coloured=True)


def train(*arguments):
    """Exit code of the command."""
    return main([str(argument) for argument in arguments])


def problems(capsys):
    """The problems that the command printed, one string each."""
    text = capsys.readouterr().err
    return [
        line.removeprefix("error: ").removeprefix("  - ")
        for line in text.splitlines()
        if not line.endswith("problems:")
    ]


def history(run):
    """The rows of a run's history.csv, without their times."""
    with open(run / "history.csv", newline="") as file:
        return [{**row, "seconds": "0"} for row in csv.DictReader(file)]


def assert_same_run(a, b):
    """Weights, moments and history are the same to the last bit; only times may differ."""
    first, second = load_state(a), load_state(b)
    assert first.weights.keys() == second.weights.keys() and first.optimizer.keys() == second.optimizer.keys()
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert all(np.array_equal(first.optimizer[name], second.optimizer[name]) for name in first.optimizer)
    best, other = (minunet.load_model(run).model.state_dict() for run in (a, b))
    assert all(np.array_equal(best[name], other[name]) for name in best)
    assert history(a) == history(b) and first.step == second.step


def interrupt(*arguments, **options):
    """Ctrl-C, in the place of any function."""
    raise KeyboardInterrupt
