"""Channels: what the network sees of an image: its grey, its colours, or some of its channels by number."""

from __future__ import annotations

import re

import numpy as np

from minunet.data.reading.pixels import luma_in_thousandths
from minunet.errors import UserError
from minunet.wording import count_noun, join_names, shorten

MOST_CHOSEN = 16  # channels that a network is given
_NUMBERS = re.compile(r"\d{1,3}(,\d{1,3})*")


def channels_problem(channels: object) -> str | None:
    """The reason why a choice of channels cannot be used; None where it can."""
    if channels in ("grey", "rgb"):
        return None
    if isinstance(channels, str) and _NUMBERS.fullmatch(channels):
        numbers = channels.split(",")
        if len(numbers) > MOST_CHOSEN:
            return f"choose at most {MOST_CHOSEN} channels"
        return None if len(set(map(int, numbers))) == len(numbers) else "choose each channel once"
    return "choose grey, rgb, or channels by number from 0, such as 0 or 2,0,1"


def channel_numbers(channels: str) -> tuple[int, ...] | None:
    """The numbers of the chosen channels, from 0; None for "grey" and "rgb"."""
    return None if channels in ("grey", "rgb") else tuple(map(int, channels.split(",")))


def describe_channels(channels: str) -> str:
    """A choice as part of a sentence: "grey", "rgb", "channel 2" or "channels 0,1"."""
    numbers = channel_numbers(channels)
    return channels if numbers is None else f"channel{'s' * (len(numbers) > 1)} {channels}"


def channel_count(channels: str) -> int:
    """The number of channels that the network gets."""
    numbers = channel_numbers(channels)
    return len(numbers) if numbers is not None else 1 if channels == "grey" else 3


def misfit(channels: str, stored: int) -> str | None:
    """The remedy where images of `stored` channels cannot give the chosen ones; None where they can."""
    numbers = channel_numbers(channels)
    if numbers is None:
        if stored in (1, 3):
            return None
        each = join_names([f"--channels {number}" for number in range(min(stored, 4))])
        colours = "; of arrays in RGBA, give image[..., :3]" if stored == 4 else ""
        return f"train with the channel that shows the cells ({each}), or several, as --channels 0,1{colours}"
    # An image in colour whose three channels are equal is read as grey.
    if max(numbers) < max(stored, 3 if stored == 1 else 0):
        return None
    return f"channels are counted from 0, so the last one is {stored - 1}"


def select_channels(array: np.ndarray, channels: str) -> np.ndarray:
    """The chosen channels of an image, in its own units.

    Grey is the luma of ITU-R BT.601, Y = 0.299 R + 0.587 G + 0.114 B.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)
        Numbers of any type.
    channels : str
        "grey", "rgb", or numbers from 0, such as "2,0,1". Grey and rgb take images of 1 or 3 channels.

    Returns
    -------
    ndarray, (H, W, C')
        Of the image's type; float64 for the grey of colours.

    Raises
    ------
    UserError
        If the image has no such channels.
    """
    if array.ndim == 2:
        array = array[..., None]
    stored = array.shape[2]
    if remedy := misfit(channels, stored):
        if array.shape[0] in (1, 3, 4) and stored > 4:
            remedy = f"its channels seem to come first, as its shape is {array.shape}: give np.moveaxis(image, 0, -1); or {remedy}"
        raise UserError(
            f"an image of {count_noun(stored, 'channel')} does not fit the setting of training --channels {channels}: {remedy}."
        )
    numbers = channel_numbers(channels)
    if numbers is not None:
        return array[..., list(numbers)] if stored > 1 else np.repeat(array, len(numbers), axis=2)
    if channels == "rgb":
        return array if stored == 3 else np.repeat(array, 3, axis=2)
    return array if stored == 1 else luma(array)[..., None]


def luma(array: np.ndarray) -> np.ndarray:
    """The grey of colours (H, W, 3) in their own units: (H, W) float64."""
    return luma_in_thousandths(array).astype(np.float64, copy=False) / 1000


def channels_text(value: object) -> str:
    """A choice of channels as typed, without spaces.

    Raises
    ------
    ValueError
        With the reason why it cannot be used.
    """
    text = str(value).replace(" ", "").lower()
    text = {"gray": "grey"}.get(text, text)
    if problem := channels_problem(text):
        raise ValueError(f"{problem}, not {shorten(value)}")
    return text
