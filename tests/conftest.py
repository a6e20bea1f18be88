"""What all tests share: one BLAS thread each, so that a busy machine does not slow them, and the folder of real smears."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported
os.environ.setdefault("MPLBACKEND", "Agg")

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_smears() -> Path:
    """The folder of real smears with masks, from the variable MINUNET_TEST_DATA; the test is skipped without it."""
    root = os.environ.get("MINUNET_TEST_DATA")
    folder = Path(root) / "bbbc041seg" if root else None
    if folder is None or not folder.is_dir():
        pytest.skip("set MINUNET_TEST_DATA to the folder that holds bbbc041seg to run this on real smears")
    return folder
