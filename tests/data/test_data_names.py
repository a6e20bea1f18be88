import subprocess
import sys

import pytest

import minunet.data


@pytest.mark.parametrize("name", minunet.data.__all__)
def test_every_name_is_found(name):
    assert getattr(minunet.data, name).__name__ == name
    assert name in dir(minunet.data)


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="module 'minunet.data' has no attribute 'cells'"):
        _ = minunet.data.cells


def test_importing_reads_no_image_library():
    code = "import sys, minunet.data; assert 'PIL' not in sys.modules; minunet.data.decode; assert 'PIL' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
