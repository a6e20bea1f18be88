"""history.csv: exact, appended row by row, and written anew with the earlier epochs of a resumed run."""

import csv

import pytest

from minunet.errors import UserError
from minunet.runs.history_file import HistoryFile
from minunet.training.events import COLUMNS, EpochRecord


def row(epoch):
    numbers = dict.fromkeys(COLUMNS, 0.1 + epoch / 3)
    return EpochRecord(**{**numbers, "epoch": epoch, "step": 9 * epoch, "best": epoch == 1})


def test_rows_come_back_exactly(tmp_path):
    history = HistoryFile(tmp_path / "history.csv")
    history.begin()
    for epoch in (1, 2, 3):
        history.append(row(epoch))
        assert history.read() == [row(number) for number in range(1, epoch + 1)]


def test_the_columns_are_those_of_the_record_and_any_program_reads_them(tmp_path):
    history = HistoryFile(tmp_path / "history.csv")
    history.begin([row(1)])
    with open(history.path, newline="") as file:
        (first,) = csv.DictReader(file)
    assert list(first) == list(COLUMNS)
    assert (first["epoch"], first["step"], first["best"]) == ("1", "9", "1")


def test_beginning_drops_an_epoch_that_was_not_saved_and_half_a_line(tmp_path):
    history = HistoryFile(tmp_path / "history.csv")
    history.begin([row(1), row(2)])
    with open(history.path, "a") as file:
        file.write("3,27,0.")
    history.begin([row(1)])
    assert history.read() == [row(1)]


def test_a_row_that_cannot_be_written_is_an_error_with_the_files_name(tmp_path):
    history = HistoryFile(tmp_path / "gone" / "history.csv")
    with pytest.raises(UserError, match=r"history.csv: cannot be written \(No such file or directory\)"):
        history.append(row(1))
