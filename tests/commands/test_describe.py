"""`python -m minunet.describe`: the table of a model's layers, as text and as JSON; the function of that name stays one."""

import importlib
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

import minunet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing

main = importlib.import_module("minunet.describe").main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    network = minunet.UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    return str(write_model(tmp_path_factory.mktemp("run") / "model.safetensors", network, Preprocessing(size=(16, 12))))


def test_the_table_is_that_of_the_function(model, capsys):
    assert main([model]) == 0
    network = minunet.load_model(model).model
    assert capsys.readouterr().out == f"{minunet.describe(network, (1, 12, 16, 1), gradients=False)}\n"


def test_json_has_a_row_for_each_layer_and_nothing_else_is_on_stdout(model, capsys):
    assert main([model, "--json", "--size", "40x24", "--batch-size", "3", "--training"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["input_shape"] == [3, 24, 40, 1] and found["exit_code"] == 0
    table = minunet.describe(minunet.load_model(model).model, (3, 24, 40, 1))
    assert [tuple(layer.values()) for layer in found["layers"]] == [
        (layer, operation, list(shape), *rest) for layer, operation, shape, *rest in table.rows
    ]
    assert found["parameters"] == table.parameters and "parameters" in said.err


def test_a_mistake_is_a_document_too(capsys):
    assert main(["nowhere", "--json"]) == 2
    assert "nowhere" in json.loads(capsys.readouterr().out)["problems"][0]


def test_the_function_keeps_its_name_when_the_command_is_imported():
    assert importlib.import_module("minunet.describe") is minunet.describe
    assert importlib.util.find_spec("minunet.describe") is not None
    assert minunet.describe(minunet.nn.Linear(3, 2), (1, 3), gradients=False).parameters == 8


def test_it_runs_as_a_module(model):
    run = subprocess.run([sys.executable, "-m", "minunet.describe", model], capture_output=True, text=True, check=True)
    assert "contraction.0.convs.0" in run.stdout and run.stderr == ""
