"""The outputs of a network: what the channels of its logits mean, and what the channels of its targets are.

Every network has logits for the cells: one, cell or not, or one for each class. One more may say what separates touching cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.data.reading.preprocessing import HALF
from minunet.errors import UserError
from minunet.wording import shorten

SEPARATIONS = ("distance", "centre", "seam")
MOST_CLASSES = 255  # an index of a class is a byte


@dataclass(frozen=True)
class Outputs:
    """The outputs of one network.

    Parameters
    ----------
    classes : tuple of str
        Empty: one logit, cell or not, under a sigmoid. Else the names of K classes, of which the first is the background, and K
        logits under a softmax.
    separation : "distance", "centre", "seam" or None
        One more logit, the last channel, under a sigmoid: high inside of cells, and low where two cells meet. "distance": the
        distance to the border of the cell, as a share of its largest; "centre": 1 on a disc in the middle of each cell; "seam":
        1 everywhere but near two cells at once.

    Raises
    ------
    UserError
        With everything that can't be used.

    Examples
    --------
    >>> outputs = Outputs(separation="distance")
    >>> outputs.channels, outputs.target_channels
    (2, 3)
    """

    classes: tuple[str, ...] = ()
    separation: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.classes, list):  # from JSON
            object.__setattr__(self, "classes", tuple(self.classes))
        problems = []
        names = self.classes if isinstance(self.classes, tuple) else (None,)
        if not all(isinstance(name, str) and name for name in names):
            problems.append(f"classes {shorten(repr(self.classes))}: give names.")
        elif len(set(names)) < len(names):
            problems.append(f"classes {shorten(', '.join(names))}: two of them have the same name.")
        elif len(names) == 1 or len(names) > MOST_CLASSES:
            problems.append(f"{len(names)} classes: give 2 to {MOST_CLASSES}, of which the first is the background.")
        if self.separation is not None and self.separation not in SEPARATIONS:
            problems.append(f"separation {shorten(repr(self.separation))}: choose {', '.join(SEPARATIONS)}.")
        if problems:
            raise UserError(problems)

    @property
    def channels(self) -> int:
        """Of the logits: `out_channels` of the network."""
        return max(1, len(self.classes)) + (self.separation is not None)

    @property
    def target_channels(self) -> int:
        """Of the targets: cell or class, and with a separation its target and the weight of the pixel in the loss."""
        return 1 if self.separation is None else 3

    def cell_logits(self, logits: np.ndarray) -> np.ndarray:
        """The logit of cell against background.

        Parameters
        ----------
        logits : ndarray, (..., channels)
            Of NumPy or CuPy.

        Returns
        -------
        ndarray, (..., 1)
            For classes log(sum of exp(logit) over all but the background) minus the logit of the background, whose sigmoid is the
            probability that a softmax gives to all classes but the background.
        """
        if not self.classes:
            return logits[..., :1]
        others = logits[..., 1 : len(self.classes)]
        top = np.max(others, axis=-1, keepdims=True)
        return top + np.log(np.sum(np.exp(others - top), axis=-1, keepdims=True)) - logits[..., :1]

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """The probability that a pixel belongs to a cell: (..., channels) -> (...)."""
        return _sigmoid(self.cell_logits(logits)[..., 0])

    def class_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """The probability of each class: (..., channels) -> (..., K).

        Raises
        ------
        ValueError
            If there are no classes.
        """
        self._check_classes()
        scores = logits[..., : len(self.classes)]
        shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
        return np.asarray(shares / np.sum(shares, axis=-1, keepdims=True))

    def class_index(self, logits: np.ndarray) -> np.ndarray:
        """The index of the class: (..., channels) -> (...) int64.

        The background where the probability of all other classes together is at most one half, else the most probable of them.

        Raises
        ------
        ValueError
            If there are no classes.
        """
        self._check_classes()
        others = logits[..., 1 : len(self.classes)]
        return np.where(self.cell_logits(logits)[..., 0] > 0, 1 + np.argmax(others, axis=-1), 0)

    def separation_map(self, logits: np.ndarray) -> np.ndarray | None:
        """What separates cells, in [0, 1]: (..., channels) -> (...); None without a separation."""
        return None if self.separation is None else _sigmoid(logits[..., -1])

    def cell_target(self, targets: np.ndarray) -> np.ndarray:
        """The target of cell against background, (..., 1): in [0, 1], or -1 where a pixel is ignored.

        Where cells are separated, the masks are black and white, and a pixel that is half cell counts as cell.

        Parameters
        ----------
        targets : ndarray, (..., target_channels)
            For classes the first channel holds the index of the class.
        """
        cell = targets[..., :1]
        if self.classes:
            return np.minimum(cell, 1)
        if self.separation is None:
            return cell
        return np.where(cell < 0, cell, cell >= HALF).astype(cell.dtype)

    def _check_classes(self) -> None:
        if not self.classes:
            raise ValueError("these outputs have no classes")

    def to_dict(self) -> dict[str, Any]:
        """The outputs, for a JSON file."""
        return {"classes": list(self.classes), "separation": self.separation}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Outputs:
        """The outputs that `to_dict` returned.

        Raises
        ------
        UserError
            If an entry is missing, unknown to this version, or cannot be used.
        """
        if not isinstance(stored, Mapping) or set(stored) != {"classes", "separation"}:
            raise UserError(
                f"outputs {shorten(repr(stored))}: they have the entries classes and separation, and no others."
            )
        if not isinstance(stored["classes"], (list, tuple)) or not isinstance(stored["separation"], (str, type(None))):
            raise UserError(f"outputs {shorten(repr(stored))}: classes are a list, and the separation is a word.")
        return cls(tuple(stored["classes"]), stored["separation"])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, np.ones_like(e), e) / (1 + e)
