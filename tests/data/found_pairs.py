"""What was found of a set of pairs: the names of its files, or the problems it was refused with."""

import pytest

from minunet.data.pairs import find_pairs
from minunet.errors import UserError


def names(pairs):
    """(name, image, mask, split) of each pair."""
    return [(pair.name, pair.image.name, pair.mask.name, pair.split) for pair in pairs]


def problems(*args, **kwargs):
    """What `find_pairs` refuses these arguments with."""
    with pytest.raises(UserError) as caught:
        find_pairs(*args, **kwargs)
    return caught.value.problems
