"""What a run prints about the machine before it starts, and about its files when it is stopped."""

import pytest

from minunet.cells.cell_choice import CellChoice
from minunet.fused.step_plan import StepPlan
from minunet.kernels.machine import Machine
from minunet.runs import run_messages
from minunet.runs.run_folder import RunFolder
from minunet.training.events import TrainingProgress


@pytest.fixture
def said():
    return []


def announce(said, device="cpu"):
    run_messages.announce_memory(said.append, StepPlan(Machine(device)), 5e8)
    return " ".join("\n".join(said).split())


def test_a_lesser_blas_is_named_with_its_remedy(said, monkeypatch):
    monkeypatch.setattr(
        run_messages, "why_matmul_is_slow", lambda: "OpenBLAS uses its kernels for Haswell; unset the variable"
    )
    assert "warning OpenBLAS uses its kernels for Haswell; unset the variable." in announce(said)


def test_a_proper_blas_is_not_mentioned_and_a_gpu_does_not_care(said, monkeypatch):
    monkeypatch.setattr(run_messages, "why_matmul_is_slow", lambda: None)
    assert "warning" not in announce(said)
    monkeypatch.setattr(run_messages, "why_matmul_is_slow", lambda: "slow")
    assert "slow" not in announce([], device="cuda")


def stop(said, folder):
    run_messages.announce_stop(said.append, folder, TrainingProgress(), epochs=3, steps=5, resumable=False)
    return " ".join("\n".join(said).split())


def test_a_run_stopped_at_once_names_no_file_that_is_not_there(said, tmp_path):
    folder = RunFolder(tmp_path)
    text = stop(said, folder)
    assert "stopped at once, before anything was saved; a resumed run starts from the beginning" in text
    assert folder.last.name not in text and folder.model.name not in text


def test_a_run_stopped_at_once_names_the_state_that_stands(said, tmp_path):
    folder = RunFolder(tmp_path)
    folder.last.touch()
    assert f"{folder.last} holds what was saved last" in stop(said, folder)


def cells_said(numbered=True, **scores):
    said = []
    run_messages.announce_cells(said.append, CellChoice(validation=scores), None, numbered=numbered)
    return " ".join("\n".join(said).split())


def test_the_scores_of_cells_are_said_in_plain_words():
    assert cells_said(images=1, cell_f1=0.1, count_error=8.667) == (
        "cells F1 0.100 on 1 validation image at full size; far too many cells are found: the count of cells is off by 866.7 % of "
        "the true number the settings that separate cells were chosen on this image"
    )
    text = cells_said(images=20, cell_f1=0.938, count_error=0.037)
    assert "on 20 validation images" in text and "off by 3.7 % of the true number on average" in text
    assert "far too many" not in text and text.endswith("were chosen on these images")
    unnumbered = cells_said(images=20, cell_f1=0.938, count_error=0.037, numbered=False)
    assert unnumbered == f"{text} {run_messages.CONNECTED_REGIONS}"
