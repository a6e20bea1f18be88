"""Damaged pictures, by the thousand: refused in a sentence, or read as an array of the size that the header says."""

import numpy as np

from minunet.data.reading.file_statistics import measure_file
from minunet.data.reading.image_files import decode
from minunet.data.reading.open_images import open_image
from tests.fuzz.mutations import pick
from tests.fuzz.outcomes import each_count, try_files
from tests.fuzz.picture_files import mutated_picture, pictures


def test_the_pictures_are_sound(tmp_path):
    for name, data in pictures().items():
        (tmp_path / name).write_bytes(data)
        assert decode(tmp_path / name, report=None).shape[:2] in ((18, 23), (23, 18))


@each_count
def test_they_are_refused_or_read(count, tmp_path):
    files = pictures()
    path = tmp_path / "picture"
    sound = {}
    for name, data in files.items():
        path.write_bytes(data)
        sound[name] = decode(path, report=None)
    names = list(files)
    chosen = {}

    def mutate(rng, k):
        chosen["name"] = name = pick(rng, names)
        kind, data = mutated_picture(rng, files[name])
        return f"{name.partition('.')[2]} {kind}", data

    def read(kind, data):
        with open_image(path) as image:
            size = image.header.size
            array = image.pixels()
        assert array.dtype.kind in "uif" and np.isfinite(array).all()
        assert array.ndim == 2 or array.shape[2] > 1
        assert array.shape[:2] == size[::-1]
        if kind == "png bytes":  # every byte that matters has a checksum
            assert np.array_equal(array, sound[chosen["name"]])
        statistics = measure_file(path)
        assert statistics.problem is None

    outcomes = try_files(count, path, mutate, read)
    assert {kind.partition(" ")[0] for kind, outcome in outcomes if outcome == "read"} >= {"png", "jpg", "tif", "bmp"}
