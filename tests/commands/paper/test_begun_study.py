"""A study that was begun: it goes on after Ctrl-C, in halves, or when it is finished; other settings or data are refused."""

import signal

from minunet.checkpoints.training_state import load_state
from minunet.experiments.runner import StudyRunner
from minunet.training.trainer import Trainer
from tests.commands.paper.small_studies import CLAIMS, MODELS, TINY, files, results, study, write_pairs
from tests.printed_text import unfolded


def test_called_again_nothing_is_trained_and_the_same_is_said(whole, capsys):
    out, said = whole
    before = files(out)
    assert study("--out", out) == 0  # settings and data are those of the folder
    again = capsys.readouterr().out
    assert files(out) == before
    assert again.count(" done\n") == 11
    assert again[again.index("the paper\n") :] == said[said.index("the paper\n") :]


def test_a_folder_made_otherwise_is_refused_with_every_difference(whole, discs, tmp_path, capsys):
    out, _ = whole
    before = (out / "lab.json").read_bytes()
    words = ("--epochs", "3", "--levels", "none", "--depth", "1", "--device", "cuda" if not _gpu() else "cpu")
    assert study(discs, "--out", out, *words) == 2
    said = capsys.readouterr().err
    assert "--epochs 3: the study in" in said
    assert "has 2, and its experiments can be compared only if all have the same" in said
    assert "--levels none" in said
    assert "--depth" not in said
    other = write_pairs(tmp_path / "other", count=13)
    assert study(other, "--out", out) == 2
    assert "begun on other data (14 pairs; now 13" in capsys.readouterr().err
    assert (out / "lab.json").read_bytes() == before


def test_only_trains_one_half_and_a_later_call_the_other(discs, tmp_path, capsys, whole):
    out = tmp_path / "study"
    assert study(discs, "--out", out, *TINY, "--only", "claims") == 0
    said = capsys.readouterr().out
    assert set(results(out)["rows"]) == set(CLAIMS)
    assert "the paper\n" not in said
    assert not (out / "figure.png").exists()
    before = files(out)
    assert study("--out", out, "--only", "m1m2") == 0
    said = capsys.readouterr().out
    assert "tanh" not in said[said.index("plan ") : said.index("1/6")]
    assert set(results(out)["rows"]) == set(MODELS + CLAIMS)
    assert {path: when for path, when in files(out).items() if path in before} == before
    # In two halves or in one go, the numbers are the same.
    rows = {folder: {k: row["mean"] for k, row in results(folder)["rows"].items()} for folder in (out, whole[0])}
    assert rows[out] == rows[whole[0]]


def test_ctrl_c_keeps_everything_says_how_to_go_on_and_that_ends_alike(discs, whole, tmp_path, monkeypatch, capsys):
    steps = []

    def stepping(self, images, masks):
        rate = plain(self, images, masks)
        steps.append(None)
        if len(steps) == 4 + 3:  # the second experiment, after its third step
            signal.raise_signal(signal.SIGINT)
        return rate

    plain = Trainer._step
    monkeypatch.setattr(Trainer, "_step", stepping)
    out = tmp_path / "a study"
    assert study(discs, "--out", out, *TINY, "--only", "m1m2") == 130
    said = capsys.readouterr().out
    assert f"go on     python -m minunet.paper --out '{out}' --only m1m2 --device cpu\n" in unfolded(said)
    assert set(results(out)["rows"]) == {"m1"}
    assert load_state(out / "runs" / "m1-no-relu-seed0").step == 3
    finished = {path: when for path, when in files(out).items() if "m1-seed0" in path.parts}

    monkeypatch.setattr(Trainer, "_step", plain)
    assert study("--out", out, "--only", "m1m2") == 0
    said = capsys.readouterr().out
    assert "1 of 2 epochs done" in said
    assert "1/5  M1, greys by resizing, no end ReLUs" in said
    assert {path: when for path, when in files(out).items() if path in finished} == finished
    for key in MODELS:
        assert results(out)["rows"][key]["mean"] == results(whole[0])["rows"][key]["mean"]


def test_ctrl_c_outside_the_training_says_how_to_go_on(discs, tmp_path, monkeypatch, capsys):
    def interrupted(self, plan):
        raise KeyboardInterrupt

    monkeypatch.setattr(StudyRunner, "run", interrupted)
    assert study(discs, "--out", tmp_path / "study", *TINY) == 130
    assert f"go on     python -m minunet.paper --out {tmp_path / 'study'} --device cpu\n" in unfolded(
        capsys.readouterr().out
    )


def _gpu():
    from minunet.errors import UserError
    from minunet.kernels.backend import resolve_device

    try:
        return resolve_device("cuda") == "cuda"
    except UserError:
        return False
