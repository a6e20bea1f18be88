"""Naming rules: by which regular difference the names of masks are made from those of their images.

`t01` and `man_seg01` differ in one part of the name, which is replaced, added or left out in the same way in every pair. A part
never ends within a number or a word, so that 1 is never taken for the beginning of 10.
"""

from __future__ import annotations

import os.path
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from minunet.data.finding.name_words import MASK_WORDS, split_words

FILE_MASK_WORDS = MASK_WORDS | {"matte", "segm", "segmented", "cp"}
SAMPLE = 16  # names of each kind by which rules are looked for
MOST_RULES = 24  # that are tried on every name, the most frequent ones
SHARE = 0.8  # of the fewer names that a rule without a word for masks has to match
FEWEST = 2  # pairs of such a rule; one pair alone shows no rule
FEWEST_OF_DIGITS = 3  # pairs of a rule whose parts have digits, such as _0000


@dataclass(frozen=True)
class NamingRule:
    """One part of an image's name, and what stands in its place in the name of the mask.

    Attributes
    ----------
    image_part, mask_part : str
        Either may be empty: the mask's name then has a part more, or less.
    place : "front", "end" or "middle"
        Where in the name the part is.
    """

    image_part: str
    mask_part: str
    place: str

    @property
    def has_mask_word(self) -> bool:
        """Whether the part of the mask says so, and that of the image does not."""
        return bool(words(self.mask_part) & FILE_MASK_WORDS) and not words(self.image_part) & FILE_MASK_WORDS

    def image_stems(self, mask_stem: str) -> set[str]:
        """Every stem whose mask may have the given stem."""
        part, stems = self.mask_part.casefold(), set()
        text = mask_stem.casefold()
        if len(text) != len(mask_stem):  # rare letters, whose small forms are longer
            text, part = mask_stem, self.mask_part
        for start in _occurrences(text, part):
            left, right = mask_stem[:start], mask_stem[start + len(part) :]
            stem = left + self.image_part + right
            end = start + len(self.image_part)
            if _place(left, right) == self.place and not (
                _in_run(mask_stem, start)
                or _in_run(mask_stem, start + len(part))
                or _in_run(stem, start)
                or _in_run(stem, end)
            ):
                stems.add(stem)
        return stems

    def describe(self) -> tuple[str, str]:
        """The names of masks and of images as patterns, such as ("man_seg*", "t*")."""
        around = {"front": ("", "*"), "end": ("*", ""), "middle": ("*", "*")}[self.place]
        mask, image = (around[0] + part + around[1] for part in (self.mask_part, self.image_part))
        return mask, "*" if image == "**" else image


@dataclass(frozen=True)
class RuleMatch:
    """A rule with the pairs that it makes: the stem of the image by the stem of the mask."""

    rule: NamingRule | None
    image_of: Mapping[str, str]


def words(text: str) -> set[str]:
    """The words of a name, in small letters; BloodMask_1 has blood and mask."""
    return {word for word in split_words(text) if not word.isdecimal()}


def find_rules(images: Collection[str], masks: Collection[str], *, words_only: bool = False) -> list[RuleMatch]:
    """The rules by which most of the names belong together, the best one first.

    Parameters
    ----------
    images, masks : collection of str
        Stems; both may be the same, where images and masks are in one folder.
    words_only : bool
        Only rules that have a word for masks.

    Returns
    -------
    list of RuleMatch
        Each makes other pairs than those before it.
    """
    known = set(images)
    one_folder = known == set(masks)
    candidates: Counter[NamingRule] = Counter()
    for image in _sample(images):
        candidates.update({rule for mask in masks if (rule := _infer(image, mask))})
    found: list[RuleMatch] = []
    repeated = 2 if len(images) >= 2 * FEWEST_OF_DIGITS else 1
    ordered = sorted(
        candidates.items(), key=lambda item: (-item[1], item[0].mask_part, item[0].image_part, item[0].place)
    )
    for rule, count in ordered[: 10 * MOST_RULES]:
        if count < repeated or (words_only and not rule.has_mask_word):
            continue
        match = _apply(rule, known, masks)
        if match is None or not _is_convincing(rule, match, images, masks, one_folder):
            continue
        if all(match.image_of != other.image_of for other in found):
            found.append(match)
        if len(found) == MOST_RULES:
            break
    return sorted(found, key=lambda match: -len(match.image_of))


