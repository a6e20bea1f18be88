"""Runs the commands on a GPU as a user would: draw smears, train in each precision, resume, evaluate and predict."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

WHOLE_RUNS = "whole runs"
PRECISIONS = ("bf16", "tf32", "fp32")
SMALLEST_DICE = 0.8  # of the test images; a network that has learned nothing has less than 0.5
SETTINGS = ("--size", "128x128", "--base-channels", "16", "--batch-size", "4", "--target", "pixels", "--no-report")


def whole_runs(
    device: str = "cuda",
    *,
    count: int = 40,
    precisions: tuple[str, ...] = PRECISIONS,
    settings: tuple[str, ...] = SETTINGS,
    epochs: int = 24,
    least: float = SMALLEST_DICE,
) -> dict[str, Any]:
    """For each precision the seconds of a training that is resumed half-way, its test Dice, and the predicted files.

    Parameters
    ----------
    device : str
    count : int
        Drawn smears.
    precisions : tuple of str
    settings : tuple of str
        Flags of `minunet.train`.
    epochs : int
        In all; half of them before the run is resumed.
    least : float
        A smaller Dice is reported under "failed".
    """
    from minunet import evaluate, predict, synthesize, train

    found: dict[str, Any] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "smears"
        _run(synthesize, data, "--count", count, "--size", "128x128")
        for precision in precisions:
            run, out = Path(name) / precision, Path(name) / f"{precision}_predicted"
            machine = ("--device", device, "--precision", precision)
            began = time.perf_counter()
            try:
                _run(train, data, "--out", run, *settings, "--epochs", epochs // 2, *machine)
                _run(train, "--resume", run, "--epochs", epochs)
                seconds = time.perf_counter() - began
                _run(evaluate, run, data, "--side", "test", *machine, "--no-report")
                _run(predict, run, data / "images", "--out", out, *machine, "--no-report")
            except RuntimeError as error:
                failed.append(f"{precision}: {error}")
                continue
            dice = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]["dice"]
            masks = len(list(out.glob("*_mask.png")))
            found[precision] = {"seconds": round(seconds, 1), "test_dice": dice, "masks": masks}
            if masks != count or not dice >= least:
                failed.append(f"{precision}: {masks} masks of {count} images, test Dice {dice:.3f}, expected {least}")
    return {**found, "failed": failed}


def _run(command: Any, *arguments: object) -> None:
    """Call a command in this process; a RuntimeError with what it printed where it does not succeed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = command.main([str(argument) for argument in arguments])
    if status:
        name = command.__name__.rpartition(".")[2]
        raise RuntimeError(f"{name} ended with {status}: {said.getvalue().strip()[-300:]}")
