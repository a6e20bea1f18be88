"""One unreadable file among many: a line in the list of failures, whatever it is; the pictures of the others are written."""

import os
import socket
import struct
import zlib

import pytest
from PIL import Image

from tests.commands.predict.prediction_folders import pictures, run, written


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def link_to_itself(path):
    path.symlink_to(path)


def link_to_nothing(path):
    path.symlink_to(path.with_name("gone"))


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


def empty(path):
    path.touch()


def long_line(path):
    header = struct.pack(">IIBBBBB", 400_000_000, 1, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def without_end(path):
    Image.new("L", (9, 9)).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:-1])


def webp(path):
    Image.new("L", (9, 9)).save(path, "WEBP")


def gif(path):
    Image.new("L", (9, 9)).save(path, "GIF")


KINDS = [os.mkfifo, bound_socket, link_to_itself, link_to_nothing, empty, long_line, without_end, webp, gif]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_it_is_one_line(make, model, smears, tmp_path, capsys):
    make(smears / "aa.png")
    assert run(model, smears, "--out", "out") == 1
    assert written(tmp_path / "out") == pictures("a", "b", "deep/a")
    first, line = capsys.readouterr().err.splitlines()
    assert first == "error: 1 of 4 images failed:"
    assert line.startswith("  - ") and "aa.png " in line


def test_a_name_that_leaves_no_room_for_the_names_of_results(model, smears, tmp_path, capsys):
    name = "a" * 250
    (smears / "b.png").rename(smears / f"{name}.png")
    assert run(model, smears, "--out", "out") == 1
    assert written(tmp_path / "out") == pictures("a", "deep/a")
    first, line = capsys.readouterr().err.splitlines()
    assert first == "error: 1 of 3 images failed:"
    assert name in line and "too long" in line


def test_names_that_steer_a_terminal_or_break_lines(model, smears, tmp_path, capsys):
    (smears / "a\n\x1b[2Jb.png").write_bytes(b"")
    assert run(model, smears, "--out", "out") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.isprintable() for line in lines)
