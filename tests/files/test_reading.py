"""Reading other people's files: pipes, sockets, devices and folders are refused without being opened, names that cannot be too."""

import os
import socket

import pytest

from minunet.files.names import resolved, unusable_name
from minunet.files.reading import open_regular, read_regular


@pytest.fixture
def never_opened(monkeypatch):
    """Opening anything fails the test: a pipe that is opened can already have stopped a program for ever."""

    def opened(*arguments):
        raise AssertionError("it was opened")

    monkeypatch.setattr("minunet.files.reading._open_at_once", opened)


def test_a_pipe_a_socket_and_a_device_are_refused(tmp_path, never_opened, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has at most 107 letters
    os.mkfifo("pipe")
    with pytest.raises(OSError, match="it is a named pipe, not a file"):
        open_regular("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(OSError, match="it is a socket, not a file"):
            open_regular("socket")
    with pytest.raises(OSError, match="it is a device, not a file"):
        open_regular(os.devnull)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)


def test_what_becomes_a_pipe_after_the_first_look_is_refused_too(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"a")
    status = os.stat(tmp_path / "file")
    monkeypatch.setattr("minunet.files.reading.os.stat", lambda path: status)
    with pytest.raises(OSError, match="it is a named pipe, not a file"):
        open_regular(tmp_path / "pipe")


def test_a_link_to_a_file_is_read_and_too_large_a_file_is_not(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "link", 3) == b"abc"
    with pytest.raises(OSError, match="it has more than 2 bytes"):
        read_regular(tmp_path / "link", 2)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a" * 5000, "the name is too long, 5,000 letters"),
        ("a/" * 3000, "the name is too long, 6,000 letters"),
        ("missing/" + "ü" * 200, "the name is too long, 208 letters"),
        ("a\0b", "no file can have such a name"),
        ("\ud800", "no file can have such a name"),
    ],
)
def test_names_that_no_file_can_have(name, reason):
    assert unusable_name(name) == reason
    assert resolved(name).is_absolute()
    with pytest.raises(OSError, match=reason):
        open_regular(name)


def test_links_in_a_circle(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert unusable_name(tmp_path / "loop" / "a.png") == "its links lead in a circle"
    assert resolved(tmp_path / "loop").name == "loop"
    with pytest.raises(OSError):
        open_regular(tmp_path / "loop")


def test_names_that_do_not_exist_yet_are_usable(tmp_path):
    assert unusable_name(tmp_path / "a" / "b") is None
    assert unusable_name("ü" * 127) is None
