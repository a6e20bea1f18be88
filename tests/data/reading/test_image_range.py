"""One range for a set of images: the same network inputs from every encoding of the same pictures, as of 8 bits."""

import numpy as np
import pytest

from benchmarks.encodings import ENCODINGS
from minunet.data.finding.matching import Pair
from minunet.data.image_store import ImageStore
from minunet.data.reading.file_statistics import measure_file
from minunet.data.reading.image_files import decode
from minunet.data.reading.image_range import ImageRange, choose_range, range_problem
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.value_distribution import ValueDistribution
from minunet.errors import UserError
from tests.data.reading.test_deep_colour import png
from tests.data.small_pictures import save
from tests.data.tiffs import write_tiff

RNG = np.random.default_rng(0)
GREYS = [np.clip(RNG.normal(mean, 40, (48, 64)), 0, 255).astype(np.uint8) for mean in (90, 130, 150)]
COLOURS = [np.clip(RNG.normal((mean, 120, 200), 40, (48, 64, 3)), 0, 255).astype(np.uint8) for mean in (90, 130, 150)]


def write(folder, number, values):
    if values.dtype == np.uint8:
        return save(folder / f"{number}.png", values)
    return write_tiff(folder / f"{number}.tif", values)


def inputs(paths, channels, size=None):
    """The network's inputs for files whose set chose its own range, and that range."""
    statistics = [measure_file(path) for path in paths]
    chosen = choose_range("set", [file.values for file in statistics], channels)
    preprocessing = Preprocessing(channels=channels, size=size, range=chosen)
    return [preprocessing.image(decode(path)) for path in paths], chosen


@pytest.mark.parametrize("size", [None, (32, 24)])
@pytest.mark.parametrize("name", [name for name in ENCODINGS if name != "8-bit"])
def test_every_encoding_gives_the_inputs_of_8_bits(tmp_path, name, size):
    expected, _ = inputs([write(tmp_path / "8", i, grey) for i, grey in enumerate(GREYS)], "grey", size)
    values = [ENCODINGS[name].values(grey) for grey in GREYS]
    paths = [write(tmp_path / name, i, array) for i, array in enumerate(values)]
    found, chosen = inputs(paths, "1" if name == "two-channels" else "grey", size)
    # Half a unit of the encoding, which is a step of 1 / 4095 in 12 bits, and eight bits of a half's mantissa near 255 / 16.
    tolerance = {"12-in-16": 3e-4, "14-in-16": 8e-5}.get(name, 2e-6)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        assert np.abs(one - other).max() <= tolerance
    assert chosen.types == (str(values[0].dtype),)
    assert 0 < np.mean([one.mean() for one in found]) < 1


@pytest.mark.parametrize("channels", ["grey", "rgb", "2,0,1"])
@pytest.mark.parametrize("kind", ["png", "tiff", "rgba"])
def test_12_bit_colour_in_16_bits(tmp_path, kind, channels):
    expected, _ = inputs([write(tmp_path / "8", i, colours) for i, colours in enumerate(COLOURS)], channels)
    deep = [colours.astype(np.uint16) * 16 for colours in COLOURS]
    if kind == "tiff":
        paths = [write_tiff(tmp_path / f"{i}.tif", values) for i, values in enumerate(deep)]
    else:
        opaque = np.full((48, 64, 1), 65535, np.uint16)
        stored = [np.dstack([values, opaque]) if kind == "rgba" else values for values in deep]
        paths = [png(tmp_path / f"{i}.png", values) for i, values in enumerate(stored)]
    found, chosen = inputs(paths, channels)
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 2e-6
    assert chosen.channels == (3 if channels == "2,0,1" else 1)


def measured(*arrays):
    return [ValueDistribution.of(array, array) for array in arrays]


def test_hot_pixels_do_not_count():
    hot = (GREYS[0].astype(np.uint16) * 16).copy()
    hot[3, 4] = 65535
    assert choose_range("set", measured(hot), "grey").high < 4096


def test_where_nearly_all_values_are_the_same_the_ends_are_taken():
    few = np.zeros((64, 64), np.uint16)
    few[5, 5] = 900
    chosen = choose_range("set", measured(few), "grey")
    assert (chosen.low, chosen.high) == (0, 900)
    flat = choose_range("set", measured(np.full((4, 4), -0.5)), "grey")
    assert flat.low < flat.high


