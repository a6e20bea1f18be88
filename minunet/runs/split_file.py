"""The split file of a run, split.json: the pairs on each side, and the hashes of their pixels.

A resumed run reads its split from there, and finds out where the data have changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from minunet.data.finding.matching import Pair
from minunet.data.pair_statistics import PairStatistics
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.files.json_files import read_json, write_json
from minunet.runs.run_folder import RunFolder


def write_split(
    split: Split,
    folder: RunFolder,
    statistics: Sequence[PairStatistics] = (),
    reading: MaskReading | None = None,
) -> None:
    """Write split.json: the names on each side and, where they are given, the hash of the pixels of each file and the reading."""
    known = {pair.pair.name: {"image": pair.image.digest, "mask": pair.mask.digest} for pair in statistics}
    names = split.to_dict()
    digests = {name: known[name] for side in names.values() for name in side if name in known}
    known_reading = {} if reading is None else {"reading": reading.to_dict()}
    write_json(folder.split, {**names, **({"digests": digests} if digests else {}), **known_reading})


def read_split(folder: RunFolder, pairs: Sequence[Pair], statistics: Sequence[PairStatistics] = ()) -> Split:
    """The split of split.json.

    Raises
    ------
    UserError
        If the file is not a split, a pair of it is not among `pairs`, or the pixels of a file are not those that `write_split`
        noted: a training that goes on with other data would be neither the old one nor a new one.
    """
    stored = read_json(folder.split)
    try:
        split = Split.from_dict(stored, pairs)
        digests = {name: (files["image"], files["mask"]) for name, files in stored.get("digests", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{folder.split}: this is not a split ({error}); restore it, or start again with another --out."
        ) from error
    measured = {pair.pair.name: pair for pair in statistics}
    used = [measured[pair.name] for side in (split.train, split.validation, split.test) for pair in side if statistics]
    changed = [
        file.path
        for pair in used
        if pair.pair.name in digests
        for file, digest in zip((pair.image, pair.mask), digests[pair.pair.name], strict=True)
        if digest not in (file.digest, file.former_digest)
    ]
    if changed:
        raise UserError(
            f"{path}: its pixels have changed since this run began; put the old file back, or start a new run with another --out."
            for path in changed
        )
    return split
