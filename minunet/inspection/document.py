"""The document of an inspection: all that it found as numbers and text, for `--json`, and the rows of pairs.csv."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from minunet.inspection.inspection import VERDICTS, Inspection, counted
from minunet.inspection.mask_measures import diameters
from minunet.version import __version__


def inspection_document(inspection: Inspection) -> dict[str, Any]:
    """All findings as JSON can hold them; the keys are the same for every data set, and what is unknown is None.

    The page docs/doctor.md explains each.
    """
    survey, preprocessing, split = inspection.survey, inspection.preprocessing, inspection.split
    return {
        "minunet": __version__,
        "verdict": VERDICTS[inspection.exit_code],
        "exit_code": inspection.exit_code,
        "problems": list(inspection.problems),
        "warnings": list(inspection.warnings),
        "notes": list(survey.notes),
        "command": inspection.command,
        "settings": inspection.config.to_dict(),
        "pairs": {
            "count": len(survey.pairs),
            "measured": len(inspection.measures),
            "sizes": [{"width": w, "height": h, "count": count} for (w, h), count in inspection.sizes.most_common()],
            "channels": counted(one.channels for one in inspection.measures),
            "types": inspection.image_types,
            "image_formats": inspection.image_formats,
            "mask_formats": inspection.mask_formats,
        },
        "image_values": None if inspection.image_values is None else [float(end) for end in inspection.image_values],
        "mask_values": inspection.mask_values,
        "reading": _described(inspection.config.reading),
        "range": _described(preprocessing and preprocessing.range),
        "shares": inspection.shares,
        "classes": None
        if inspection.classes is None
        else {name: {"share": share, "cells": cells} for name, (share, cells) in inspection.classes.items()},
        "cells": None if inspection.cells is None else asdict(inspection.cells),
        "split": None if split is None else split.to_dict(),
        "similar": [
            {
                "names": inspection.names(group.members),
                "sides": inspection.sides_of(group),
                "correlation": group.correlation,
                "turned": group.turned,
            }
            for group in inspection.similar
        ],
        "outliers": [
            {"name": inspection.names([one.place])[0], "kind": one.kind, "value": one.value, "median": one.median}
            for one in inspection.outliers
        ],
        "limits": None
        if inspection.greys is None
        else {
            "grayscale": asdict(inspection.greys),
            "resized_and_back": {"dice": inspection.returned.dice, "iou": inspection.returned.iou},
        },
        "images": pair_rows(inspection),
    }


def pair_rows(inspection: Inspection) -> list[dict[str, Any]]:
    """A row for each pair that was measured."""
    notes: dict[int, list[str]] = {place: [] for place in range(len(inspection.measures))}
    for outlier in inspection.outliers:
        notes[outlier.place].append(outlier.kind)
    for group in inspection.similar:
        for place in group.members:
            other = next(member for member in group.members if member != place)
            notes[place].append(f"similar to {inspection.names([other])[0]}")
    return [
        {
            "name": one.pair.name,
            "side": inspection.sides.get(one.pair.name),
            "image": str(one.pair.image),
            "mask": str(one.pair.mask),
            "page": one.pair.page,
            "width": one.size[0],
            "height": one.size[1],
            "channels": one.channels,
            "cell_share": one.mask.cell_share,
            "ignored_share": one.mask.ignored_share,
            "cells": int(areas.size),
            "median_diameter": float(np.median(diameters(areas))) if areas.size else None,
            "brightness": one.image.brightness,
            "black_share": one.image.black_share,
            "white_share": one.image.white_share,
            "edge_width": one.image.edge_width,
            "notes": "; ".join(notes[place]),
        }
        for place, (one, areas) in enumerate(zip(inspection.measures, inspection.cell_areas, strict=True))
    ]


def _described(decided: Any) -> dict[str, Any] | None:
    return None if decided is None else {"line": decided.describe(), **decided.to_dict()}
