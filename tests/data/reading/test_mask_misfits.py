"""Masks that do not fit a reading that was chosen for others are reported."""

from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_misfits import misfits
from minunet.data.reading.pair_files import read_mask
from tests.data.reading.mask_sets import WHITE, chosen, coloured, own, stored, two, write_set


def test_masks_that_do_not_fit_the_reading_of_a_model(tmp_path):
    light, _ = write_set(tmp_path / "light", stored(two(0, 255)))
    dark, _ = write_set(tmp_path / "dark", stored(two(255, 0)))
    colour, _ = write_set(tmp_path / "colour", stored(coloured(WHITE, own)))
    reading = chosen(light).reading

    def problems(pairs):
        return misfits([MaskCounts.of(read_mask(pair)) for pair in pairs], reading)

    assert problems(light) == []
    assert "Their own shapes and values tell that cell is 0." in problems(dark)[0]
    assert "these hold colours" in problems(colour)[0]
