"""A sum in a fixed order: the same bits, whoever adds which terms."""

import numpy as np
import pytest

from minunet.training.ordered_sum import Branch, OrderedSum, branches_of


def total(terms, bounds):
    """The sum of terms that several have added up, each those between two bounds."""
    whole = OrderedSum(len(terms))
    for first, last in zip(bounds, bounds[1:], strict=False):
        own = OrderedSum(len(terms))
        for number in range(first, last):
            own.add(Branch(number, 0, terms[number].copy()))
        assert [branch[:2] for branch in own.branches] == [
            branch[:2] for branch in branches_of(first, last, len(terms))
        ]
        for branch in own.branches:
            whole.add(branch)
    (root,) = whole.branches
    return root.value.tobytes()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 12, 17])
def test_the_bits_do_not_depend_on_who_adds_which_terms(count):
    terms = list(np.random.default_rng(count).standard_normal((count, 50)).astype(np.float32))
    alone = total(terms, [0, count])
    for ranks in (2, 3, 4, 8):
        assert total(terms, [count * rank // ranks for rank in range(ranks + 1)]) == alone


def test_the_order_is_a_binary_tree():
    terms = [np.array([value], np.float32) for value in (1, 2**24, 1, 1)]
    assert np.frombuffer(total(terms, [0, 4]), np.float32) == 2**24 + 2  # (1 + 2**24) + (1 + 1); 2**24 + 1 is 2**24


def test_a_sum_is_in_the_array_that_was_added_at_its_place():
    """So that as many arrays are enough as there are branches, and one for the next term."""
    own = OrderedSum(8)
    arrays = [np.empty(1) for _ in range(4)]
    for number in range(2, 8):
        array = arrays[len(own.branches)]
        array[:] = number
        own.add(Branch(number, 0, array))
        assert all(branch.value is array for branch, array in zip(own.branches, arrays, strict=False))
    assert [float(branch.value[0]) for branch in own.branches] == [2 + 3, 4 + 5 + 6 + 7]
