"""The verdict on M1: is it the ReLU at the end of each contraction block, as the paper says, or what its grey masks allow?

Every sentence is worked out from the scores of four trainings: grey and binary masks, each with and without those ReLUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from minunet.experiments.paper_numbers import M1
from minunet.experiments.seed_scores import Scores

CLEAR = 0.01  # of an accuracy or a Dice: less is called no difference, for another seed may move it as far


@dataclass(frozen=True)
class Comparison:
    """The scores that decide.

    Attributes
    ----------
    greys : str
        What M1 learned from, for the reader.
    grey, grey_free, binary, binary_free : Scores
        M1 and M2 as in the paper, and each without the ReLUs at the ends of the blocks ("free").
    """

    greys: str
    grey: Scores
    grey_free: Scores
    binary: Scores
    binary_free: Scores

    @property
    def clear(self) -> float:
        """From which difference on it counts: `CLEAR`, or twice the greatest spread between seeds."""
        every = (self.grey, self.grey_free, self.binary, self.binary_free)
        return max(CLEAR, *(2 * score.spread(name) for score in every for name in ("keras_accuracy", "dice")))

    @property
    def by_relu(self) -> float:
        """What M1's Keras accuracy gains when the ReLUs go."""
        return self.grey_free.keras_accuracy - self.grey.keras_accuracy

    @property
    def by_masks(self) -> float:
        """What it gains when the masks are made binary and the ReLUs stay."""
        return self.binary.keras_accuracy - self.grey.keras_accuracy

    @property
    def learned(self) -> bool:
        """Whether M2 is clearly better than calling everything background; if not, nothing follows from the rest."""
        return self.binary.keras_accuracy > self.binary.bounds.background + self.clear

    def conclusion(self) -> str:
        """Which explanation the numbers support: "masks", "relu", "both" or "neither"; "unlearned" where none can be."""
        if not self.learned:
            return "unlearned"
        relu, masks = self.by_relu > self.clear, self.by_masks > self.clear
        return {(False, False): "neither", (True, False): "relu", (False, True): "masks", (True, True): "both"}[
            relu, masks
        ]

    def sentences(self) -> list[str]:
        """What was measured, and what follows from it."""
        grey, binary = self.grey, self.binary
        return [
            f"Without the ReLUs M1's Keras accuracy moves by {self.by_relu:+.4f}, from {grey.keras_accuracy:.4f} to "
            f"{self.grey_free.keras_accuracy:.4f}; with binary masks and the ReLUs by {self.by_masks:+.4f}, to "
            f"{binary.keras_accuracy:.4f}. M2 without the ReLUs: {self.binary_free.keras_accuracy - binary.keras_accuracy:+.4f}.",
            self._reach(),
            self._overlap(),
            f"The paper's M1 has a loss of {M1.loss:.4f} and an accuracy of {M1.accuracy:.4f}; this one, with the same ReLUs, "
            f"{grey.loss:.4f} and {grey.keras_accuracy:.4f} at a Dice of {grey.dice:.4f}.",
            self._therefore(),
        ]

    def _reach(self) -> str:
        grey, binary = self.grey, self.binary
        above = (
            f"M1's loss lies {grey.loss - grey.bounds.floor:.4f} above its floor of {grey.bounds.floor:.4f}, "
            f"M2's {binary.loss - binary.bounds.floor:.4f} above its own of {binary.bounds.floor:.4f}."
        )
        ceiling = grey.bounds.ceiling
        if ceiling == 0:
            return f"M1's masks let no pixel count as right, whatever the network says. {above}"
        share = 100 * grey.keras_accuracy / ceiling
        return f"M1 reaches {share:.1f} % of the {ceiling:.4f} that its masks allow. {above}"

    def _overlap(self) -> str:
        gap = self.grey.dice - self.binary.dice
        how = "as well as" if abs(gap) <= self.clear else ("better than" if gap > 0 else "less well than")
        return f"M1 finds the cells {how} M2: Dice {self.grey.dice:.4f} against {self.binary.dice:.4f}."

    def _therefore(self) -> str:
        background = f"{self.binary.bounds.background:.4f}"
        limit = f"(a difference counts from {self.clear:.4f} on)"
        return {
            "unlearned": f"But M2 has learned nothing yet that beats the {background} of calling every pixel background, so "
            "nothing follows: train longer, with more --epochs.",
            "masks": f"So here it is the masks and how accuracy counts them, not the ReLU {limit}.",
            "relu": f"So here it is the ReLU, as the paper says, not the masks {limit}.",
            "both": f"So here both play a part: removing the ReLUs gives {self.by_relu / (self.by_masks or 1):.0%} of what binary "
            f"masks give {limit}.",
            "neither": f"So on these masks M1 does not fall behind M2, and there is nothing to explain {limit}.",
        }[self.conclusion()]


def comparisons(scores: Mapping[str, Scores], names: Mapping[str, str]) -> list[Comparison]:
    """A comparison for each kind of greys whose four trainings are finished.

    Parameters
    ----------
    scores : mapping of str to Scores
        By the keys of the catalogue.
    names : mapping of str to str
        For each of M1's keys what its greys are called.
    """
    found = []
    for key, greys in names.items():
        four = [scores.get(name) for name in (key, f"{key}-no-relu", "m2", "m2-no-relu")]
        if all(score is not None and score.runs and score.bounds for score in four):
            found.append(Comparison(greys, *four))
    return found


def ranking(subject: str, rows: Mapping[str, Scores]) -> str | None:
    """A sentence on who has the best Dice among several, and how far the others are behind; None for fewer than two.

    Parameters
    ----------
    subject : str
        What is compared, as "activation".
    rows : mapping of str to Scores
        By what the reader calls them.
    """
    measured = {name: score for name, score in rows.items() if score.runs}
    if len(measured) < 2:
        return None
    clear = max(CLEAR, *(2 * score.spread("dice") for score in measured.values()))
    order = sorted(measured, key=lambda name: -measured[name].dice)
    listed = ", ".join(f"{name} {measured[name].dice:.4f}" for name in order)
    if not any(score.keras_accuracy > score.bounds.background + clear for score in measured.values()):
        return f"{subject}: none beats calling every pixel background yet; train longer ({listed})."
    even = [name for name in order if measured[order[0]].dice - measured[name].dice <= clear]
    if len(even) == len(order):
        return f"{subject}: no clear difference in Dice ({listed})."
    if len(even) > 1:
        return f"{subject}: {' and '.join(even)} are even, the others clearly behind in Dice ({listed})."
    return f"{subject}: {even[0]} is best in Dice ({listed})."
