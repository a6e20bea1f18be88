"""The BLAS library behind `numpy.matmul`: held to one thread while our own threads share out the work.

Two layers of threads would fight over the same cores, and a product's rounding would depend on how many there are.
"""

from __future__ import annotations

import threading

import threadpoolctl


class OneThread:
    """Context manager, re-entrant and shared by every thread: within it, BLAS computes on the thread that calls it.

    The setting belongs to the whole process, so it is made when the first of several overlapping blocks is entered
    and undone when the last one is left: a program's own products outside our kernels keep every thread they had.
    Entering and leaving costs some two microseconds, because the libraries are looked up once and not per call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._libraries: list[threadpoolctl.LibController] | None = None
        self._before: list[int] = []

    def libraries(self) -> list[threadpoolctl.LibController]:
        """The BLAS libraries that were loaded when this was first asked; NumPy's is always among them."""
        if self._libraries is None:
            self._libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries

    def __enter__(self) -> OneThread:
        with self._lock:
            if self._inside == 0:
                self._before = [library.get_num_threads() for library in self.libraries()]
                for library in self.libraries():
                    library.set_num_threads(1)
            self._inside += 1
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                for library, count in zip(self.libraries(), self._before, strict=True):
                    library.set_num_threads(count)

    def reset_after_fork(self) -> None:
        """A forked child starts outside every block, whatever its parent's other threads were doing."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            for library, count in zip(self.libraries(), self._before, strict=True):
                library.set_num_threads(count)


one_thread = OneThread()
