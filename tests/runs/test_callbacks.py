"""What is printed during a training, on a terminal and in a log, and when its files are saved."""

import io
import sys
from dataclasses import replace

from minunet.runs.callbacks import HEADER, LEGEND, CheckpointWriter, CurveDrawer, EpochLines, ProgressBar
from minunet.training.events import COLUMNS, EpochRecord, StartRecord, StepRecord

EPOCH = replace(
    EpochRecord(**dict.fromkeys(COLUMNS, 0.0)),
    epoch=1,
    step=3,
    best=True,
    val_dice=0.91234,
    val_iou=0.8391,
    val_accuracy=0.9512,
    val_baseline=0.6934,
    val_loss=0.1234,
    train_loss=0.2345,
    seconds=6.24,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def step(number, batches=3):
    epoch, batch = divmod(number - 1, batches)
    return StepRecord(epoch + 1, batch + 1, number, 0.4321, 0.8765, 1e-3)


def test_the_bar_on_a_terminal_of_80_columns_has_epoch_time_left_loss_and_dice(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    bar = ProgressBar(stream)
    bar.on_start(StartRecord(epochs=40, batches=3, step=0))
    for number in range(1, 5):
        bar.on_step(step(number))
    bar._bar.refresh()
    shown = stream.getvalue().split("\r")[-1]
    bar.on_end()
    assert shown.startswith("epoch 2/40   3%|") and shown.rstrip().endswith("loss 0.432, Dice 0.876")
    assert "left" in shown and len(shown.rstrip()) <= 80


def test_a_resumed_bar_begins_where_the_training_does():
    stream = Terminal()
    bar = ProgressBar(stream)
    bar.on_start(StartRecord(epochs=2, batches=3, step=3))
    bar.on_step(step(4))
    bar._bar.refresh()
    bar.on_interrupt(True)
    assert " 67%|" in stream.getvalue()


def test_without_a_terminal_there_is_a_line_a_minute_and_no_control_characters():
    stream, clock = io.StringIO(), Clock()
    bar = ProgressBar(stream, clock)
    bar.on_start(StartRecord(epochs=2, batches=3, step=0))
    for number in (1, 2, 3):
        clock.now += 25
        bar.on_step(step(number))
    assert stream.getvalue() == "epoch 1/2, step 3/3: loss 0.432, Dice 0.876, 1:15 left\n"
    bar.on_epoch_end(EPOCH)
    clock.now += 50
    bar.on_step(step(4))
    bar.on_end()
    assert stream.getvalue().count("\n") == 1


def test_the_line_of_an_epoch_stands_under_its_headings_and_fits_80_columns():
    lines = []
    callback = EpochLines(lines.append)
    callback.on_start(StartRecord(epochs=40, batches=3, step=0))
    callback.on_epoch_end(EPOCH)
    assert lines[0] == f"{LEGEND}\n{HEADER}"
    # 0.4694 = 2 f / (1 + f) for f = 0.3066, the share of cell
    values = ["1/40", "0.9123*", "0.4693", "0.8391", "0.9512", "0.6934", "0.1234", "0.2345", "6.2s", "4:03"]
    assert lines[1].split() == values
    callback.on_epoch_end(replace(EPOCH, val_loss=3.4e13, train_loss=2102149.9))
    assert lines.pop().split()[6:8] == ["3.4e+13", "2.1e+06"]
    headings = HEADER.splitlines()[1]
    ends = [
        headings.index(word) + len(word) for word in ("epoch", "Dice", "trivial", "IoU", "accuracy", "time", "left")
    ]
    line = lines[1].replace("*", " ")
    assert all(line[end - 1] != " " and line[end : end + 1] in ("", " ") for end in ends)
    assert max(map(len, [*LEGEND.splitlines(), *HEADER.splitlines(), *lines[1:]])) <= 80


def test_a_training_that_has_nothing_left_to_do_prints_no_headings():
    lines = []
    EpochLines(lines.append).on_start(StartRecord(epochs=2, batches=3, step=6))
    assert lines == []


def test_a_bar_on_the_terminal_makes_way_for_the_lines(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    bar, lines = ProgressBar(), EpochLines(lambda line: sys.stderr.write(f"<{line}>\n"))
    for callback in (lines, bar):
        callback.on_start(StartRecord(epochs=2, batches=3, step=0))
    bar.on_step(step(1))
    bar._bar.refresh()
    lines.on_epoch_end(EPOCH)
    before, row = sys.stderr.getvalue().split("<")[-2:]
    bar.on_end()
    assert "1/2" in row
    assert before.rstrip("\r").endswith(" ") and before.endswith(
        "\r"
    )  # blanked out, and the cursor at the line's begin


def test_the_best_model_is_saved_when_it_is_best_and_the_state_always():
    saved = []
    callback = CheckpointWriter(lambda record: saved.append(("best", record.epoch)), lambda: saved.append("last"))
    callback.on_epoch_end(EPOCH)
    callback.on_epoch_end(replace(EPOCH, epoch=2, best=False))
    callback.on_interrupt(True)
    callback.on_interrupt(False)
    assert saved == [("best", 1), "last", "last", "last"]


def test_curves_are_drawn_now_and_then_and_at_every_end():
    drawn, clock = [], Clock()
    callback = CurveDrawer(lambda: drawn.append(clock.now), every=60, clock=clock)
    for now in (50, 70, 100, 140):
        clock.now = now
        callback.on_epoch_end(EPOCH)
    assert drawn == [70, 140]
    callback.on_interrupt(False)
    callback.on_interrupt(True)
    callback.on_end()
    assert drawn == [70, 140, 140, 140]
