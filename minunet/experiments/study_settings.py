"""The settings of a lab: everything that its numbers depend on, kept in lab.json so that a later call goes on alike.

One set of them serves all experiments; each differs from the others in what it is there to compare, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from minunet.errors import UserError
from minunet.runs.config import TrainConfig, flag

PARTS = ("m1m2", "claims")
CLAIMS = "claims_"  # what the settings of the claims that differ from those of M1 and M2 begin with


@dataclass(frozen=True)
class LabSettings:
    """Every setting of a lab.

    Parameters
    ----------
    data, images, masks, group, threshold
        The pairs and how their masks are cut, as in `TrainConfig`; with none of the first three the lab draws smears.
    graded : bool
        Whether M1 learns the greys of the mask files as they are stored, or those of resizing black and white masks.
    levels : (float, float), optional
        Greys of background and cells, as shares of full scale, for M1 on masks that were saved as greys.
    size, base_channels, epochs
        Of M1 and M2.
    claims_size, claims_base_channels, claims_epochs
        Of the experiments on the other claims.
    depth, batch_size, lr, schedule
        Of both; the defaults are those of Keras, but for the batch.
    seed : int
        Of the split, the drawn smears, and the first of the seeds.
    """

    data: str | None = None
    images: str | None = None
    masks: str | None = None
    group: str | None = None
    threshold: str | float = "otsu"
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
    def drawn(self) -> bool:
        """Whether the lab draws its own smears, because no data was named."""
        return self.data is None and self.images is None and self.masks is None

    @property
    def greys(self) -> str:
        """The kind of targets that M1 learns."""
        return "stored" if self.graded else "resized"

    def config(self, part: str, **changes: Any) -> TrainConfig:
        """The training of a part, "m1m2" or "claims", on black and white masks unless `changes` say otherwise."""
        prefix = CLAIMS if part == "claims" else ""
        values = {name: getattr(self, prefix + name) for name in ("size", "base_channels", "epochs")}
        values |= {name: getattr(self, name) for name in ("depth", "batch_size", "lr", "schedule", "seed")}
        return TrainConfig(**{**values, "augment": "none", "loss": "bce", "clip": 0.0, "variant": "paper", **changes})

    def problems(self) -> list[str]:
        """One sentence for each setting that cannot work; empty where all are sound."""
        found = self.config("m1m2", group=self.group, threshold=self.threshold).problems()
        for problem in self.config("claims").problems():
            for name in ("size", "base_channels", "epochs"):
                if problem.startswith(flag(name)):
                    found.append(problem.replace(flag(name), flag(CLAIMS + name), 1))
        if self.levels is not None and not 0 <= self.levels[0] < 0.5 < self.levels[1] <= 1:
            found.append(
                f"--levels {self.levels[0]:g}:{self.levels[1]:g}: the background needs a grey from 0 to below 0.5 and the cells "
                "one from above 0.5 to 1, such as 0.25:0.75."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; tuples become lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "settings") -> LabSettings:
        """Build from what `to_dict` gave.

        Raises
        ------
        UserError
            For settings that do not exist or cannot work.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise UserError(f"{source}: there is no setting {', '.join(unknown)}; choose another --out.")
        settings = cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
        if problems := settings.problems():
            raise UserError(f"{source}: {problem}" for problem in problems)
        return settings
