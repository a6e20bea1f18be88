"""The owner of a lock: the process that a lock file names, and whether it can still be at work."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass

from minunet.files.system_lock import process_is_alive, process_start

HEARTBEAT = 30.0  # seconds between two signs of life of an owner
SILENCE = 300.0  # seconds without one, after which an owner that cannot be asked is taken for dead


@dataclass(frozen=True)
class LockOwner:
    """The process that holds a lock.

    Attributes
    ----------
    pid : int
    host : str
        The name of its computer.
    began : float
        When it took the lock, in seconds since 1970.
    started : int or None
        When the process started, as its system counts: another process may get the same number later.
    """

    pid: int
    host: str
    began: float
    started: int | None = None

    @classmethod
    def this_process(cls) -> LockOwner:
        """The owner of a lock that is taken now."""
        return cls(os.getpid(), platform.node(), time.time(), process_start(os.getpid()))

    @classmethod
    def from_text(cls, text: bytes) -> LockOwner | None:
        """The owner that a lock file names; None where it names none."""
        try:
            values = json.loads(text)
            started = values.get("started")
            owner = cls(int(values["pid"]), str(values["host"]), float(values["began"]), started and int(started))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return None
        return owner

    def to_text(self) -> bytes:
        """The content of its lock file."""
        return json.dumps(asdict(self)).encode()

    def may_be_alive(self, silence: float, *, ended_here: bool) -> bool:
        """Whether the process may still be at work.

        Parameters
        ----------
        silence : float
            Seconds since its last sign of life.
        ended_here : bool
            Whether this computer's system says that none of its processes holds the lock.
        """
        if self.host != platform.node():
            return silence < SILENCE  # the locks of this computer may say nothing about another one
        return not ended_here and process_is_alive(self.pid, self.started)

    def __str__(self) -> str:
        try:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.began))
        except (ValueError, OverflowError, OSError):
            since = "an unknown time"
        return f"process {self.pid} on {self.host[:80]}, since {since}"
