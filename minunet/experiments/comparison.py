"""The comparison of M1 and M2: does M1 fail because of the ReLU at the end of each contraction block, as the paper says, or
because of what its grey masks allow? Every sentence follows from the scores of four trainings: grey and binary masks, each with
and without those ReLUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from minunet.experiments.paper_numbers import M1
from minunet.experiments.seed_scores import MIN_DIFFERENCE, SeedScores

NOTHING_FOLLOWS = "nothing follows"
LONGER = "Train longer, with more --epochs, or from other seeds (--seeds 3)."


@dataclass(frozen=True)
class Comparison:
    """The scores of the four trainings, and the conclusion from them.

    Attributes
    ----------
    greys : str
        A description of M1's grey masks, for the text.
    grey, grey_free, binary, binary_free : SeedScores
        M1 and M2 as in the paper, and each without the ReLUs at the ends of the blocks ("free").
    """

    greys: str
    grey: SeedScores
    grey_free: SeedScores
    binary: SeedScores
    binary_free: SeedScores

    @property
    def min_difference(self) -> float:
        """The smallest difference that counts: `MIN_DIFFERENCE`, or twice the largest spread between seeds."""
        scores = (self.grey, self.grey_free, self.binary, self.binary_free)
        return max(MIN_DIFFERENCE, *(2 * score.spread(name) for score in scores for name in ("keras_accuracy", "dice")))

    @property
    def by_relu(self) -> float:
        """How much M1's Keras accuracy gains without the ReLUs."""
        return self.grey_free.keras_accuracy - self.grey.keras_accuracy

    @property
    def by_masks(self) -> float:
        """How much it gains with binary masks and the ReLUs."""
        return self.binary.keras_accuracy - self.grey.keras_accuracy

    @property
    def failed(self) -> dict[str, str]:
        """The models that have learned nothing, of the three that the conclusion needs, and how that shows."""
        models = {"M1": self.grey, "M1 without the ReLUs": self.grey_free, "M2": self.binary}
        reasons = {name: score.why_failed() for name, score in models.items() if not score.learned}
        background = self.binary.limits.keras_baseline
        if "M2" not in reasons and self.binary.keras_accuracy <= background + self.min_difference:
            reasons["M2"] = f"does not beat the {background:.4f} of calling every pixel background"
        return reasons

    @property
    def learned(self) -> bool:
        """Whether all of these models have learned something; if not, nothing follows from the scores."""
        return not self.failed

    def conclusion(self) -> str:
        """Which explanation the numbers support: "masks", "relu", "both" or "neither"; "unlearned" if a model has failed."""
        if not self.learned:
            return "unlearned"
        relu, masks = self.by_relu > self.min_difference, self.by_masks > self.min_difference
        return {(False, False): "neither", (True, False): "relu", (False, True): "masks", (True, True): "both"}[
            relu, masks
        ]

    def sentences(self) -> list[str]:
        """The text: what was measured, and the conclusion; models that have learned nothing are compared with none."""
        grey, binary = self.grey, self.binary
        if not self.learned:
            reasons = "; ".join(f"{name} {reason}" for name, reason in self.failed.items())
            return [f"Nothing follows from these trainings. {reasons}. {LONGER}"]
        without = f"{self.binary_free.keras_accuracy - binary.keras_accuracy:+.4f}."
        if not self.binary_free.learned:
            without = f"it {self.binary_free.why_failed()}."
        return [
            f"Without the ReLUs M1's Keras accuracy changes by {self.by_relu:+.4f}, from {grey.keras_accuracy:.4f} to "
            f"{self.grey_free.keras_accuracy:.4f}; with binary masks and the ReLUs by {self.by_masks:+.4f}, to "
            f"{binary.keras_accuracy:.4f}. M2 without the ReLUs: {without}",
            self._distance_to_limits(),
            self._overlap(),
            f"The paper's M1 has a loss of {M1.loss:.4f} and an accuracy of {M1.accuracy:.4f}; this one, with the same ReLUs, "
            f"{grey.loss:.4f} and {grey.keras_accuracy:.4f} at a Dice of {grey.dice:.4f}.",
            self._therefore(),
        ]

    def _distance_to_limits(self) -> str:
        grey, binary = self.grey, self.binary
        grey_floor, binary_floor = grey.limits.loss_floor, binary.limits.loss_floor
        above = (
            f"M1's loss is {grey.loss - grey_floor:.4f} above its floor of {grey_floor:.4f}, "
            f"M2's {binary.loss - binary_floor:.4f} above its own of {binary_floor:.4f}."
        )
        ceiling = grey.limits.keras_accuracy_ceiling
        if ceiling == 0:
            return f"M1's masks let no pixel count as right, whatever the network predicts. {above}"
        share = 100 * grey.keras_accuracy / ceiling
        return f"M1 reaches {share:.1f} % of the {ceiling:.4f} that its masks allow. {above}"

    def _overlap(self) -> str:
        gap = self.grey.dice - self.binary.dice
        how = "as well as" if abs(gap) <= self.min_difference else ("better than" if gap > 0 else "less well than")
        return f"M1 finds the cells {how} M2: Dice {self.grey.dice:.4f} against {self.binary.dice:.4f}."

    def _therefore(self) -> str:
        limit = f"(a difference counts from {self.min_difference:.4f} on)"
        return {
            "masks": f"So here it is the masks and how accuracy counts them, not the ReLU {limit}.",
            "relu": f"So here it is the ReLU, as the paper says, not the masks {limit}.",
            "both": f"So here both matter: removing the ReLUs gives {self.by_relu / (self.by_masks or 1):.0%} of what binary "
            f"masks give {limit}.",
            "neither": f"So on these masks M1 does not fall behind M2, and there is nothing to explain {limit}.",
        }[self.conclusion()]


