"""The files of figures: one JSON file per benchmark, with the command and the machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from minunet.files.folders import unwritable

FOLDER = Path(__file__).resolve().parent / "results"


def add_out(parser: Any) -> None:
    """Add --out to a parser or a group of arguments. A folder that cannot be written is refused before anything is measured."""
    parser.add_argument("--out", type=_folder, metavar="DIR", help="folder for the JSON (default benchmarks/results)")


def _folder(text: str) -> Path:
    if problem := unwritable(text):
        raise argparse.ArgumentTypeError(problem)
    return Path(text)


def save(name: str, command: str, figures: Any, folder: Path | None = None) -> Path:
    """Write `figures`, the command and the machine to <folder>/<name>.json, and return the path."""
    folder = FOLDER if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {"command": command, "machine": describe_machine(), "figures": figures}
    path.write_text(json.dumps(content, indent=1, sort_keys=False) + "\n", encoding="utf-8")
    return path
