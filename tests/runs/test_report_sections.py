"""The sections that the reports of all commands share."""

import hashlib

from minunet.runs.report_sections import as_text, class_section, named_warnings, pixel_sentence, sha256


def test_pixels_are_compared_with_trivial_answers():
    sentence = pixel_sentence("2 images", {"dice": 0.5, "accuracy": 0.75, "baseline": 0.5})
    assert sentence.startswith("2 images: Dice 0.5000 (trivial: 0.6667), accuracy 0.7500 (trivial: 0.5000).")
    assert pixel_sentence("2 images", {"dice": None}) == "2 images."


def test_classes_have_a_row_each():
    section = class_section({"background": {"dice": 0.9, "iou": None}, "red": {"dice": 0.5, "iou": 0.25}})
    assert section.table.rows == [["background", "0.9", ""], ["red", "0.5", "0.25"]]
    assert [column.is_number for column in section.table.columns] == [False, True, True]
    assert class_section(None).is_empty and class_section({}).is_empty


def test_many_images_with_notes_are_shortened():
    warnings = named_warnings([(f"{number}", f"it is {number} % too dark") for number in range(100)], "images.csv")
    assert len(warnings) == 31 and warnings[-1].message == "and 70 more images: see images.csv."
    assert named_warnings([("a", "b")], "images.csv")[0].about == "a"


def test_images_with_the_same_notes_share_a_warning():
    notes = [("a", "it is dark"), ("b", "it is blurred"), *((f"{number}", "it is dark") for number in range(99))]
    warnings = named_warnings(notes, "images.csv")
    assert [(one.about, one.message) for one in warnings] == [
        ("a, 0, 1 and 97 more", "it is dark"),
        ("b", "it is blurred"),
    ]


def test_values_are_written_as_a_reader_expects():
    assert as_text({"a": None, "b": 0.25, "c": [1, True]}) == "b 0.25, c 1, yes"
    assert as_text(None) == "none"


def test_the_hash_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()
    assert sha256(tmp_path / "none") is None and sha256(tmp_path) is None
