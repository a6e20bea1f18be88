"""The paper study: data, variations, plan, trainings and report, for one request.

Called again on the same folder, it continues and trains nothing twice.
"""

from __future__ import annotations

from minunet.cli.console import FileProgressBar
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.split import Split
from minunet.experiments.experiment import Experiment
from minunet.experiments.mask_targets import KINDS
from minunet.experiments.paper_figure import study_figure
from minunet.experiments.paper_flags import PaperRequest
from minunet.experiments.prepared_images import PreparedImages, Size
from minunet.experiments.report import StudyReport
from minunet.experiments.runner import StudyRunner
from minunet.experiments.seed_scores import collect_scores
from minunet.experiments.time_estimate import ExperimentEstimate, TimeEstimator
from minunet.experiments.variations import Variation, Variations
from minunet.inference.mask_limits import MaskLimits
from minunet.kernels.machine import Machine


class PaperStudy:
    """The experiments of a request on its data.

    Parameters
    ----------
    request : PaperRequest
    split : Split
        Of the pairs as given.
    image_range : ImageRange, optional
        Of the images as given; those of 8 bits keep their whole range, as in the paper.
    reading : MaskReading, optional
        Of the masks as given.
    """

    def __init__(
        self,
        request: PaperRequest,
        split: Split,
        image_range: ImageRange | None = None,
        reading: MaskReading | None = None,
    ):
        self.request, self.split = request, split
        self.folder, settings = request.folder, request.settings
        self.seeds = range(settings.seed, settings.seed + request.seeds)
        self.variations = Variations(settings, len(split.train))
        self.prepared = PreparedImages(
            self.folder.prepared,
            settings.threshold,
            settings.levels,
            None if image_range is None or image_range.types == ("uint8",) else image_range,
            reading,
        )
        self.machine = Machine.choose(request.device, threads=request.threads)
        self.runner = StudyRunner(self.folder, split, self.prepared, device=request.device, threads=request.threads)

    def prepare(self) -> dict[tuple[Size, str], MaskLimits]:
        """Resize the images and masks, once; return the best scores that the test masks allow, by size and kind of targets."""
        kinds_by_size: dict[Size, set[str]] = {}
        for variation in self.variations.by_key.values():
            if variation.part in self.request.parts or self._is_finished(variation):
                kinds_by_size.setdefault(variation.size, set()).add(variation.masks)
        pairs = [*self.split.train, *self.split.validation, *self.split.test]
        with FileProgressBar("preparing images") as progress:
            self.prepared.write(pairs, kinds_by_size, progress)
        return {
            (size, kind): self.prepared.limits(self.split.test, size, kind)
            for size, kinds in kinds_by_size.items()
            for kind in KINDS
            if kind in kinds
        }

    def plan(self) -> list[ExperimentEstimate]:
        """The experiments with their estimated times; in each part all experiments of a seed come before the next seed."""
        experiments = [
            Experiment(variation, seed)
            for part in self.request.parts
            for seed in self.seeds
            for variation in self.variations.of_part(part)
        ]
        return TimeEstimator(self.folder, self.split, self.prepared, self.machine).plan(experiments)

    def report(self, limits: dict[tuple[Size, str], MaskLimits]) -> StudyReport:
        """The table, its files and the figure, of the experiments that are finished."""
        variations = self.variations.by_key
        scores = collect_scores(variations, self.seeds, self.folder, limits, self.runner.diverged)
        first_seed = {key: Experiment(variation, self.seeds[0]) for key, variation in variations.items()}
        figure = study_figure(self.folder, first_seed, self.split.test, self.prepared, self.machine)
        report = StudyReport(self.request.settings, self.variations, scores, figure)
        report.write(self.folder)
        return report

    def _is_finished(self, variation: Variation) -> bool:
        return any(self.folder.run(Experiment(variation, seed)).metrics.is_file() for seed in self.seeds)
