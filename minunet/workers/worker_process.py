"""A worker process: it reads tasks from stdin, does them, and writes what came out to stdout, until stdin ends.

`python -m minunet.workers.worker_process FILE THREADS`, where FILE is a shared file that holds the work. What the work prints goes
to stderr. SIGTERM ends it as an exception does, so that nothing is left half written.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from types import FrameType
from typing import Any

from minunet.kernels.cpu.threads import set_num_threads
from minunet.startup import imports_are_done
from minunet.workers.attempts import attempt
from minunet.workers.frames import read_frame, write_frame
from minunet.workers.shared_file import open_shared

STOP = "stop"  # in place of the items of a task: the user has asked to stop
READY = "ready"


def main(path: str, threads: str) -> None:
    """Serve the process that has started this one."""
    imports_are_done()
    signal.signal(signal.SIGTERM, _end)
    # What is printed must not come between the answers.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    set_num_threads(int(threads))
    requests: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
    stop = threading.Event()
    work = open_shared(path)
    write_frame(answers, (READY, os.getpid()))
    threading.Thread(target=_read, args=(sys.stdin.fileno(), requests, stop), daemon=True).start()
    while (items := requests.get()) is not None:
        write_frame(answers, attempt(work, items, stop.is_set))


def _read(descriptor: int, requests: queue.SimpleQueue[tuple[Any, ...] | None], stop: threading.Event) -> None:
    """Take what the other process sends; where that has ended, stop as if it had asked for it."""
    try:
        while True:
            request = read_frame(descriptor)
            if request == STOP:
                stop.set()
            else:
                requests.put(request)
    except (EOFError, OSError):
        stop.set()
        requests.put(None)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main(*sys.argv[1:])
