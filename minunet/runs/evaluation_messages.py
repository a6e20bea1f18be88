"""Messages of an evaluation: which images are scored, at which size, and whether the model was trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from minunet.checkpoints.pretrained import is_pretrained
from minunet.cli.console import Say, say_item
from minunet.data.pairs import Pair
from minunet.inference.loaded_model import LoadedModel
from minunet.runs.model_messages import announce_model
from minunet.runs.provenance import SelectedPairs, describe_sides

TRAINED_WITH = ("train", "validation")


def announce_evaluation(
    say: Say, data: Path, model: LoadedModel, selected: SelectedPairs, pairs: Sequence[Pair], *, native: bool
) -> list[str]:
    """Print what is scored, and whether the model was trained on it.

    Parameters
    ----------
    say : callable
        Takes each line of text.
    data : Path
        The folder that the user gave.
    model : LoadedModel
    selected : SelectedPairs
        The images that are scored.
    pairs : sequence of Pair
        All images of the folder.
    native : bool
        Whether the images are scored at their own size.

    Returns
    -------
    list of str
        The warnings among these lines.
    """
    announce_model(say, model)
    say_item(say, "data", str(data), fold=False)
    scored = {pair.name: selected.sides[pair.name] for pair in selected.pairs}
    left_out = {pair.name: selected.sides[pair.name] for pair in pairs if pair.name not in scored}
    of = f" of {len(pairs)}" if left_out else ""
    what = f": {describe_sides(scored)}" if selected.source else ""
    say_item(say, "scored", f"{len(scored)}{of} {'image' if len(pairs) == 1 else 'images'}{what}")
    if left_out:
        say_item(say, "", f"left out: {describe_sides(left_out)}")
    warnings = []
    if selected.source is not None:
        say_item(say, "", f"(by {selected.source})", fold=False)
    elif not is_pretrained(model.path):  # that one has seen drawn smears only
        warnings.append(
            "there is no split.json beside the model (--split names one): if it was trained on these images, the numbers "
            "below are too good"
        )
    used = Counter(side for side in scored.values() if side in TRAINED_WITH)
    if used:
        share = "" if used.total() == len(scored) else f"{used.total()} of "
        warnings.append(f"{share}these images were used in training: THESE ARE NOT TEST SCORES")
    for warning in warnings:
        say_item(say, "warning", warning)
    size = model.preprocessing.size
    if native or size is None:
        say_item(say, "scale", "the images' own")
    else:
        say_item(say, "scale", f"{size[0]}x{size[1]}, the model's own (--native: the images' own)")
    return warnings
