"""Works for the tests of workers, in a module that worker processes can import."""

import gc
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minunet.errors import UserError
from minunet.workers.tasks import GivenUp


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers, with what goes wrong for some of them.

    Attributes
    ----------
    folder : Path
        In which deaths are noted.
    deadly : dict of int to int
        How many processes die of a number.
    """

    folder: Path
    deadly: dict[int, int]
    factor: np.ndarray

    def __call__(self, items, stopped):
        """The doubled numbers, with the process that did it."""
        for item in items:
            if item == "wait until stopped":
                (self.folder / "begun").touch()
                while not stopped():
                    time.sleep(0.01)
                raise GivenUp
            if item == "is garbage collected":
                return os.getpid(), [gc.isenabled()]
            if item == "bad":
                raise UserError("bad.png: cannot be read")
            if item == "broken":
                raise RuntimeError(os.getpid())
            for death in range(self.deadly.get(item, 0)):
                marker = self.folder / f"{item}-{death}"
                if not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid(), [int(item * self.factor[0]) for item in items]


def doubling(folder, deadly=()):
    """A `Doubling`."""
    return Doubling(folder, dict(deadly), np.array([2]))
