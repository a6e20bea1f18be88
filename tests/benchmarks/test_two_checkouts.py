"""This checkout beside another one: both run, each in its own process, and one that cannot start is said."""

import json
from pathlib import Path

import pytest

from benchmarks import two_checkouts
from minunet.ranks import launcher

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.ci
def test_both_take_turns_and_the_file_names_both_commits(tmp_path):
    case = ["--base", "2", "--batch", "1", "--size", "16", "--rounds", "2", "--out", str(tmp_path)]
    assert two_checkouts.main([str(ROOT), *case]) == 0
    content = json.loads((tmp_path / "two_checkouts_step_base2_size16.json").read_text())
    figures = content["figures"]
    assert figures["other_commit"] == content["machine"]["commit"]
    assert [time["rounds"] for time in figures["times"].values()] == [2, 2]
    assert figures["ratio"][1] <= figures["quartiles"][0] <= figures["ratio"][0] <= figures["quartiles"][1]


@pytest.mark.ci
def test_processes_share_the_steps_that_take_turns(tmp_path):
    pytest.importorskip("mpi4py")
    if launcher() is None:
        pytest.skip("mpiexec is not installed")
    case = ["--base", "2", "--batch", "2", "--size", "16", "--rounds", "1", "--processes", "2", "--out", str(tmp_path)]
    assert two_checkouts.main([str(ROOT), *case]) == 0
    content = json.loads((tmp_path / "two_checkouts_step_base2_size16_processes2.json").read_text())
    assert content["figures"]["processes"] == 2
    assert content["command"].endswith("--processes 2")


def test_only_a_step_can_be_shared(capsys):
    assert two_checkouts.main([str(ROOT), "--task", "inference", "--processes", "2"]) == 2
    assert "only a training step" in capsys.readouterr().err


def test_what_is_missing_for_processes_is_said(monkeypatch, capsys):
    monkeypatch.setattr("minunet.ranks.launcher", lambda: None)
    assert two_checkouts.main([str(ROOT), "--processes", "2"]) == 2
    assert "there is no mpiexec here" in capsys.readouterr().err


def test_a_folder_that_is_no_checkout_is_refused(tmp_path, capsys):
    assert two_checkouts.main([str(tmp_path)]) == 2
    assert "is no checkout of minunet" in capsys.readouterr().err


@pytest.mark.ci
def test_a_checkout_whose_benchmark_fails_is_said(tmp_path, capfd):
    (tmp_path / "minunet").mkdir()
    (tmp_path / "minunet" / "__init__.py").write_text("")
    assert two_checkouts.main([str(tmp_path), "--rounds", "1"]) == 2
    assert "the process of a checkout ended with exit code 1" in capfd.readouterr().err
