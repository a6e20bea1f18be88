"""TIFFs of several pages: each page is read as Pillow and tifffile read it, and is a pair of its own."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.pairs import find_pairs, survey
from minunet.data.reading.open_images import open_image
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.data.reading.tiff_pages import count_pages
from minunet.data.split import split_pairs
from minunet.errors import UserError
from tests.data.small_pictures import disc, photo

tifffile = pytest.importorskip("tifffile")
SIZE = (24, 16)


def stack(path, arrays, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.stack(arrays), **options)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "rgb"},
        {"photometric": "rgb", "bigtiff": True},
        {"photometric": "rgb", "byteorder": ">", "compression": "zlib"},
        {"photometric": "rgb", "metadata": None, "rowsperstrip": 5},
    ],
)
def test_every_page_is_read(options, tmp_path):
    images, masks = [photo(seed, SIZE) for seed in range(4)], [disc(seed, SIZE) for seed in range(4)]
    stack(tmp_path / "images" / "s.tif", images, **options)
    stack(tmp_path / "masks" / "s.tif", masks, photometric="minisblack")
    pairs = find_pairs(tmp_path)
    assert [(pair.name, pair.page) for pair in pairs] == [(f"s/{i + 1}", i) for i in range(4)]
    for pair, image, mask in zip(pairs, images, masks, strict=True):
        assert np.array_equal(read_image(pair), image)
        assert np.array_equal(read_mask(pair).values, mask)


def test_pages_of_pillow_and_of_types_that_pillow_does_not_read(tmp_path):
    arrays = [np.full((16, 24), 0.5 + page, np.float64) + np.arange(24) for page in range(3)]
    path = stack(tmp_path / "floats.tif", arrays, photometric="minisblack")
    masks = [Image.fromarray(disc(seed, SIZE)) for seed in range(3)]
    masks[0].save(tmp_path / "masks.tif", save_all=True, append_images=masks[1:])
    assert count_pages(path) == count_pages(tmp_path / "masks.tif") == 3
    for page in range(3):
        with open_image(path, page=page) as image:
            assert np.array_equal(image.pixels(), arrays[page])
        with open_image(tmp_path / "masks.tif", page=page) as image:
            assert np.array_equal(image.pixels(mask=True), disc(page, SIZE))
    with pytest.raises(UserError, match="has no page 4 any more"), open_image(path, page=3):
        pass


def test_a_survey_of_pages(tmp_path):
    for name in ("a", "b"):
        stack(tmp_path / f"{name}.tif", [photo(seed + 10 * ord(name), SIZE) for seed in range(3)], photometric="rgb")
        stack(tmp_path / f"{name}_mask.tif", [disc(seed, SIZE) for seed in range(3)], photometric="minisblack")
    found = survey(tmp_path).require()
    assert [pair.name for pair in found.pairs] == ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3"]
    assert len(set(found.digests.values())) == 6
    assert not found.warnings
    (note,) = found.notes
    assert note.startswith("6 pages of 2 TIFF files are pairs of their own")
    assert split_pairs(found.pairs, digests=found.digests) == split_pairs(found.pairs)


def test_other_numbers_of_pages(tmp_path):
    stack(tmp_path / "images" / "a.tif", [photo(seed, SIZE) for seed in range(3)], photometric="rgb")
    stack(tmp_path / "masks" / "a.tif", [disc(seed, SIZE) for seed in range(2)], photometric="minisblack")
    assert survey(tmp_path).problems == (
        f"{tmp_path}/masks/a.tif has 2 pages, and {tmp_path}/images/a.tif has 3: export both with the same pages, or the one page "
        "that is the mask.",
    )
    stack(tmp_path / "masks" / "a.tif", [disc(0, SIZE)], photometric="minisblack")
    found = survey(tmp_path)
    assert [pair.name for pair in found.pairs] == ["a"]
    assert any("holds several frames; only the first is used" in warning for warning in found.warnings)


def test_smaller_versions_of_a_page_are_no_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(photo(0, SIZE), photometric="rgb", subifds=0)
        tiff.write(photo(0, (12, 8)), photometric="rgb", subfiletype=1)
        tiff.write(photo(1, SIZE), photometric="rgb", subfiletype=1)
    assert count_pages(tmp_path / "a.tif") == 1


@pytest.mark.parametrize("content", [b"", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"II*\0\x08\0\0\0\xff\xff", b"text"])
def test_a_damaged_file_has_one_page(content, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert count_pages(path) == 1


def test_directories_in_a_circle_end(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0")
    assert count_pages(path) == 1


def test_pages_that_are_channels_are_one_picture(tmp_path):
    channels = np.stack([disc(seed, SIZE) for seed in range(3)])
    tifffile.imwrite(tmp_path / "a.tif", channels, imagej=True, metadata={"axes": "CYX"})
    assert count_pages(tmp_path / "a.tif") == 1
    tifffile.imwrite(tmp_path / "b.tif", channels, imagej=True, metadata={"axes": "TYX"})
    assert count_pages(tmp_path / "b.tif") == 3
