"""`python -m minunet.train --max-memory`: what is chosen, said and stored; what a resumed run keeps; what is refused."""

import json

import pytest

from minunet.cli.argument_types import memory_size
from minunet.runs import run_batches
from minunet.runs.callbacks import CheckpointWriter
from minunet.runs.peak_forecast import PeakForecast
from minunet.training.trainer import Trainer
from tests.commands.train.small_runs import TINY, assert_same_run, interrupt, problems, train

MB = 10**6
FOURS = [*TINY, "--batch-size", "4"]


@pytest.fixture(autouse=True)
def forecast(monkeypatch):
    """A training takes 100 MB and, for each image of a batch, 100 MB more, or 70 where activations are computed again."""

    def peak(self, config, enough=None):
        return 100.0 * MB + config.batch_size * config.base_channels / 2 * (70 if config.recompute else 100) * MB

    monkeypatch.setattr(PeakForecast, "peak", peak)


@pytest.fixture
def batches(monkeypatch):
    """The sizes of the batches that are trained on."""
    sizes, plain = [], Trainer._step

    def stepping(self, batch, next_batch):
        sizes.append((len(batch[0]), self.model.recompute))
        return plain(self, batch, next_batch)

    monkeypatch.setattr(Trainer, "_step", stepping)
    return sizes


def config(run):
    return json.loads((run / "config.json").read_text())


def said(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_what_is_chosen_is_printed_stored_and_trained_with(discs, tmp_path, capsys, batches):
    run = tmp_path / "run"
    assert train(discs, "--out", run, *FOURS, "--epochs", 1, "--max-memory", "250MB") == 0
    text = said(capsys)
    assert "limit 250 MB at most; chosen: batches of 2 in place of 4 and --recompute (up to 240 MB)" in text
    assert "memory at most 240 MB at the peak" in text and "batches of 2, light augmentation" in text
    assert set(batches) == {(2, True)} and len(batches) == 3
    assert config(run)["batch_size"] == 2 and config(run)["recompute"] is True
    assert config(run)["max_memory"] == 250 * MB


def test_the_numbers_are_those_of_the_same_settings_given_by_hand(discs, tmp_path):
    assert train(discs, "--out", tmp_path / "a", *FOURS, "--epochs", 1, "--max-memory", "250MB") == 0
    given = ["--epochs", 1, "--batch-size", 2]
    assert train(discs, "--out", tmp_path / "b", *TINY, *given) == 0
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_what_fits_is_left_as_it_was_given(finished, discs, tmp_path, capsys):
    assert train(discs, "--out", tmp_path / "run", *TINY, "--max-memory", "1TB") == 0
    assert "limit 1000.00 GB at most; batches of 2, as given (up to 300 MB)" in said(capsys)
    assert_same_run(finished, tmp_path / "run")
    assert "max_memory" not in config(finished)


def test_an_explicit_no_is_respected(discs, tmp_path, batches):
    run = tmp_path / "run"
    assert train(discs, "--out", run, *FOURS, "--epochs", 1, "--max-memory", "250MB", "--no-recompute") == 0
    assert set(batches) == {(1, False)}


def test_a_refused_training_says_what_would_fit_and_leaves_its_folder_free(discs, tmp_path, capsys):
    run = tmp_path / "run"
    flags = [discs, "--out", run, *FOURS, "--epochs", 1]
    assert train(*flags, "--max-memory", "140MB") == 2
    assert problems(capsys) == [
        "--max-memory 140 MB: with batches of 1 and --recompute this training takes up to 170 MB; give at least --max-memory "
        "180MB, or what would fit: --base-channels 1 (135 MB)."
    ]
    assert train(*flags, "--max-memory", "140MB", "--base-channels", 1) == 0


def test_a_resumed_run_keeps_what_was_chosen(discs, tmp_path, monkeypatch, capsys, forecast):
    assert train(discs, "--out", tmp_path / "whole", *FOURS, "--max-memory", "250MB") == 0
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointWriter, "on_step", interrupt)
        assert train(discs, "--out", tmp_path / "run", *FOURS, "--max-memory", "250MB") == 130
    monkeypatch.setattr(PeakForecast, "peak", lambda self, config, enough=None: 3e8)  # another machine, say
    capsys.readouterr()
    assert train("--resume", tmp_path / "run") == 0
    text = said(capsys)
    assert "limit" not in text and "warning this is more than --max-memory 250 MB." in text
    assert_same_run(tmp_path / "whole", tmp_path / "run")
    assert config(tmp_path / "run") == config(tmp_path / "whole")


