"""The table of docs/scale.md is the one that its formulas give."""

from pathlib import Path

import pytest

from minunet import UNet
from tools.scale_table import PARAMETERS, doubling, efficiency, ring, rows

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


def test_the_page_has_the_table():
    page = PAGE.read_text(encoding="utf-8")
    assert "\n".join(rows()) in page


def test_the_parameters_are_those_of_the_network():
    model = UNet(base_channels=16)
    assert sum(parameter.data.size for parameter in model.parameters()) == PARAMETERS[16]


def test_formulas_of_two_nodes():
    assert ring(2, 1e6, 1e-5, 1e-9) == pytest.approx(2e-5 + 1e-3 + 0.5e6 * 0.25e-9)
    assert doubling(2, 1e6, 1e-5, 1e-9) == pytest.approx(1e-5 + 1e-3 + 1e6 * 0.25e-9)


def test_what_is_sent_during_the_backward_pass_costs_nothing_until_it_takes_longer():
    assert efficiency(3.0, 1.0, 10) == pytest.approx(3 / (3 + 0.05 + 0.5))
    assert efficiency(3.0, 20.0, 10) == pytest.approx(3 / (1 + 9 + 1 + 10))
