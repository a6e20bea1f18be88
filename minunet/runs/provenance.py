"""What a model has seen: which images of a data set it was trained on, told from the split.json and config.json of its run.

An image is recognised by its file, by equal content under another name or place, or, where the files of the run are gone,
by its name; so that numbers on training images are not mistaken for test numbers.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minunet.data.pairs import SIDES, Pair, find_pairs
from minunet.errors import UserError
from minunet.files.json_files import read_json
from minunet.runs.run_folder import RunFolder
from minunet.wording import count_noun

CHOICES = ("unseen", *SIDES, "all")
WORDS = {"train": "it was trained on", "validation": "that chose its best epoch", "test": "of its test side"}


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
        Where it is missing or is no split.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        self.path = RunFolder(path).split if path.is_dir() else path
        split = read_json(self.path)
        try:
            self._names = {name: side for side in SIDES for name in split[side]}
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self.path}: this is no split.json of a run; give the one that training wrote."
            ) from error
        found = {pair.name: pair.image.resolve() for pair in _pairs_of_run(RunFolder(self.path.parent))}
        self._files = {found[name]: side for name, side in self._names.items() if name in found}
        self._gone = self._names.keys() - found.keys()
        self._by_size: dict[int, list[Path]] = {}
        for file in self._files:
            self._by_size.setdefault(_size(file), []).append(file)
        self._digests: dict[Path, bytes] = {}

    @classmethod
    def beside(cls, model_file: Path) -> Provenance | None:
        """The record that lies beside a model, or None."""
        path = RunFolder(model_file.parent).split
        return cls(path) if path.is_file() else None

    def sides(self, pairs: Sequence[Pair]) -> list[str | None]:
        """For each pair the side it was on: "train", "validation", "test", or None where the run did not have it."""
        return [self._side(pair) for pair in pairs]

    def _side(self, pair: Pair) -> str | None:
        image = pair.image.resolve()
        if image in self._files:
            return self._files[image]
        for file in self._by_size.get(_size(image), ()):
            if _size(image) is not None and self._digest(file) == self._digest(image):
                return self._files[file]
        return self._names[pair.name] if pair.name in self._gone else None

    def _digest(self, path: Path) -> bytes:
        if path not in self._digests:
            try:
                self._digests[path] = hashlib.blake2b(path.read_bytes()).digest()
            except OSError:  # whoever decodes it will say so; here it is like no other
                self._digests[path] = str(path).encode()
        return self._digests[path]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


@dataclass(frozen=True)
class Selection:
    """The pairs to score, and what is known of all of them.

    Attributes
    ----------
    pairs : list of Pair
    sides : dict of str to (str or None)
        For the name of every pair of the data the side it was on.
    source : str or None
        Where that is known from.
    """

    pairs: list[Pair]
    sides: dict[str, str | None]
    source: str | None


def select(pairs: list[Pair], record: Provenance | None, side: str | None = None) -> Selection:
    """The pairs to score.

    Parameters
    ----------
    pairs : list of Pair
    record : Provenance or None
        What the model has seen; without it the layout of the data says what is for training.
    side : str or None
        One of `CHOICES`; None means "unseen": all but the images trained on or validated with.

    Raises
    ------
    UserError
        Where no pair is left, or a side was asked for that nothing is known of.
    """
    known = [pair.split for pair in pairs] if record is None else record.sides(pairs)
    source = str(record.path) if record else "the folders of the data" if any(known) else None
    sides = {pair.name: known_side for pair, known_side in zip(pairs, known, strict=True)}
    side = side or "unseen"
    if side in SIDES and not source:
        raise UserError(
            f"--side {side}: no split.json lies beside the model, so nobody knows which images these are; name it with --split."
        )
    wanted = {"unseen": ("test", None), "all": (*SIDES, None)}.get(side, (side,))
    chosen = [pair for pair in pairs if sides[pair.name] in wanted]
    if not chosen:
        raise UserError(
            f"--side {side}: none of the {count_noun(len(pairs), 'image')} is left to score (by {source}: "
            f"{in_words(sides)}); give other data, or --side all."
        )
    return Selection(chosen, sides, source)


def in_words(sides: dict[str, str | None]) -> str:
    """What is known of some images, in words with numbers."""
    counts = Counter(sides.values())
    return ", ".join(f"{counts[side]} {WORDS.get(side, 'it has not met')}" for side in (*SIDES, None) if counts[side])


def _pairs_of_run(folder: RunFolder) -> list[Pair]:
    """The pairs a run was trained on, as far as they are still where they were."""
    try:
        # Not TrainConfig.read: where the data lay matters here, not whether this version could train with the settings.
        config = read_json(folder.config)
        data, images, masks = (config.get(key) for key in ("data", "images", "masks"))
        drawn = data is None and images is None and masks is None
        return find_pairs(folder.synthetic if drawn else data, images=images, masks=masks)
    except (UserError, AttributeError, TypeError):
        return []
