"""The report of a paper study: the table, its meaning in sentences, and the files with both.

It contains the experiments that are finished, so that a stopped study has a report too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from minunet.experiments import paper_numbers
from minunet.experiments.comparison import NOTHING_FOLLOWS, Comparison, comparisons, ranking
from minunet.experiments.paper_figure import StudyFigure
from minunet.experiments.result_table import LEGEND, TableLine, table_as_markdown, table_lines
from minunet.experiments.seed_scores import SeedScores
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.variations import Variations
from minunet.files.atomic_write import write_text
from minunet.files.json_files import write_json
from minunet.version import __version__

GREY_KINDS = {
    "resized": "greys by resizing",
    "stored": "greys as stored",
    "levels": "masks saved as greys {low:g}:{high:g}",
}


@dataclass(frozen=True)
class StudyReport:
    """The results of a study.

    Attributes
    ----------
    settings : StudySettings
    variations : Variations
    scores : dict of str to SeedScores
        Of the variations that are finished, by key.
    figure : StudyFigure or None
        The panels of M1 and M2, where both are finished.
    """

    settings: StudySettings
    variations: Variations
    scores: Mapping[str, SeedScores]
    figure: StudyFigure | None = None

    @cached_property
    def lines(self) -> list[TableLine]:
        """The table."""
        return table_lines(self.variations.sections, self.scores)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """One for each kind of greys that M1 learned from."""
        low, high = self.settings.levels or (0.0, 1.0)
        m1 = [self.variations.by_key[key] for key in ("m1", "m1-levels") if key in self.variations.by_key]
        names = {variation.key: GREY_KINDS[variation.masks].format(low=low, high=high) for variation in m1}
        return comparisons(self.scores, names)

    @cached_property
    def claims(self) -> list[str]:
        """A sentence for each of the other claims."""
        sentences = []
        for section in self.variations.sections:
            if section.part == "claims":
                unit = " images" if section.key == "images" else ""
                rows = {
                    label.split(",")[0] + unit: self.scores[key] for key, label in section.rows if key in self.scores
                }
                sentences.append(ranking(section.title.split(",")[0], rows))
        return [sentence for sentence in sentences if sentence is not None]

    @cached_property
    def nothing_follows(self) -> list[str]:
        """What stands first: a sentence for each comparison, and each claim, from which nothing follows."""
        sentences = [
            f"M1 on {comparison.greys}: {comparison.sentences()[0]}"
            for comparison in self.comparisons
            if not comparison.learned
        ]
        return [*sentences, *(claim for claim in self.claims if NOTHING_FOLLOWS in claim)]

    def write(self, folder: StudyFolder) -> None:
        """Write table.md, results.json and the figure."""
        write_text(folder.table, self.markdown())
        write_json(folder.results, self.to_dict())
        if self.figure is not None:
            self.figure.write(folder.figure)

    def markdown(self) -> str:
        """The report as Markdown."""
        parts = ["# The paper's experiments, repeated"]
        if self.nothing_follows:
            parts.append("**Nothing follows from some of it:**\n\n" + _bullets(self.nothing_follows))
        parts += [table_as_markdown(self.lines), _bullets(LEGEND)]
        parts.append(
            "## What the scores of the paper's M1 imply about its masks\n\n" + _bullets(paper_numbers.implied_by_m1())
        )
        if {"m1", "m2"} <= set(self.scores):
            parts.append("![M1 (a.1 to a.4) and M2 (b.1 to b.4) on a test image](figure.png)")
        for comparison in self.comparisons:
            parts.append(f"## M1 on {comparison.greys}\n\n" + _bullets(comparison.sentences()))
        if self.claims:
            parts.append("## The other claims\n\n" + _bullets(self.claims))
        return "\n\n".join(parts) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Every number, for a JSON file."""
        rows = {}
        for key, score in self.scores.items():
            variation = self.variations.by_key[key]
            rows[key] = {
                "title": variation.title,
                "part": variation.part,
                "masks": variation.masks,
                "training_images": variation.images,
                **score.to_dict(),
            }
        return {
            "paper": {
                "m1": vars(paper_numbers.M1),
                "m2": vars(paper_numbers.M2),
                "m1_implies": list(paper_numbers.implied_by_m1()),
            },
            "settings": self.settings.to_dict(),
            "rows": rows,
            "nothing_follows": self.nothing_follows,
            "verdicts": [
                {
                    "greys": comparison.greys,
                    "conclusion": comparison.conclusion(),
                    "by_relu": comparison.by_relu if comparison.learned else None,
                    "by_masks": comparison.by_masks if comparison.learned else None,
                    "counts_from": comparison.min_difference,
                    "sentences": comparison.sentences(),
                }
                for comparison in self.comparisons
            ],
            "claims": self.claims,
            "version": __version__,
        }


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
