"""The table of made-up scores: its rows and columns, its width, and what is left out."""

from minunet.experiments.result_table import table_as_markdown, table_as_text, table_lines
from minunet.experiments.seed_scores import SeedScores
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.variations import Variations
from tests.made_up_scores import SHARP, made_up

SECTIONS = Variations(StudySettings(), 72).sections


def row(text, label):
    """The cells of the first row of that label."""
    line = next(line for line in text.splitlines() if line.strip().startswith(label))
    return line.strip().removeprefix(label).split()


def test_the_papers_numbers_stand_beside_ours():
    text = table_as_text(
        table_lines(SECTIONS, {"m1": made_up(0.81, loss=0.1234, dice=0.95, iou=0.905), "m2": made_up(0.97)})
    )
    assert row(text, "M1, grey masks") == ["0.5721", "-", "0.0190", "-", "-", "-", "-", "-"]
    assert row(text, "M2, binary masks") == ["0.0210", "-", "0.9843", "-", "-", "-", "-", "-"]
    assert row(text, "M1, greys by resizing") == [
        *("0.1234", "0.0000", "0.8100", "1.0000", "0.7000"),
        *("0.9500", "0.4615", "0.9050"),
    ]
    assert "256x192, base 16, depth 4, 20 epochs" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_was_not_measured_is_left_out():
    text = table_as_text(table_lines(SECTIONS, {"tanh": made_up(0.9)}))
    assert "the paper" not in text
    assert "pooling" not in text
    assert row(text, "tanh")
    assert table_lines(SECTIONS, {}) == []


def test_several_seeds_show_mean_and_spread():
    text = table_as_text(table_lines(SECTIONS, {"m2": made_up([0.96, 0.98], dice=[0.9, 0.9])}))
    assert row(text[text.index("here:") :], "M2, binary masks")[2] == "0.9700"
    assert row(text, "sd of 2 seeds") == ["0.0000", "-", "0.0141", "-", "-", "0.0000", "-", "0.0000"]


def test_a_divergence_is_said_in_place_of_numbers():
    scores = {"m1": SeedScores((), SHARP, (0,)), "m2": SeedScores(made_up(0.97).runs, SHARP, (1, 2))}
    for text in (table_as_text(table_lines(SECTIONS, scores)), table_as_markdown(table_lines(SECTIONS, scores))):
        assert "diverged (seed 0)" in text
        assert "diverged (seed 1, 2)" in text


def test_markdown_has_a_cell_for_every_column():
    scores = {key: made_up(0.9) for section in SECTIONS for key, _ in section.rows}
    table = table_as_markdown(table_lines(SECTIONS, scores)).splitlines()
    assert {line.count("|") for line in table} == {10}
    assert len(table) == 2 + 3 + sum(1 + len(section.rows) for section in SECTIONS)


def test_models_that_have_learned_nothing_are_marked():
    scores = {"m1": made_up(0.7, dice=0.47), "m2": made_up([0.97, 0.7], dice=[0.95, 0.0])}
    text = table_as_text(table_lines(SECTIONS, scores))
    lines = text.splitlines()
    m1 = next(number for number, line in enumerate(lines) if "M1, greys by" in line)
    assert lines[m1 + 1].strip() == "learned nothing: Dice as of guess"
    assert "seed 1 learned nothing" in text and max(map(len, lines)) <= 80
