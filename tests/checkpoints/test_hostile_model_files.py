"""Model files that ask for too much, or whose header contradicts itself: refused by the header, before anything is built."""

import json

import numpy as np
import pytest

from minunet.checkpoints import model_file
from minunet.checkpoints.architecture import parameter_shapes
from minunet.checkpoints.model_file import load_model
from minunet.nn.unet import UNet
from tests.checkpoints.model_files import SIZE, error_of, header, rewritten, unet
from tests.fuzz.mutations import packed, unpacked


@pytest.fixture
def never_built(monkeypatch):
    monkeypatch.setattr(model_file, "build_model", lambda *arguments: pytest.fail("the network was built"))


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("channels", [(1, 1, 3), (3, 2, 2)])
def test_shapes_are_those_of_the_network(variant, depth, channels):
    in_channels, out_channels, base = channels
    config = {
        "variant": variant,
        "depth": depth,
        "in_channels": in_channels,
        "out_channels": out_channels,
        "base_channels": base,
    }
    model = UNet(**config)
    assert parameter_shapes(config) == {name: p.shape for name, p in model.named_parameters()}
    assert list(parameter_shapes(model.config)) == [name for name, _ in model.named_parameters()]


def test_a_small_file_cannot_ask_for_a_large_network(saved, never_built):
    change = {"base_channels": 512, "depth": 8}
    problems = error_of(rewritten(saved, lambda tensors, document: document["architecture"].update(change)))
    assert "do not fit the architecture" in problems[-1]
    assert len(problems) < 25


@pytest.mark.parametrize(
    ("entry", "name", "value"),
    [
        ("architecture", "base_channels", 10**30),
        ("architecture", "base_channels", -1),
        ("architecture", "base_channels", True),
        ("architecture", "base_channels", 2.0),
        ("architecture", "base_channels", "2"),
        ("architecture", "depth", float("inf")),
        ("architecture", "depth", [1]),
        ("architecture", "variant", ["paper"]),
        ("architecture", "variant", "p" * 100_000),
        ("architecture", "activation", None),
        ("architecture", "pooling", {}),
        ("architecture", "block_end_relu", "false"),
        ("architecture", "block_end_relu", 0),
        ("preprocessing", "size", [10**30, 10**30]),
        ("preprocessing", "size", [131072, 131072]),
        ("preprocessing", "size", [0, 5]),
        ("preprocessing", "size", "ab"),
        ("preprocessing", "size", 7),
        ("preprocessing", "size", [16, 12, 1]),
        ("preprocessing", "size", [True, True]),
        ("preprocessing", "threshold", float("nan")),
        ("preprocessing", "threshold", "0.5"),
        ("preprocessing", "threshold", False),
        ("preprocessing", "mask", ["binary"]),
        ("preprocessing", "crop", 10**30),
        (None, "preprocessing", None),
        (None, "preprocessing", "grey"),
        (None, "architecture", [["depth", 1]]),
        (None, "metrics", [1]),
        (None, "metrics", {"dice": float("inf")}),
        (None, "extra", "training"),
        (None, "versions", {"minunet": 1}),
        (None, "parameters", 1),
        (None, "tensors_in_order_of_use", []),
        (None, "format_version", "1"),
        (None, "format_version", True),
        (None, "format_version", float("inf")),
        (None, "format_version", 10**30),
        (None, "format", ["minunet-model"]),
        (None, "format", "x" * 100_000),
        (None, "checksum", "none"),
        (None, "checksum", {"algorithm": "md5"}),
    ],
)
def test_each_entry_has_a_type_and_a_range(saved, never_built, entry, name, value):
    def change(tensors, document):
        (document if entry is None else document[entry])[name] = value

    for problem in error_of(rewritten(saved, change)):
        assert len(problem.replace(str(saved), "")) < 700
        assert problem.isprintable()


def with_header(path, change):
    """Change the safetensors header of a file."""
    table, tensors = unpacked(path.read_bytes())
    change(table)
    path.write_bytes(packed(table, tensors))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table["head.bias"].update(shape=[10**30]),
        lambda table: table["head.bias"].update(shape=[2**62, 2**62]),
        lambda table: table["head.bias"].update(shape=[-1]),
        lambda table: table["head.bias"].update(shape=[True]),
        lambda table: table["head.bias"].update(shape="1"),
        lambda table: table["head.bias"].update(dtype="F4"),
        lambda table: table["head.bias"].update(dtype=["F32"]),
        lambda table: table["head.bias"].update(data_offsets=[0, 4]),
        lambda table: table["head.bias"].update(data_offsets=[0]),
        lambda table: table.update({"a" * 5000: table.pop("head.bias")}),
        lambda table: table.update({"head.bias": []}),
        lambda table: table.update({"__metadata__": 5}),
        lambda table: table.update({"__metadata__": {"minunet": 5}}),
        lambda table: table["__metadata__"].update(minunet="[" * 100_000),
        lambda table: table["__metadata__"].update(minunet='{"a":' * 500 + "1" + "}" * 500),
        lambda table: table["__metadata__"].update(minunet="[1, 2]"),
    ],
)
def test_the_table_of_tensors_is_checked(saved, never_built, change):
    for problem in error_of(with_header(saved, change)):
        assert len(problem.replace(str(saved), "")) < 400


def test_a_header_that_is_nested_too_deeply(saved):
    text = b"[" * 200_000
    saved.write_bytes(len(text).to_bytes(8, "little") + b"{" + text)
    error_of(saved)
    text = b'{"a":' + text
    saved.write_bytes(len(text).to_bytes(8, "little") + text)
    assert "header of this file is damaged" in error_of(saved)[0]


def test_values_that_are_finite_only_in_double_precision(saved):
    def change(tensors, document):
        tensors["head.bias"] = np.array([1e300])

    assert "hold NaN or infinite values (such as 'head.bias')" in error_of(rewritten(saved, change))[0]


def test_a_flipped_bit_is_noticed_wherever_it_is(saved):
    whole = saved.read_bytes()
    for place in range(0, len(whole), 13):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        error_of(saved)


@pytest.mark.parametrize("part", ["tensors", "header"])
def test_the_checksum_says_what_has_changed(saved, part):
    table, tensors = unpacked(saved.read_bytes())
    if part == "tensors":
        tensors = bytes([tensors[0] ^ 1]) + tensors[1:]
    else:
        document = json.loads(table["__metadata__"]["minunet"])
        document["preprocessing"]["size"] = [16, 11]
        table["__metadata__"]["minunet"] = json.dumps(document)
    saved.write_bytes(packed(table, tensors))
    (problem,) = error_of(saved)
    assert f"its {part} is not as it was written (by its checksum); copy it again" in problem


def test_a_file_without_a_checksum_is_read(saved):
    assert header(saved)["checksum"].keys() == {"algorithm", "tensors", "header"}
    loaded = load_model(rewritten(saved, lambda tensors, document: None))
    assert "checksum" not in header(saved)
    assert loaded.preprocessing == SIZE
    for name, value in unet().state_dict().items():
        assert np.array_equal(loaded.model.state_dict()[name], value)