def test_a_run_that_was_stopped_before_its_first_step_chooses_again(discs, tmp_path, monkeypatch, batches):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("minunet.runs.training_run.TrainingRun.load", interrupt)
        assert train(discs, "--out", run, *FOURS, "--max-memory", "250MB") == 130
    assert config(run)["batch_size"] == 4
    assert train("--resume", run) == 0
    assert set(batches) == {(2, True)} and config(run)["batch_size"] == 2


def test_a_resumed_run_takes_a_limit_with_its_own_batches_or_refuses_it(discs, tmp_path, monkeypatch, capsys, batches):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointWriter, "on_step", interrupt)
        assert train(discs, "--out", run, *FOURS) == 130
    before = (run / "config.json").read_bytes()
    capsys.readouterr()
    assert train("--resume", run, "--max-memory", "300MB") == 2
    assert problems(capsys) == [
        "--max-memory 300 MB: with batches of 4 and --recompute this training takes up to 380 MB, and a resumed run keeps its "
        "batches, its network and its size; give at least --max-memory 390MB."
    ]
    assert (run / "config.json").read_bytes() == before
    batches.clear()
    assert train("--resume", run, "--max-memory", "390MB") == 0
    assert "limit 390 MB at most; chosen: --recompute (up to 380 MB)" in said(capsys)
    assert set(batches) <= {(4, True), (2, True)} and batches


def test_without_a_limit_a_peak_beyond_the_machine_names_the_flag(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minunet.runs.run_messages.available_memory", lambda: 150 * MB)
    monkeypatch.setattr("minunet.runs.run_messages.resident_memory", lambda: 50.0 * MB)
    monkeypatch.setattr("minunet.runs.training_run.forecast", interrupt)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 130
    text = said(capsys)
    assert (
        "warning this is more than the 200 MB that this machine or its container has left: --max-memory 200MB" in text
    )


def test_images_take_at_most_a_third_of_the_limit(discs, tmp_path, monkeypatch):
    limits = []
    plain = run_batches.Batches

    def made(*arguments, limit, **options):
        limits.append(limit)
        return plain(*arguments, limit=limit, **options)

    monkeypatch.setattr("minunet.runs.run_batches.Batches", made)
    assert train(discs, "--out", tmp_path / "run", *TINY, "--epochs", 1, "--max-memory", "1.2GB") == 0
    assert limits == [300 * MB, 50 * MB, 50 * MB]  # of 6, 1 and 1 images


def test_a_network_that_is_too_large_is_refused_before_it_is_built(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minunet.runs.run_network.total_memory", lambda: 24 * 10**9)
    monkeypatch.setattr("minunet.runs.run_network.UNet", interrupt)
    run = tmp_path / "run"
    assert train(discs, "--out", run, "--base-channels", 60000, "--device", "cpu") == 2
    assert "--base-channels 60000 with --depth 4: the network has" in problems(capsys)[0]
    assert not (run / "config.json").exists() and not (run / "split.json").exists()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("2gb", 2 * 10**9),
        ("1.5GiB", 3 << 29),
        ("800 MB", 800 * MB),
        ("512MiB", 512 << 20),
        ("900000KB", 900 * MB),
        ("3KiB", 3072),
        (".5TB", 5 * 10**11),
        ("1TiB", 1 << 40),
    ],
)
def test_units(text, size):
    assert memory_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "2G",
        "GB",
        "-2GB",
        "0GB",
        "nanGB",
        "infGB",
        "1e3MB",
        "2 G B",
        "2,5GB",
        "٢GB",
        "",
        "9999999999TB",
        "1" * 400 + "GB",
    ],
)
def test_what_is_no_amount_of_memory_is_refused(text, discs, tmp_path, capsys):
    assert train(discs, "--out", tmp_path / "run", *TINY, f"--max-memory={text}") == 2
    assert any(problem.startswith("--max-memory") for problem in problems(capsys))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("value", ["2GB", 0, -1, 1.5, True, 2**70])
def test_a_stored_limit_is_checked(value, discs, tmp_path, capsys, finished):
    run = tmp_path / "run"
    run.mkdir()
    stored = {**config(finished), "max_memory": value}
    (run / "config.json").write_text(json.dumps(stored))
    assert train("--resume", run) == 2
    assert any("--max-memory" in problem and "give an amount of memory" in problem for problem in problems(capsys))
