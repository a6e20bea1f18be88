"""The cell choice: the settings by which a model's cells are cut out, with the scores that they had on the validation images.

It is stored in the header of the model. `minunet.cells.settings_search` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.errors import UserError
from minunet.files.json_files import is_finite_number
from minunet.wording import shorten


@dataclass(frozen=True)
class CellChoice:
    """What was chosen.

    Parameters
    ----------
    settings : CellSettings
    interval : CountInterval or None
        None where there were too few validation images to calibrate it.
    validation : dict of str to float
        The scores of the settings on the validation images: "images", "cells", "cell_f1", "mean_ap", "count_error".
    counts : tuple of (int, int)
        The true and the predicted number of cells of each validation image; model files do not have them.

    Raises
    ------
    UserError
        If a score is not a finite number.
    """

    settings: CellSettings = field(default_factory=CellSettings)
    interval: CountInterval | None = None
    validation: Mapping[str, float] = field(default_factory=dict)
    counts: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        wrong = [name for name, value in self.validation.items() if not is_finite_number(value)]
        if wrong:
            raise UserError(f"scores of cells that are no numbers ({shorten(', '.join(map(str, wrong)))}).")

    def to_dict(self) -> dict[str, Any]:
        """The choice, for a JSON file."""
        return {
            "settings": self.settings.to_dict(),
            "interval": None if self.interval is None else self.interval.to_dict(),
            "validation": dict(self.validation),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> CellChoice:
        """The choice that `to_dict` returned.

        Raises
        ------
        UserError
            If an entry is missing, unknown to this version, of another type or out of its range.
        """
        known = {field.name for field in fields(cls)} - {"counts"}
        if set(stored) != known:
            raise UserError(
                f"a choice of cells with {shorten(', '.join(map(str, stored)))}: it has {', '.join(known)}."
            )
        parts = {name: stored[name] for name in known if not (name == "interval" and stored[name] is None)}
        wrong = [name for name, part in parts.items() if not isinstance(part, Mapping)]
        if wrong:
            raise UserError(f"a choice of cells whose {', '.join(wrong)} is no object.")
        interval = CountInterval.from_dict(parts["interval"]) if "interval" in parts else None
        return cls(CellSettings.from_dict(parts["settings"]), interval, dict(parts["validation"]))
