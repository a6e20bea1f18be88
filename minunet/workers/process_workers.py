"""Process workers: processes of this machine that do tasks, each one at a time; one that dies is replaced.

Each process is driven by a thread of this one, which waits for its answers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from minunet.workers.attempts import FAILED, GIVEN_UP, outcome_error
from minunet.workers.frames import read_frame, write_frame
from minunet.workers.shared_file import shared_file
from minunet.workers.task_queue import TaskQueue
from minunet.workers.tasks import Death, NoWorkers, Outcome, OwnProcess, Stopped, Task, Work, tasks_of
from minunet.workers.worker_process import STOP

FAILED_STARTS = 2  # of a process, after which no other one is started in its place
PATIENCE = 10.0  # seconds for a process to end by itself


class ProcessWorkers:
    """Processes of this machine.

    Parameters
    ----------
    count : int
        How many.
    threads : int
        Of each of them.
    optional : bool
        Whether this process does the work where no other can be started.

    Attributes
    ----------
    notes : sequence of str
        What the user should know of them, once the work is done.
    """

    def __init__(self, count: int, threads: int = 1, *, optional: bool = False):
        self.count, self.threads, self.optional = count, threads, optional
        self.neighbours = count
        self.notes: Sequence[str] = ()

    def run(self, work: Work, groups: Sequence[Sequence[Any]], stopped: Stopped) -> Generator[Outcome, None, None]:
        """As `minunet.workers.tasks.Workers.run`; the arrays of the work are shared by all processes.

        A task of which processes died while others were working is tried once more when it has the machine for itself.
        """
        tasks, count = tasks_of(groups), min(self.count, len(groups))
        begun, lost = False, list[Task]()
        try:
            with shared_file(work) as path:
                for outcome in self._outcomes(tasks, path, count, stopped):
                    begun = True
                    if outcome.lost and count > 1:
                        lost.append(outcome.task)
                    else:
                        yield outcome
                if lost and not stopped():
                    yield from self._outcomes(lost, path, 1, stopped)
        except NoWorkers as error:
            if begun or not self.optional:
                raise
            self.notes = (f"this process has done the work alone: {error.problems[0]}",)
            yield from OwnProcess().run(work, groups, stopped)

    def _outcomes(
        self, todo: Sequence[Task], path: Path, count: int, stopped: Stopped
    ) -> Generator[Outcome, None, None]:
        """What comes out of tasks, done by so many processes."""
        tasks = TaskQueue(todo)
        with drivers(tasks, path, count, self.threads) as started:
            while not tasks.finished:
                if (outcome := tasks.next_outcome(0.1)) is not None:
                    if isinstance(outcome.error, NoWorkers):
                        raise outcome.error
                    yield outcome
                if stopped():
                    tasks.stop()
                    for driver in started:
                        driver.stop()


@contextlib.contextmanager
def drivers(tasks: TaskQueue, path: Path, count: int, threads: int) -> Iterator[list[Driver]]:
    """Threads that drive so many processes; at the end of the block all processes are ended."""
    started: list[Driver] = []
    try:
        for _ in range(count):
            started.append(Driver(tasks, path, threads, started))
        for driver in started:
            driver.start()
        yield started
    finally:
        tasks.stop()
        for driver in started:
            driver.end()
        for driver in started:
            driver.join()


class Driver(threading.Thread):
    """A thread that hands tasks to a process, and replaces the process if it dies.

    Parameters
    ----------
    tasks : TaskQueue
    path : Path
        The shared file of the work.
    threads : int
        Of the process.
    colleagues : list of Driver
        All of them, this one included.
    """

    def __init__(self, tasks: TaskQueue, path: Path, threads: int, colleagues: list[Driver]):
        super().__init__(name="minunet-driver", daemon=True)
        self.tasks, self.path, self.threads, self.colleagues = tasks, path, threads, colleagues
        self.gave_up = False
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # of what is sent, and of the process that it is sent to
        self._ending = self._stopping = False

    def run(self) -> None:
        """Hand out tasks until there are none any more."""
        failed_starts = 0
        while (task := self.tasks.take()) is not None:
            try:
                if self._process is None:
                    self._begin()
                failed_starts = 0
            except (EOFError, OSError) as error:
                reason = self._death().how if isinstance(error, EOFError) else str(error)
                failed_starts += 1
                if failed_starts < FAILED_STARTS:
                    self.tasks.give_back(task)
                    continue
                self.gave_up = True
                if all(driver.gave_up for driver in self.colleagues):
                    self.tasks.done(task, error=_no_workers(reason))
                else:
                    self.tasks.give_back(task)
                return
            try:
                self._send(task.items)
                answer, value = self._receive()
            except (EOFError, OSError):
                self.tasks.lost(task, self._death())
                continue
            if answer == FAILED:
                self.tasks.done(task, error=outcome_error(value))
            elif answer == GIVEN_UP:
                self.tasks.give_back(task)
            else:
                self.tasks.done(task, value)

    def stop(self) -> None:
        """Tell the process that the user has asked to stop; the second time it makes no difference."""
        if not self._stopping:
            self._stopping = True
            with contextlib.suppress(OSError):
                self._send(STOP)

    def end(self) -> None:
        """End the process: by itself where it has nothing to do, else by SIGTERM."""
        with self._lock:
            self._ending = True
            process = self._process
        if process is None:
            return
        if self.is_alive():  # in the middle of a task
            process.terminate()
        assert process.stdin is not None
        with self._lock, contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        if not self.is_alive():
            process.stdout.close()

    def _begin(self) -> None:
        """Start a process, and wait until it has read the work."""
        command = [sys.executable, "-m", "minunet.workers.worker_process", str(self.path), str(self.threads)]
        package = str(Path(__file__).parents[2])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        # A session of its own: Ctrl-C and a terminal that is closed are the affair of the process that has started it.
        alone: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            alone = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        with self._lock:
            if self._ending:
                raise EOFError
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                **alone,
            )
        self._receive()
        if self._stopping:
            self._send(STOP)

    def _send(self, value: Any) -> None:
        with self._lock:
            if self._process is not None:
                assert self._process.stdin is not None
                write_frame(self._process.stdin.fileno(), value)

    def _receive(self) -> tuple[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        answer, value = read_frame(self._process.stdout.fileno())
        return answer, value

    def _death(self) -> Death:
        """How the process has ended, which it has."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return Death(0, "ended")
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # its stdout is closed, but it goes on
            process.kill()
            code = process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        return Death(process.pid, _how(code))


def can_start_processes() -> bool:
    """Whether this process knows the Python that others are started with: not within another program, nor as a frozen one."""
    return os.path.basename(sys.executable or "").lower().startswith(("python", "pypy"))


def _how(code: int) -> str:
    """How a process has ended, from its exit code."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
        return f"killed by signal {-code}"
    return f"ended with exit code {code}"


def _no_workers(reason: str) -> NoWorkers:
    return NoWorkers(
        f"the worker processes cannot be started ({reason}); their own messages, if any, are above: use fewer --workers, or "
        "--workers 1."
    )
