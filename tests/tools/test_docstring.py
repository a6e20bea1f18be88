"""A docstring is taken apart: its summary, its sections, and the entries of these."""

from tools.docstring import Docstring


def good(x, *, y=1):
    """Add two numbers.

    More words.

    Parameters
    ----------
    x, y : float
        In pixels.

    Returns
    -------
    float
        Their sum.

    Raises
    ------
    ValueError
        If `x` is negative.

    Examples
    --------
    >>> good(1)
    2
    """
    if x < 0:
        raise ValueError("x is negative")
    return x + y


def test_a_docstring_is_taken_apart():
    doc = Docstring.of(good)
    assert doc.summary == "Add two numbers."
    assert list(doc.sections) == ["Parameters", "Returns", "Raises", "Examples"]
    assert doc.items("Parameters") == [("x, y : float", "In pixels.")]
    assert doc.names("Parameters") == {"x", "y"}
