"""Every registered candidate of every primitive against the reference, over random shapes, through the registry."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minunet.kernels.dispatch import Candidate, primitives
from tests.kernels.primitive_calls import CALLS, Draw, compare

DTYPES = st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)])


def test_every_primitive_is_drawn():
    assert set(CALLS) == set(primitives())


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), dtype=DTYPES)
def test_candidates_agree_with_the_reference(name, seed, dtype):
    args = CALLS[name](Draw(seed, dtype))
    for candidate in primitives()[name].candidates(*args):
        compare(name, candidate, args, dtype)


def scaled(result, factor):
    return (
        tuple(None if a is None else scaled(a, factor) for a in result)
        if isinstance(result, tuple)
        else result * factor
    )


WRONG = {
    "one value off": lambda run: lambda *args: scaled(run(*args), 1.01),
    "float64 out of float32": lambda run: lambda *args: scaled(run(*args), np.float64(1.0)),
    "an argument overwritten": lambda run: lambda x, *rest: (run(x, *rest), x.fill(0))[0],
    "the argument handed back": lambda run: lambda x, *rest: (np.copyto(x, run(x, *rest)), x)[1],
    "columns first": lambda run: lambda *args: np.asfortranarray(run(*args)),
}


@pytest.mark.parametrize("kind", WRONG)
def test_the_comparison_finds_a_wrong_candidate(kind):
    tanh = primitives()["tanh"]
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    wrong = Candidate("wrong", WRONG[kind](tanh.reference))
    with pytest.raises(AssertionError):
        compare("tanh", wrong, (x,), np.dtype(np.float32))
    compare("tanh", Candidate("right", tanh.reference), (x,), np.dtype(np.float32))


@pytest.mark.parametrize(("name", "kernel"), [("conv2d_grads", 2), ("conv2d_grads", 3), ("conv_transpose2d_grads", 2)])
def test_bias_gradients_of_large_images_do_not_drift(name, kernel):
    """Added one after another in float32, the sum of half a million values of 0.1 is 0.4 % too large."""
    grad = np.full((2, 512, 512, 3), 0.1, np.float32)
    weight = np.zeros((kernel, kernel, 1, 3), np.float32)
    after = kernel - 2
    if name == "conv2d_grads":
        args = (
            grad,
            (np.zeros((2, 512, 512, 1), np.float32),),
            weight,
            None,
            (1, 1),
            ((1, after), (1, after)),
            ((False,), False, True),
        )
    else:
        args = grad, np.zeros((2, 256, 256, 1), np.float32), weight, (2, 2), (0, 0), (False, False, True)
    for candidate in primitives()[name].candidates(*args):
        *_, grad_bias = candidate.run(*args)
        np.testing.assert_allclose(grad_bias, 0.1 * 2 * 512 * 512, rtol=1e-4, err_msg=candidate.name)