def match_numbers(images: Sequence[str], masks: Sequence[str]) -> RuleMatch | None:
    """Match names that differ before and behind a part of their own, in leading zeros or in capital letters.

    Returns
    -------
    RuleMatch or None
        None unless every name of the fewer ones has exactly one counterpart.
    """
    if min(len(images), len(masks)) < FEWEST:
        return None
    (image_digits, image_keys), (mask_digits, mask_keys) = _keys(images), _keys(masks)
    if image_keys is None or mask_keys is None or (image_digits and mask_digits and image_digits != mask_digits):
        return None
    image_of = {mask: image_keys[key] for key, mask in mask_keys.items() if key in image_keys}
    if len(image_of) < min(len(images), len(masks)):
        return None
    return RuleMatch(None, image_of)


def _infer(image: str, mask: str) -> NamingRule | None:
    """The rule that would make the mask's stem from the image's: what is left between their common beginning and end."""
    shortest = min(len(image), len(mask))
    front = len(os.path.commonprefix([image, mask]))
    end = min(len(os.path.commonprefix([image[::-1], mask[::-1]])), shortest - front)
    while front and (_in_run(image, front) or _in_run(mask, front)):
        front -= 1
    while end and (_in_run(image, len(image) - end) or _in_run(mask, len(mask) - end)):
        end -= 1
    left, right = image[:front], image[len(image) - end :]
    image_part, mask_part = image[front : len(image) - end], mask[front : len(mask) - end]
    if not any(letter.isalnum() for letter in left + right):
        return None
    digits = [re.findall(r"\d+", part) for part in (image_part, mask_part)]
    if image_part == mask_part or (all(digits) and digits[0] != digits[1]):  # another number is another picture
        return None
    return NamingRule(image_part, mask_part, _place(left, right))


def _apply(rule: NamingRule, images: set[str], masks: Collection[str]) -> RuleMatch | None:
    """The pairs that a rule makes; None where an image or a mask would have two counterparts."""
    image_of = {}
    for mask in masks:
        candidates = [stem for stem in rule.image_stems(mask) if stem in images]
        if len(candidates) > 1:
            return None
        if candidates:
            image_of[mask] = candidates[0]
    if len(set(image_of.values())) < len(image_of):
        return None
    return RuleMatch(rule, image_of)


def _is_convincing(
    rule: NamingRule, match: RuleMatch, images: Collection[str], masks: Collection[str], one_folder: bool
) -> bool:
    count = len(match.image_of)
    if one_folder and set(match.image_of) & set(match.image_of.values()):  # a name that would be image and mask
        return False
    fewest = FEWEST_OF_DIGITS if any(letter.isdigit() for letter in rule.image_part + rule.mask_part) else FEWEST
    if rule.has_mask_word:
        return count > 0 if fewest == FEWEST else count >= fewest
    fewer = len(images) // 2 if one_folder else min(len(images), len(masks))
    return count >= max(SHARE * fewer, fewest)


def _keys(stems: Sequence[str]) -> tuple[list[str], dict[str, str] | None]:
    """The stems by what is left of them without their common beginning and end, and the numbers in those.

    There are none where two stems would be equal.
    """
    front = len(os.path.commonprefix(stems))
    while front and any(_in_run(stem, front) for stem in stems):
        front -= 1
    end = len(os.path.commonprefix([stem[front:][::-1] for stem in stems]))
    while end and any(_in_run(stem, len(stem) - end) for stem in stems):
        end -= 1
    first = stems[0]
    digits = re.findall(r"\d+", first[:front] + "|" + first[len(first) - end :])
    keys = {_normal(stem[front : len(stem) - end]): stem for stem in stems}
    return digits, keys if len(keys) == len(stems) and "" not in keys else None


def _normal(text: str) -> str:
    """The text in small letters, without leading zeros."""
    return re.sub(r"\d+", lambda digits: str(int(digits[0])), text.casefold())


def _in_run(text: str, position: int) -> bool:
    """Whether a position is within a number or a word; MaskA has a border before the capital A."""
    if not 0 < position < len(text):
        return False
    before, behind = text[position - 1], text[position]
    if before.isalpha() and behind.isalpha():
        return not (before.islower() and behind.isupper())
    return before.isdigit() and behind.isdigit()


def _place(left: str, right: str) -> str:
    if not left or left.endswith("/"):
        return "front"
    return "middle" if right else "end"


def _occurrences(text: str, part: str) -> Iterator[int]:
    """Every position at which a part begins; an empty one may begin anywhere."""
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1) if start < len(text) else -1


def _sample(stems: Collection[str]) -> list[str]:
    ordered = sorted(stems)
    step = max(1, len(ordered) // SAMPLE)
    return ordered[::step]