def test_full_and_given():
    assert choose_range("full", measured(GREYS[0]), "grey") == ImageRange(0, 255, ("uint8",))
    assert choose_range("full", measured(GREYS[0].astype(np.int16)), "grey") == ImageRange(-32768, 32767, ("int16",))
    assert choose_range("full", measured(GREYS[0] / 255), "grey") == ImageRange(0, 1, ("float64",))
    assert choose_range("-1.5:4095", measured(GREYS[0] / 255), "grey") == ImageRange(-1.5, 4095, ("float64",))
    full = Preprocessing(range=ImageRange(0, 255))
    assert np.array_equal(full.image(GREYS[0]), Preprocessing().image(GREYS[0]))


def test_a_range_beyond_all_values_is_refused():
    images = measured(GREYS[0], GREYS[1])  # from 20 to 235, or so
    with pytest.raises(UserError, match="--range 300:400: every pixel would be black, since the training images hold"):
        choose_range("300:400", images, "grey")
    with pytest.raises(UserError, match="--range -9:-1: every pixel would be white"):
        choose_range("-9:-1", images, "grey")


def test_mixed_types():
    eight, sixteen = GREYS[0], GREYS[1].astype(np.uint16) * 257
    assert choose_range("set", measured(eight, sixteen), "grey") is None  # each by its own white, as before
    assert choose_range("0:100", measured(eight, sixteen), "grey").types == ("uint16", "uint8")
    assert choose_range("set", measured(sixteen, sixteen.astype(np.int32)), "grey").types == ("int32", "uint16")
    for other in (eight / 255, eight.astype(np.int32)):
        with pytest.raises(UserError, match="convert them to one type, or give the range with --range LOW:HIGH"):
            choose_range("set", measured(eight, other), "grey")


@pytest.mark.parametrize("text", ["each", "1", "5:5", "9:1", "a:b", "0:1:2", "nan:1", "0:inf", "", None, 3])
def test_what_is_no_range(text):
    assert range_problem(text)


def test_json():
    for chosen in (ImageRange(0.25, 7.0, ("uint8",)), ImageRange((1.0, 2.0), (3.0, 4.0))):
        assert ImageRange.from_dict(chosen.to_dict()) == chosen
        assert Preprocessing.from_dict(Preprocessing(channels="0,1", range=chosen).to_dict()).range == chosen
    with pytest.raises(UserError, match="needs a newer minunet"):
        ImageRange.from_dict({"low": 0, "high": 1, "gamma": 2})
    for low, high in ((1, 1), (2, 1), (0, float("nan")), ("0", 1), ((0, 1), 2), ((), ()), (False, 1)):
        with pytest.raises(UserError, match="the first below the second"):
            ImageRange(low, high)
    with pytest.raises(UserError, match="a range of 2 channels does not fit channels rgb"):
        Preprocessing(channels="rgb", range=ImageRange((0, 0), (1, 1)))


def test_mismatch():
    sixteen, eight = ImageRange(100.0, 4000.0, ("uint16",)), ImageRange(0.0, 250.0, ("uint8",))
    assert "its numbers are uint8, but the model was trained on uint16" in sixteen.mismatch(np.dtype(np.uint8))
    assert "its numbers are uint16, but the model was trained on uint8" in eight.mismatch(np.dtype(np.uint16))
    assert sixteen.mismatch(np.dtype(np.int32)) is None and eight.mismatch(np.dtype(np.uint8)) is None
    assert ImageRange(0.0, 1.0).mismatch(np.dtype(np.uint8)) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float16, np.float32])
@pytest.mark.parametrize("channels", ["grey", "0"])
def test_the_store_keeps_small_numbers_small_with_the_same_inputs(tmp_path, dtype, channels):
    values = (GREYS[0] / 2).astype(dtype)
    image, mask = write(tmp_path, 0, values), save(tmp_path / "m.png", (GREYS[0] > 128).astype(np.uint8) * 255)
    preprocessing = Preprocessing(channels=channels, range=ImageRange(7.3, 111.1, (str(np.dtype(dtype)),)))
    store = ImageStore([Pair("a", image, mask)], preprocessing)
    store.load()
    assert store.nbytes == values.nbytes + values.size  # a byte for each pixel of the mask
    assert np.array_equal(store.get(0)[0], preprocessing.image(decode(image)))
    whole = ImageStore(
        [Pair("a", image, mask)], Preprocessing(channels=channels, range=preprocessing.range, size=(64, 48))
    )
    whole.load()
    assert whole.nbytes == store.nbytes
