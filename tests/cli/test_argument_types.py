"""The types of arguments: what they read and what they reject."""

import pytest

from minunet.cli import argument_types


@pytest.mark.parametrize(
    ("text", "size"),
    [("256x192", (256, 192)), ("256X192", (256, 192)), ("7×5", (7, 5)), ("64", (64, 64)), ("1x1", (1, 1))],
)
def test_sizes(text, size):
    assert argument_types.image_size(text) == size


@pytest.mark.parametrize(
    ("convert", "text", "message"),
    [
        (argument_types.image_size, "0x5", "width and height must be at least 1"),
        (argument_types.image_size, "5x-1", "width and height must be at least 1"),
        (argument_types.image_size, "5x", "as 256x192"),
        (argument_types.image_size, "1.5x2", "as 256x192"),
        (argument_types.image_size, "", "as 256x192"),
        (argument_types.positive_int, "0", "must be at least 1"),
        (argument_types.positive_int, "1.5", "must be a whole number"),
        (argument_types.non_negative_int, "-1", "must be at least 0"),
        (argument_types.positive_float, "0", "must be greater than 0"),
        (argument_types.positive_float, "fast", "must be a number"),
        (argument_types.positive_float, "nan", "must be a finite number"),
        (argument_types.positive_float, "inf", "must be a finite number"),
        (argument_types.non_negative_float, "-0.1", "must be at least 0"),
        (argument_types.non_negative_float, "nan", "must be a finite number"),
        (argument_types.mask_threshold, "OTSU", "must be a number, or otsu"),
        (argument_types.mask_threshold, "2", "must be from 0 to 1, or otsu"),
        (argument_types.fraction, "1.01", "must be from 0 to 1"),
        (argument_types.fraction, "-0.1", "must be from 0 to 1"),
        (argument_types.fraction, "0,5", r"must be a number, with a point as in 0\.5"),
        (argument_types.fraction, "0,5,1", "must be a number$"),
        (argument_types.micrometres, "110", "must be from 0.01 to 20 micrometres"),
        (argument_types.micrometres, "0", "must be from 0.01 to 20 micrometres"),
        (argument_types.micrometres, "0,11", r"with a point as in 0\.11"),
    ],
)
def test_what_a_type_refuses(convert, text, message):
    with pytest.raises(ValueError, match=message):
        convert(text)


def test_what_the_types_read():
    assert argument_types.positive_int("3") == 3 and argument_types.non_negative_int("0") == 0
    assert argument_types.positive_float("1e-3") == 1e-3
    assert argument_types.fraction("0") == 0 and argument_types.fraction("1") == 1
