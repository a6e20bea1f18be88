"""A lab: data, catalogue, plan, trainings and report composed, for one request.

Everything it does twice it does alike: called again on the same folder, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable

from minunet.cli.console import FileBar
from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.experiments.bounds import Bounds
from minunet.experiments.catalogue import Catalogue
from minunet.experiments.experiment import Experiment, Variation
from minunet.experiments.mask_targets import KINDS
from minunet.experiments.paper_figure import draw_figure
from minunet.experiments.paper_flags import Request
from minunet.experiments.prepared_images import Prepared, Size
from minunet.experiments.report import Report
from minunet.experiments.runner import Course
from minunet.experiments.seed_scores import collect
from minunet.experiments.time_estimate import Planned, Planner
from minunet.kernels import backend


class Lab:
    """The experiments of a request on its data.

    Parameters
    ----------
    request : Request
    split : Split
        Of the pairs as given.
    say : callable
        Takes each line of text.
    """

    def __init__(self, request: Request, split: Split, say: Callable[[str], None] = print):
        self.request, self.split, self.say = request, split, say
        self.folder, settings = request.folder, request.settings
        self.seeds = range(settings.seed, settings.seed + request.seeds)
        self.catalogue = Catalogue(settings, len(split.train))
        self.prepared = Prepared(self.folder.prepared, settings.threshold, settings.levels)
        self.device = backend.resolve_device(request.device)
        self.course = Course(self.folder, split, self.prepared, device=request.device, threads=request.threads, say=say)

    @property
    def pairs(self) -> list[Pair]:
        """Every pair."""
        return [*self.split.train, *self.split.validation, *self.split.test]

    @property
    def experiments(self) -> list[Experiment]:
        """What is to be trained, the first seed of each part before the next."""
        return [
            Experiment(variation, seed)
            for part in self.request.parts
            for seed in self.seeds
            for variation in self.catalogue.part(part)
        ]

    def prepare(self) -> dict[tuple[Size, str], Bounds]:
        """Resize what is needed, once; returns what the test masks allow, by size and kind of targets."""
        wanted: dict[Size, set[str]] = {}
        for variation in self.catalogue.variations.values():
            if variation.part in self.request.parts or self._touched(variation):
                wanted.setdefault(variation.config.size, set()).add(variation.masks)
        with FileBar("preparing images") as progress:
            self.prepared.write(self.pairs, wanted, progress)
        return {
            (size, kind): self.prepared.bounds(self.split.test, size, kind)
            for size, kinds in wanted.items()
            for kind in KINDS
            if kind in kinds
        }

    def plan(self) -> list[Planned]:
        """What is to do, and how long it will take."""
        return Planner(self.folder, self.split, self.prepared, self.device).plan(self.experiments)

    def run(self, plan: list[Planned]) -> None:
        """Train what is not finished."""
        self.course.run(plan)

    def report(self, bounds: dict[tuple[Size, str], Bounds]) -> Report:
        """The table, its files and the figure, of whatever is finished."""
        scores = collect(self.catalogue.variations, self.seeds, self.folder, bounds, self.course.diverged)
        report = Report(self.request.settings, self.catalogue, scores)
        report.write(self.folder)
        firsts = {key: Experiment(variation, self.seeds[0]) for key, variation in self.catalogue.variations.items()}
        draw_figure(self.folder, firsts, self.split.test, self.prepared, self.device)
        return report

    def _touched(self, variation: Variation) -> bool:
        return any(self.folder.run(Experiment(variation, seed).name).metrics.is_file() for seed in self.seeds)
