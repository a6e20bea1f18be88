"""Where figures go: one JSON file per benchmark, with the machine it ran on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine

FOLDER = Path(__file__).resolve().parent / "results"


def save(name: str, command: str, figures: Any, folder: Path | None = None) -> Path:
    """Write `figures` with the command that makes them and the machine to <folder>/<name>.json; returns the path."""
    folder = FOLDER if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {"command": command, "machine": describe_machine(), "figures": figures}
    path.write_text(json.dumps(content, indent=1, sort_keys=False) + "\n", encoding="utf-8")
    return path
