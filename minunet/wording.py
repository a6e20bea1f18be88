"""Wording: counts, lists of names and quotations as parts of an English sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def count_noun(count: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> count_noun(1, "step"), count_noun(2500, "step")
    ('1 step', '2,500 steps')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def join_names(names: Iterable[object], limit: int = 5) -> str:
    """The first `limit` names as a list in words, and how many more there are.

    Examples
    --------
    >>> join_names(["a", "b", "c"])
    'a, b and c'
    >>> join_names(range(7), limit=2)
    '0, 1 and 5 more'
    """
    texts = [str(name) for name in names]
    if len(texts) > limit:
        return f"{', '.join(texts[:limit])} and {len(texts) - limit} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def at_most(sentences: Sequence[str], rest: str, limit: int = 20) -> list[str]:
    """The first `limit` sentences of one kind, and one on how many more there are.

    Examples
    --------
    >>> at_most(["1.png has no mask.", "2.png has no mask.", "3.png has no mask."], "images without a mask", limit=2)
    ['1.png has no mask.', '2.png has no mask.', 'and 1 more of 3 images without a mask.']
    """
    if len(sentences) <= limit:
        return list(sentences)
    return [*sentences[:limit], f"and {len(sentences) - limit:,} more of {len(sentences):,} {rest}."]


def paragraph(sentences: Iterable[str]) -> str:
    """Sentences as one text; those after the first begin with a capital letter.

    Examples
    --------
    >>> paragraph(["it is dark.", "none of its pixels is a cell."])
    'it is dark. None of its pixels is a cell.'
    """
    first, *others = [*sentences, ""]
    return " ".join([first, *(sentence[:1].upper() + sentence[1:] for sentence in others)]).rstrip()


def shorten(value: object, limit: int = 200) -> str:
    """A value as text of at most `limit` letters on one line, for a message that quotes what a file or a user wrote.

    Letters that would not show, or would steer the terminal, are escaped.

    Examples
    --------
    >>> shorten("two\\nlines"), shorten("a" * 300, limit=8)
    ('two\\\\nlines', 'aaaaa...')
    """
    try:
        text = value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # a whole number of more digits than Python writes, or a list that is too deep
        text = f"a very large {type(value).__name__}"
    start = text[: limit + 1]
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in start)
    return shown if len(shown) <= limit and len(text) <= limit else shown[: limit - 3] + "..."


def percent(share: float) -> str:
    """A share in percent, told apart from none and from all.

    Examples
    --------
    >>> percent(0.5), percent(0.0001), percent(1.0)
    ('50.0 %', 'less than 0.1 %', '100.0 %')
    """
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{100 * share:.1f} %"
