"""The commands in the blocks of the pages, and how each is made small enough to run in a test."""

import itertools
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHER_LANGUAGES = ("python", "text", "cuda", "json", "mermaid")  # blocks of these hold no commands
PROGRAM = re.compile(
    r"(?:python[0-9.]*|pip3?|cd|git|conda|apt(?:-get)?|sudo|docker|export|source|sh|bash|curl|wget|mpiexec|mpirun|srun|dask|torchrun|"
    r"code|open|\.|\.ci/run)(?=\s)|[A-Z_]+=\S+ "
)
OURS = re.compile(r"python -m minunet\.(\w+)\b(.*)")

# Commands of the pages that no test runs, by how they begin, and why.
NOT_RUN = {
    "python3 -m venv": "makes an environment",
    ". .venv/bin/activate": "makes an environment",
    "python -m pip install": "installs packages",
    "python -m pytest": "this is a test",
    "python -m minunet.predict runs/first smears --out results --dask": "needs a cluster; tests/workers has its tests",
    "python -m benchmarks": "measures times for minutes or hours",
    "python count_cells.py": "the script of an exported model, which tests/exchange/single_file runs",
    "python -m minunet.import_model": "reads weights of PyTorch; tests/commands/test_import_model.py runs it",
    "python -m minunet.predict imported.safetensors": "the model of the command before",
    "mpiexec": "starts several processes with an MPI library, and has tests of its own",
    "python tools/": "writes the tables of pages, or trains for hours; tests/tools has its tests",
}
# What is typed last counts: these make a command small.
SMALL_NETWORK = "--size 32x24 --depth 1 --base-channels 2"
SMALL = {
    "train": f"{SMALL_NETWORK} --batch-size 4 --epochs 1 --device cpu",
    "train --resume": "--epochs 2 --device cpu",
    "train --init": "--batch-size 4 --epochs 1 --device cpu",  # the network is that of the model
    "synthesize": "--count 12 --size 96x72",
    "paper": (
        "--size 16x12 --claims-size 16x12 --base-channels 2 --claims-base-channels 2 --depth 1 --epochs 1 --claims-epochs 1 "
        "--only m1m2 --device cpu"
    ),
    "predict": "--device cpu",
    "evaluate": "--device cpu",
    "show": "--device cpu",
    "describe": "--device cpu",
}
WRITES = (
    "--out",
    "--onnx",
    "--torch",
    "--bioimageio",
    "--single-file",
    "--dump",
    "--sheet",
)  # flags that name what is written
NEWEST = ("runs/<time>", "runs/...")  # the run that the command before has written


def commands_of(page: Path) -> list[str]:
    """The commands in the blocks of a page, without comments; lines that a backslash continues are one command."""
    commands: list[str] = []
    continues = False
    for line in block_lines(page.read_text(encoding="utf-8")):
        if continues or PROGRAM.match(line):
            part = line.removesuffix("\\").strip()
            commands = [*commands[:-1], f"{commands[-1]} {part}"] if continues else [*commands, part]
            continues = line.endswith("\\")
    return [re.sub(r"\s+#.*", "", command) for command in commands]


def block_lines(text: str) -> Iterator[str]:
    """The lines of the blocks of code of a page that may hold commands: indented ones, and fenced ones of no other language."""
    fence: str | None = None
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[3:].strip() if fence is None else None
        elif fence is not None:
            if fence not in OTHER_LANGUAGES:
                yield line.strip()
        elif line.startswith("    "):
            yield line.strip()


def reason_not_run(command: str) -> str | None:
    """Why a command is not run; None for one that is."""
    return next((reason for start, reason in NOT_RUN.items() if command.startswith(start)), None)


def in_a_test(command: str, folder: Path) -> tuple[str, list[str]]:
    """The module of a command, and its arguments in a folder where what the pages name is drawn and small.

    Whatever the command writes to is taken away before, as a reader has no such folder yet.

    Raises
    ------
    ValueError
        If it is none of ours.
    """
    found = OURS.fullmatch(command)
    if found is None:
        raise ValueError(f"{command}: is no command of minunet; add it to NOT_RUN with the reason why no test runs it")
    module, words = found[1], shlex.split(found[2])
    runs = sorted((folder / "runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)
    words = [f"runs/{runs[-1].name}" if word in NEWEST else word for word in words]
    kind = next((f"{module} {flag}" for flag in ("--resume", "--init") if flag in words), module)
    written = [words[0]] if module == "synthesize" else []
    written += [value for name, value in itertools.pairwise(words) if name in WRITES]
    for path in (folder / name for name in written):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return module, [*words, *SMALL.get(kind, SMALL.get(module, "")).split()]
