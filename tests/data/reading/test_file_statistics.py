"""Statistics of a file: its header, the hash of its pixels, its tones; what is wrong with it is one of them."""

import numpy as np

from minunet.data.reading.file_statistics import grey_share, measure_file
from tests.data.small_pictures import disc, photo, save


def test_the_digest_is_of_the_pixels_and_not_of_the_file(tmp_path):
    digests = {measure_file(save(tmp_path / name, photo(0))).digest for name in ("a.png", "b.bmp", "c.tif")}
    assert len(digests) == 1
    assert measure_file(save(tmp_path / "d.png", photo(1))).digest not in digests
    assert measure_file(save(tmp_path / "e.png", photo(0).transpose(1, 0, 2))).digest not in digests


def test_an_unreadable_file_keeps_what_was_read(tmp_path):
    cut = save(tmp_path / "a.png", photo(0, (64, 48)))
    cut.write_bytes(cut.read_bytes()[:500])
    statistics = measure_file(cut)
    assert statistics.problem == f"{cut} is truncated, the end of the picture is missing: copy or export it again."
    assert statistics.header.size == (64, 48) and statistics.digest == ""
    missing = measure_file(tmp_path / "b.png")
    assert missing.header is None and missing.problem == f"{tmp_path}/b.png does not exist: check the name."


def test_a_drawn_mask(tmp_path):
    statistics = measure_file(save(tmp_path / "a.png", disc()), mask=True)
    assert (statistics.maximum, statistics.white, statistics.levels) == (255, 255, 2)
    assert statistics.concentration == 1.0 and statistics.colourfulness == 0.0 and not statistics.constant
    assert statistics.black_share == np.mean(disc() == 0) and statistics.grey_share == 0.0


def test_colour_and_depth(tmp_path):
    flat = np.full((16, 24, 3), (200, 80, 40), np.uint8)
    statistics = measure_file(save(tmp_path / "a.png", flat))
    assert statistics.mean_colour == (200, 80, 40) and statistics.colourfulness == 160.0 and statistics.constant
    deep = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24)
    statistics = measure_file(save(tmp_path / "b.png", deep), mask=True)
    assert (statistics.maximum, statistics.white) == (383, 65535)


def test_the_share_of_greys():
    assert grey_share(disc()) == 0.0
    assert grey_share(np.array([[0, 255, 10, 255]], np.uint8)) == 0.25
    assert grey_share(np.array([[0, 65535, 10, 255]], np.uint16)) == 0.5
    assert grey_share(np.array([[0, 1, 1, 1]], np.uint8)) == 0.0  # coded 0 and 1
    assert grey_share(np.array([[(0, 0, 0), (255, 255, 255), (255, 255, 254), (9, 9, 9)]], np.uint8)) == 0.5
