"""Statistics of pairs: every file is decoded once, also one that several pairs share."""

from dataclasses import replace

from minunet.data.pair_statistics import measure_digests, measure_pairs
from tests.file_openings import count_openings


def test_every_file_is_opened_once(pairs, monkeypatch):
    shared = [*pairs, replace(pairs[0], name="again", mask=pairs[1].mask)]
    opened = count_openings(monkeypatch)
    progress = []
    statistics = measure_pairs(shared, lambda done, total: progress.append((done, total)))
    assert set(opened.values()) == {1} and len(opened) == 14
    assert progress[-1] == (14, 14)
    assert [measured.pair for measured in statistics] == shared
    assert all(measured.readable and measured.size == (24, 16) for measured in statistics)
    assert statistics[-1].image is statistics[0].image and statistics[-1].mask is statistics[1].mask


def test_an_unreadable_pair(pairs):
    pairs[0].image.write_text("no picture")
    statistics = measure_pairs(pairs[:2])
    assert [measured.readable for measured in statistics] == [False, True]
    assert statistics[0].size == (0, 0)
    assert measure_digests(pairs[:2]) == {
        "s0": "",
        "s1": statistics[1].image.digest,
    }
