"""File names whose bytes are not UTF-8, as from archives of old systems, are kept in every file that contains names."""

import os
from pathlib import Path

import numpy as np
import pytest

from minunet.checkpoints import container
from minunet.data.finding.matching import Pair
from minunet.data.split import Split
from minunet.experiments.runner import RunLog
from minunet.experiments.study_folder import fingerprint
from minunet.files.atomic_write import write_text
from minunet.files.json_files import read_json, write_json
from minunet.runs.run_folder import RunFolder
from minunet.runs.split_file import write_split
from minunet.runs.train_config import TrainConfig

NAME = os.fsdecode(b"gr\xfcn")
if NAME == "gr\xfcn":
    pytest.skip("this system's names of files are not UTF-8", allow_module_level=True)


def test_json_gives_the_name_back(tmp_path):
    write_json(tmp_path / "a.json", {NAME: [NAME, "größe 血球"]})
    assert read_json(tmp_path / "a.json") == {NAME: [NAME, "größe 血球"]}
    assert "größe 血球" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_split_json_finds_its_pairs_again(tmp_path):
    pairs = [Pair(f"{NAME}{i}", Path(f"{NAME}{i}.png"), Path("mask.png")) for i in range(3)]
    split = Split(*((pair,) for pair in pairs))
    write_split(split, RunFolder(tmp_path))
    assert Split.from_dict(read_json(tmp_path / "split.json"), pairs) == split


def test_config_json_keeps_where_the_data_lies(tmp_path):
    config = TrainConfig(data=f"/{NAME}", group=NAME)
    assert TrainConfig.read(config.write(tmp_path / "config.json")) == config


def test_the_header_of_a_model_holds_it(tmp_path):
    path = container.write(tmp_path / "a.safetensors", {"w": np.ones(2)}, {"format": "a", "config": {"data": NAME}})
    tensors, document = container.read(path, {"a": "a file"})
    assert document["config"] == {"data": NAME}
    assert np.array_equal(tensors["w"], np.ones(2))


def test_text_shows_it_escaped(tmp_path):
    assert write_text(tmp_path / "a.csv", f"{NAME},1\n").read_bytes() == b"gr\\udcfcn,1\n"


def test_the_log_and_the_fingerprint_of_a_study_can_hold_it(tmp_path):
    with RunLog(tmp_path / "log.txt") as say:
        say(NAME)
    assert (tmp_path / "log.txt").read_bytes() == b"gr\\udcfcn\n"
    (tmp_path / "image.png").write_bytes(b"a")
    pairs = [Pair(name, tmp_path / "image.png", tmp_path / "image.png") for name in (NAME, "green")]
    assert fingerprint(pairs[:1]) != fingerprint(pairs[1:])
