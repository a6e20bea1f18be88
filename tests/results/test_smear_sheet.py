"""The contact sheet of drawn smears: each smear above its copy with the outlines of the cells."""

import numpy as np

from minunet.data.synthetic import write_set
from minunet.results.smear_sheet import smear_sheet


def test_the_sheet_shows_the_outlines_under_the_smears(tmp_path):
    names = write_set(tmp_path / "set", 1, (260, 260))
    pixels = np.asarray(smear_sheet(tmp_path / "set", names).convert("RGB")).astype(int)
    green = (pixels[..., 1] - pixels[..., [0, 2]].max(axis=-1)) > 60
    middle = pixels.shape[0] // 2
    assert not green[: middle - 20].any() and np.count_nonzero(green[middle:]) > 100
