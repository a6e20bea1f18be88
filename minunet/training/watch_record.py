"""A warning of a training: what goes wrong, from which epoch on, and what to do about it, as one sentence.

The kinds are the words by which programs tell warnings apart; each kind is said once in a training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# In the order of severity: what is said of a training that has several of them at the same time comes first.
KINDS = {
    "not finite": "a loss, a gradient or a weight is no longer a number",
    "exploding": "the loss is far above that of a constant prediction",
    "dead relu": "layers whose ReLU gives 0 for every pixel",
    "all background": "every pixel is predicted as background",
    "all cell": "every pixel is predicted as cell",
    "stuck": "the loss stays at that of a constant prediction",
    "trivial": "Dice is no better than that of calling everything cell",
    "over-fitting": "the validation loss rises while the training loss falls",
    "too few epochs": "the validation still improves at the last epoch",
}


@dataclass(frozen=True)
class TrainingWarning:
    """Something that goes wrong in a training.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    epoch : int
        The epoch, from 1, after which it was noticed.
    message : str
        One sentence, with the remedy.
    """

    kind: str
    epoch: int
    message: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not known; choose one of {', '.join(KINDS)}")

    def to_dict(self) -> dict[str, Any]:
        """The values by name, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingWarning:
        """The warning from the result of `to_dict`.

        Raises
        ------
        ValueError
            If it is not one.
        """
        if not isinstance(values, Mapping) or set(values) != {"kind", "epoch", "message"}:
            raise ValueError("a warning has a kind, an epoch and a message")
        kind, epoch, message = values["kind"], values["epoch"], values["message"]
        if not isinstance(kind, str) or not isinstance(message, str):
            raise ValueError("kind and message of a warning are texts")
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 1:
            raise ValueError("the epoch of a warning counts from 1")
        return cls(kind, epoch, message)
