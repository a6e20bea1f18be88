"""Plain arrays: no subclasses, no masks, and the strides of the shape; kernels stay inside an array, whatever its strides."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minunet import Tensor
from minunet import functional as F
from minunet.kernels.dispatch import primitives
from minunet.kernels.plain_array import c_ordered, c_strides, plain
from tests.kernels.primitive_calls import CALLS, Draw, flat
from tests.odd_strides import all_with_odd_strides, with_odd_strides
from tests.sample_arrays import distinct

OFTEN = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


class DrawThin(Draw):
    """Arguments with many axes of length 1: one channel, one image, one row."""

    def channels(self):
        return int(self.rng.choice([1, 1, 1, 2, 8]))

    def whole(self, low, high):
        return low if low <= 1 and self.rng.integers(3) == 0 else super().whole(low, high)


@OFTEN
@given(shape=st.lists(st.integers(0, 3), max_size=4), seed=st.integers(0, 1000))
def test_c_ordered_gives_the_strides_of_the_shape(shape, seed):
    array = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    odd = with_odd_strides(array, np.random.default_rng(seed))
    ordered = c_ordered(odd)
    np.testing.assert_array_equal(ordered, array)
    if array.size:
        assert ordered.strides == c_strides(odd.shape, odd.itemsize) == np.empty(shape, np.float32).strides
        assert np.shares_memory(ordered, odd)


def test_c_ordered_hands_back_an_array_that_is_in_order():
    x = np.ones((2, 1, 3))
    assert c_ordered(x) is x
    np.testing.assert_array_equal(c_ordered(np.asfortranarray(distinct((2, 3)))), distinct((2, 3)))


@pytest.mark.parametrize("name", CALLS)
@OFTEN
@given(seed=st.integers(0, 2**32), dtype=st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)]))
def test_no_candidate_reads_the_strides_of_its_arguments(name, seed, dtype):
    args = CALLS[name](DrawThin(seed, dtype))
    for candidate in primitives()[name].candidates(*args):
        odd = all_with_odd_strides(args, np.random.default_rng(seed))
        expected = flat(candidate.run(*args))
        for answer, right in zip(flat(candidate.run(*odd)), expected, strict=True):
            np.testing.assert_array_equal(answer, right, err_msg=candidate.name)


def test_one_channel_whose_axis_was_moved():
    x = np.moveaxis(np.arange(35, dtype="f").reshape(1, 1, 7, 5), 1, -1)
    weight = np.ones((3, 3, 1, 1), "f")
    y = F.conv2d(x, weight, stride=2)
    np.testing.assert_array_equal(y.data[0, :, :, 0], [[54, 72], [144, 162], [234, 252]])


def test_a_gradient_whose_channels_were_moved():
    def gradients(turn):
        x, weight = (Tensor(distinct(s), requires_grad=True) for s in ((1, 4, 3, 2), (3, 3, 2, 1)))
        y = F.conv_transpose2d(x, weight, stride=2)
        g = distinct(y.shape, 5)
        (y.transpose(0, 3, 1, 2) if turn else y).backward(g.transpose(0, 3, 1, 2).copy() if turn else g)
        return x.grad, weight.grad

    for one, other in zip(gradients(False), gradients(True), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [np.ma.array([1.0, 2.0], mask=[0, 1]), [np.ma.array([1.0])], np.ma.masked])
def test_a_mask_is_refused(value):
    with pytest.raises(TypeError, match=r"a masked array was given, whose mask would be ignored; .*filled\(value\)"):
        plain(value)


def test_subclasses_become_plain_arrays_on_the_same_memory():
    matrix = np.ones((1, 2)).view(np.matrix)
    assert type(plain(matrix)) is np.ndarray
    assert np.shares_memory(plain(matrix), matrix)
    assert plain("text") == "text"
