"""The tables of a folder of predictions: merged with those that are there, sorted, in words; and tables that are none of ours."""

import pytest

from minunet.cells.cell_measures import measure_cells
from minunet.cells.count_interval import CountInterval
from minunet.cells.image_summary import measure_image
from minunet.errors import UserError
from minunet.runs.prediction_tables import IMAGE_TABLE, TABLES, PredictionTables, csv_of
from tests.cells.drawn_cells import disc


def add(tables, name, radius=8, pixel_size=None, interval=None, notes=()):
    labels = disc((40, 40), 20, 20, radius).astype("int32")
    cells = measure_cells(labels, labels * 0.9, pixel_size=pixel_size)
    tables.add(measure_image(name, labels, cells, pixel_size=pixel_size, interval=interval, notes=notes), cells)
    return tables


def test_rows_are_kept_replaced_and_sorted(tmp_path):
    add(add(PredictionTables(tmp_path), "b"), "a").write()
    add(add(PredictionTables(tmp_path), "c"), "b", radius=12).write()
    again = PredictionTables(tmp_path)
    assert sorted(str(row["image"]) for row in again.images()) == ["a", "b", "c"]
    lines = (tmp_path / "cells.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["image", "a", "b", "c"]
    assert float(lines[2].split(",")[2]) > 400
    before = (tmp_path / "images.csv").read_text(), (tmp_path / "cells.csv").read_text()
    again.write()
    assert before == ((tmp_path / "images.csv").read_text(), (tmp_path / "cells.csv").read_text())


def test_no_file_depends_on_the_order_in_which_images_are_predicted(tmp_path):
    files = []
    for order in ("ab", "ba"):
        (tmp_path / order).mkdir()
        tables = PredictionTables(tmp_path / order)
        for name in order:
            add(tables, name, notes=["Dark."])
        tables.write()
        files.append([(tmp_path / order / table).read_text() for table in TABLES])
    assert files[0] == files[1] and "with notes, see images.csv: a, b" in files[0][2]


def test_the_summary_in_words(tmp_path):
    tables = add(PredictionTables(tmp_path), "a", pixel_size=0.5, interval=CountInterval(1.0, 9), notes=["Dark."])
    assert tables.summary() == [
        "1 image, 1 cell (0 to 2), median diameter 7.9 um",
        "0 clumps of touching cells; 0 doubtful cells",
        "1 image with notes, see images.csv: a",
    ]
    add(tables, "b", radius=10)
    assert tables.summary()[0].startswith("2 images, 2 cells, median diameter ")  # not every image has an interval
    assert tables.summary()[0].endswith(" px")


def test_columns_in_micrometres_only_where_they_are_known(tmp_path):
    add(PredictionTables(tmp_path), "a").write()
    assert "_um" not in (tmp_path / "cells.csv").read_text().splitlines()[0]
    add(PredictionTables(tmp_path), "b", pixel_size=0.5).write()
    header, first, second = (tmp_path / "cells.csv").read_text().splitlines()
    assert header.endswith("major_axis_um,minor_axis_um")
    assert first.endswith(",,,") and not second.endswith(",")


def test_names_with_commas_and_quotes_survive(tmp_path):
    add(PredictionTables(tmp_path), 'a, "b"').write()
    assert [row["image"] for row in PredictionTables(tmp_path).images()] == ['a, "b"']


def test_while_it_runs_the_files_are_written_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr("minunet.runs.prediction_tables.INTERVAL", -1.0)
    add(PredictionTables(tmp_path), "a")
    assert len((tmp_path / IMAGE_TABLE).read_text().splitlines()) == 2


@pytest.mark.parametrize("content", [b"", b"image\n", b"\xff\xfe", b"a,b\n1,2\n", None, "row", "number"])
def test_other_tables_are_refused(tmp_path, content):
    add(PredictionTables(tmp_path), "a").write()
    path = tmp_path / IMAGE_TABLE
    if content is None:
        path.write_text(path.read_text() + '"open')
    elif content == "row":
        path.write_text(path.read_text() + "b,1,2\n")
    elif content == "number":
        path.write_text(path.read_text().replace("a,40,40,1,", "a,40,40,many,"))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="no table that predict wrote"):
        PredictionTables(tmp_path)


def test_numbers_have_six_digits():
    assert csv_of([{"a": 1 / 3, "b": None, "c": 7}], ["a", "b", "c"]) == "a,b,c\n0.333333,,7\n"


def add_with_classes(tables, name, ratio=0.5):
    labels = disc((40, 40), 20, 20, 8).astype("int32")
    (row,) = measure_cells(labels, labels * 0.9)
    row |= {"class": "white", "inner_area_px2": 60, "nucleus_to_cytoplasm_ratio": ratio}
    tables.add(measure_image(name, labels, [row], counts={"count_red": 0, "count_white": 1}), [row])
    return tables


def test_classes_have_columns_of_their_own_and_are_summed_up(tmp_path):
    add_with_classes(add_with_classes(PredictionTables(tmp_path), "a"), "b", 1.5).write()
    header, first, _ = (tmp_path / "cells.csv").read_text().splitlines()
    assert header.startswith("image,id,class,inner_area_px2,nucleus_to_cytoplasm_ratio,area_px2,")
    assert first.startswith("a,1,white,60,0.5,")
    images = (tmp_path / "images.csv").read_text().splitlines()
    assert images[0].endswith(",notes,count_red,count_white") and images[1].endswith(",0,1")
    summary = PredictionTables(tmp_path).summary()
    assert "by class: 0 red, 2 white" in summary
    assert "nucleus to cytoplasm, by area: median 1.00 of 2 cells inside the images" in summary


def test_images_with_and_without_classes_share_a_folder(tmp_path):
    add_with_classes(PredictionTables(tmp_path), "a").write()
    add(PredictionTables(tmp_path), "b").write()
    lines = (tmp_path / "images.csv").read_text().splitlines()
    assert lines[1].endswith(",0,1") and lines[2].endswith(",,")
    assert PredictionTables(tmp_path).summary().count("by class: 0 red, 1 white") == 1


def test_counts_that_are_no_numbers_are_refused(tmp_path):
    add_with_classes(PredictionTables(tmp_path), "a").write()
    path = tmp_path / IMAGE_TABLE
    path.write_text(path.read_text().replace(",0,1\n", ",none,1\n"))
    with pytest.raises(UserError, match="no table that predict wrote"):
        PredictionTables(tmp_path)
