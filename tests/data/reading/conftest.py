"""Fixtures for reading files."""

import pytest

from minunet.data.reading import image_rows, rows_of_files
from tests.data.reading.pictures_by_rows import WIDTH


@pytest.fixture
def every_image_is_large(monkeypatch):
    """Small images are read by rows, a few at a time."""
    for module in (image_rows, rows_of_files):
        monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(image_rows, "STRIP_PIXELS", 7 * WIDTH)
