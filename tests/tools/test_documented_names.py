"""The names of the API reference: all that are public, each with what a reader needs."""

import inspect

import pytest

import minunet
from tests.tools.test_docstring import good
from tools.documented_names import INTERNAL, PAGES, PROMISED, PublicName, public_names

NAMES = {page: list(public_names(page)) for page in PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_every_docstring_has_what_a_reader_needs(page):
    assert not {name.path: lacking for name in NAMES[page] if (lacking := name.problems())}


def test_every_public_name_is_on_a_page():
    paths = {name.path for names in NAMES.values() for name in names}
    for home in ("minunet", "minunet.functional", "minunet.nn", "minunet.optim"):
        module = minunet if home == "minunet" else getattr(minunet, home.partition(".")[2])
        for name in module.__all__:
            value = getattr(module, name)
            if (
                callable(value)
                and not inspect.ismodule(value)
                and (home, name) not in {("minunet", "UNet"), ("minunet", "ConvNet")}
            ):
                assert f"{home}.{name}" in paths
    for method in ("sum", "clip", "backward", "pad"):
        assert f"Tensor.{method}" in paths
    assert {"Module.features", "UNet.padded_size", "TrainedModel.predict", "TrainedModel.save"} <= paths
    assert not {"Conv2d.parameters", "UNet.extra_repr", "Adam.step"} & paths  # described at Module and Optimizer


def test_members_that_are_named_exist():
    owners = {name.path.rpartition(".")[2]: name.value for names in NAMES.values() for name in names if not name.owner}
    for owner, members in (*INTERNAL.items(), *PROMISED.items()):
        assert [member for member in members if not hasattr(owners[owner], member)] == []


def bad(x, z) -> int:
    """Subtract.

    Parameters
    ----------
    x : int
    """
    raise ValueError


def test_what_a_docstring_lacks_is_found():
    assert PublicName("good", good).problems() == []
    assert PublicName("bad", bad).problems() == ["parameters z", "Returns", "Raises", "Examples"]
    assert PublicName("f", lambda: None).problems() == ["a summary", "Returns", "Examples"]
