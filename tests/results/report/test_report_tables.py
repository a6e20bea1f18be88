"""Tables of a report: whatever columns a file has, numbers and texts told apart, and no more rows than a page can show."""

import pytest

from minunet.results.report.report_tables import report_table, shown_number


def cells(table):
    return [[text for _, text in table.cells(row)] for row in table.rows]


def test_columns_are_those_of_the_header():
    table = report_table(
        ["image,area,name of a new column,notes,class", "007,1.50000001,b,12,1", "10,,c,13,2"], "cells", "cells.csv"
    )
    assert [(column.name, column.is_number) for column in table.columns] == [
        ("image", False),  # names of images that look like numbers stay as they are
        ("area", True),
        ("name of a new column", False),
        ("notes", False),
        ("class", False),
    ]
    assert cells(table) == [["007", "1.5", "b", "12", "1"], ["10", "", "c", "13", "2"]]
    assert table.note == ""


def test_a_column_of_long_texts_may_be_broken():
    table = report_table(["image,notes,side", f"a,{'long ' * 20},test"], "images", "images.csv")
    assert [column.is_long for column in table.columns] == [False, True, False]


def test_a_column_with_anything_but_numbers_is_text():
    table = report_table(["a,b,c,d", "x,1,nan,", "y,two,1,"], "rows", "a.csv")
    assert [column.is_number for column in table.columns] == [False, False, False, False]


def test_the_first_rows_where_there_are_too_many():
    seen = []
    table = report_table((f"{n}" for n in ["a", *range(5000)]), "cells", "cells.csv", most=3, observe=seen.append)
    assert table.rows == [["0"], ["1"], ["2"]]
    assert table.note == "3 of 5,000 cells: the first ones. All are in cells.csv."
    assert len(seen) == 5000 and seen[-1] == {"a": "4999"}


def test_the_rows_with_the_lowest_numbers_in_the_order_of_the_file():
    lines = ["id,confidence", "1,0.9", "2,0.2", "3,", "4,0.5", "5,0.1"]
    table = report_table(lines, "cells", "cells.csv", lowest="confidence", most=2)
    assert [row[0] for row in table.rows] == ["2", "5"]
    assert table.note == "2 of 5 cells: those with the lowest confidence. All are in cells.csv."
    assert report_table(lines, "cells", "cells.csv", lowest="none", most=2).rows == [["1", "0.9"], ["2", "0.2"]]


def test_rows_with_too_few_fields_are_left_out():
    assert report_table(["a,b", "1", "2,3"], "rows", "a.csv").rows == [["2", "3"]]


@pytest.mark.parametrize("lines", [[], ["a,b"], ["a,b", "1"]])
def test_without_rows_there_is_no_table(lines):
    assert report_table(lines, "rows", "a.csv") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12345678", "12345678"),
        ("-3", "-3"),
        ("0.000012345678", "1.2346e-05"),
        ("1e300", "1e+300"),
        ("inf", "inf"),
        ("a", "a"),
    ],
)
def test_numbers_are_shortened(text, expected):
    assert shown_number(text) == expected
