import sys

import pytest

from minunet.cell_packages import missing_packages, require
from minunet.errors import UserError


def test_where_all_are_installed_nothing_is_missing():
    assert missing_packages() is None
    assert require("scipy.ndimage").__name__ == "scipy.ndimage"


def test_what_is_missing_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert "scikit-image is not installed" in missing_packages()
    assert "pip install 'minunet[cells]'" in missing_packages()
    with pytest.raises(UserError, match="cells need scikit-image"):
        require("skimage.segmentation")
