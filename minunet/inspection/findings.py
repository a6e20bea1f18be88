"""Findings: what the measures of a data set show that its user should weigh, in sentences."""

from __future__ import annotations

from minunet.data.fitting_size import cell_size_warnings
from minunet.inspection.inspection import Inspection
from minunet.wording import at_most, count_noun, join_names


def cell_warnings(inspection: Inspection) -> list[str]:
    """A sentence where cells are so small after resizing that they are hardly seen."""
    config, cells = inspection.config, inspection.cells
    if config.size is None or cells is None:
        return []
    return cell_size_warnings(cells.median_in_network, config.size, inspection.sizes, least=2**config.depth)


def similarity_warnings(inspection: Inspection) -> list[str]:
    """A sentence for each picture that is on two sides of the split; of exact copies the survey warns."""
    digests = inspection.survey.digests
    sentences = []
    for group in inspection.similar:
        names, sides = inspection.names(group.members), inspection.sides_of(group)
        if len(sides) < 2 or len({digests.get(name) for name in names}) == 1:
            continue
        turned = ", turned or mirrored" if group.turned else ""
        pairs = [inspection.measures[place].pair for place in group.members]
        assigned = any(pair.split is not None for pair in pairs)
        together = "move them to one side" if assigned else "keep them together with --group"
        listed = join_names(f"{name} ({inspection.sides[name]})" for name in names)
        sentences.append(
            f"{listed} show nearly the same picture{turned} (correlation {group.correlation:.3f}) on {join_names(sides)}, "
            f"so the scores will be too good: keep one, or {together}."
        )
    return at_most(sentences, "pictures that are on two sides of the split")


def outlier_warnings(inspection: Inspection) -> list[str]:
    """A sentence for each kind of outlier, with the images by name."""
    return [
        f"{count_noun(len(found), 'image')} much more {kind} than the others: "
        f"{join_names(f'{inspection.names([one.place])[0]} ({one.describe()})' for one in found)}; look at "
        f"{'it' if len(found) == 1 else 'them'}, and take out what new images will not be like."
        for kind, found in inspection.outliers_by_kind.items()
    ]
