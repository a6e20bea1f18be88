"""How a primitive chooses the candidate that computes it."""

import threading

import numpy as np
import pytest

from minunet.kernels import dispatch
from minunet.kernels.dispatch import Primitive, intercept_calls, only, prefer, primitives


@pytest.fixture
def double(monkeypatch):
    """A primitive with a reference and two fast paths, in a registry of its own."""
    primitives()  # the real ones are registered by now
    monkeypatch.setattr(dispatch, "_REGISTRY", {})
    primitive = Primitive("double", lambda x: ("reference", 2 * x), result_spec=lambda x: None)

    @primitive.register("small", when=lambda x: x < 10, cost=lambda x: 5.0 + x, why="few")
    def small(x):
        return "small", x + x

    @primitive.register("even", when=lambda x: x % 2 == 0, cost=lambda x: 8.0, why="pairs")
    def even(x):
        return "even", 2 * x

    return primitive


def test_the_cheapest_applicable_path_runs(double):
    assert double(1) == ("small", 2)
    assert double(2) == ("small", 4)
    assert double(8) == ("even", 16)
    assert double(12) == ("even", 24)
    assert double(11) == ("reference", 22)


def test_candidates_are_the_applicable_ones_the_reference_first(double):
    assert [c.name for c in double.candidates(2)] == ["reference", "small", "even"]
    assert [c.name for c in double.candidates(11)] == ["reference"]
    assert [c.name for c in double.all_candidates()] == ["reference", "small", "even"]
    chosen = double.choose(12)
    assert (chosen.name, chosen.why, chosen.cost(12), chosen.run(12)) == ("even", "pairs", 8.0, ("even", 24))


def test_the_reference_runs_only_when_nothing_else_can(double):
    """Its estimate is infinite, so that a fast path without an estimate wins too."""

    @double.register("free")
    def free(x):
        return "free", 2 * x

    assert double(11) == ("free", 22)
    assert double(1) == ("free", 2)


def test_of_equal_costs_the_first_registered_wins(double):
    @double.register("as cheap", when=lambda x: x == 12, cost=lambda x: 8.0)
    def as_cheap(x):
        return "as cheap", 2 * x

    assert double(12)[0] == "even"


def test_registering_leaves_the_function_as_it_is(double):
    def function(x):
        return x

    assert double.register("plain")(function) is function


def test_a_name_is_given_once(double):
    def function(x):
        return x

    for name in ("small", "reference"):
        with pytest.raises(ValueError, match=f"double already has a candidate called '{name}'"):
            double.register(name)(function)


def test_what_an_interrupted_import_has_registered_is_replaced_by_the_next_one(double):
    names = [candidate.name for candidate in double.all_candidates()]

    def import_again(result):
        @double.register("again", when=lambda x: x == 77)
        def again(x):
            return result

    import_again("first")
    import_again("second")
    assert double(77) == "second"
    assert [candidate.name for candidate in double.all_candidates()] == [*names, "again"]


def test_a_preferred_path_runs_where_it_applies(double):
    with prefer("even"):
        assert double(2)[0] == "even"
        assert double(1)[0] == "small"
        with prefer("reference"):
            assert double(2)[0] == "reference"
        assert double(2)[0] == "even"
    assert double(2)[0] == "small"


def test_of_nested_preferences_the_inner_one_that_applies_wins(double):
    with prefer("even"), prefer("small"):
        assert double(8)[0] == "small"
        assert double(12)[0] == "even"
        assert double(11)[0] == "reference"


def test_a_preference_ends_with_an_error_and_is_for_one_thread(double):
    with pytest.raises(ZeroDivisionError), prefer("reference"):
        _ = 1 / 0
    assert double(2)[0] == "small"
    seen = []
    with prefer("reference"):
        thread = threading.Thread(target=lambda: seen.append(double(2)[0]))
        thread.start()
        thread.join()
    assert seen == ["small"]


def test_only_the_named_paths_and_the_reference_are_there(double):
    with only("even"):
        assert [double(x)[0] for x in (2, 1, 12)] == ["even", "reference", "even"]
        with only("small"), prefer("even"):
            assert double(2)[0] == "small"
        assert double(2)[0] == "even"
    assert double(2)[0] == "small"
    with pytest.raises(ValueError, match="only: no primitive has a candidate called 'evn'"), only("small", "evn"):
        pass


def test_preferring_what_nobody_has_is_an_error(double):
    with (
        pytest.raises(ValueError, match="no primitive has a candidate called 'evn'; there are even, reference, small"),
        prefer("evn"),
    ):
        pass


def test_a_stand_in_answers_every_call_of_its_thread(double):
    calls = []

    def stand_in(primitive, args):
        calls.append((primitive.name, args))
        return "stand-in"

    with intercept_calls(stand_in):
        assert double(2) == "stand-in"
        with intercept_calls(lambda primitive, args: "inner"):
            assert double(3) == "inner"
        assert double(4) == "stand-in"
    assert calls == [("double", (2,)), ("double", (4,))]
    assert double(2)[0] == "small"


def test_repr_and_docstring():
    conv2d = primitives()["conv2d"]
    assert repr(conv2d).startswith("Primitive('conv2d', candidates=['reference'")
    assert "Cross-correlation" in conv2d.__doc__


def test_the_registry_holds_the_contract():
    assert set(primitives()) == {
        "conv2d", "conv2d_grads", "conv_transpose2d", "conv_transpose2d_grads", "max_pool2d", "max_pool2d_values",
        "max_pool2d_grad", "sum_pool2d", "sum_pool2d_grad", "relu", "relu_grad", "is_positive", "tanh", "tanh_grad",
        "sigmoid", "sigmoid_grad", "softmax", "softmax_grad", "bce_with_logits", "bce_with_logits_grad", "matmul", "adam",
    }  # fmt: skip


def test_a_choice_depends_only_on_shapes_and_dtypes():
    """The same shapes and dtypes give the same choice for any values, so that the same seed gives the same bits."""
    rng = np.random.default_rng(0)
    conv2d = primitives()["conv2d"]
    for shape, dtype in (((1, 8, 8, 3), np.float32), ((2, 33, 17, 16), np.float32), ((1, 9, 9, 4), np.float64)):
        weight = rng.standard_normal((3, 3, shape[-1], 8)).astype(dtype)
        names = {
            conv2d.choose((x.astype(dtype),), w, None, (1, 1), ((1, 1), (1, 1)), None).name
            for x, w in (
                (rng.standard_normal(shape), weight),
                (np.zeros(shape), 0 * weight),
                (np.full(shape, np.nan), weight),
            )
        }
        assert len(names) == 1
