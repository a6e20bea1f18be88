"""Moved data: where the data of a run are now, if the run folder and the data were moved together, or copied to another machine.

A run stores where its data were. The end of that path is looked for below each folder that the run folder is in, and what is found
there counts only if it has every image of the run, and the first of them have the same pixels.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from minunet.data.finding.listing import is_pattern
from minunet.data.pair_statistics import measure_pairs
from minunet.data.pairs import Pair, find_pairs
from minunet.data.split import recorded_sides
from minunet.errors import UserError
from minunet.files.json_files import read_json
from minunet.files.names import resolved
from minunet.runs.run_folder import RunFolder
from minunet.runs.setting_checks import DATA_PATHS

MOST_PLACES = 100
SAMPLES = 3  # images whose pixels are compared


def is_there(path: str) -> bool:
    """Whether a folder, or the folder of a pattern, exists."""
    return os.path.exists(path) or (is_pattern(Path(path)) and os.path.isdir(os.path.dirname(path)))


def missing_paths(settings: Mapping[str, Any]) -> list[str]:
    """The stored paths of a run's data that do not exist any more."""
    return [settings[name] for name in DATA_PATHS if settings.get(name) is not None and not is_there(settings[name])]


def find_moved(settings: Mapping[str, Any], folder: RunFolder) -> dict[str, str] | None:
    """Where the data are now, by the names of the settings that hold their paths; None where they are not found.

    Parameters
    ----------
    settings : mapping
        Of the run, with at least one path that does not exist.
    folder : RunFolder
        Where the run is now, with its split.json.
    """
    try:
        split = read_json(folder.split)
        names = {name for side in recorded_sides(split).values() for name in side}
        digests = {name: files["image"] for name, files in split.get("digests", {}).items()}
    except (UserError, KeyError, TypeError, AttributeError):
        return None
    stored = {name: settings[name] for name in DATA_PATHS if settings.get(name) is not None}
    places = [list(itertools.islice(_places(path, folder), MOST_PLACES)) for path in stored.values()]
    for found in itertools.islice(itertools.product(*places), MOST_PLACES):
        paths = dict(zip(stored, found, strict=True))
        try:
            pairs = find_pairs(
                paths.get("data"),
                images=paths.get("images"),
                masks=paths.get("masks"),
                skip_unpaired=settings.get("skip_unpaired") is True,
            )
        except UserError:
            continue
        if names <= {pair.name for pair in pairs} and _same_pixels(pairs, digests):
            return paths
    return None


def _same_pixels(pairs: Sequence[Pair], digests: Mapping[str, str]) -> bool:
    """Whether some images have the pixels that they had: drawn sets, and numbered ones, all have the same names."""
    some = [pair for pair in pairs if pair.name in digests][:SAMPLES]
    try:
        measured = measure_pairs(some)
    except UserError:
        return False
    return all(digests[one.pair.name] in (one.image.digest, one.image.former_digest) for one in measured)


def _places(path: str, folder: RunFolder) -> Iterator[str]:
    """Where a path may be now: as it was; or a part of its end, the longest first, below a folder around the run."""
    if is_there(path):
        yield path
        return
    parts = Path(path).parts
    here = resolved(folder.path)
    for start in range(1, len(parts)):
        for around in (here, *here.parents):
            place = str(around.joinpath(*parts[start:]))
            if is_there(place):
                yield place
