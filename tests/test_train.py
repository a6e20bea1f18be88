"""`python -m minunet.train` from the command line to the files it leaves: small runs on discs, stopped, resumed and broken."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import minunet
import minunet.results.curves
from minunet.data.batches import Batches
from minunet.kernels import backend
from minunet.train import main
from minunet.training.callbacks import Checkpoints
from minunet.training.checkpoint import load_state, save_state
from minunet.training.config import TrainConfig
from minunet.training.folder import CONTENTS
from minunet.training.trainer import Trainer
from minunet.version import __version__

SMALL = ["--size", "16x16", "--depth", "1", "--base-channels", "2", "--batch-size", "2"]
TINY = [*SMALL, "--epochs", "3", "--lr", "0.01", "--device", "cpu"]


def write_pairs(folder, count=8, size=(24, 20), seed=0):
    """Bright discs on noise: `images/NAME.png` and `masks/NAME.png`."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[1], : size[0]]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        row, column = rng.uniform(6, size[1] - 6), rng.uniform(6, size[0] - 6)
        mask = (rows - row) ** 2 + (columns - column) ** 2 < 25
        grey = np.clip(60 + 120 * mask + rng.normal(0, 20, mask.shape), 0, 255).astype(np.uint8)
        colour = np.stack([grey, grey // 2, grey // 3 * 2], axis=-1)
        Image.fromarray(colour).save(folder / "images" / f"cell{number}.png")
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "masks" / f"cell{number}.png")
    return folder


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def finished(discs, tmp_path_factory):
    """A run folder that nobody stopped; not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert main([str(discs), "--out", str(out), *TINY]) == 0
    return out


@pytest.fixture(autouse=True)
def quick_curves(finished, monkeypatch):
    """Drawing curves takes longer than such a run; the finished one shows that they are drawn."""
    monkeypatch.setattr("minunet.training.pictures.curves", lambda history, path: path.write_bytes(b"curves"))


def train(*arguments):
    return main([str(argument) for argument in arguments])


def problems(capsys):
    """The problems that the command printed, one string each."""
    text = capsys.readouterr().err
    return [
        line.removeprefix("error: ").removeprefix("  - ")
        for line in text.splitlines()
        if not line.endswith("problems:")
    ]


def history(run):
    with open(run / "history.csv", newline="") as file:
        return [{**row, "seconds": "0"} for row in csv.DictReader(file)]


def assert_same_run(a, b):
    """Weights, moments and history are the same to the last bit; only times may differ."""
    first, second = load_state(a), load_state(b)
    assert first.weights.keys() == second.weights.keys() and first.optimizer.keys() == second.optimizer.keys()
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert all(np.array_equal(first.optimizer[name], second.optimizer[name]) for name in first.optimizer)
    best, other = (minunet.load_model(run).model.state_dict() for run in (a, b))
    assert all(np.array_equal(best[name], other[name]) for name in best)
    assert history(a) == history(b) and first.step == second.step


def test_a_run_leaves_every_file_and_they_agree(finished, discs):
    assert {path.name for path in finished.iterdir()} == {name for name in CONTENTS if not name.endswith("/")}
    metrics = json.loads((finished / "metrics.json").read_text())
    split = json.loads((finished / "split.json").read_text())
    rows = history(finished)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    best = rows[metrics["best_epoch"] - 1]
    assert best["best"] == "1" and float(best["val_dice"]) == max(float(row["val_dice"]) for row in rows)
    assert [row["name"] for row in metrics["test_images"]] == split["test"]
    assert sorted(sum(split.values(), [])) == sorted(path.stem for path in (discs / "images").iterdir())
    assert metrics["versions"]["minunet"] == __version__ and metrics["epochs"] == 3 and metrics["seconds"] > 0
    assert metrics["test"]["baseline"] == pytest.approx(1 - foreground(finished, discs, split["test"]))
    assert TrainConfig.read(finished / "config.json").size == (16, 16)
    for name in ("predictions.png", "curves.png", "augmentation.png"):
        with Image.open(finished / name) as picture:
            assert min(picture.size) > 100


def foreground(run, discs, names):
    preprocessing = minunet.load_model(run).preprocessing
    masks = [preprocessing.target(np.asarray(Image.open(discs / "masks" / f"{name}.png"))) for name in names]
    return np.mean(masks)


def test_the_model_file_describes_itself_and_predicts_alone(finished, discs):
    model = minunet.load_model(finished / "model.safetensors")
    probability = model.predict(discs / "images" / "cell0.png")
    assert probability.shape == (20, 24) and probability.dtype == np.float32
    metrics = json.loads((finished / "metrics.json").read_text())
    assert model.metrics["test"] == metrics["test"] and model.metrics["validation"] == metrics["validation"]
    assert model.extra["training"]["epochs"] == 3
    assert "data" not in model.extra["training"]  # where the data lay is not handed on with the model


def test_training_lowers_the_loss(discs, tmp_path):
    assert train(discs, "--out", tmp_path / "run", *TINY, "--epochs", 12, "--base-channels", 4) == 0
    losses = [float(row["val_loss"]) for row in history(tmp_path / "run")]
    assert losses[-1] < 0.8 * losses[0]


def test_what_is_said_fits_80_columns_and_names_what_matters(discs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(discs, "--out", "run", *TINY) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert all(len(line) <= 80 for line in lines if str(discs) not in line)
    for text in (
        f"data      {discs}",
        "          8 pairs, all 24x20",
        "split     6 to train, 1 to validate, 1 to test (split.json)",
        "input     grey, resized to 16x16; binary masks, cut at Otsu's threshold",
        "model     U-Net, paper variant, base 2, depth 1:",
        "          9 convolutions, 485 parameters",
        "training  3 epochs of 3 steps, batches of 2, light augmentation,",
        "          bce loss, Adam, onecycle rate up to 0.01, gradients up to 1, seed 0",
        "          run/curves.png",
        "use       python -m minunet.predict run/model.safetensors IMAGES --out DIR",
    ):
        assert text in lines
    assert re.search(r"^device    cpu, \d+ threads?$", said.out, re.M)
    assert re.search(r"^time      about \S+ an epoch, \S+ in all", said.out, re.M)
    assert re.search(r"^memory    about (\d+ MB|\d+\.\d GB) at the peak \(an estimate from shapes\)$", said.out, re.M)
    assert re.search(r"^    3/3   0\.\d{4}", said.out, re.M)
    assert re.search(r"^test      Dice 0\.\d{4}, IoU 0\.\d{4}, ", said.out, re.M)
    assert said.err == ""  # no terminal: no bar


def test_the_same_seed_gives_the_same_run_and_another_seed_another(finished, discs, tmp_path):
    assert train(discs, "--out", tmp_path / "again", *TINY) == 0
    assert_same_run(finished, tmp_path / "again")
    assert train(discs, "--out", tmp_path / "other", *TINY, "--seed", 1) == 0
    assert history(tmp_path / "other") != history(finished)


def test_the_number_of_threads_changes_nothing(finished, discs, tmp_path, monkeypatch):
    monkeypatch.setattr("minunet.kernels.cpu.threads._num_threads", None)  # put back after the test
    assert train(discs, "--out", tmp_path / "run", *TINY, "--threads", 3) == 0
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["threads"] == 3
    assert_same_run(finished, tmp_path / "run")


def test_a_disk_that_is_full_ends_with_the_file_and_a_remedy_and_the_earlier_state_stands(
    discs, tmp_path, monkeypatch, capsys
):
    def full(source, target):
        if str(target).endswith("last.safetensors") and target.exists():
            raise OSError(28, "No space left on device")
        plain(source, target)

    plain = os.replace
    monkeypatch.setattr(os, "replace", full)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 2
    assert (
        f"{run}/last.safetensors: cannot be written (No space left on device); free some space" in problems(capsys)[0]
    )
    assert load_state(run).epoch == 1
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


class PowerCut(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


@pytest.mark.parametrize("epoch", [1, 2])
def test_resumed_from_the_end_of_an_epoch_it_is_as_if_never_stopped(epoch, finished, discs, tmp_path, monkeypatch):
    plain = Checkpoints.on_epoch_end

    def cut(self, record):
        plain(self, record)
        if record.epoch == epoch:
            raise PowerCut

    monkeypatch.setattr(Checkpoints, "on_epoch_end", cut)
    with pytest.raises(PowerCut):
        train(discs, "--out", tmp_path / "run", *TINY)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert train("--resume", tmp_path / "run") == 0
    assert_same_run(finished, tmp_path / "run")


def test_an_epoch_in_the_history_that_was_not_saved_is_trained_again(finished, discs, tmp_path, monkeypatch):
    def cut(self, record):
        if record.epoch == 2:  # its row is in history.csv, its weights are not in last.safetensors
            raise PowerCut
        plain(self, record)

    plain = Checkpoints.on_epoch_end
    monkeypatch.setattr(Checkpoints, "on_epoch_end", cut)
    with pytest.raises(PowerCut):
        train(discs, "--out", tmp_path / "run", *TINY)
    monkeypatch.undo()
    assert len(history(tmp_path / "run")) == 2 and load_state(tmp_path / "run").epoch == 1
    assert train("--resume", tmp_path / "run") == 0
    assert_same_run(finished, tmp_path / "run")


@pytest.mark.parametrize("step", [2, 3, 5])
def test_ctrl_c_keeps_everything_says_how_to_resume_and_the_resumed_run_is_the_same(
    step, finished, discs, tmp_path, monkeypatch, capsys
):
    plain = Trainer._step

    def stepping(self, images, masks):
        rate = plain(self, images, masks)
        if self.progress.step == step:
            signal.raise_signal(signal.SIGINT)
        return rate

    monkeypatch.setattr(Trainer, "_step", stepping)
    handler = signal.getsignal(signal.SIGINT)  # a test run in the background has it ignored
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    said = capsys.readouterr()
    epoch, batch = divmod(step, 3)
    where = f"in epoch {epoch + 1} of 3, after step {batch} of 3" if batch else "in epoch 1 of 3, after step 3 of 3"
    assert f"stopped   {where}; nothing is lost" in said.out
    assert f"resume    python -m minunet.train --resume {run}" in said.out
    assert load_state(run).step == step
    assert signal.getsignal(signal.SIGINT) is handler
    monkeypatch.undo()
    assert train("--resume", run) == 0
    assert f"resumed   at epoch {1 if step == 3 else epoch + 1}, step " in capsys.readouterr().out
    assert_same_run(finished, run)


def test_a_keyboard_interrupt_from_anywhere_in_the_loop_ends_cleanly(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Checkpoints, "on_step", interrupt)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 130
    assert load_state(tmp_path / "run").step == 1
    assert "--resume" in capsys.readouterr().out


def test_a_second_ctrl_c_stops_at_once_and_says_what_stands(discs, tmp_path, monkeypatch, capsys):
    plain = Trainer._step

    def stepping(self, images, masks):
        if self.progress.step == 4:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return plain(self, images, masks)

    monkeypatch.setattr(Trainer, "_step", stepping)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    said = " ".join(capsys.readouterr().out.split())  # the line may be folded
    assert f"stopped at once; {run}/last.safetensors is from before the current epoch" in said
    assert load_state(run).epoch == 1 and load_state(run).step == 3


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


def test_ctrl_c_before_the_first_step_says_how_to_go_on_and_it_does(finished, discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Batches, "load", interrupt)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    assert f"resume    python -m minunet.train --resume {run}" in capsys.readouterr().out
    monkeypatch.undo()
    assert train("--resume", run) == 0
    assert_same_run(finished, run)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_real_signal_to_a_process_leaves_a_run_that_goes_on_bit_for_bit(number, code, discs, tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    settings = [*TINY, "--schedule", "constant"]
    command = [sys.executable, "-m", "minunet.train", str(discs), "--out", str(run), *settings, "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "/100000 " in line:  # an epoch is done
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "nothing is lost" in out and f"--resume {run}" in out
    assert err.strip() == "Stopping after this step; everything is kept. Ctrl-C again stops at once."
    state = load_state(run)
    # The same training, shorter: with a constant rate the number of epochs changes nothing before the end.
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "epochs": state.epoch + 1}))
    assert train("--resume", run) == 0
    assert train(discs, "--out", whole, *settings, "--epochs", state.epoch + 1) == 0
    assert_same_run(run, whole)


def test_a_finished_run_says_so_and_more_epochs_go_on(finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    assert train("--resume", run) == 0
    assert "finished  all 3 epochs are done and tested" in capsys.readouterr().out
    assert train("--resume", run, "--epochs", 4) == 0
    assert [row["epoch"] for row in history(run)] == ["1", "2", "3", "4"]
    assert TrainConfig.read(run / "config.json").epochs == 4
    assert train("--resume", run, "--epochs", 2) == 2
    assert TrainConfig.read(run / "config.json").epochs == 4
    assert "--epochs 2: this run has 4 epochs behind it" in problems(capsys)[0]


def test_recompute_keeps_less_and_changes_no_bit_and_may_be_switched_when_resumed(
    finished, discs, tmp_path, monkeypatch
):
    keeps = []  # of each forward pass of a training step, whether its blocks are computed again
    forward = minunet.UNet.forward

    def noting(model, x):
        if model.training:
            keeps.append(not model.recompute)
        return forward(model, x)

    monkeypatch.setattr(minunet.UNet, "forward", noting)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY, "--recompute") == 0
    assert keeps and not any(keeps)
    assert TrainConfig.read(run / "config.json").recompute
    expected, found = (minunet.load_model(folder).model.state_dict() for folder in (finished, run))
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    keeps.clear()
    assert train("--resume", run, "--no-recompute", "--epochs", 4) == 0
    assert keeps and all(keeps)
    assert not TrainConfig.read(run / "config.json").recompute


def test_a_resumed_run_keeps_its_settings_and_its_split(finished, discs, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    assert train("--resume", run, "--lr", 0.5, "--variant", "classic", "--seed", 0) == 2
    first, second = problems(capsys)
    assert first.startswith("--variant classic: this run has paper, and a resumed run keeps its settings")
    assert second.startswith("--lr 0.5: this run has 0.01, and")
    moved = shutil.copytree(discs, tmp_path / "moved")
    (run / "metrics.json").unlink()
    assert train(moved, "--out", run, "--resume") == 0
    assert TrainConfig.read(run / "config.json").data == str(moved)
    (run / "metrics.json").unlink()
    lost = json.loads((run / "split.json").read_text())["train"][0]
    (moved / "images" / f"{lost}.png").unlink()
    (moved / "masks" / f"{lost}.png").unlink()
    assert train("--resume", run) == 2
    assert f"the pair {lost} of the recorded split is no longer there" in problems(capsys)[0]


def test_without_data_it_draws_smears_into_the_run_folder_and_trains_on_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minunet.training.material.DRAWN_COUNT", 5)
    run = tmp_path / "run"
    assert train("--out", run, *TINY, "--epochs", 1, "--size", "32x24") == 0
    said = capsys.readouterr().out
    assert f"data      drawn by minunet: {run}/synthetic" in said and "5 pairs, all 32x24" in said
    assert sorted(path.name for path in (run / "synthetic" / "images").iterdir())[0] == "smear_0000.png"
    config = TrainConfig.read(run / "config.json")
    assert config.drawn and config.epochs == 1 and config.size == (32, 24)
    shutil.rmtree(run / "synthetic")
    (run / "metrics.json").unlink()
    assert train("--resume", run) == 0  # drawn again, the same


def test_the_run_folder_is_named_after_the_time_unless_told(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train(discs, *TINY, "--epochs", 1) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}", run.name) and (run / "model.safetensors").is_file()


@pytest.mark.parametrize(
    "flags",
    [
        "--mask grayscale",
        "--channels rgb --augment full --variant classic --loss bce+dice --schedule cosine",
        "--crop 8 --augment none",
        "--split 50/25/25 --group cell([0-9]) --threshold 0.5 --clip 0",
    ],
)
def test_the_other_ways_to_train_run_too(flags, discs, tmp_path, capsys):
    tiny = TINY[2:] if "--crop" in flags else TINY
    assert train(discs, "--out", tmp_path / "run", *tiny, "--epochs", 1, *flags.split()) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert 0 <= metrics["test"]["dice"] <= 1
    said = capsys.readouterr().out
    if "--crop" in flags:
        assert "crops of 8x8" in said
        assert len(metrics["test_images"]) == 1  # its pieces count as one image
    if "grayscale" in flags:
        assert "the validation masks allow a cross-entropy no lower than 0." in said
        assert "validation loss" in said
    if "50/25/25" in flags:
        assert "4 to train, 2 to validate, 2 to test" in said


def test_without_matplotlib_one_line_says_how_to_get_it(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minunet.training.pictures.curves", minunet.results.curves.curves)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert train(discs, "--out", tmp_path / "run", *TINY, "--epochs", 1) == 0
    said = capsys.readouterr().out
    assert said.count("pip install 'minunet[plots]'") == 1
    assert not (tmp_path / "run" / "curves.png").exists() and "curves.png" not in said


def test_a_loss_that_is_no_number_stops_with_the_remedy_and_keeps_the_last_good_model(
    discs, tmp_path, monkeypatch, capsys
):
    plain = Trainer._step

    def stepping(self, batch, following):
        images, masks = batch
        return plain(self, (images * np.float32("nan") if self.progress.step == 4 else images, masks), following)

    monkeypatch.setattr(Trainer, "_step", stepping)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 2
    (problem,) = problems(capsys)
    assert problem.startswith("the loss became nan in epoch 2, step 2 of 3, at a learning rate of ")
    assert (
        "lower --lr, to 0.001 say" in problem
        and f"{run}/model.safetensors holds the best model so far, of epoch 1" in problem
    )
    assert (
        load_state(run).epoch == 1
        and np.isfinite(minunet.load_model(run).predict(discs / "images" / "cell0.png")).all()
    )


def test_too_little_memory_for_a_step_is_an_error_with_the_remedy(discs, tmp_path, monkeypatch, capsys):
    def full(self, batch, following):
        raise MemoryError("Unable to allocate 64 GiB")

    monkeypatch.setattr(Trainer, "_step", full)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 2
    assert "lower --batch-size, --size or --base-channels" in problems(capsys)[0]


def test_too_little_free_memory_is_said_before_the_first_step(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minunet.training.announcement.available_memory", lambda: 1e7)
    monkeypatch.setattr("minunet.training.announcement.resident_memory", lambda: 0.0)
    monkeypatch.setattr("minunet.training.run.forecast", interrupt)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 130
    said = " ".join(capsys.readouterr().out.split())
    assert "warning only 10 MB more are free: lower --batch-size, --size or --base-channels." in said


def test_everything_wrong_is_said_at_once_with_the_data_and_the_folder(discs, finished, tmp_path, capsys, monkeypatch):
    def no_gpu(device):
        raise minunet.errors.UserError('device "cuda" cannot be used: CuPy is not installed; install it')

    monkeypatch.setattr(backend, "resolve_device", no_gpu)
    broken = shutil.copytree(discs, tmp_path / "broken")
    (broken / "masks" / "cell3.png").unlink()
    (broken / "images" / "cell5.png").write_text("no picture")
    flags = [
        "--epochs",
        "0",
        "--lr",
        "-0.1",
        "--size",
        "0x5",
        "--loss",
        "mse",
        "--split",
        "0.9,0.2,0.1",
        "--group",
        "(",
    ]
    flags += ["--threshold", "2", "--device", "cuda"]
    assert train(broken, "--out", finished, *flags) == 2
    text = "\n".join(problems(capsys))
    for part in (
        "--epochs 0: must be at least 1",
        "--lr -0.1: must be greater than 0",
        "--size 0x5: width and height must be at least 1",
        "--loss mse: choose one of bce, dice, bce+dice",
        "--split 0.9,0.2,0.1: the shares add up to 1.2",
        "--group (: this is no regular expression",
        "--threshold 2: must be from 0 to 1",
        "CuPy is not installed",
        f"{finished} already holds a run",
        "cell3.png",
        "cell5.png",
    ):
        assert part in text


def test_pairs_that_cannot_be_split_are_reported_with_the_rest(tmp_path, capsys):
    few = write_pairs(tmp_path / "few", count=2)
    assert train(few, "--out", tmp_path / "run", *TINY, "--epochs", 0) == 2
    first, second = problems(capsys)
    assert first.startswith("--epochs 0") and second.startswith("2 pairs found, but three are needed")


def test_a_state_of_another_program_is_refused(finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "metrics.json").unlink()
    state = load_state(run)
    model = minunet.UNet(**state.architecture)
    save_state(
        run / "last.safetensors", model, minunet.optim.Adam(model.parameters()), epoch=1, step=1, config={}, history=[]
    )
    assert train("--resume", run) == 2
    assert "last.safetensors: this state was not written by minunet.train" in problems(capsys)[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "8x256", "--depth", "4"], "--size 8x256 is too small: --depth 4 halves it 4 times"),
        (["--crop", "8"], "--crop 8 is too small: --depth 4 halves it 4 times"),
        (["--crop", "64", "--size", "64x64"], "--size and --crop exclude each other"),
        (["--depth", "9"], "--depth 9: give a whole number from 1 to 8."),
        (["--threads", "none"], "--threads none: must be a whole number"),
        (["--split", "a,b"], "--split a,b: give shares for training, validation and test"),
        (["--no-such-flag"], "unknown argument: --no-such-flag"),
        (["--resume", "nowhere"], "nowhere: there is no such run folder to resume"),
        (["--resume", "."], "this folder holds no run (no config.json)"),
        (["--resume"], "--resume: name the run folder"),
        (["--resume", "a", "--out", "b"], "--out b and --resume a are different folders"),
    ],
)
def test_each_mistake_has_its_message(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train(*arguments) == 2
    assert any(message in problem for problem in problems(capsys))
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_refused_before_anything_is_done(discs, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train(discs, "--out", tmp_path / "file" / "run", *TINY) == 2
    assert "nothing can be written there (Not a directory)" in problems(capsys)[0]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where nobody may write")
def test_a_folder_where_nobody_may_write_is_refused(discs, capsys):
    assert train(discs, "--out", "/proc/run", *TINY) == 2
    assert "--out /proc/run: nothing can be written there" in problems(capsys)[0]


def test_swapped_folders_and_an_empty_folder_are_refused(discs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert train("--images", discs / "masks", "--masks", discs / "images", "--out", tmp_path / "run", *TINY) == 2
    assert "swapped" in " ".join(problems(capsys))
    assert train(tmp_path / "empty", "--out", tmp_path / "run", *TINY) == 2
    assert str(tmp_path / "empty") in problems(capsys)[0]
    assert not (tmp_path / "run").exists()


def test_help_teaches_the_groups_the_defaults_and_the_run_folder(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as leaving:
        train("--help")
    text = capsys.readouterr().out
    assert leaving.value.code == 0 and max(map(len, text.splitlines())) <= 80
    for part in ("data:", "network:", "training:", "(default 0.002)", "examples:", "the run folder:", *CONTENTS):
        assert part in text
    for field in TrainConfig.__dataclass_fields__:
        hidden = field in ("data", "activation", "pooling", "block_end_relu")
        assert hidden or "--" + field.replace("_", "-") in text


def test_a_precision_that_the_cpu_has_not_is_one_error(discs, tmp_path, capsys):
    for precision in ("tf32", "bf16"):
        assert train(discs, "--out", tmp_path / "run", "--device", "cpu", "--precision", precision) == 2
        (problem,) = problems(capsys)
        assert problem.startswith(f"--precision {precision}: the CPU computes in fp32 alone; give fp32")
    assert not (tmp_path / "run").exists()


def test_the_precision_is_kept_in_the_run_and_when_it_is_resumed(discs, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY, "--device", "cpu", "--epochs", "1") == 0
    assert json.loads((run / "config.json").read_text())["precision"] == "fp32"  # what auto came to
    assert json.loads((run / "metrics.json").read_text())["precision"] == "fp32"
    settings = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**settings, "precision": "bf16"}))
    capsys.readouterr()
    assert train("--resume", run, "--epochs", "2", "--device", "cpu") == 2
    assert "--precision bf16: the CPU computes in fp32 alone" in problems(capsys)[0]
    assert train("--resume", run, "--epochs", "2", "--device", "cpu", "--precision", "fp32") == 0
    assert json.loads((run / "config.json").read_text())["precision"] == "fp32"
