"""The scores that the paper reports for its two models, and what they imply about the masks.

M1 learned from grey masks, M2 from the same masks made black and white; both have the same network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedScores:
    """Binary cross-entropy in nats, and accuracy as Keras reports it, of one model."""

    loss: float
    accuracy: float


M1 = PublishedScores(loss=0.5721, accuracy=0.0190)
M2 = PublishedScores(loss=0.0210, accuracy=0.9843)


def entropy(level: float) -> float:
    """Entropy of a target in nats, -t log t - (1 - t) log(1 - t): the least cross-entropy that any prediction of it has.

    Examples
    --------
    >>> round(entropy(0.5), 4), round(entropy(0.25), 4)
    (0.6931, 0.5623)
    """
    return -sum(share * math.log(share) for share in (level, 1 - level) if share > 0)


def level_of_entropy(nats: float) -> float:
    """The target from 0 to 0.5 that has this entropy; 1 minus it has the same.

    Raises
    ------
    ValueError
        If `nats` is outside 0 to log 2, the entropy of a target of 0.5.

    Examples
    --------
    >>> round(level_of_entropy(0.5721), 2)
    0.26
    """
    if not 0 <= nats <= math.log(2):
        raise ValueError(f"a target's entropy is from 0 to {math.log(2):.4f} nats, not {nats}")
    low, high = 0.0, 0.5
    for _ in range(60):  # halvings, down to the last bit
        middle = (low + high) / 2
        low, high = (middle, high) if entropy(middle) < nats else (low, middle)
    return (low + high) / 2


def implied_by_m1() -> tuple[str, ...]:
    """Sentences on what the two scores of M1 imply about the paper's grey masks."""
    level = level_of_entropy(M1.loss)
    return (
        f"its accuracy of {M1.accuracy:.4f}: where the network was right, at most {100 * M1.accuracy:.1f} % of the pixels "
        "had a target of exactly 0 or 1, the only ones that Keras can count as right",
        f"its loss of {M1.loss:.4f} is that of a perfect prediction where every target is {level:.2f} or {1 - level:.2f}",
    )
