"""Counting how often each image file is opened."""

from collections import Counter
from pathlib import Path

from PIL import Image


def count_openings(monkeypatch):
    """A counter of the paths that are opened from now on, by whatever function."""
    openings = Counter()
    pillow_open = Image.open

    def counted_open(file, *arguments, **options):
        openings[Path(getattr(file, "name", file))] += 1
        return pillow_open(file, *arguments, **options)

    monkeypatch.setattr(Image, "open", counted_open)
    return openings
