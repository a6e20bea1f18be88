"""The choice of workers: the flags that say who does the work of a command, and what speaks against them."""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from minunet.cli.argument_types import worker_number
from minunet.cli.console import memory, say_item
from minunet.inference.loaded_model import LoadedModel
from minunet.kernels.cpu.threads import get_num_threads
from minunet.ranks import find_ranks
from minunet.resources import available_memory
from minunet.workers.dask_workers import DaskWorkers
from minunet.workers.process_workers import ProcessWorkers, can_start_processes
from minunet.workers.rank_workers import RankWorkers
from minunet.workers.tasks import OwnProcess, Workers
from minunet.workers.worker_count import TaskCost, fastest_count, memory_of, most_in_memory, threads_each

EstimateCosts = Callable[[bool], Sequence[TaskCost]]  # of all tasks; whether to look closely


def add_worker_arguments(parser: argparse._ActionsContainer) -> None:
    """Add --workers and --dask to a parser."""
    parser.add_argument(
        "--workers",
        metavar="N",
        type=worker_number,
        help="processes of this machine that share the images, each with one thread unless --threads says otherwise; files and "
        "tables are the same for any number (default auto: one for each core, or for each of --threads, as far as there is memory, "
        "where that is faster than one process with all threads)",
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


def choose_workers(arguments: Namespace, paths: Sequence[Path], costs: EstimateCosts, device: str) -> Workers:
    """Those who do the work; a line says how many processes of this machine there are, where there are several.

    Parameters
    ----------
    arguments : Namespace
    paths : sequence of Path
        Files that workers on other machines have to see.
    costs : callable
        Returns what each task is expected to take; called with True where memory is short, to look closely.
    device : str
        On which the model computes.

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
    if arguments.workers is None:
        return OwnProcess() if device != "cpu" else automatic_workers(costs)
    if arguments.workers == 1 or not (tasks := costs(False)):
        return OwnProcess()
    count = min(arguments.workers, len(tasks))
    warn_of_memory(count, tasks, costs)
    return announced(ProcessWorkers(count, threads))


def automatic_workers(costs: EstimateCosts) -> Workers:
    """As many processes as are fastest; this process where they cannot be started."""
    cores = get_num_threads()
    if cores == 1 or not can_start_processes():
        return OwnProcess()
    tasks, left = costs(False), available_memory()
    count = fastest_count(tasks, cores, left)
    if count < fastest_count(tasks, cores, None):  # for want of memory
        count = fastest_count(costs(True), cores, left)
    if count == 1:
        return OwnProcess()
    return announced(ProcessWorkers(count, threads_each(count, cores), optional=True))


def announced(workers: ProcessWorkers) -> ProcessWorkers:
    """The same workers, after a line that says how many they are."""
    threads = "one thread" if workers.threads == 1 else f"{workers.threads} threads"
    say_item(
        print, "workers", f"{workers.count} processes, {threads} each" if workers.count > 1 else f"1 process, {threads}"
    )
    return workers


def warn_of_memory(count: int, tasks: Sequence[TaskCost], costs: EstimateCosts) -> None:
    """Print a warning where so many processes may need more memory than there is."""
    left = available_memory()
    if most_in_memory(tasks, count, left) == count:
        return
    tasks = costs(True)
    fitting = most_in_memory(tasks, count, left)
    if left is not None and fitting < count:
        say_item(
            print,
            "warning",
            f"{count} processes may take {memory(memory_of(tasks, count))} together, and {memory(left)} are left: use "
            f"--workers {fitting}, or auto",
        )


def folder_of(workers: Workers) -> Path:
    """The folder to which paths are relative for these workers; one in another folder needs it."""
    return Path.cwd() if isinstance(workers, (DaskWorkers, RankWorkers)) else Path()
