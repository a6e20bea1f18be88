"""Folding of sentences to the columns of a terminal, whatever letters the names of files have."""

import pytest

from minunet.inspection.page import columns, fold


def test_words_stay_whole_where_they_fit():
    assert fold("one two three", 7) == ["one two", "three"]
    assert fold("", 7) == [""]


def test_a_long_name_is_broken():
    assert fold("see aaaaaaaaaaaa.png now", 8) == ["see", "aaaaaaaa", "aaaa.png", "now"]


@pytest.mark.parametrize("name", ["\x1b[31mred\n.png", "血液塗片血液塗片血液塗片.png", "e\u0301" * 40, "x" * 500])
def test_no_line_is_wider_and_none_steers_the_terminal(name):
    lines = fold(f"a name: {name} and more", 20)
    assert all(columns(line) <= 20 for line in lines)
    assert all(line.isprintable() for line in lines)
    assert "".join(lines).endswith("and more")
