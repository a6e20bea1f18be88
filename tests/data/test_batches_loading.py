"""Loading batches: progress, threads that end with their epoch, batches made ahead, and files that changed or were removed."""

import threading

import pytest

from minunet.data.batches import Batches
from minunet.errors import UserError
from tests.data.small_batches import SMALL, same
from tests.data.small_pictures import disc, save


def refused(*args, **kwargs):
    with pytest.raises(UserError) as caught:
        Batches(*args, **kwargs).load()
    return caught.value.problems


def test_loading_reports_its_progress_once(pairs):
    reports = []
    batches = Batches(pairs, SMALL, 2).load(progress=lambda done, total: reports.append((done, total)))
    assert reports == [(i, 7) for i in range(8)]
    batches.load(progress=lambda done, total: reports.append((done, total)))
    assert len(reports) == 8
    assert batches.nbytes == 7 * (12 * 8 * 4 + 12 * 8)


def test_stopping_early_or_being_interrupted_leaves_no_thread_behind(pairs):
    batches = Batches(pairs, SMALL, 1, augment="full", shuffle=True).load()
    before = threading.active_count()
    epoch = batches.epoch(0)
    next(epoch)
    assert threading.active_count() > before
    epoch.close()
    assert threading.active_count() == before
    epoch = batches.epoch(0)
    next(epoch)
    with pytest.raises(KeyboardInterrupt):
        epoch.throw(KeyboardInterrupt)
    assert threading.active_count() == before
    with pytest.raises(KeyboardInterrupt):
        for _ in batches.epoch(0):
            raise KeyboardInterrupt
    assert len(list(batches.epoch(0))) == 7


def test_an_interrupted_load_can_be_begun_again(pairs):
    batches = Batches(pairs, SMALL, 1)

    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batches.load(progress=interrupt)
    assert same(list(batches.epoch(0)), list(Batches(pairs, SMALL, 1).epoch(0)))
    assert batches.nbytes == Batches(pairs, SMALL, 1).load().nbytes


def test_batches_are_made_ahead(pairs, monkeypatch):
    made = []
    make = Batches._make

    def recorded(self, members, epoch):
        batch = make(self, members, epoch)
        made.append(batch[2])
        ready.set()
        return batch

    ready = threading.Event()
    monkeypatch.setattr(Batches, "_make", recorded)
    batches = Batches(pairs, SMALL, 1)
    epoch = batches.epoch(0)
    first = next(epoch)
    while len(made) < 2:  # the second is made before it is asked for
        ready.wait(10)
        ready.clear()
    assert made[0] == first[2]
    assert len(made) < 7
    epoch.close()


def test_files_that_changed_since_the_check_are_all_reported(pairs):
    pairs[1].image.unlink()
    save(pairs[4].mask, disc(size=(5, 5)))
    (pairs[5].mask).write_text("x")
    assert refused(pairs, SMALL, 2) == [
        f"{pairs[1].image} does not exist: check the name.",
        f"{pairs[4].mask} has 5x5 pixels but {pairs[4].image} has 24x16: export the mask at the size of its image.",
        f"{pairs[5].mask} is a text file, not an image (it begins with 'x'): remove it or put the real image there.",
    ]


def test_a_file_lost_while_training_is_reported(pairs):
    batches = Batches(pairs, SMALL, 2, limit=0).load()
    pairs[3].image.unlink()
    with pytest.raises(UserError, match="s3.png does not exist: check the name"):
        list(batches.epoch(0))


def test_invalid_arguments_are_reported_at_once():
    assert refused([], SMALL, 0, augment="some", seed=-1) == [
        "there are no pairs to make batches of: give at least one pair.",
        "batch size 0: give at least 1.",
        "augmentation 'some': choose none, light or full.",
        "seed -1: give a whole number from 0 up.",
    ]
