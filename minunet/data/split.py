"""Splits: which pairs train the network, which choose the best epoch, and which only the final score may use.

Pairs that belong together, by a pattern in their names or because they hold the same picture, are never separated.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from minunet.data.finding.folder_names import SIDES
from minunet.data.finding.listing import natural_key
from minunet.data.finding.matching import Pair
from minunet.data.pair_statistics import measure_digests
from minunet.errors import UserError
from minunet.wording import at_most, count_noun, join_names, shorten

MOST_LISTED = 20  # pairs that are missing


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of pairs, each in natural order."""

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]

    def to_dict(self) -> dict[str, list[str]]:
        """The names on each side, for a JSON file."""
        return {side.name: [pair.name for pair in getattr(self, side.name)] for side in fields(self)}

    @classmethod
    def from_dict(cls, names: dict[str, list[str]], pairs: Sequence[Pair]) -> Split:
        """The split that `to_dict` recorded, for the same data set; pairs added since then are left out.

        Raises
        ------
        UserError
            With the pairs that are missing.
        TypeError
            If the names are not those of a split, see `recorded_sides`.
        """
        names = recorded_sides(names)
        by_name = {pair.name: pair for pair in pairs}
        missing = [name for side in SIDES for name in names[side] if name not in by_name]
        if missing:
            raise UserError(
                f"the pair {shorten(name)} of the recorded split is no longer there: put it back."
                for name in missing[:MOST_LISTED]
            )
        return cls(*(tuple(by_name[name] for name in names[side]) for side in SIDES))


def recorded_sides(document: object) -> dict[str, list[str]]:
    """The names on each side, from what `Split.to_dict` returned and a file has kept; what else is there is left out.

    Raises
    ------
    TypeError
        If a side is missing or is not a list of names, or where a name is there twice.
    """
    if not isinstance(document, dict):
        raise TypeError("it is not an object")
    sides = {side: document.get(side) for side in SIDES}
    for side, names in sides.items():
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise TypeError(f"{side} is not a list of names")
    all_names = [name for names in sides.values() for name in names or ()]
    if len(set(all_names)) < len(all_names):
        raise TypeError("a name is there twice")
    return sides  # type: ignore[return-value]


def split_pairs(
    pairs: Sequence[Pair],
    *,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    group: str | None = None,
    digests: Mapping[str, str] | None = None,
) -> Split:
    """Split pairs into training, validation and test.

    The paper's "90 % for training and 20 % for testing" adds up to 110 % and is a misprint; no set is large enough for
    it without using test images in training.

    Parameters
    ----------
    pairs : sequence of Pair
        At least three. Sides that their layout assigns are kept; a side missing there is drawn from the training side,
        in proportion to the fractions of the two.
    fractions : (train, validation, test)
        Each above 0, together 1. They are met as closely as the groups allow; each side has at least one pair.
    seed : int
        At least 0. The same seed and pairs give the same split, whatever the order of the pairs.
    group : str or None
        A regular expression searched for in the image's file name without its ending. Pairs that agree in its first
        group, or in the whole match where it has none, are kept on one side.
    digests : mapping of str to str, optional
        For the name of each pair the hash of its image's pixels, by which copies are recognised, as `Survey.digests` gives
        it. Images that it lacks are decoded here.

    Returns
    -------
    Split
        Every pair on exactly one side. Copies of one picture are on one side, unless the layout assigns them to two.

    Raises
    ------
    UserError
        With every reason why these pairs can't be split in this way.
    """
    pairs = sorted(pairs, key=lambda pair: natural_key(pair.name))
    _check_arguments(pairs, fractions, seed)
    keys = _group_keys(pairs, group)
    assigned = {side: [pair for pair in pairs if pair.split == side] for side in SIDES}
    free = [pair for pair in pairs if pair.split in (None, "train")]
    open_sides = ["train"] + [side for side in SIDES[1:] if not assigned[side]]
    clusters = _clusters(free, keys, digests or {})
    _check_counts(pairs, free, clusters, open_sides, group)
    shares = np.array([fractions[SIDES.index(side)] for side in open_sides])
    counts = _counts(len(free), shares / shares.sum())
    distributed = _distribute(clusters, counts, np.random.default_rng(seed))
    sides = {**assigned, **dict(zip(open_sides, distributed, strict=True))}
    return Split(*(tuple(sorted(sides[side], key=lambda pair: natural_key(pair.name))) for side in SIDES))


