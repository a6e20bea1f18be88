"""What people type who come from other programs is answered with the flag or the argument that it is here."""

import importlib
import re

import pytest

from minunet import compare, doctor, evaluate, export, import_model, predict, show, synthesize
from minunet.__main__ import COMMANDS
from minunet.cli.flag_advice import advice, key_advice, unknown_flags
from minunet.cli.foreign_flags import FOREIGN
from minunet.errors import UserError
from minunet.experiments import paper_flags
from minunet.runs import train_flags

PARSERS = {
    "train": train_flags.build_parser,
    "evaluate": evaluate.build_parser,
    "predict": predict.build_parser,
    "describe": importlib.import_module("minunet.describe").build_parser,
    "doctor": doctor.build_parser,
    "compare": compare.build_parser,
    "show": show.build_parser,
    "export": export.build_parser,
    "import_model": import_model.build_parser,
    "synthesize": synthesize.build_parser,
    "paper": paper_flags.build_parser,
}


def test_every_command_is_tested():
    assert set(PARSERS) == set(COMMANDS)


OURS = {
    ("train", "--learning-rate"): "it is --lr RATE here",  # milesial, Keras
    ("train", "-e"): "it is --epochs N here",  # milesial
    ("train", "--scale"): "it is --size WxH here",  # milesial
    ("train", "--val"): "it is --split A,B,C here",
    ("train", "--validation"): "it is --split A,B,C here",  # milesial
    ("train", "--batch_size"): "it is --batch-size N here",  # Keras scripts
    ("train", "--n_epochs"): "it is --epochs N here",  # Cellpose
    ("train", "--imgsz"): "it is --size WxH here",  # YOLO
    ("train", "--data"): "give it without a flag, as DATA",  # YOLO
    ("train", "--weight_decay"): "the optimizer is always Adam, without weight decay",
    ("train", "-device"): "it is --device {auto,cpu,cuda} here",  # nnU-Net
    ("train", "--patience"): "it is --epochs N here",  # Keras
    ("predict", "--input"): "give it without a flag, as PATH",  # milesial, StarDist
    ("predict", "-i"): "give it without a flag, as PATH",  # nnU-Net
    ("predict", "-o"): "it is --out DIR here",
    ("predict", "--savedir"): "it is --out DIR here",  # Cellpose
    ("predict", "--model"): "give it without a flag, as MODEL",
    ("predict", "--prob_thresh"): "it is --threshold P here",  # StarDist
    ("predict", "--conf"): "it is --threshold P here",  # YOLO
    ("predict", "--use_gpu"): "it is --device {auto,cpu,cuda} here",  # Cellpose
    ("predict", "--flow_threshold"): "what separates cells is chosen in the training",
    ("predict", "-step_size"): "large images are cut into pieces as memory allows",  # nnU-Net
    ("predict", "--save_rois"): "it is --export KIND here",
    ("predict", "--epochs"): "only train has --epochs",
    ("export", "--format"): "it is --onnx FILE.onnx here",  # YOLO
    ("export", "--output"): "it is --onnx FILE.onnx here",
    ("export", "--model"): "give it without a flag, as MODEL",
    ("export", "--image"): "it is --check IMAGE here",
    ("export", "--opset"): "python -m minunet.export writes a model",  # YOLO, torch.onnx.export
    ("export", "--dynamic"): "python -m minunet.export writes a model",
    ("evaluate", "--labels"): "it is --masks DIR here",
    ("synthesize", "--num-images"): "it is --count N here",
    ("synthesize", "--output-dir"): "give it without a flag, as OUT",
    ("train", "--epohcs"): "did you mean --epochs N?",
    ("train", "--no-such-flag"): "",
}


@pytest.mark.parametrize(("command", "flag"), OURS)
def test_a_flag_of_another_program_is_answered_with_ours(command, flag):
    parser = PARSERS[command]()
    assert advice(flag, parser).startswith(OURS[command, flag])
    with pytest.raises(UserError) as caught:
        parser.parse_args([flag, "0.1"])
    (problem,) = caught.value.problems
    assert problem.startswith(f"unknown argument: {flag}; {OURS[command, flag]}")
    assert problem.endswith(f"; python -m minunet.{command} --help lists the arguments.")


def test_all_of_them_are_answered_at_once():
    with pytest.raises(UserError) as caught:
        PARSERS["predict"]().parse_args(["--model", "a.pth", "-i", "a.jpg", "--scale=0.5"])
    assert [re.search(r"argument: (\S+);", problem)[1] for problem in caught.value.problems] == [
        "--model",
        "-i",
        "--scale",
    ]


def test_settings_as_yolo_writes_them(tmp_path, monkeypatch):
    parser = PARSERS["train"]()
    assert key_advice("imgsz=640", parser) == "it is --size WxH here"
    assert key_advice("epochs=3", parser) == "it is --epochs N here"
    assert key_advice("slide=3.png", parser) == "" and key_advice("a.png", parser) == ""
    with pytest.raises(UserError, match="epochs=3: it is --epochs N here; settings are written as flags here"):
        parser.parse_args(["smears", "epochs=3"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "epochs=3").mkdir()  # a folder may be called so
    assert parser.parse_args(["epochs=3"]).data == "epochs=3"


def test_flags_of_ours_abbreviations_values_and_files_are_left_alone():
    parser = PARSERS["train"]()
    given = ["--epochs", "3", "--epoch", "3", "--range=-3:2.5", "-3", "--", "-x"]
    assert unknown_flags(given, parser) == {}


@pytest.mark.parametrize("command", PARSERS)
def test_no_entry_names_a_flag_that_the_command_itself_has_and_every_flag_named_exists(command):
    parser = PARSERS[command]()
    own = {option for action in parser._actions for option in action.option_strings}
    for foreign in FOREIGN:
        for name in foreign.names.split():
            assert re.fullmatch(r"--?[a-z0-9-]+", name)
            assert name in own or advice(name, parser), name
    everything = {
        word
        for build in PARSERS.values()
        for action in build()._actions
        for word in (*action.option_strings, *str(action.metavar).replace("[MODEL]", "MODEL").split())
    }
    assert {name for foreign in FOREIGN for name in foreign.ours.split()} <= {*everything, "--classes"}


@pytest.mark.parametrize("command", PARSERS)
def test_every_command_has_its_version(command, capsys):
    for flag in ("--version", "-V"):
        with pytest.raises(SystemExit) as leaving:
            PARSERS[command]().parse_args([flag])
        assert leaving.value.code == 0 and capsys.readouterr().out.startswith("minunet 0.")


@pytest.mark.parametrize("command", PARSERS)
def test_help_fits_80_columns_and_shows_every_default_in_the_same_way(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parser = PARSERS[command]()
    text = parser.format_help()
    assert [line for line in text.splitlines() if len(line) > 80] == [] and text.endswith("\n")
    assert "(default:" not in text and "default=" not in text
    for action in parser._actions:
        help_ = action.help or ""
        for place in re.finditer(r"\bdefault\b", help_):
            assert help_[place.start() - 1] == "(" or "(default " in help_, (action.dest, help_)
        if action.default not in (None, False, [], "==SUPPRESS=="):
            assert "(default " in help_, (action.dest, action.default)
