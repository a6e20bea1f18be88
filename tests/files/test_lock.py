"""The lock of a folder: one process at a time, killed owners, other computers, file systems without locks, forks."""

import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import threading

import pytest

from minunet.errors import UserError
from minunet.files import lock as lock_module
from minunet.files.atomic_write import replacing
from minunet.files.lock import LOCK, FolderLock
from minunet.files.lock_owner import SILENCE, LockOwner
from minunet.files.system_lock import process_is_alive, process_start

HOLDING = """\
import os, signal, sys
from minunet.files.lock import FolderLock
FolderLock(sys.argv[1]).__enter__()
print("held", flush=True)
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


class OtherProcess:
    """A process that holds the lock of a folder until it is killed."""

    def __init__(self, folder):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], **pipes)
        assert self.process.stdout.readline() == b"held\n"

    def kill(self):
        self.process.communicate()


@pytest.fixture
def other(tmp_path):
    process = OtherProcess(tmp_path / "run")
    yield process
    process.kill()


@pytest.fixture
def no_system_locks(monkeypatch):
    """As on a file system that knows no locks."""
    monkeypatch.setattr(lock_module, "lock_file", lambda descriptor: None)


def owned(folder, **values):
    """A folder with a lock file that somebody left."""
    owner = {"pid": os.getpid(), "host": platform.node(), "began": 0.0, "started": process_start(os.getpid())}
    folder.mkdir(exist_ok=True)
    (folder / LOCK).write_text(json.dumps({**owner, **values}))
    return folder


def silent_since(folder, seconds):
    now = (folder / LOCK).stat().st_mtime
    os.utime(folder / LOCK, (now - seconds, now - seconds))


def test_a_folder_is_made_locked_and_removed_again_where_nothing_was_written(tmp_path):
    with FolderLock(tmp_path / "a" / "run") as lock:
        owner = LockOwner.from_text(lock.path.read_bytes())
        assert (owner.pid, owner.host) == (os.getpid(), platform.node())
        with pytest.raises(UserError, match=r"run is in use by process \d+ on .*: wait until it has ended, or choose"):
            FolderLock(tmp_path / "a" / "run").__enter__()
    assert list(tmp_path.iterdir()) == []
    with FolderLock(tmp_path / "a" / "run") as lock:
        (lock.folder / "kept").touch()
    assert [path.name for path in (tmp_path / "a" / "run").iterdir()] == ["kept"]


def test_a_folder_that_was_there_stays(tmp_path):
    with FolderLock(tmp_path), FolderLock(tmp_path / "inside"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_fresh_folder_gets_the_first_free_number(tmp_path):
    with FolderLock(tmp_path / "run", fresh=True) as first, FolderLock(tmp_path / "run", fresh=True) as second:
        assert (first.folder, second.folder) == (tmp_path / "run", tmp_path / "run-2")


@pytest.mark.parametrize("fresh", [False, True])
def test_of_many_at_once_only_one_gets_a_folder(tmp_path, fresh):
    taken, refused, barrier = [], [], threading.Barrier(16)

    def take():
        barrier.wait()
        try:
            taken.append(FolderLock(tmp_path / "run", fresh=fresh).__enter__())
        except UserError as error:
            refused.append(error)

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len(taken) == len({lock.folder for lock in taken}) == (16 if fresh else 1)
        assert len(refused) == 16 - len(taken)
    finally:
        for lock in taken:
            lock.__exit__()
    # One that made the folder and was refused leaves it, empty: by then it is the owner's.
    assert [path for folder in tmp_path.iterdir() for path in folder.iterdir()] == []
    assert not fresh or list(tmp_path.iterdir()) == []


def test_a_process_that_holds_it_keeps_others_out_and_once_killed_lets_them_in(tmp_path, other):
    said = []
    with pytest.raises(UserError, match=f"in use by process {other.process.pid} on"):
        FolderLock(tmp_path / "run").__enter__()
    other.kill()
    with FolderLock(tmp_path / "run", say=said.append):
        pass
    (sentence,) = said
    assert f"was in use by process {other.process.pid} on" in sentence and "going on in its place" in sentence
    assert list((tmp_path / "run").iterdir()) == []
    with FolderLock(tmp_path / "run", say=said.append):
        assert len(said) == 1


@pytest.mark.parametrize("text", [b"", b"no json", b"[1]", b'{"pid": "x"}', b'{"pid": 1e999}', b"\xff\x00"])
def test_a_lock_file_that_nobody_holds_is_taken_whatever_it_says(tmp_path, text):
    (tmp_path / LOCK).write_bytes(text)
    with FolderLock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("system", ["locks", "no locks"])
def test_another_computer_is_believed_alive_until_it_was_silent_for_long(tmp_path, monkeypatch, system):
    if system == "no locks":
        monkeypatch.setattr(lock_module, "lock_file", lambda descriptor: None)
    owned(tmp_path, host="elsewhere")
    silent_since(tmp_path, SILENCE - 60)
    with pytest.raises(
        UserError, match=rf"on elsewhere, since .*; if it has ended, remove .*{LOCK}, or wait 5 minutes"
    ):
        FolderLock(tmp_path).__enter__()
    assert (tmp_path / LOCK).exists()
    silent_since(tmp_path, SILENCE + 60)
    with FolderLock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_shows_that_its_owner_is_alive(tmp_path, monkeypatch):
    shown, before = threading.Event(), os.utime

    def utime(path, *arguments):
        before(path, *arguments)
        shown.set()

    monkeypatch.setattr(lock_module.os, "utime", utime)
    monkeypatch.setattr(lock_module, "HEARTBEAT", 0.001)
    with FolderLock(tmp_path):
        assert shown.wait(60)


def test_without_the_systems_locks_the_processes_of_this_computer_are_asked(tmp_path, no_system_locks):
    owned(tmp_path)
    with pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        FolderLock(tmp_path).__enter__()
    if process_start(os.getpid()) is not None:
        owned(tmp_path, started=1)  # the number of this process belonged to another one
        with FolderLock(tmp_path):
            pass
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    said = []
    owned(tmp_path, pid=process.pid, started=None)
    with FolderLock(tmp_path, say=said.append), pytest.raises(UserError, match="in use"):
        FolderLock(tmp_path).__enter__()
    assert len(said) == 1
    (tmp_path / LOCK).touch()  # just being made by another process
    with pytest.raises(UserError, match="in use by another process"):
        FolderLock(tmp_path).__enter__()


def test_a_process_is_alive_or_not():
    assert process_is_alive(os.getpid(), process_start(os.getpid()))
    assert process_is_alive(os.getppid(), None)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert process_start(process.pid) is None
    if os.name == "posix":
        assert not process_is_alive(process.pid, None)


def test_a_lock_that_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lock_module.os, "write", full)
    with pytest.raises(UserError, match="cannot be written .No space left on device.; name a folder"):
        FolderLock(tmp_path / "a" / "run").__enter__()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / LOCK).mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        FolderLock(tmp_path).__enter__()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks beside threads
def test_a_child_process_leaves_the_lock_to_its_parent(tmp_path):
    context = multiprocessing.get_context("fork")
    reading, writing = context.Pipe(duplex=False)
    with FolderLock(tmp_path) as lock:

        def child():
            lock.__exit__()
            reading.recv()

        process = context.Process(target=child)
        process.start()
        with pytest.raises(UserError, match="in use"):
            FolderLock(tmp_path).__enter__()
        assert lock.path.exists()
    with FolderLock(tmp_path):  # though the child is still running
        writing.send(None)
    process.join()
    assert process.exitcode == 0


def test_what_killed_processes_left_half_written_is_swept(tmp_path):
    deep = tmp_path / "deep"
    deep.mkdir()
    for folder in (tmp_path, deep):
        with replacing(folder / "curves.png") as temporary:
            temporary.touch()
            (folder / temporary.name).rename(folder / temporary.name.replace(str(os.getpid()), "12"))
            temporary.touch()
    kept = [".hidden", "a.12.part.png", ".a.part.png", ".a.12.part.d.png", "curves.png"]
    for name in kept:
        (tmp_path / name).touch()
    (tmp_path / ".folder.12.part").mkdir()
    (tmp_path / ".slide_cells.ome.12.part.zarr" / "labels").mkdir(parents=True)
    (tmp_path / ".no-ending.12.part").touch()
    with FolderLock(tmp_path) as lock:
        lock.sweep([deep, tmp_path / "missing"])
        assert {path.name for path in tmp_path.iterdir()} == {*kept, LOCK, "deep", ".folder.12.part"}
    assert [path.name for path in deep.iterdir()] == ["curves.png"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_owner_leaves_its_file(tmp_path, other):
    other.kill()
    assert LockOwner.from_text((tmp_path / "run" / LOCK).read_bytes()).pid == other.process.pid
