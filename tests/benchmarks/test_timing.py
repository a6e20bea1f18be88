"""Contestants take turns, and what prepares one for its run takes none of its time."""

import itertools

from benchmarks.timing import alternate


class Prepared:
    def __init__(self, log):
        self.log = log

    def prepare(self):
        self.log.append("prepare")

    def __call__(self):
        self.log.append("run")


def test_a_contestant_is_prepared_before_its_time_begins():
    log, ticks = [], itertools.count()

    def clock():
        log.append("clock")
        return float(next(ticks))

    timings = alternate({"a": Prepared(log), "b": lambda: log.append("b")}, 2, warm_up=1, clock=clock)
    one_round = ["prepare", "clock", "run", "clock", "clock", "b", "clock"]
    assert log == one_round * 3
    assert timings.seconds == {"a": [1.0, 1.0], "b": [1.0, 1.0]}
