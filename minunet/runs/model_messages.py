"""Messages about a trained model: which one it is, and how large the cells are that it was shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from minunet.checkpoints.pretrained import is_pretrained
from minunet.cli.console import Say, say_commands, say_item
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.scaling_model import NO_DIAMETER
from minunet.wording import count_noun

TRAINING = "python -m minunet.train DATA --init pretrained"


def announce_model(say: Say, model: LoadedModel) -> None:
    """The model, and what it takes."""
    if is_pretrained(model.path):
        say_item(say, "model", "the one that comes with minunet, trained on drawn smears (docs/pretrained.md)")
        say_item(say, "", "for a model of your own, from a few images with masks:")
        say_commands(say, "", TRAINING)
    else:
        say_item(say, "model", str(model.path), fold=False)
    say_item(say, "", model.summary())


def known_diameter_problems(model: LoadedModel, diameter: float | None) -> list[str]:
    """A sentence where a cell diameter was given to a model that knows none."""
    if diameter is None or model.diameter is not None:
        return []
    return [f"--diameter {diameter:g}: {NO_DIAMETER}."]


def describe_diameters(estimates: Sequence[float]) -> str:
    """The diameters of the cells of images, as they were estimated, in words; empty where none was."""
    if not estimates:
        return ""
    typical, count = statistics.median(estimates), len(estimates)
    spread = f" ({min(estimates):.0f} to {max(estimates):.0f} in {count_noun(count, 'image')})" if count > 1 else ""
    return f"cells of about {typical:.0f} pixels across{spread}, by an estimate; --diameter PX sets it"
