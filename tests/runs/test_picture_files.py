"""The picture of the classes names them, if each name is read as it is written."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from minunet.data.class_legend import ClassLegend
from minunet.results.prediction import Prediction
from minunet.runs.class_pictures import ClassPictures
from minunet.runs.picture_files import picture_files


@pytest.mark.parametrize(
    ("names", "read"),
    [(("ground", "röd"), ("ground", "röd")), (("ground", "large, white"), ()), (("ground", "a,b"), ())],
)
def test_names_are_read_as_they_are_written_or_not_at_all(tmp_path, names, read):
    values = np.zeros((2, 3), np.uint8)
    prediction = Prediction(values, values.astype(np.float32), foreground_class=values)
    with (
        ThreadPoolExecutor() as writers,
        picture_files(tmp_path / "x", 2, writers, ClassLegend(names, (0, 1))) as write,
    ):
        write(prediction)
    path = tmp_path / "x_classes.png"
    with Image.open(path) as picture:
        assert ("classes" in picture.info) == (", " not in names[1])
    assert ClassPictures.find({"x": path}).names == read
