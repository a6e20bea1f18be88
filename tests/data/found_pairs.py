"""The pairs that were found, as names of their files, or the problems with which a data set was refused."""

import pytest

from minunet.data.pairs import find_pairs
from minunet.errors import UserError


def names(pairs):
    """(name, image, mask, split) of each pair."""
    return [(pair.name, pair.image.name, pair.mask.name, pair.split) for pair in pairs]


def problems(*args, **kwargs):
    """The problems with which `find_pairs` refuses these arguments."""
    with pytest.raises(UserError) as caught:
        find_pairs(*args, **kwargs)
    return caught.value.problems
