"""What `--classes` says: names, names with values, nested names; and everything that is wrong with it at once."""

import pytest

from minunet.data.reading.mask_classes import ClassRequest, MaskClass, outermost
from minunet.errors import UserError


def test_names_alone_and_names_with_values():
    assert ClassRequest.of("background, red ,white").names == ("background", "red", "white")
    assert ClassRequest.of("background,red").values is None
    request = ClassRequest.of("background=0,red=128,white=2+3,nucleus=#ff0000,other=10-20")
    assert request.values == ("0", "128", "2,3", "#ff0000", "10-20") and request.has_colours
    assert ClassRequest.of(" AUTO ").names == ()


def test_a_class_in_another():
    request = ClassRequest.of("background,red,white,white/nucleus")
    assert request.names == ("background", "red", "white", "nucleus") and request.lies_in == {"nucleus": "white"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no class is named"),
        (",", "no class is named"),
        ("background", "one class only"),
        ("background,red,Red", "Red is there twice"),
        ("background,,red", "the name ''"),
        ("background,re\nd", "the name"),
        ("background,red=1", "background without a value"),
        ("background=0,red=much", "red='much'"),
        ("background=0,red=not:0", "name the values of the class"),
        ("background,red,blue/nucleus", "write another class but the background before the slash"),
        ("background,background/red", "write another class but the background"),
        ("background,red,white,red/white,white/nucleus", "white is there twice"),
        ("a,b,b/c,c/d", "c lies in b itself"),
        (",".join(f"c{number}" for number in range(101)), "101 classes: give at most 100"),
    ],
)
def test_what_cannot_be_classes(text, problem):
    with pytest.raises(UserError) as caught:
        ClassRequest.of(text)
    assert any(problem in sentence for sentence in caught.value.problems)


def test_every_mistake_is_reported():
    with pytest.raises(UserError) as caught:
        ClassRequest.of("_x=0,red=1,red=what")
    assert len(caught.value.problems) == 3


def test_a_nested_class_belongs_to_the_outer_one():
    classes = [MaskClass("background", "0"), MaskClass("nucleus", "1", "white"), MaskClass("white", "2")]
    assert outermost(classes) == [0, 2, 2]
