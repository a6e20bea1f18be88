"""The choice of workers: the flags that say who does the work of a command, and what speaks against them."""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from minunet.cli.argument_types import positive_int
from minunet.inference.loaded_model import LoadedModel
from minunet.ranks import find_ranks
from minunet.workers.dask_workers import DaskWorkers
from minunet.workers.process_workers import ProcessWorkers
from minunet.workers.rank_workers import RankWorkers
from minunet.workers.tasks import OwnProcess, Workers


def add_worker_arguments(parser: argparse._ActionsContainer) -> None:
    """Add --workers and --dask to a parser."""
    parser.add_argument(
        "--workers",
        metavar="N",
        type=positive_int,
        help="processes of this machine that share the images, each with one thread unless --threads says otherwise; files and "
        "tables are the same for any number (default 1: this process, with all threads)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="share the images out over a Dask cluster: the address of its scheduler, such as tcp://10.0.0.1:8786; images and "
        "results are on a disk that all machines see (extra: dask)",
    )


def worker_problems(arguments: Namespace, model: LoadedModel | None) -> list[str]:
    """What speaks against the workers that were asked for, a sentence each."""
    ranks = find_ranks().size
    asked = [
        *([f"--workers {arguments.workers}"] if (arguments.workers or 1) > 1 else []),
        *([f"--dask {arguments.dask}"] if arguments.dask is not None else []),
        *([f"mpiexec with {ranks} processes"] if ranks > 1 else []),
    ]
    if len(asked) > 1:
        return [f"{' and '.join(asked)} are two ways to share the images out: use one of them."]
    if asked and model is not None and model.device != "cpu":
        return [
            f"{asked[0]}: a GPU works for one process at a time, and several would fill its memory: leave it out, or compute on "
            "the CPUs with --device cpu."
        ]
    return []


def choose_workers(arguments: Namespace, paths: Sequence[Path]) -> Workers:
    """Those who do the work.

    Parameters
    ----------
    arguments : Namespace
    paths : sequence of Path
        Files that workers on other machines have to see.

    Raises
    ------
    UserError
        If they cannot be reached, or do not see the files.
    """
    threads = arguments.threads or 1
    seen = [os.path.abspath(path) for path in paths]
    if arguments.dask is not None:
        return DaskWorkers(arguments.dask, seen, threads)
    ranks = find_ranks()
    if ranks.size > 1:
        return RankWorkers(ranks, seen, threads)
    if (arguments.workers or 1) > 1:
        return ProcessWorkers(arguments.workers, threads)
    return OwnProcess()


def folder_of(workers: Workers) -> Path:
    """The folder to which paths are relative for these workers; one in another folder needs it."""
    return Path.cwd() if isinstance(workers, (DaskWorkers, RankWorkers)) else Path()
