"""The report of a lab: the table, what it says in sentences, and the files that keep both.

It holds whatever is finished, so that a stopped lab has a report too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minunet.experiments import paper_numbers, result_table
from minunet.experiments.catalogue import Catalogue
from minunet.experiments.comparison import Comparison, comparisons, ranking
from minunet.experiments.seed_scores import Scores
from minunet.experiments.study_folder import LabFolder
from minunet.experiments.study_settings import LabSettings
from minunet.files.atomic import write_text
from minunet.files.json_files import write_json
from minunet.version import __version__

WHY_GREY = {
    "resized": "greys by resizing",
    "stored": "greys as stored",
    "levels": "masks saved as greys {low:g}:{high:g}",
}


@dataclass(frozen=True)
class Report:
    """What came out.

    Attributes
    ----------
    settings : LabSettings
    catalogue : Catalogue
    scores : dict of str to Scores
        Of the variations that are finished, by key.
    """

    settings: LabSettings
    catalogue: Catalogue
    scores: Mapping[str, Scores]
    lines: list[result_table.Line] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", result_table.lines(self.catalogue.headings, self.scores))

    def comparisons(self) -> list[Comparison]:
        """One for each kind of greys that M1 learned from."""
        low, high = self.settings.levels or (0.0, 1.0)
        keys = ("m1", "m1-levels")
        names = {
            key: WHY_GREY[self.catalogue.variations[key].masks].format(low=low, high=high)
            for key in keys
            if key in self.catalogue.variations
        }
        return comparisons(self.scores, names)

    def claims(self) -> list[str]:
        """A sentence for each of the other claims."""
        said = []
        for heading in self.catalogue.headings:
            rows = {
                self._called(key, label, heading.key): self.scores[key]
                for key, label in heading.rows
                if key in self.scores
            }
            sentence = ranking(heading.title.split(",")[0], rows) if heading.part == "claims" else None
            said += [sentence] if sentence else []
        return said

    def write(self, folder: LabFolder) -> None:
        """Write table.md and results.json."""
        write_text(folder.table, self.markdown())
        write_json(folder.results, self.to_dict())

    def markdown(self) -> str:
        """The report as Markdown."""
        parts = ["# The paper's experiments, repeated", result_table.as_markdown(self.lines)]
        parts.append("\n".join(f"- {line}" for line in result_table.LEGEND))
        parts.append("## What the paper's M1 says of its masks\n\n" + _listed(paper_numbers.implied()))
        if {"m1", "m2"} <= set(self.scores):
            parts.append("![M1 (a.1 to a.4) and M2 (b.1 to b.4) on a test image](figure.png)")
        for comparison in self.comparisons():
            parts.append(f"## M1 on {comparison.greys}\n\n" + _listed(comparison.sentences()))
        if self.claims():
            parts.append("## The other claims\n\n" + _listed(self.claims()))
        return "\n\n".join(parts) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Every number, for a JSON file."""
        return {
            "paper": {
                "m1": vars(paper_numbers.M1),
                "m2": vars(paper_numbers.M2),
                "m1_implies": list(paper_numbers.implied()),
            },
            "settings": self.settings.to_dict(),
            "rows": {
                key: {
                    "title": self.catalogue.variations[key].title,
                    "part": self.catalogue.variations[key].part,
                    "masks": self.catalogue.variations[key].masks,
                    "training_images": self.catalogue.variations[key].images,
                    **score.to_dict(),
                }
                for key, score in self.scores.items()
            },
            "verdicts": [
                {
                    "greys": comparison.greys,
                    "conclusion": comparison.conclusion(),
                    "by_relu": comparison.by_relu,
                    "by_masks": comparison.by_masks,
                    "counts_from": comparison.clear,
                    "sentences": comparison.sentences(),
                }
                for comparison in self.comparisons()
            ],
            "claims": self.claims(),
            "version": __version__,
        }

    def _called(self, key: str, label: str, heading: str) -> str:
        return f"{label.split(',')[0]} images" if heading == "images" else label


def _listed(sentences: Any) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
