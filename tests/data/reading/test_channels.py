"""Channels: grey, colours, or channels by number, from images of any number of channels and of any type."""

import numpy as np
import pytest

from minunet.data.reading.channels import (
    channel_count,
    channels_problem,
    channels_text,
    describe_channels,
    misfit,
    select_channels,
)
from minunet.errors import UserError

FOUR = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("channels", "count"), [("grey", 1), ("rgb", 3), ("0", 1), ("2,0,1", 3), (",".join(map(str, range(16))), 16)]
)
def test_choices(channels, count):
    assert channels_problem(channels) is None
    assert channel_count(channels) == count
    assert channels_text(channels.upper().replace(",", ", ")) == channels


@pytest.mark.parametrize("channels", ["red", "", "-1", "0,", "0,0", "1.5", None, ",".join(map(str, range(17)))])
def test_what_is_no_choice(channels):
    assert channels_problem(channels)
    with pytest.raises(ValueError, match="choose"):
        channels_text(channels)


def test_choices_in_words():
    assert [describe_channels(text) for text in ("rgb", "2", "0,1")] == ["rgb", "channel 2", "channels 0,1"]


def test_gray_is_grey():
    assert channels_text("gray") == "grey"


def test_selection():
    grey = np.array([[1.5, -2], [0, 7]])
    assert np.array_equal(select_channels(grey, "grey"), grey[..., None])
    assert np.array_equal(select_channels(grey, "rgb"), np.repeat(grey[..., None], 3, 2))
    assert np.array_equal(select_channels(FOUR, "2,0"), FOUR[..., [2, 0]])
    assert select_channels(FOUR, "3").shape == (2, 3, 1)
    colours = FOUR[..., :3]
    assert select_channels(colours, "rgb") is colours
    red, green, blue = np.moveaxis(colours.astype(float), -1, 0)
    assert np.allclose(select_channels(colours, "grey")[..., 0], 0.299 * red + 0.587 * green + 0.114 * blue)


def test_a_colour_image_that_was_read_as_grey_still_has_three_channels():
    grey = np.array([[1, 2]], np.uint8)
    assert np.array_equal(select_channels(grey, "2,0"), [[[1, 1], [2, 2]]])


@pytest.mark.parametrize(
    ("channels", "stored", "remedy"),
    [
        ("grey", 2, "--channels 0 and --channels 1"),
        ("rgb", 4, "--channels 0,1"),
        ("4", 4, "counted from 0, so the last one is 3"),
        ("3", 1, "counted from 0"),
    ],
)
def test_images_without_the_chosen_channels(channels, stored, remedy):
    assert remedy in misfit(channels, stored)
    with pytest.raises(UserError, match=f"does not fit the setting of training --channels {channels}"):
        select_channels(np.zeros((2, 3, stored)), channels)
