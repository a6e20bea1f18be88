"""Facts: what decoding one file once tells about it, enough to judge a whole data set without keeping any pixels.

The digest of the decoded pixels is remembered for each file as long as the file stays as it is, so that the split can keep
copies together without reading everything again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minunet.data.reading.file_workers import map_files
from minunet.data.reading.image_files import Header, read
from minunet.data.reading.pixels import to_grey
from minunet.errors import UserError

SAMPLE = 400  # statistics look at no more than about this many rows and columns
LABELS = 32  # an 8-bit mask of three or more levels up to this value numbers classes or cells; greys reach further
TWELVE_BITS = 4095  # 16-bit pictures that stay below this come from a 12-bit camera, 16-bit masks are numbers of cells

_digests: dict[tuple[str, int, int], str] = {}


@dataclass(frozen=True)
class Facts:
    """What one file turned out to be.

    Attributes
    ----------
    path : Path
    header : Header or None
        None where not even that could be read.
    problem : str or None
        Why the picture can't be used.
    digest : str
        Of the decoded pixels, the same for copies in any lossless format.
    top : int
        The greatest value.
    white : int
        255 or 65535.
    constant : bool
        All values are equal.
    levels : int
        Different grey levels in a sample, counted in 256.
    concentration : float
        The share of the sample at its two commonest grey levels, give or take 2.
    black : float
        The share of the sample at the lowest grey levels, 0 to 2.
    colourful : float
        Mean difference between the greatest and least channel, in units of 255.
    mean : tuple of int
        Mean red, green and blue, in units of 255.
    labels : int
        How many levels a mask has that look like numbers of classes or cells; 0 where they don't.
    """

    path: Path
    header: Header | None = None
    problem: str | None = None
    digest: str = ""
    top: int = 0
    white: int = 255
    constant: bool = False
    levels: int = 0
    concentration: float = 1.0
    black: float = 0.0
    colourful: float = 0.0
    mean: tuple[int, int, int] = (0, 0, 0)
    labels: int = 0


def examine(path: Path, *, mask: bool = False) -> Facts:
    """Decode one file whole and note its facts; what is wrong with it becomes a fact as well."""
    facts = Facts(path)
    try:
        for part in read(path, mask=mask):
            if isinstance(part, Header):
                facts = replace(facts, header=part)
            else:
                facts = _measured(facts, part, mask)
    except UserError as error:
        return replace(facts, problem=error.problems[0])
    if not mask:
        _digests[_state(path)] = facts.digest
    return facts


def image_digests(paths: Sequence[Path]) -> list[str]:
    """The digests of images, decoding only those not examined before; a file that can't be read is like no other."""
    unknown = [path for path in dict.fromkeys(paths) if _state(path) not in _digests]
    map_files(examine, unknown, None)
    return [_digests.get(_state(path)) or f"unreadable {path}" for path in paths]


def _measured(facts: Facts, array: np.ndarray, mask: bool) -> Facts:
    step = max(1, max(array.shape[:2]) // SAMPLE)
    sample = array[::step, ::step]
    white = np.iinfo(array.dtype).max
    colours = (sample.reshape(-1, 3 if array.ndim == 3 else 1) * (255.0 / white)).astype(
        np.float32
    )  # (pixels, channels)
    counts = np.bincount(np.rint(to_grey(sample) * 255).astype(np.uint8).ravel(), minlength=256)
    same = bool((sample == sample[0, 0]).all()) and bool((array == array[0, 0]).all())
    high = int(array.max())
    return replace(
        facts,
        digest=_digest(array),
        top=high,
        white=int(white),
        constant=same,
        levels=int(np.count_nonzero(counts)),
        concentration=_concentration(counts),
        black=float(counts[:3].sum() / counts.sum()),
        colourful=float((colours.max(axis=1) - colours.min(axis=1)).mean()),
        mean=tuple(int(round(float(value))) for value in np.broadcast_to(colours.mean(axis=0), 3)),
        labels=_labels(array, high) if mask else 0,
    )


def _concentration(counts: np.ndarray) -> float:
    """The share of pixels within 2 levels of the commonest level, and within 2 of the commonest one left after that."""
    counts = counts.copy()
    found = 0
    total = counts.sum()
    for _ in range(2):
        peak = int(counts.argmax())
        near = slice(max(0, peak - 2), peak + 3)
        found += counts[near].sum()
        counts[near] = 0
    return float(found / total)


def _labels(array: np.ndarray, high: int) -> int:
    if array.ndim == 3 or high < 2 or (array.dtype == np.uint8 and high > 127):
        return 0
    levels = np.flatnonzero(np.bincount(array.ravel()))
    without_gaps = levels[0] == 0 and levels[-1] == len(levels) - 1
    few = high <= LABELS if array.dtype == np.uint8 else high <= TWELVE_BITS
    return len(levels) if len(levels) > 2 and (few or without_gaps) else 0


def _digest(array: np.ndarray) -> str:
    digest = hashlib.blake2b(f"{array.shape} {array.dtype}".encode(), digest_size=16)
    digest.update(array)
    return digest.hexdigest()


def _state(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError:
        return str(path), -1, -1
    return os.path.abspath(path), state.st_size, state.st_mtime_ns
