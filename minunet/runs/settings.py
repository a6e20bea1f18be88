"""Settings: a frozen dataclass that is turned into JSON and back, and says where the data of a command comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from minunet.errors import UserError
from minunet.wording import shorten

MOST_LISTED = 20  # settings that do not exist
AnySettings = TypeVar("AnySettings", bound="Settings")


@dataclass(frozen=True)
class Settings(ABC):
    """Base class of `TrainConfig` and of the settings of a paper study.

    Parameters
    ----------
    data, images, masks : str, optional
        Where the pairs are: one folder, or one for each side. With none of them smears are drawn.
    skip_unpaired : bool
        Whether images without a mask and masks without an image are left out, in place of being problems.
    """

    data: str | None = None
    images: str | None = None
    masks: str | None = None
    skip_unpaired: bool = False

    @property
    def drawn(self) -> bool:
        """Whether smears are drawn, because no data was given."""
        return self.data is None and self.images is None and self.masks is None

    @abstractmethod
    def problems(self) -> list[str]:
        """One sentence for each setting that cannot work, with its flag; empty where there are none."""

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them; tuples become lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls: type[AnySettings], values: Mapping[str, Any], source: str) -> AnySettings:
        """Build from what `to_dict` returned; a missing setting gets its default.

        Raises
        ------
        UserError
            For settings that do not exist or cannot work, each by name; `source` says where they were read.
        """
        known = {field.name for field in fields(cls)}
        if unknown := [name for name in values if name not in known]:
            raise UserError(
                f"{source}: there is no setting '{shorten(name)}'; remove it, or correct its spelling."
                for name in unknown[:MOST_LISTED]
            )
        converted: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        try:
            settings = cls(**converted)
        except UserError as error:
            raise UserError(f"{source}: {problem}" for problem in error.problems) from error
        if problems := settings.problems():
            raise UserError(f"{source}: {problem}" for problem in problems)
        return settings
