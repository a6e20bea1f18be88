"""The settings of a paper study: everything that its numbers depend on, kept in lab.json so that a later call goes on with it.

All experiments share them; each differs from the others only in what it compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minunet.runs.setting_checks import flag
from minunet.runs.settings import Settings
from minunet.runs.train_config import TrainConfig
from minunet.wording import shorten

PARTS = ("m1m2", "claims")
CLAIMS = "claims_"  # prefix of the settings that the claims have for themselves
DRAWN_SCALE = (
    2  # smears are drawn larger than they are trained on, so that resizing makes greys as it does of photographs
)


@dataclass(frozen=True)
class StudySettings(Settings):
    """Every setting of a study.

    Parameters
    ----------
    data, images, masks, skip_unpaired, group, threshold, cell, invert_masks
        The pairs, and what is cell in their masks, as in `TrainConfig`; with none of the first three the study draws smears.
    graded : bool
        Whether M1 learns the greys of the mask files as they are stored, or those of resizing black and white masks.
    levels : (float, float), optional
        Greys of background and cells, as shares of full scale, for M1 on masks that were saved as greys.
    size, base_channels, epochs
        Of M1 and M2.
    claims_size, claims_base_channels, claims_epochs
        Of the experiments on the other claims.
    depth, batch_size, lr, schedule
        Of both; the defaults are those of Keras, except for the batch size.
    seed : int
        Of the split, the drawn smears, and the first of the seeds.
    """

    group: str | None = None
    threshold: str | float = "otsu"
    cell: str | None = None
    invert_masks: bool = False
    graded: bool = False
    levels: tuple[float, float] | None = (0.25, 0.75)
    size: tuple[int, int] = (256, 192)
    base_channels: int = 16
    epochs: int = 20
    claims_size: tuple[int, int] = (128, 96)
    claims_base_channels: int = 8
    claims_epochs: int = 15
    depth: int = 4
    batch_size: int = 8
    lr: float = 1e-3
    schedule: str = "constant"
    seed: int = 0

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height of the smears that a study without data draws."""
        return DRAWN_SCALE * self.size[0], DRAWN_SCALE * self.size[1]

    @property
    def greys(self) -> str:
        """The kind of targets that M1 learns."""
        return "stored" if self.graded else "resized"

    def config(self, part: str, **changes: Any) -> TrainConfig:
        """The training of a part, "m1m2" or "claims", on black and white masks unless `changes` say otherwise."""
        prefix = CLAIMS if part == "claims" else ""
        values = {name: getattr(self, prefix + name) for name in ("size", "base_channels", "epochs")}
        values |= {name: getattr(self, name) for name in ("depth", "batch_size", "lr", "schedule", "seed")}
        return TrainConfig(
            **{**values, "augment": "none", "loss": "bce", "clip": 0.0, "variant": "paper", "range": None, **changes}
        )

    def mask_flags(self) -> dict[str, Any]:
        """What the user says of the masks."""
        mask = "grayscale" if self.graded is True else "binary"
        return {"mask": mask, "threshold": self.threshold, "cell": self.cell, "invert_masks": self.invert_masks}

    def problems(self) -> list[str]:
        """One sentence for each setting that cannot work, with its flag; empty where there are none."""
        places = {"data": self.data, "images": self.images, "masks": self.masks}
        problems = self.config("m1m2", group=self.group, **self.mask_flags(), **places).problems()
        if not isinstance(self.graded, bool):
            problems.append(f"--graded {shorten(self.graded)}: give true or false.")
        for problem in self.config("claims").problems():
            for name in ("size", "base_channels", "epochs"):
                if problem.startswith(flag(name)):
                    problems.append(problem.replace(flag(name), flag(CLAIMS + name), 1))
        if not _are_levels(self.levels):
            problems.append(f"--levels {shorten(self.levels)}: give two greys, such as 0.25:0.75.")
        elif self.levels is not None and not 0 <= self.levels[0] < 0.5 < self.levels[1] <= 1:
            problems.append(
                f"--levels {self.levels[0]:g}:{self.levels[1]:g}: the background needs a grey from 0 to below 0.5 and the cells "
                "one from above 0.5 to 1, such as 0.25:0.75."
            )
        return problems


def _are_levels(value: Any) -> bool:
    numbers = value if isinstance(value, tuple) else ()
    return value is None or (len(numbers) == 2 and all(type(number) in (int, float) for number in numbers))
