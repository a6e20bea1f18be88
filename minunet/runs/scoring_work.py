"""The work of an evaluation: the scores of pairs of images and masks, found in this process or in a worker, and added up here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from minunet.cli.console import FileProgressBar
from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import ProgressCallback
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.scored_pairs import ScoredPairs, score_pairs
from minunet.inference.unlike_images import extreme_share
from minunet.wording import join_names
from minunet.workers.attempts import result_of
from minunet.workers.tasks import Outcome, Stopped, Workers, in_order


@dataclass
class ScoredImages:
    """The scores of a model, with what else is known of the images.

    Attributes
    ----------
    scores : ScoredPairs
    unlike : dict of str to list of str
        For each image how it differs from the training images, as sentences.
    diameters : dict of str to float
        For each image that was resized by it, the diameter of its cells in its own pixels.
    notes : list of str
        What happened to those who did the work.
    """

    scores: ScoredPairs
    unlike: dict[str, list[str]] = field(default_factory=dict)
    diameters: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def extend(self, other: ScoredImages) -> None:
        """Add the images of another one behind these."""
        self.scores.extend(other.scores)
        self.unlike |= other.unlike
        self.diameters |= other.diameters


@dataclass(frozen=True)
class ScoringWork:
    """What is done with pairs; called with some, it returns their `ScoredImages`.

    Attributes
    ----------
    model : LoadedModel
        Whose preprocessing reads these masks.
    cells, native, diameter, threshold
        As for `minunet.inference.scored_pairs.score_pairs`.
    folder : Path
        To which the paths are relative, for a worker that is in another folder.
    """

    model: LoadedModel
    cells: bool
    native: bool = False
    diameter: float | None = None
    threshold: float | None = None
    folder: Path = Path()

    def __call__(self, pairs: Sequence[Pair], stopped: Stopped = lambda: False) -> ScoredImages:
        """Score pairs; those at the size of the model's input go through the network together."""
        unlike: dict[str, list[str]] = {}
        diameters: dict[str, float] = {}

        def observe(pair: Pair, image: np.ndarray, share: float, diameter: float | None) -> None:
            unlike[pair.name] = [*self.model.unlike(image, diameter), *extreme_share(share)]
            if diameter is not None:
                diameters[pair.name] = diameter

        try:
            scores = score_pairs(
                self.model,
                [self._located(pair) for pair in pairs],
                cells=self.cells,
                native=self.native,
                diameter=self.diameter,
                threshold=self.threshold,
                batch_size=max(1, len(pairs)),
                observe=observe,
            )
        except UserError as error:
            raise UserError(self._as_given(text, pairs) for text in error.problems) from error
        return ScoredImages(scores, unlike, diameters)

    def _located(self, pair: Pair) -> Pair:
        return replace(pair, image=Path(self.folder, pair.image), mask=Path(self.folder, pair.mask))

    def _as_given(self, text: str, pairs: Sequence[Pair]) -> str:
        """A sentence with the paths as the user gave them."""
        for pair in pairs:
            for path in (pair.image, pair.mask):
                text = text.replace(str(Path(self.folder, path)), str(path))
        return text


def score_files(work: ScoringWork, groups: Sequence[Sequence[Pair]], workers: Workers) -> ScoredImages:
    """The scores of all pairs, whoever finds them.

    Parameters
    ----------
    work : ScoringWork
    groups : sequence of sequences of Pair
        The pairs of a group go through the network together.
    workers : Workers

    Returns
    -------
    ScoredImages
        In the order of the pairs.

    Raises
    ------
    UserError
        Where a pair cannot be scored: the first of them.
    """
    total = work([])
    with FileProgressBar("scoring") as progress, closing(workers.run(work, groups, lambda: False)) as outcomes:
        for outcome in in_order(_counted(outcomes, progress, sum(map(len, groups)))):
            names = join_names([pair.name for pair in outcome.task.items], 3)
            if outcome.lost:
                raise UserError(f"{names}: {outcome.task.story}, perhaps for want of memory: try --workers 1.")
            total.extend(result_of(outcome))
            if outcome.task.deaths:
                total.notes.append(f"{names}: {outcome.task.story}; another one has done it")
    total.notes += workers.notes
    return total


def _counted(outcomes: Iterator[Outcome], progress: ProgressCallback, total: int) -> Iterator[Outcome]:
    """The outcomes, while the progress of their pairs is shown."""
    done = 0
    progress(done, total)
    for outcome in outcomes:
        done += len(outcome.task.items)
        progress(done, total)
        yield outcome
