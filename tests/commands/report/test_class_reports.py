"""report.html of a model with classes: numbers, scores and colours of each class, from evaluate, predict and compare."""

import json

import pytest

from minunet import compare, evaluate, predict
from minunet.data.class_colours import class_colours
from tests.commands.class_smears import CLASSES, save_class_model, write_smears
from tests.html_page import HtmlPage

pytest.importorskip("jinja2")
pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("classes")
    data, model = write_smears(root / "data", 3, without=(1,)), save_class_model(root / "model.safetensors")
    for arguments in (
        (evaluate, model, data, "--out", root / "scores"),
        (predict, model, data / "images", "--out", root / "found"),
    ):
        assert arguments[0].main([str(word) for word in arguments[1:]]) == 0
    assert compare.main([str(word) for word in (root / "found", root / "found", "--out", root / "same")]) == 0
    return root


def page_of(folder):
    page = HtmlPage((folder / "report.html").read_text(encoding="utf-8"))
    page.check()
    return page


def legend_of(page):
    return [attributes["style"] for attributes in page.all("span") if "style" in attributes]


def test_an_evaluation_has_the_scores_and_the_colour_of_each_class(folder):
    page = page_of(folder / "scores")
    document = json.loads((folder / "scores" / "metrics.json").read_text())
    assert f"mean Dice of the classes {document['mean_class_dice']:.4f}" in page.text
    assert "sides known from" not in page.text  # a model file has no split beside it
    for name in ("background", "red", "white", "nucleus (in white)", "platelet"):
        assert name in page.text
    red = document["classes"]["red"]
    assert f"red {red['dice']:.5g} {red['iou']:.5g} {red['true_pixels']} " in page.text
    colours = [f"background: #{bytes(colour).hex()}" for colour in class_colours(len(CLASSES)).tolist()]
    assert legend_of(page)[-len(colours) :] == colours


def test_predictions_have_the_number_and_the_size_of_each_class(folder):
    page = page_of(folder / "found")
    with open(folder / "found" / "images.csv") as file:
        header, *rows = [line.split(",") for line in file.read().splitlines()]
    total = {
        name: sum(int(row[header.index(f"count_{name}")]) for row in rows) for name in ("red", "white", "platelet")
    }
    share = 100 * total["red"] / sum(total.values())
    assert f" red {total['red']} {share:.5g} " in page.text
    assert all(f" {name} {count} " in page.text for name, count in total.items())
    assert "median_nucleus_to_cytoplasm" in page.text
    alts = [image["alt"] for image in page.all("img")]
    assert len([alt for alt in alts if alt.startswith("The predicted classes of s")]) == 3
    assert len(legend_of(page)) == 2 * len(CLASSES)  # of the pictures and of the table


def test_two_predictions_are_compared_class_by_class(folder):
    page = page_of(folder / "same")
    document = json.loads((folder / "same" / "comparison.json").read_text())
    assert [*document["classes"]] == [*CLASSES]
    assert document["mean_class_dice"] == document["classes"]["nucleus"]["dice"] == 1
    assert "mean Dice of the classes 1.0000" in page.text
    red = document["classes"]["red"]
    assert (red["true_cells"], red["cell_f1"]) == (red["predicted_cells"], 1)
    pixels = f"{red['true_pixels']} {red['true_pixels']}"
    assert f"red 1 1 {pixels} {red['true_cells']} {red['true_cells']} 1 0 white" in page.text
    assert "Where A and B differ most" not in page.text and not page.all("img")
