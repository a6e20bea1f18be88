"""A primitive chooses a candidate once for equal calls, and again whenever the choice could differ."""

import numpy as np
import pytest

from minunet import UNet, optim
from minunet import functional as F
from minunet.kernels import dispatch
from minunet.kernels.dispatch import Primitive, prefer, primitives


@pytest.fixture
def counted(monkeypatch):
    """A primitive with a candidate for C-contiguous float32 vectors, whose predicate counts its calls."""
    primitives()
    monkeypatch.setattr(dispatch, "_REGISTRY", {})
    primitive = Primitive("total", lambda xs, scale: None, result_spec=lambda xs, scale: None)
    primitive.asked = 0

    def when(xs, scale):
        primitive.asked += 1
        return all(x.ndim == 1 and x.dtype == np.float32 and x.flags.c_contiguous for x in xs) and scale == 1

    primitive.register("plain", when=when)(lambda xs, scale: None)
    return primitive


def test_a_choice_is_made_once_for_arrays_alike(counted):
    for _ in range(3):
        assert counted.choose((np.ones(4, np.float32),), 1).name == "plain"
    assert counted.asked == 1


@pytest.mark.parametrize(
    ("xs", "scale"),
    [
        ((np.ones((4, 1), np.float32),), 1),
        ((np.ones(4, np.float64),), 1),
        ((np.ones(4, ">f4"),), 1),
        ((np.ones(8, np.float32)[::2],), 1),
        ((np.ones(4, np.float32), np.ones(4, np.float64)), 1),
        ((np.ones(4, np.float32),), 2),
    ],
    ids=["rank", "dtype", "byte order", "contiguity", "another source", "setting"],
)
def test_a_remembered_choice_is_for_its_shapes_types_and_settings_alone(counted, xs, scale):
    assert counted.choose((np.ones(4, np.float32),), 1).name == "plain"
    assert counted.choose(xs, scale).name == "reference"
    assert counted.choose((np.ones(4, np.float32),), 1).name == "plain"


def test_what_another_library_holds_is_asked_about_every_time(counted):
    """The choice may depend on more than shapes and dtypes, such as a precision that is allowed within a block."""

    class Foreign:
        ndim, dtype, flags = 1, np.dtype(np.float32), np.ones(1).flags

    for xs in ((Foreign(),), (np.ones(4, np.float32), Foreign())):
        before = counted.asked
        for _ in range(3):
            assert counted.choose(xs, 1).name == "plain"
        assert counted.asked == before + 3


def test_a_path_registered_later_is_considered_for_remembered_calls(counted):
    x = np.ones(4, np.float32)
    assert counted.choose((x,), 1).name == "plain"
    counted.register("cheaper", cost=lambda xs, scale: -1.0)(lambda xs, scale: None)
    assert counted.choose((x,), 1).name == "cheaper"


def test_a_remembered_choice_gives_way_to_prefer_and_only(counted):
    x = np.ones(4, np.float32)
    assert counted.choose((x,), 1).name == "plain"
    with prefer("reference"):
        assert counted.choose((x,), 1).name == "reference"
    with dispatch._OVERRIDES.setting("allowed", ()):
        assert counted.choose((x,), 1).name == "reference"
    assert counted.choose((x,), 1).name == "plain"


def test_images_of_ever_new_sizes_do_not_fill_the_memory(counted, monkeypatch):
    monkeypatch.setattr(dispatch, "MAX_CACHED_CHOICES", 8)
    for length in range(1, 100):
        assert counted.choose((np.ones(length, np.float32),), 1).name == "plain"
        assert len(counted._choice_cache) <= 8


def test_where_arrays_may_stand_for_another_devices_nothing_is_remembered(counted):
    x = np.ones(4, np.float32)
    for _ in range(2):
        counted.choose((x,), 1)
    assert counted.asked == 1
    with dispatch.without_choice_cache(), dispatch.without_choice_cache():
        for _ in range(2):
            counted.choose((x,), 1)
    assert counted.asked == 3
    counted.choose((x,), 1)
    assert counted.asked == 3


def test_a_number_that_does_not_decide_is_not_remembered(monkeypatch):
    primitives()
    monkeypatch.setattr(dispatch, "_REGISTRY", {})
    primitive = Primitive("scaled", lambda x, rate: None, lambda x, rate: None, deciding=1)
    for rate in np.linspace(0, 1, 50):
        primitive.choose(np.ones(4), float(rate))
    assert len(primitive._choice_cache) == 1


@pytest.mark.parametrize("optimizer", [optim.Adam, optim.SGD])
def test_a_training_remembers_no_more_from_step_to_step(optimizer):
    rng = np.random.default_rng(0)
    model = UNet(base_channels=2, depth=2)
    updates = optimizer(model.parameters(), lr=1e-3)
    sizes = []
    for step in range(20):
        updates.zero_grad()
        updates.lr = 1e-3 / (1 + step)
        x = rng.random((1, 8, 8, 1), dtype=np.float32)
        (F.binary_cross_entropy_with_logits(model(x), x > 0.5) + F.dice_loss(model(x), x > 0.5)).backward()
        updates.step()
        sizes.append(sum(len(primitive._choice_cache) for primitive in primitives().values()))
    assert sizes[-1] == sizes[0]
