"""The lock of a folder: only one process at a time writes there, and what a killed one left half written is removed.

The lock is a file in the folder, which the system keeps locked for as long as its process lives, however that ends. It also names
its owner: for messages, and for file systems that lock among the processes of one computer only, or not at all.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from weakref import WeakSet

from minunet.errors import UserError
from minunet.files.atomic_write import sweep
from minunet.files.folders import missing_folders, remove_empty
from minunet.files.lock_owner import HEARTBEAT, SILENCE, LockOwner
from minunet.files.system_lock import lock_file

LOCK = ".minunet.lock"
OPENING = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class FolderLock:
    """A folder that this process alone writes to within the block.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing, with its parent folders; what this lock made and is still empty at the end is removed.
    fresh : bool
        Take a folder that nobody else has: where there is one of this name, the first free one of NAME-2, NAME-3, and so on.
    say : callable, optional
        Called with a sentence where the lock of a process that was killed is taken over.

    Attributes
    ----------
    folder : Path
        The folder that is locked.

    Raises
    ------
    UserError
        On entering, where another process holds the lock, or the folder cannot be written to.
    """

    def __init__(self, folder: str | Path, *, fresh: bool = False, say: Callable[[str], None] | None = None):
        self.folder, self.fresh, self.say = Path(folder), fresh, say
        self._descriptor: int | None = None
        self._made: list[Path] = []
        self._ended = threading.Event()

    @property
    def path(self) -> Path:
        """The lock file."""
        return self.folder / LOCK

    def __enter__(self) -> FolderLock:
        try:
            killed = self._make_folder_and_take()
        except OSError as error:
            remove_empty(self._made)
            reason = error.strerror or error
            raise UserError(
                f"{self.path}: cannot be written ({reason}); name a folder that you may write to."
            ) from error
        except BaseException:
            remove_empty(self._made)
            raise
        _held.add(self)
        # Where no thread can be started, only other computers may take this lock for that of a dead process.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._live, name="minunet-lock", daemon=True).start()
        if killed is not None and self.say is not None:
            self.say(f"{self.folder} was in use by {killed}, which ended before it was done; going on in its place")
        return self

    def __exit__(self, *exception: object) -> None:
        _held.discard(self)
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:  # it belongs to the parent process
            return
        self._ended.set()
        with contextlib.suppress(OSError):
            if os.name == "nt":  # which removes no file that is open
                os.close(descriptor)
                self.path.unlink()
            else:
                if _is_at(descriptor, self.path):
                    self.path.unlink()
                os.close(descriptor)
        with contextlib.suppress(OSError):
            remove_empty(self._made)

    def sweep(self, folders: Iterable[Path] = ()) -> None:
        """Remove the temporary files that killed processes left in this folder, and in those of `folders` that exist."""
        for folder in {self.folder, *folders}:
            sweep(folder)

    def _make_folder_and_take(self) -> LockOwner | None:
        for _ in range(100):  # another process may remove the folder again, because it is empty
            self._make_folder()
            with contextlib.suppress(FileNotFoundError):
                return self._take()
        return self._take()

    def _make_folder(self) -> None:
        name, number = self.folder.name, 1
        while True:
            self._made = missing_folders(self.folder)
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.folder.mkdir()  # by one process only, also at the same moment
                return
            except FileExistsError:
                self._made = []
                if not self.fresh:
                    return
            number += 1
            self.folder = self.folder.with_name(f"{name}-{number}")

    def _take(self) -> LockOwner | None:
        """Take the lock; returns the owner before, where it was killed."""
        killed: LockOwner | None = None
        while True:
            descriptor, created = _open(self.path)
            locked: bool | None = False
            try:
                locked = lock_file(descriptor)
                # An owner that ends removes its file: what was opened before that is no lock any more.
                if _is_at(descriptor, self.path):
                    before = None if created else LockOwner.from_text(os.read(descriptor, 4096))
                    if locked is False or not (created or self._is_free(descriptor, before, locked)):
                        raise UserError(self._refusal(before, locked))
                    if created or locked:
                        os.lseek(descriptor, 0, os.SEEK_SET)
                        os.ftruncate(descriptor, 0)
                        os.write(descriptor, LockOwner.this_process().to_text())
                        self._descriptor = descriptor
                        return before or killed
                    # Without the system's locks only making the file anew is certain to be done by one process.
                    self.path.unlink()
                    killed = before
            except FileNotFoundError:  # another process was faster
                pass
            finally:
                if self._descriptor is None:
                    if created and locked is not False and _is_at(descriptor, self.path):
                        self.path.unlink()
                    os.close(descriptor)

    def _is_free(self, descriptor: int, owner: LockOwner | None, locked: bool | None) -> bool:
        """Whether nobody holds the lock in a file that was there before."""
        with tempfile.TemporaryFile(dir=self.folder) as now:  # by the clock of the computer that has the disk
            silence = os.fstat(now.fileno()).st_mtime - os.fstat(descriptor).st_mtime
        if owner is None:  # killed, or just being written
            return locked is True or silence >= SILENCE
        return not owner.may_be_alive(silence, ended_here=locked is True)

    def _refusal(self, owner: LockOwner | None, locked: bool | None) -> str:
        who = "another process" if owner is None else str(owner)
        remedy = "wait until it has ended, or choose another folder"
        if locked is not False:
            remedy += f"; if it has ended, remove {self.path}, or wait {SILENCE / 60:.0f} minutes"
        return f"{self.folder} is in use by {who}: {remedy}."

    def _live(self) -> None:
        """Show that this process is alive."""
        while not self._ended.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def _forget(self) -> None:
        """In a child process: the lock is the parent's, and must not last as long as the child."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    """Open the lock file; returns its descriptor, and whether it was made."""
    while True:
        with contextlib.suppress(FileExistsError):
            return os.open(path, OPENING | os.O_CREAT | os.O_EXCL, 0o666), True
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, OPENING), False


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


_held: WeakSet[FolderLock] = WeakSet()  # by this process


def _forget_all() -> None:
    for lock in list(_held):
        lock._forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