def _check_arguments(pairs: list[Pair], fractions: Sequence[float], seed: int) -> None:
    problems = []
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        problems.append(f"split fractions {tuple(fractions)}: give three numbers above 0 that add up to 1.")
    if seed < 0:
        problems.append(f"seed {seed}: give a whole number from 0 up.")
    if len({pair.name for pair in pairs}) < len(pairs):
        problems.append("two pairs have the same name: give each its own.")
    if len(pairs) < 3:
        problems.append(
            f"{count_noun(len(pairs), 'pair')} found, but three are needed: one each to train, to validate and to test; add more."
        )
    if problems:
        raise UserError(problems)


def _group_keys(pairs: list[Pair], group: str | None) -> dict[str, str]:
    """The group of each pair, by the pair's name; empty without a pattern."""
    if group is None:
        return {}
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise UserError(f"--group {group!r} is not a regular expression ({error}): correct the pattern.") from error
    keys: dict[str, str] = {}
    unmatched = []
    for pair in pairs:
        match = pattern.search(pair.image.stem)
        key = match and (match[1] if pattern.groups else match[0])
        if key:
            keys[pair.name] = key
        else:
            unmatched.append(pair)
    problems = at_most(
        [f"{pair.image} does not match --group {group!r}: widen the pattern or rename the file." for pair in unmatched],
        "images that do not match",
    )
    sides = defaultdict(set)
    for pair in pairs:
        if pair.name in keys and pair.split:
            sides[keys[pair.name]].add(pair.split)
    problems += [
        f"the group {key!r} is in {' and '.join(sorted(where))} already: move its files to one side, or leave --group out."
        for key, where in sides.items()
        if len(where) > 1
    ]
    if problems:
        raise UserError(problems)
    return keys


def _clusters(pairs: list[Pair], keys: Mapping[str, str], digests: Mapping[str, str]) -> list[list[Pair]]:
    """Sets of pairs that must stay together: of one group, of equal pixels, or linked through other pairs."""
    digests = {**measure_digests(pair for pair in pairs if pair.name not in digests), **digests}
    leader = list(range(len(pairs)))

    def root(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    first: dict[tuple[str, str], int] = {}
    for i, pair in enumerate(pairs):
        marks = [("pixels", digests[pair.name])] if digests[pair.name] else []  # an unreadable file is like no other
        if keys:
            marks.append(("group", keys[pair.name]))
        for mark in marks:
            leader[root(i)] = root(first.setdefault(mark, i))
    clusters = defaultdict(list)
    for i, pair in enumerate(pairs):
        clusters[root(i)].append(pair)
    return list(clusters.values())


def _check_counts(
    pairs: list[Pair], free: list[Pair], clusters: list[list[Pair]], open_sides: list[str], group: str | None
) -> None:
    """Raise a `UserError` where there are fewer clusters than sides to fill."""
    if len(clusters) >= len(open_sides):
        return
    sides = join_names(open_sides)
    if len(free) < len(pairs) and len(free) < len(open_sides):
        raise UserError(f"{count_noun(len(free), 'pair')} in train/, but {sides} need one each: add more.")
    reason = f"by --group {group!r} or as copies of one picture" if group else "as copies of one picture"
    raise UserError(
        f"the {count_noun(len(free), 'pair')} belong together {reason} in only {count_noun(len(clusters), 'group')} "
        f"(such as {join_names([pair.name for pair in max(clusters, key=len)], 3)}), but {sides} need one each: "
        f"{'narrow the pattern or add pairs' if group else 'add different pictures'}."
    )


def _counts(total: int, shares: np.ndarray) -> np.ndarray:
    """The number of pairs for each side: its share, rounded, at least one, and the rest for training."""
    counts = np.maximum(1, np.floor(total * shares + 0.5)).astype(int)
    counts[0] = total - counts[1:].sum()
    while counts[0] < 1:
        counts[1:][counts[1:].argmax()] -= 1
        counts[0] += 1
    return counts


def _distribute(clusters: list[list[Pair]], counts: np.ndarray, rng: np.random.Generator) -> list[list[Pair]]:
    """Distribute shuffled clusters, the largest first, each to the side that lacks most; the last ones to empty sides."""
    order = sorted(rng.permutation(len(clusters)), key=lambda i: -len(clusters[i]))  # a stable sort: ties stay shuffled
    sides: list[list[Pair]] = [[] for _ in counts]
    for position, i in enumerate(order):
        lacking = counts - [len(side) for side in sides]
        empty = [side for side in range(len(sides)) if not sides[side]]
        if len(order) - position <= len(empty):
            lacking = np.where([side in empty for side in range(len(sides))], lacking, -len(order) * counts.sum())
        sides[int(np.argmax(lacking))] += clusters[i]
    return sides
