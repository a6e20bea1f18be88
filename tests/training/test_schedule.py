"""Learning-rate schedules: their end points, their shape, and that a rate depends only on the step."""

import math

import pytest

from minunet.training.schedule import EXTENSION_PEAK, SCHEDULES, Schedule


def rates(name, steps, peak=2e-3):
    schedule = Schedule(name, peak, steps)
    return [schedule(step) for step in range(steps)]


def test_constant_is_the_peak_at_every_step():
    assert rates("constant", 5, 0.1) == [0.1] * 5


def test_cosine_starts_at_the_peak_halves_midway_and_ends_above_zero():
    values = rates("cosine", 10, 1.0)
    assert values[0] == 1.0
    assert values[5] == pytest.approx(0.5)
    assert values[9] == pytest.approx((1 + math.cos(0.9 * math.pi)) / 2) and values[9] > 0
    assert values == sorted(values, reverse=True)


def test_onecycle_rises_for_three_tenths_then_falls_to_almost_nothing():
    values = rates("onecycle", 100, 2e-3)
    assert values[0] == pytest.approx(2e-3 / 25)
    assert values[29] == pytest.approx(2e-3) and max(values) == values[29]
    assert values[99] == pytest.approx(2e-3 / 25 / 1e4)
    assert values[:30] == sorted(values[:30]) and values[29:] == sorted(values[29:], reverse=True)


@pytest.mark.parametrize("steps", [10, 37, 360])
def test_onecycle_is_that_of_pytorch(steps):
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, cycle_momentum=False)
    expected = []
    for _ in range(steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < steps:
            reference.step()
    assert rates("onecycle", steps) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_every_schedule_gives_positive_rates_up_to_the_peak_even_for_the_shortest_training(name, steps):
    values = rates(name, steps, 0.5)
    assert all(0 < value <= 0.5 for value in values)
    assert max(values) == pytest.approx(0.5, rel=0.2)


def test_an_unknown_name_or_no_steps_are_refused():
    with pytest.raises(ValueError, match="'linear' is not known; choose one of constant, cosine, onecycle"):
        Schedule("linear", 1.0, 10)
    with pytest.raises(ValueError, match="at least one step, not 0"):
        Schedule("constant", 1.0, 0)


@pytest.mark.parametrize("name", ["cosine", "onecycle"])
def test_a_training_that_is_made_longer_keeps_its_rates_and_adds_lower_cycles(name):
    schedule = Schedule(name, 2e-3, 60, (20, 30))
    values = [schedule(step) for step in range(60)]
    assert values[:20] == rates(name, 20)
    assert values[20:30] == rates("onecycle", 10, EXTENSION_PEAK * 2e-3)
    assert values[30:] == rates("onecycle", 30, EXTENSION_PEAK * 2e-3)


def test_a_constant_rate_stays_when_the_training_is_made_longer():
    schedule = Schedule("constant", 0.1, 60, (20, 30))
    assert {schedule(step) for step in range(60)} == {0.1}


@pytest.mark.parametrize("extended", [(0,), (10,), (12,), (5, 5), (6, 5), (-1,)])
def test_parts_that_do_not_ascend_are_refused(extended):
    with pytest.raises(ValueError, match="give ascending numbers of steps from 1 to 9"):
        Schedule("onecycle", 1.0, 10, extended)