def comparisons(scores: Mapping[str, SeedScores], names: Mapping[str, str]) -> list[Comparison]:
    """A comparison for each kind of greys whose four trainings are finished.

    Parameters
    ----------
    scores : mapping of str to SeedScores
        By the keys of the variations.
    names : mapping of str to str
        For each of M1's keys a description of its greys.
    """
    finished = {key: score for key, score in scores.items() if score.runs or score.diverged}
    keys_by_greys = {greys: (key, f"{key}-no-relu", "m2", "m2-no-relu") for key, greys in names.items()}
    return [
        Comparison(greys, *(finished[key] for key in keys))
        for greys, keys in keys_by_greys.items()
        if finished.keys() >= set(keys)
    ]


def ranking(subject: str, rows: Mapping[str, SeedScores]) -> str | None:
    """A sentence on which of several has the best Dice, and how far the others are behind; None for fewer than two.

    Those that have learned nothing are named, and compared with none.

    Parameters
    ----------
    subject : str
        What is compared, such as "activation".
    rows : mapping of str to SeedScores
        By the names that are printed.
    """
    tried = {name: score for name, score in rows.items() if score.runs or score.diverged}
    if len(tried) < 2:
        return None
    measured = {name: score for name, score in tried.items() if score.learned}
    failed = "".join(f" {name} {score.why_failed()}." for name, score in tried.items() if name not in measured)
    if len(measured) < 2:
        return f"{subject}: {NOTHING_FOLLOWS}.{failed} {LONGER}"
    min_difference = max(MIN_DIFFERENCE, *(2 * score.spread("dice") for score in measured.values()))
    order = sorted(measured, key=lambda name: -measured[name].dice)
    listed = ", ".join(f"{name} {measured[name].dice:.4f}" for name in order)
    even = [name for name in order if measured[order[0]].dice - measured[name].dice <= min_difference]
    if len(even) == len(order):
        return f"{subject}: no clear difference in Dice ({listed}).{failed}"
    if len(even) > 1:
        return f"{subject}: {' and '.join(even)} are even, the others clearly behind in Dice ({listed}).{failed}"
    return f"{subject}: {even[0]} is best in Dice ({listed}).{failed}"
