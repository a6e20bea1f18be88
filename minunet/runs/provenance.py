"""Provenance: which images of a data set a model was trained on, known from the split.json and config.json of its run.

An image is recognised by its file, by equal content under another name or in another folder, or, where the files of the run are
gone, by its name. So scores on training images are not mistaken for test scores.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.folder_names import SIDES
from minunet.data.pairs import Pair, find_pairs
from minunet.data.split import recorded_sides
from minunet.errors import UserError
from minunet.files.json_files import read_json
from minunet.files.names import resolved
from minunet.files.reading import open_regular
from minunet.runs.run_folder import RunFolder
from minunet.wording import count_noun

SIDE_CHOICES = ("unseen", *SIDES, "all")
DESCRIPTIONS: dict[str | None, str] = {
    "train": "it was trained on",
    "validation": "that chose its best epoch",
    "test": "of its test side",
    None: "it has not seen",
}


class Provenance:
    """The record of one run's split.

    Parameters
    ----------
    path : str or Path
        The split.json, or the run folder that holds it.

    Attributes
    ----------
    path : Path
        The split.json.

    Raises
    ------
    UserError
        If it is missing or is not a split.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        self.path = RunFolder(path).split if os.path.isdir(path) else path
        try:
            sides = recorded_sides(read_json(self.path))
            self._names = {name: side for side, names in sides.items() for name in names}
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self.path}: this is not the split.json of a run ({error}); give the one that training wrote."
            ) from error
        pictures = {pair.name: (resolved(pair.image), pair.page) for pair in _pairs_of_run(RunFolder(self.path.parent))}
        self._pictures = {pictures[name]: side for name, side in self._names.items() if name in pictures}
        self._gone = self._names.keys() - pictures.keys()
        self._by_size: dict[int | None, list[Path]] = {}
        for file in dict.fromkeys(file for file, _ in self._pictures):
            self._by_size.setdefault(_size(file), []).append(file)
        self._digests: dict[Path, bytes] = {}

    @classmethod
    def beside(cls, model_file: Path | None) -> Provenance | None:
        """The record in the folder of a model, or None."""
        path = None if model_file is None else RunFolder(model_file.parent).split
        return cls(path) if path is not None and os.path.isfile(path) else None

    def sides(self, pairs: Sequence[Pair]) -> list[str | None]:
        """For each pair the side it was on: "train", "validation", "test", or None where the run did not have it."""
        return [self._side(pair) for pair in pairs]

    def _side(self, pair: Pair) -> str | None:
        image = resolved(pair.image)
        if (image, pair.page) in self._pictures:
            return self._pictures[image, pair.page]
        for file in self._by_size.get(_size(image), ()):
            same_page = file, pair.page
            if same_page in self._pictures and _size(image) is not None and self._digest(file) == self._digest(image):
                return self._pictures[same_page]
        return self._names[pair.name] if pair.name in self._gone else None

    def _digest(self, path: Path) -> bytes:
        if path not in self._digests:
            try:
                self._digests[path] = _content_digest(path)
            except OSError:  # reported when it is decoded; here it equals no other image
                self._digests[path] = str(path).encode()
        return self._digests[path]


def _content_digest(path: Path) -> bytes:
    digest = hashlib.blake2b()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


@dataclass(frozen=True)
class SelectedPairs:
    """The pairs to score, and the sides of all pairs of the data.

    Attributes
    ----------
    pairs : list of Pair
    sides : dict of str to (str or None)
        For the name of every pair of the data the side it was on in training.
    source : str or None
        The source of this knowledge, for messages.
    """

    pairs: list[Pair]
    sides: dict[str, str | None]
    source: str | None


def select_pairs(pairs: list[Pair], record: Provenance | None, side: str | None = None) -> SelectedPairs:
    """The pairs to score.

    Parameters
    ----------
    pairs : list of Pair
    record : Provenance or None
        What the model was trained on; without it the folders of the data say which images are for training.
    side : str or None
        One of `SIDE_CHOICES`; None means "unseen": all images but those used for training or validation.

    Raises
    ------
    UserError
        If no pair is left, or if nothing is known about the requested side.
    """
    known = [pair.split for pair in pairs] if record is None else record.sides(pairs)
    source = str(record.path) if record else "the folders of the data" if any(known) else None
    sides = {pair.name: known_side for pair, known_side in zip(pairs, known, strict=True)}
    side = side or "unseen"
    if side in SIDES and not source:
        raise UserError(
            f"--side {side}: there is no split.json beside the model that says which images these are; name one with --split."
        )
    selected_sides: Sequence[str | None] = {"unseen": ("test", None), "all": (*SIDES, None)}.get(side, (side,))
    selected = [pair for pair in pairs if sides[pair.name] in selected_sides]
    if not selected:
        raise UserError(
            f"--side {side}: none of the {count_noun(len(pairs), 'image')} is left to score (by {source}: "
            f"{describe_sides(sides)}); give other data, or --side all."
        )
    return SelectedPairs(selected, sides, source)


def describe_sides(sides: Mapping[str, str | None]) -> str:
    """How many of some images were on each side in training."""
    counts = Counter(sides.values())
    return ", ".join(f"{counts[side]} {DESCRIPTIONS[side]}" for side in (*SIDES, None) if counts[side])


def _pairs_of_run(folder: RunFolder) -> list[Pair]:
    """The pairs that a run was trained on, if they are still in the same place."""
    try:
        # Not TrainConfig.read: only the place of the data matters, not whether this version could train with the settings.
        config = read_json(folder.config)
        data, images, masks = (config.get(key) for key in ("data", "images", "masks"))
        drawn = data is None and images is None and masks is None
        skip = config.get("skip_unpaired") is True
        return find_pairs(folder.synthetic if drawn else data, images=images, masks=masks, skip_unpaired=skip)
    except (UserError, AttributeError, TypeError):
        return []
