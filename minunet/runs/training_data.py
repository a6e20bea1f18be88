"""What a run trains on: the pairs it was given or draws, looked through and split before anything else happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from minunet.data.finding.matching import Pair, mixed
from minunet.data.pairs import survey
from minunet.data.reading.file_workers import ProgressCallback, map_files
from minunet.data.reading.image_files import read
from minunet.data.split import Split, split_pairs
from minunet.data.synthetic.smear_set import write_set
from minunet.errors import UserError
from minunet.runs.config import TrainConfig
from minunet.runs.run_folder import RunFolder, read_json, write_json
from minunet.wording import join_names

DRAWN_COUNT = 96


@dataclass(frozen=True)
class Material:
    """The pairs of a run.

    Attributes
    ----------
    split : Split
    sizes : Counter
        How many images have each (width, height).
    warnings : tuple of str
        What the user should know about the data.
    """

    split: Split
    sizes: Counter[tuple[int, int]]
    warnings: tuple[str, ...]


def draw(config: TrainConfig, folder: RunFolder, bar: bool) -> None:
    """Draw the smears of a run without data into its folder; a resumed run finds them there, or draws the same again."""
    if folder.synthetic.is_dir():
        return
    size = config.size or (2 * config.crop, 2 * config.crop)
    write_set(folder.synthetic, DRAWN_COUNT, size, config.seed, progress=bar)


def gather(
    config: TrainConfig,
    folder: RunFolder,
    *,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    known_problems: Sequence[str] = (),
) -> Material:
    """Find, check and split the pairs.

    Parameters
    ----------
    config : TrainConfig
    folder : RunFolder
        Where a resumed run keeps its split, and a run without data its smears.
    resume : bool
        Take the split from split.json, if it was written.
    progress : callable, optional
        Called with the number of files looked through, and of all.
    known_problems : sequence of str
        Found before; reported together with those of the data.

    Raises
    ------
    UserError
        With every problem.
    """
    data = str(folder.synthetic) if config.drawn else config.data
    found = survey(data, images=config.images, masks=config.masks, progress=progress)
    problems = [*known_problems, *found.problems]
    if not resume and mixed(folder.path, found.pairs):
        problems.append(
            f"--out {folder.path}: the run's pictures would mix with the images or masks; choose another folder."
        )
    if not found.problems and not config.split_problems():
        try:
            split = _split(config, folder, resume, found.pairs)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    sizes = map_files(_size, found.pairs, None)
    warnings = list(found.warnings)
    small = [pair.name for pair, size in zip(found.pairs, sizes, strict=True) if min(size) < (config.crop or 0)]
    if small:
        warnings.append(f"smaller than --crop {config.crop}, and mirrored at their borders: {join_names(small)}.")
    return Material(split, Counter(sizes), tuple(warnings))


def store_split(split: Split, folder: RunFolder) -> None:
    """Write split.json: the names on each side."""
    write_json(folder.split, split.to_dict())


def _split(config: TrainConfig, folder: RunFolder, resume: bool, pairs: tuple[Pair, ...]) -> Split:
    if not (resume and folder.split.is_file()):
        return split_pairs(pairs, fractions=config.split, seed=config.seed, group=config.group)
    try:
        return Split.from_dict(read_json(folder.split), pairs)
    except (KeyError, TypeError) as error:
        raise UserError(f"{folder.split}: this is no split of a run; restore it, or start a new run.") from error


def _size(pair: Pair) -> tuple[int, int]:
    return next(read(pair.image)).size
