"""Rival rules: names of images and masks that follow two rules, one nearly as well as the other, of which the user chooses one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from minunet.data.finding.listing import Listing
from minunet.data.finding.naming import SHARE, RuleMatch
from minunet.wording import join_names


def rival_rules(rules: Sequence[RuleMatch]) -> list[RuleMatch]:
    """The rules that make nearly as many pairs as the first, which is the best one, and others with the same files."""
    return [rule for rule in rules[1:] if _is_rival(rule, rules[0])]


def two_rules(images: Listing, masks: Listing, rules: Sequence[RuleMatch]) -> str:
    """The problem of names that follow two rules, with what to type for each."""
    rules = [match for match in rules if match.rule]
    if len({frozenset(match.image_of) for match in rules}) == 1:  # the same masks, and other images
        several, for_one, place = "image", "a mask", images.folder
        parts = [match.rule.describe()[1] for match in rules if match.rule]
        chosen = shlex.quote(str(masks.folder))
        if masks.folder == images.folder and rules[0].rule is not None:
            chosen = _pattern(masks, rules[0].rule.describe()[0], rules[0].image_of)
        ways = [
            f"--images {_pattern(images, part, match.image_of.values())} --masks {chosen}"
            for part, match in zip(parts, rules, strict=True)
        ]
    else:
        several, for_one, place = "mask", "an image", masks.folder
        parts = [match.rule.describe()[0] for match in rules if match.rule]
        ways = [
            f"--images {shlex.quote(str(images.folder))} --masks {_pattern(masks, part, match.image_of)}"
            for part, match in zip(parts, rules, strict=True)
        ]
    return (
        f"{place} holds more than one {several} for {for_one}, named {join_names(parts)}: choose with "
        f"{' or '.join(ways[:3])}, in place of DATA."
    )


def _pattern(listing: Listing, part: str, stems: Iterable[str]) -> str:
    """A pattern of file names with the folder, as typed, from a pattern of stems."""
    known = set(stems)
    endings = {file.suffix for file in listing.files if listing.stem(file) in known}
    return shlex.quote(f"{listing.folder}/{part}{endings.pop() if len(endings) == 1 else '.*'}")


def _is_rival(rule: RuleMatch, best: RuleMatch) -> bool:
    """Whether a rule makes nearly as many pairs as the best one, and others with the same files."""
    if rule.rule and best.rule and best.rule.has_mask_word and not rule.rule.has_mask_word:
        return False
    image_of, mask_of = best.image_of, {image: mask for mask, image in best.image_of.items()}
    differ = sum(
        image_of.get(mask, image) != image or mask_of.get(image, mask) != mask for mask, image in rule.image_of.items()
    )
    return differ > 0 and len(rule.image_of) >= SHARE * len(image_of)
