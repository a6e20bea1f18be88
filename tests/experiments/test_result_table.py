"""The table of made-up scores: what stands where, how wide it is, and what is left out."""

from minunet.experiments.catalogue import Catalogue
from minunet.experiments.result_table import as_markdown, as_text, lines
from minunet.experiments.seed_scores import Scores
from minunet.experiments.study_settings import LabSettings
from tests.made_up_scores import made_up

HEADINGS = Catalogue(LabSettings(), 72).headings


def row(text, label):
    """The cells of the first row of that label."""
    line = next(line for line in text.splitlines() if line.strip().startswith(label))
    return line.strip().removeprefix(label).split()


def test_the_papers_numbers_stand_beside_ours():
    text = as_text(lines(HEADINGS, {"m1": made_up(0.81, loss=0.1234, dice=0.95, iou=0.905), "m2": made_up(0.97)}))
    assert row(text, "M1, grey masks") == ["0.5721", "-", "0.0190", "-", "-", "-", "-"]
    assert row(text, "M2, binary masks") == ["0.0210", "-", "0.9843", "-", "-", "-", "-"]
    assert row(text, "M1, greys by resizing") == ["0.1234", "0.0000", "0.8100", "1.0000", "0.7000", "0.9500", "0.9050"]
    assert "256x192, base 16, depth 4, 20 epochs" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_was_not_measured_is_left_out():
    text = as_text(lines(HEADINGS, {"tanh": made_up(0.9)}))
    assert "the paper" not in text
    assert "pooling" not in text
    assert row(text, "tanh")
    assert lines(HEADINGS, {}) == []


def test_several_seeds_show_mean_and_spread():
    text = as_text(lines(HEADINGS, {"m2": made_up([0.96, 0.98], dice=[0.9, 0.9])}))
    assert row(text[text.index("here:") :], "M2, binary masks")[2] == "0.9700"
    assert row(text, "sd of 2 seeds") == ["0.0000", "-", "0.0141", "-", "-", "0.0000", "0.0000"]


def test_a_divergence_is_said_in_place_of_numbers():
    scores = {"m1": Scores((), None, (0,)), "m2": Scores(made_up(0.97).runs, made_up(0.97).bounds, (1, 2))}
    for text in (as_text(lines(HEADINGS, scores)), as_markdown(lines(HEADINGS, scores))):
        assert "diverged (seed 0)" in text
        assert "diverged (seed 1, 2)" in text


def test_markdown_has_a_cell_for_every_column():
    scores = {key: made_up(0.9) for heading in HEADINGS for key, _ in heading.rows}
    table = as_markdown(lines(HEADINGS, scores)).splitlines()
    assert {line.count("|") for line in table} == {9}
    assert len(table) == 2 + 3 + sum(1 + len(heading.rows) for heading in HEADINGS)
