"""Shared by the tests of data: no deadlines for property tests, and small sets of pairs on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from minunet.data.pairs import find_pairs
from tests.data.small_pictures import disc, photo, save

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def make_set(tmp_path):
    """Write pairs `images/NAME.png`, `masks/NAME.png`, each its own picture, and return the folder."""

    def make(*names: str, root: Path = tmp_path, images="images", masks="masks", size=(24, 16)) -> Path:
        for name in names:
            seed = int.from_bytes(name.encode()[-6:], "big")
            save(root / images / f"{name}.png", photo(seed, size))
            save(root / masks / f"{name}.png", disc(seed, size))
        return root

    return make


@pytest.fixture
def pairs(make_set):
    """Seven pairs of 24x16."""
    return find_pairs(make_set(*(f"s{i}" for i in range(7))))


@pytest.fixture
def mixed(make_set):
    """Five pairs of 24x16 and two of 40x30."""
    make_set(*(f"small{i}" for i in range(5)))
    return find_pairs(make_set("large0", "large1", size=(40, 30)))
